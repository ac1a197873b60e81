"""A separate HTCondor pool on this machine, run by the ordinary user whose jobs it accepts."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.conftest import User
from tests.services.processes import service

#: disk space in KB above which the pool holds a job, as sites do
MOST_DISK = 100_000

_FOLDERS = ("log", "run", "lock", "spool", "execute", "sockets")
_PLACES = ("RELEASE_DIR", "BIN", "SBIN", "LIB", "LIBEXEC", "SHARE", "ETC")
_CONFIGURATION = """\
LOCAL_DIR = {folder}
LOG = $(LOCAL_DIR)/log
RUN = $(LOCAL_DIR)/run
LOCK = $(LOCAL_DIR)/lock
SPOOL = $(LOCAL_DIR)/spool
EXECUTE = $(LOCAL_DIR)/execute
DAEMON_SOCKET_DIR = $(LOCAL_DIR)/sockets
CRED_STORE_DIR = $(LOCAL_DIR)/credentials
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
# any free port, which is noted in a file
COLLECTOR_HOST = 127.0.0.1:0
COLLECTOR_ADDRESS_FILE = $(LOG)/.collector_address
USE_SHARED_PORT = True
SHARED_PORT_PORT = 0
DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, STARTD
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_NEGOTIATOR = *
ALLOW_ADMINISTRATOR = *
NUM_CPUS = {slots}
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = True
START = True
# others use this machine, too
JOB_RENICE_INCREMENT = {niceness}
RUNBENCHMARKS = 0
# else each job begins with a look at all plugins
ENABLE_URL_TRANSFERS = False
NEGOTIATOR_INTERVAL = 5
NEGOTIATOR_MIN_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 2
SCHEDD_INTERVAL = 5
SCHEDD_MIN_INTERVAL = 2
JOB_START_DELAY = 0
UPDATE_INTERVAL = 5
STARTER_UPDATE_INTERVAL = 5
STARTER_INITIAL_UPDATE_INTERVAL = 2
PERIODIC_EXPR_INTERVAL = 5
PERIODIC_EXPR_TIMESLICE = 0.2
MAX_HISTORY_LOG = 1000000000
use POLICY : HOLD_IF_MEMORY_EXCEEDED
SYSTEM_PERIODIC_HOLD_NAMES = Disk
SYSTEM_PERIODIC_HOLD_Disk = DiskUsage > {disk}
SYSTEM_PERIODIC_HOLD_Disk_REASON = "the job takes too much disk"
"""


@dataclass(frozen=True)
class Pool:
    """A running pool.

    Args:
        user: owner of the pool.
        folder: folder of all its files.
    """

    user: User
    folder: Path

    def ask(self, *command: str) -> str:
        """Return the output of an HTCondor command."""
        result = subprocess.run(self.user.command(*self._here, *command), capture_output=True, text=True, timeout=120)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr or result.stdout}")
        return result.stdout

    def jobs(self, command: str, attributes: Sequence[str]) -> list[dict[str, Any]]:
        """Return attributes of all jobs that ``condor_q`` or ``condor_history`` knows."""
        found: list[dict[str, Any]] = json.loads(
            self.ask(command, "-json", "-attributes", ",".join(attributes)) or "[]"
        )
        return found

    @property
    def leftovers(self) -> list[Path]:
        """Files that jobs have left on the node."""
        return list((self.folder / "execute").iterdir())

    @property
    def _here(self) -> list[str]:
        return ["env", f"CONDOR_CONFIG={self.folder / 'condor_config'}"]


@contextmanager
def running_pool(user: User, folder: Path, slots: int, niceness: int) -> Iterator[Pool]:
    """Run a pool in the block, and make it the pool of HTCondor commands in this process and its children.

    Args:
        user: owner of the pool.
        folder: folder of its files, created here.
        slots: number of jobs that run at the same time.
        niceness: increment of the jobs' niceness.
    """
    user.run("mkdir", *(str(folder / name) for name in ("", *_FOLDERS)))
    places = [f"{name} = {user.run('condor_config_val', name).strip()}" for name in _PLACES]
    text = _CONFIGURATION.format(folder=folder, slots=slots, niceness=niceness, disk=MOST_DISK)
    file = folder / "condor_config"
    file.write_text("\n".join([*places, text]))
    pool = Pool(user, folder)

    def answers() -> bool:
        try:
            return bool(pool.ask("condor_status", "-af", "Name").strip() and pool.ask("condor_q") is not None)
        except RuntimeError:
            return False

    before = os.environ.get("CONDOR_CONFIG")
    os.environ["CONDOR_CONFIG"] = str(file)
    try:
        master = user.run("condor_config_val", "MASTER").strip()
        with service(user.command("env", f"CONDOR_CONFIG={file}", master, "-f"), answers):
            yield pool
    finally:
        os.environ.pop("CONDOR_CONFIG")
        if before is not None:
            os.environ["CONDOR_CONFIG"] = before
