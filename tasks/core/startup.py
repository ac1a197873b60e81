"""Garbage collection of a command: none before a task runs.

Until then some hundred thousand objects are made, of analyses and libraries, which stay. Python would look through all
of them again and again, for a twelfth of the time that a command takes to start.
"""

from __future__ import annotations

import gc

import luigi


def collect_when_tasks_run() -> None:
    """Collect no garbage until the first task runs, and then none of what exists by then."""
    gc.disable()


@luigi.Task.event_handler(luigi.Event.START)  # type: ignore[no-untyped-call]
def _collect(task: luigi.Task) -> None:
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
