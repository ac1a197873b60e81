"""Writes an output and is killed meanwhile: ``killed_writer.py <directory>``, for each line ``<number> <moment>``.

A moment is the number of a step, which is any use of the file system that Python's audit events tell. The writer is
killed right before it, by itself, so that every step is tried, on any machine. Its exit status is printed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.pocket.io.store.writer import write


def die_before(moment: int) -> None:
    """Kill this process before the step with a number, which counts from 1."""
    steps = itertools.count(1)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        is_step = event == "open" or (event.startswith(("os.", "shutil.")) and event != "os.kill")
        if is_step and next(steps) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    # What is looked up once per process is known then.
    write(directory.with_name("first"), 0)
    shutil.rmtree(directory.with_name("first"))
    print("ready", flush=True)
    for line in sys.stdin:
        number, moment = map(int, line.split())
        pid = os.fork()
        if not pid:
            die_before(moment)
            write(directory, number)
            os._exit(0)
        print(os.waitpid(pid, 0)[1], flush=True)
