"""Starts and stops the services that tests talk to, all of them on this machine only.

HTCondor takes no jobs from root and XRootD doesn't run as root: for root an ordinary user, made by .ci/user, stands in.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.io.remote.attempts import first_readable
from pocket.io.remote.client import prepare_client
from tests.pocket.engine.root_files import write_nano
from tests.services.checkout import Analysis, Checkout, copy_analysis, copy_project, make_folder, remove_outputs
from tests.services.processes import service
from tests.services.slurm_cluster import slurm_cluster as start_slurm
from tests.services.xrootd_servers import ControlledServer

ORDINARY_USER = "pocketlaw"


@dataclass(frozen=True)
class User:
    """An ordinary user, with a folder of their own."""

    uid: int
    gid: int
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs a command as this user."""
        if os.geteuid() == self.uid:
            return list(arguments)
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups", "--reset-env", *arguments]

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Run a command in the folder and return what it prints, both streams together; failing fails the test."""
        result = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert result.returncode == 0, f"{arguments}: {result.stdout}"
        return result.stdout


@pytest.fixture(scope="session")
def user() -> Iterator[User]:
    # not below /tmp, which HTCondor hides from jobs
    entry = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam(ORDINARY_USER)
    with tempfile.TemporaryDirectory(dir=entry.pw_dir, prefix="pocketlaw-test-") as folder:
        shutil.chown(folder, entry.pw_uid, entry.pw_gid)
        yield User(entry.pw_uid, entry.pw_gid, Path(folder))


def slots() -> list[str]:
    """Return the names of the slots of the pool, none if it doesn't answer."""
    result = subprocess.run(["condor_status", "-af", "Name"], capture_output=True, text=True)
    return result.stdout.split() if result.returncode == 0 else []


#: attribute of jobs: a folder that the pool hides from them, as if they ran on a machine that doesn't have it
HIDDEN = "PocketlawHidden"


@pytest.fixture(scope="session")
def htcondor_pool() -> Iterator[list[str]]:
    """The slots of the pool: the one that runs already, else one on this machine."""
    if found := slots():
        yield found
        return
    intervals = {"NEGOTIATOR": 1, "NEGOTIATOR_MIN": 1, "SCHEDD": 2, "SCHEDD_MIN": 1, "UPDATE": 5}
    quick = {f"{name}_INTERVAL": str(seconds) for name, seconds in intervals.items()} | {"NEGOTIATOR_CYCLE_DELAY": "1"}
    others = {
        # jobs get a copy of a proxy: Debian's HTCondor 23.9 can't delegate one with OpenSSL 3.5
        "DELEGATE_JOB_GSI_CREDENTIALS": "False",
        "STARTD_DETECT_GPUS": "-simulate:0,1 -properties",
        "MOUNT_UNDER_SCRATCH": f'strcat("/tmp,/var/tmp", isUndefined({HIDDEN}) ? "" : strcat(",", {HIDDEN}))',
    }
    settings = [f"_CONDOR_{name}={value}" for name, value in {**quick, **others}.items()]
    # With this signal it doesn't wait for jobs, of which there are none.
    with service(["env", *settings, "condor_master", "-f"], lambda: bool(slots()), signal.SIGQUIT):
        yield slots()


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[None]:
    """A Slurm cluster of this machine; its commands find it by ``SLURM_CONF``."""
    with tempfile.TemporaryDirectory(prefix="pocketlaw-slurm-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        with start_slurm(Path(folder)):
            yield


@dataclass(frozen=True)
class XRootDServer:
    """A server, and the folder of the files that it serves."""

    url: str
    store: Path


@pytest.fixture
def make_xrootd_server(user: User) -> Iterator[Callable[..., ControlledServer]]:
    """Start servers, each with files of its own and options; all are killed at the end of the test."""
    servers: list[ControlledServer] = []

    def make(**options: Any) -> ControlledServer:
        folder = Path(tempfile.mkdtemp(dir=user.folder, prefix="xrootd-"))
        shutil.chown(folder, user.uid, user.gid)
        server = ControlledServer(folder, user.command, **options)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def xrootd_server(user: User) -> Iterator[XRootDServer]:
    # the client reads its settings once, in whatever test first loads it
    prepare_client()
    folder = Path(tempfile.mkdtemp(dir=user.folder, prefix="xrootd-"))
    shutil.chown(folder, user.uid, user.gid)
    server = ControlledServer(folder, user.command)
    try:
        server.start()
        yield XRootDServer(server.url, server.store)
    finally:
        server.kill()


@pytest.fixture(scope="session")
def checkout(user: User) -> Checkout:
    """The project as the ordinary user has it; its environment is kept for other processes, and for the next tests."""
    kept = make_folder(user, user.folder.parent / ".cache" / "pocketlaw-tests")
    with (kept / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = copy_project(user, kept)
    return copy_project(user, like=first)


@pytest.fixture(scope="session")
def expected(checkout: Checkout) -> dict[str, np.ndarray]:
    """The templates of the small analysis that a local workflow makes."""
    analysis = copy_analysis(checkout)
    run = analysis.run("MergeOutputs")
    assert run.code == 0, run.text
    return analysis.templates()


@pytest.fixture
def analysis(checkout: Checkout, expected: dict[str, np.ndarray]) -> Iterator[Analysis]:
    """The small analysis, of which nothing has run but what makes the datasets."""
    remove_outputs(checkout)
    yield copy_analysis(checkout)
    remove_outputs(checkout)


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request take 3 s; all other settings of the client are those that are shipped."""
    prepare_client()
    monkeypatch.setenv("XRD_REQUESTTIMEOUT", "3")


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before further attempts to read or write something, as they begin."""
    noted: list[float] = []

    def sleep(seconds: float) -> None:
        noted.append(seconds)
        time.sleep(seconds)

    monkeypatch.setitem(first_readable.__kwdefaults__, "sleep", sleep)
    return noted


@pytest.fixture
def skipped(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The same pauses, which take no time: for servers that don't come back."""
    noted: list[float] = []
    monkeypatch.setitem(first_readable.__kwdefaults__, "sleep", noted.append)
    return noted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A local file of 100 events."""
    write_nano(tmp_path / "events.root", 100)
    return tmp_path / "events.root"
