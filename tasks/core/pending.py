"""Tasks that luigi found incomplete in this command, and those of them that could run now.

luigi gives tasks one after the other. What is known here lets configurations that are ready share a pass over their
events.
"""

from __future__ import annotations

from typing import Any, TypeVar

import luigi

T = TypeVar("T")

#: id → task that isn't done
_pending: dict[str, Any] = {}
#: ids of tasks that luigi found complete, and of those that were begun, including those that failed
_complete: set[str] = set()
_begun: set[str] = set()
#: id → task that luigi found incomplete, whether it was done since or not
_planned: dict[str, Any] = {}
#: id of a task → ids of the tasks that it requires
_required: dict[str, set[str]] = {}
_counts = False


def begin(alone: bool) -> None:
    """Begin a command.

    Args:
        alone: whether this process runs all tasks that aren't done; others might run the same otherwise.
    """
    global _counts
    _counts = alone
    for known in (_pending, _complete, _begun, _required, _planned):
        known.clear()


def runnable(kind: type[T]) -> list[T]:
    """Return the tasks of a kind that weren't begun and that require nothing that isn't done."""
    found = [(number, task) for number, task in _pending.items() if isinstance(task, kind) and number not in _begun]
    return [task for number, task in found if not _required.get(number, set()) & _pending.keys()]


def planned() -> dict[str, Any]:
    """Return id → task, for all tasks that luigi found incomplete."""
    return {name: task for name, task in _planned.items() if name not in _complete}


def required() -> dict[str, set[str]]:
    """Return id of a task → ids of the tasks that it requires, of tasks that luigi found incomplete."""
    return {name: set(ids) for name, ids in _required.items()}


def complete() -> set[str]:
    """Return the ids of the tasks that luigi found complete."""
    return set(_complete)


def plan(task: Any) -> None:
    """Note the task of the command, which nothing requires."""
    _planned.setdefault(task.task_id, task)


def note_begun(task: Any) -> None:
    """Note that a task was begun."""
    _begun.add(task.task_id)


def note_done(task: Any) -> None:
    """Note that a task was done."""
    _pending.pop(task.task_id, None)


# luigi's functions have no type annotations.
_on: Any = luigi.Task.event_handler


@_on(luigi.Event.DEPENDENCY_DISCOVERED)
def _note_required(task: Any, required: Any) -> None:
    for each in (task, required):
        _planned.setdefault(each.task_id, each)
    if _counts:
        for each in (task, required):
            if each.task_id not in _complete:
                _pending[each.task_id] = each
        _required.setdefault(task.task_id, set()).add(required.task_id)


@_on(luigi.Event.DEPENDENCY_PRESENT)
def _note_complete(task: Any) -> None:
    _complete.add(task.task_id)
    note_done(task)


_on(luigi.Event.START)(note_begun)
_on(luigi.Event.SUCCESS)(note_done)
