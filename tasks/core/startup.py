"""Garbage collection of a command, which starts when its first task runs.

Until then, analyses and libraries make some hundred thousand objects that stay alive. The collector would visit all of
them repeatedly, which slows down each start.
"""

from __future__ import annotations

import gc

import luigi


def collect_when_tasks_run() -> None:
    """Collect no garbage until the first task runs, and never the objects that exist by then."""
    gc.disable()


@luigi.Task.event_handler(luigi.Event.START)  # type: ignore[no-untyped-call]
def _collect(task: luigi.Task) -> None:
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
