"""The fork server of worker processes, which begins to load libraries before it is known which tasks will run.

It takes as long for that as a command needs to find out, so the first task finds its workers ready.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import signal
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from pocket.executors import available_cores

#: modules that the fork server imports once, so that no worker imports them again
PRELOAD = (
    "tasks.chain.branch_jobs",
    "tasks.chain.figure_jobs",
    "pocket.configuration.analysis",
    "pocket.engine.run",
    "pocket.histograms.raw",
    "pocket.columns.parquet",
    "pocket.cuts.library",
    "h5py",
    "uhi.io.json",
    "correctionlib",
    "pocket.outputs.folders",
    "pocket.engine.preload",
    "tasks.framework.workers",
)
#: environment variable; 0 starts workers only when a task needs them
VARIABLE = "POCKET_EARLY_WORKERS"
#: folder in a snapshot with a file for each command that ran from there
_COMMANDS = ".commands"
#: options of commands that need no workers here, or only under a condition
_ELSEWHERE = ("--workflow", "--executor", "--cores", "--cluster", "--scheduler", "--dry-run", "--branch")

_server: Any = forkserver._forkserver
_ends_unused = False


def worker_context() -> ForkServerContext:
    """Return the context that starts workers by a fork server, which imports :data:`PRELOAD`."""
    context = ForkServerContext()
    context.set_forkserver_preload(list(PRELOAD))
    return context


def start_early(snapshot: Path, arguments: Sequence[str]) -> None:
    """Start the fork server if a command most likely needs workers.

    A command that ran with this code before most likely finds all outputs complete, so it starts none early.

    Args:
        snapshot: the code that the command runs from.
        arguments: the words of the command.
    """
    unwanted = os.environ.get(VARIABLE) == "0" or available_cores() == 1
    if unwanted or any(argument.startswith(_ELSEWHERE) for argument in arguments):
        return
    words = "\0".join([os.environ.get("POCKET_STORE", ""), *arguments])
    mark = snapshot / _COMMANDS / hashlib.sha256(os.fsencode(words)).hexdigest()
    try:
        mark.parent.mkdir(exist_ok=True)
        mark.touch(exist_ok=False)
    except OSError:
        return
    global _ends_unused
    _ends_unused = True
    worker_context()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def use_server() -> None:
    """Leave the fork server running until its workers have ended."""
    global _ends_unused
    _ends_unused = False


def _forget_server() -> None:
    """Let a forked process, such as one of luigi's --workers, start a server of its own."""
    if _server._forkserver_pid is not None:
        os.close(_server._forkserver_alive_fd)
        _server._forkserver_address = _server._forkserver_alive_fd = _server._forkserver_pid = None


os.register_at_fork(after_in_child=_forget_server)


@atexit.register
def _end_unused() -> None:
    # Otherwise, it would go on importing after the command, and hold its standard error open.
    if _ends_unused and _server._forkserver_pid is not None:
        with contextlib.suppress(OSError):
            os.kill(_server._forkserver_pid, signal.SIGTERM)
