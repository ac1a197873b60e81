"""Dask schedulers and workers that were there before, started as a user would."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import wait_for


@dataclass(frozen=True)
class Facility:
    """A scheduler, and the folder that it and its workers run in.

    Args:
        address: address of the scheduler.
        folder: the folder.
        tls: options with the certificates, if connections are encrypted.
    """

    address: str
    folder: Path
    tls: tuple[str, ...] = ()

    @contextmanager
    def worker(self, name: str, *options: str, hidden: Iterable[Path] = ()) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker, to which some folders look empty; that takes the rights of root."""
        arguments = ["worker", self.address, "--name", name, "--nthreads", "1", *self.tls, *options]
        with dask(self.folder, name, *arguments, hidden=hidden) as process:
            yield process

    def log(self, name: str) -> str:
        """Return what a worker, or the scheduler, wrote."""
        return (self.folder / f"{name}.log").read_text()


@contextmanager
def dask(folder: Path, log: str, *arguments: str, hidden: Iterable[Path] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of Dask in a folder where this project is on no path, and some folders look empty."""
    command = [str(Path(sys.executable).with_name("dask")), *arguments]
    if folders := [shlex.quote(str(path)) for path in hidden]:
        mounts = " && ".join(f"mount -t tmpfs none {path}" for path in folders)
        command = ["unshare", "-m", "bash", "-c", f"mount --make-rprivate / && {mounts} && exec {shlex.join(command)}"]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith(("POCKET_", "X509_"))
    }
    with (folder / f"{log}.log").open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    """A scheduler without workers."""
    folder = tmp_path_factory.mktemp("facility")
    place = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]
    with dask(folder, "scheduler", "scheduler", *options):
        yield Facility(_address(place), folder)


@pytest.fixture
def tls_scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    """A scheduler without workers whose connections are encrypted; its certificates are in its folder."""
    from distributed.security import Security

    folder = tmp_path_factory.mktemp("facility")
    made = Security.temporary().get_tls_config_for_role("client")
    paths = {name: folder / f"{name}.pem" for name in ("ca_file", "cert", "key")}
    for name, path in paths.items():
        path.write_text(made[name])
    tls = tuple(word for name, path in paths.items() for word in (f"--tls-{name.replace('_', '-')}", str(path)))
    place = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]
    with dask(folder, "scheduler", "scheduler", "--protocol", "tls", *options, *tls):
        yield Facility(_address(place), folder, tls)


@pytest.fixture
def facility(scheduler: Facility) -> Iterator[Facility]:
    """A scheduler with two workers, under a nanny as is the default."""
    with ExitStack() as stack:
        for name in ("first", "second"):
            stack.enter_context(scheduler.worker(name))
        yield scheduler


def _address(place: Path) -> str:
    wait_for(lambda: place.exists() and place.read_text())
    return str(json.loads(place.read_text())["address"])
