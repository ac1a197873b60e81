"""Services as processes, started and stopped by tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE, wait_for


@contextmanager
def service(command: list[str], answers: Callable[[], bool]) -> Iterator[None]:
    """Run a service from the moment that it answers."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or answers())
        assert process.poll() is None, f"{command} stopped with exit code {process.returncode}"
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
