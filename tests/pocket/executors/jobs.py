"""Small jobs, for workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Write:
    """Appends the number of its process to a file.

    Args:
        path: the file.
        size: its size.
        after: name of a file beside it that is awaited first.
        processes: number of processes that are awaited first, those that have begun with such a job in this folder.
    """

    path: Path
    size: int = 1
    after: str = ""
    processes: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        folder = self.path.parent
        (folder / f"process-{os.getpid()}").touch()
        while len(list(folder.glob("process-*"))) < self.processes or not (folder / self.after).exists():
            time.sleep(0.01)
        with self.path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        progress(self.size)


@dataclass(frozen=True)
class Die:
    """Notes its process and ends it as the kernel does when memory runs out, unless it has done so often enough."""

    path: Path
    times: int
    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        if not self.path.exists() or len(self.path.read_text().split()) < self.times:
            Write(self.path).run(progress)
            os.kill(os.getpid(), signal.SIGKILL)


KEPT: list[bytes] = []


@dataclass(frozen=True)
class Keep:
    """Keeps as much memory as is missing to a share of the worker's limit."""

    share: float
    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        import psutil
        from distributed import get_worker

        wanted = self.share * get_worker().memory_manager.memory_limit - psutil.Process().memory_info().rss
        KEPT.append(os.urandom(int(wanted)))
        progress(self.size)


@dataclass(frozen=True)
class Fail:
    """Notes its process and raises an error."""

    path: Path
    error: Exception
    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        Write(self.path).run(progress)
        raise self.error


def processes(path: Path) -> list[int]:
    """Return the processes that a job ran in."""
    return [int(line) for line in path.read_text().split()]
