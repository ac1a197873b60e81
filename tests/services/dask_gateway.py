"""A Dask Gateway of this machine, from an environment of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.server_environment import server_python
from tests.services.xrootd_servers import free_port
from tests.waiting import PATIENCE, wait_for

#: names a ready environment, which is used as it is
VARIABLE = "POCKET_GATEWAY_VENV"
PACKAGE = "dask-gateway-server[local]==2026.3.0"
PASSWORD = "secret"

# The server runs schedulers and workers as the user that it runs as.
CONFIG = """\
from dask_gateway_server.options import Integer, Options

c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.SimpleAuthenticator.password = "{password}"
c.DaskGateway.address = "127.0.0.1:{api}"
c.Proxy.address = "127.0.0.1:{port}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.UnsafeLocalBackend.clusters_directory = "{folder}/clusters"
c.UnsafeLocalBackend.inherited_environment = ["PATH", "HOME"]
c.Backend.cluster_options = Options(
    Integer("worker_cores", 1, min=1, max=1), handler=lambda options: {{"worker_cores": options.worker_cores}}
)
"""


@dataclass(frozen=True)
class GatewayServer:
    """A server.

    Args:
        address: its URL.
        proxy: address of its proxy for schedulers.
        log: what it writes.
    """

    address: str
    proxy: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """What tells its password to clients."""
        return {"DASK_GATEWAY__AUTH__TYPE": "basic", "DASK_GATEWAY__AUTH__KWARGS": f'{{"password": "{PASSWORD}"}}'}

    @property
    def options(self) -> str:
        """The options of the executor that name it."""
        return f"gateway={self.address},gateway_proxy={self.proxy}"


@contextmanager
def gateway_server(folder: Path) -> Iterator[GatewayServer]:
    """Run a server in a folder from the moment that it answers."""
    python = server_python("gateway", PACKAGE, VARIABLE)
    # it calls commands that current Dask has no longer
    programs = folder / "bin"
    programs.mkdir()
    for name in ("scheduler", "worker"):
        script = programs / f"dask-{name}"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m distributed.cli.dask_{name} "$@"\n')
        script.chmod(0o755)
    port, tcp, api = free_port(), free_port(), free_port()
    config = folder / "dask_gateway_config.py"
    config.write_text(CONFIG.format(password=PASSWORD, port=port, tcp=tcp, api=api, folder=folder))
    path = os.pathsep.join([str(programs), str(python.parent), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("POCKET_", "PYTHONPATH"))}
    log = folder / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(python.parent / "dask-gateway-server"), "-f", str(config)],
            cwd=folder,
            env={**environment, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or (_listens(port) and _listens(api) and _listens(tcp)))
        assert process.poll() is None, log.read_text()
        yield GatewayServer(f"http://127.0.0.1:{port}", f"127.0.0.1:{tcp}", log)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
