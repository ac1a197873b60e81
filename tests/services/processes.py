"""Services as processes, started and stopped by tests."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE, wait_for


@contextmanager
def service(command: list[str], answers: Callable[[], bool], stop: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Run a service from the moment that it answers; a signal stops it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or answers())
        assert process.poll() is None, f"{command} stopped with exit code {process.returncode}"
        yield
    finally:
        process.send_signal(stop)
        process.wait(timeout=PATIENCE)
