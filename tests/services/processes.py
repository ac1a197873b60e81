"""Services as processes, started and stopped by tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def service(command: list[str], answers: Callable[[], bool], seconds: float = 30) -> Iterator[None]:
    """Run a service from the moment that it answers."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + seconds
        while not answers():
            assert process.poll() is None, f"{command} stopped with exit code {process.returncode}"
            assert time.monotonic() < deadline, f"{command} didn't answer within {seconds} s"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
