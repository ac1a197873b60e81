"""XRootD servers of tests, which can be killed, frozen and started again at the same port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import PATIENCE

CONFIG = """\
xrd.port {port}
xrd.network nodnr
all.export /store {access}
{checksums}oss.localroot {folder}
all.adminpath {folder}/admin
all.pidpath {folder}/admin
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class ControlledServer:
    """A server in a folder of its own.

    Args:
        folder: an existing folder that the server's user may write.
        command: makes a command line that runs a command as the server's user.
        port: the port.
        access: ``r/o`` or ``r/w``.
        checksums: whether it tells checksums of files.
    """

    folder: Path
    command: Callable[..., list[str]]
    port: int = field(default_factory=free_port)
    access: str = "r/o"
    checksums: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """URL of the folder of the files."""
        return f"root://127.0.0.1:{self.port}//store"

    @property
    def store(self) -> Path:
        """Folder of the files that are served."""
        return self.folder / "store"

    def add(self, file: Path, name: str = "events.root") -> str:
        """Copy a file into the folder and return its URL."""
        (self.store / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, self.store / name)
        return f"{self.url}/{name}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.store.mkdir(exist_ok=True)
        owner = self.folder.stat()
        os.chown(self.store, owner.st_uid, owner.st_gid)
        config = self.folder / "xrootd.cfg"
        checksums = "xrootd.chksum max 2 adler32\n" if self.checksums else ""
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, access=self.access, checksums=checksums))
        command = self.command("xrootd", "-c", str(config), "-l", f"{self.folder}/xrootd.log")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, f"xrootd stopped with exit code {self.process.returncode}"
            assert time.monotonic() < deadline, f"xrootd didn't answer within {PATIENCE} s"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server, if it runs, as it is."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)

    def freeze(self) -> None:
        """Stop the server without closing its connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
