"""Whether tasks are complete: each is looked at once, however many ways through the chain lead to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import law

#: what was found so far, while a task looks at those it requires; ``None`` while none does
_found: ContextVar[dict[law.Task, bool] | None] = ContextVar("found", default=None)


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Look at each task once in the block, while nothing is made."""
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)


def are_complete(tasks: object) -> bool:
    """Whether all tasks in a structure of tasks are complete, with all that they require.

    Each of them asks those it requires in turn. Of coupled scale factors, all iterations are behind the last one, and
    those of one scale factor behind those of the others: without memory, the way to the first one would be gone anew
    for each of the ways that lead there.
    """
    found = _found.get()
    if found is None:
        with remembering():
            return are_complete(tasks)
    for task in law.util.flatten(tasks):
        if task not in found:
            found[task] = bool(task.complete())
        if not found[task]:
            return False
    return True
