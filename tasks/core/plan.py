"""Plan of a command: one line for tasks of a kind that run for the same reason, in the order in which they can run."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.core.console import WIDE, drawn, some_names

_log = logging.getLogger(__name__)
#: characters of the name of a task and of its configurations on a narrow terminal
_NARROW = 34


def label_of(task: Any) -> str:
    """Return what a task is called in lines for people."""
    return str(getattr(task, "progress_label", None) or task.task_family)


def described(task: Any, method: str, default: Any) -> Any:
    """Return what a task says about itself; a task that can't, or fails to, has a default."""
    function: Callable[[], Any] | None = getattr(task, method, None)
    if function is None:
        return default
    try:
        return function()
    # A description must never make a run fail.
    except Exception:
        _log.debug("%s of %s", method, label_of(task), exc_info=True)
        return default


def plan_lines(tasks: Mapping[str, Any], required: Mapping[str, Iterable[str]], width: int) -> list[str]:
    """Return the lines of a plan.

    Args:
        tasks: id → task that is to run.
        required: id → ids of the tasks that it requires.
        width: number of characters of a line, 0 for any number.
    """
    from rich.padding import Padding
    from rich.table import Table

    order = _Order(tasks, required)
    groups: dict[tuple[str, ...], list[Any]] = {}
    for task in sorted(tasks.values(), key=lambda task: order.depth(task.task_id)):
        branches, amount = described(task, "describe_work", ("", ""))
        # What waits for others has the same reason as these, which would take time to find out once more.
        before = order.just_before(task.task_id)
        reason = f"after {', '.join(before)}" if before else described(task, "describe_reason", "")
        groups.setdefault((task.task_family, branches, amount, reason), []).append(task)
    is_narrow = 0 < width < WIDE
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2 if is_narrow else 3):
        table.add_column(no_wrap=True)
    for (family, branches, amount, reason), members in groups.items():
        names = list(dict.fromkeys(str(getattr(task, "config_part", "")) for task in members))
        each = " each" if len(names) > 1 and (branches or amount) else ""
        counts = amount or branches if is_narrow else ", ".join(filter(None, (branches, amount)))
        name = [f"{family} {some_names(names, _NARROW - len(family))}"] if is_narrow else [family, some_names(names)]
        table.add_row(*name, f"{counts}{each}", reason)
    return drawn(Padding(table, (0, 0, 0, 2)), sys.stderr, width)


class _Order:
    """The order of tasks.

    Args:
        tasks: id → task.
        required: id → ids of the tasks that it requires.
    """

    def __init__(self, tasks: Mapping[str, Any], required: Mapping[str, Iterable[str]]) -> None:
        self._tasks = tasks
        # luigi found the tasks in an order that is the same each time.
        position = {name: number for number, name in enumerate(tasks)}
        self._required = {
            name: sorted((each for each in required.get(name, ()) if each in tasks), key=position.__getitem__)
            for name in tasks
        }

    @functools.cache  # noqa: B019 (an order lives as long as a plan)
    def depth(self, name: str) -> int:
        """Return how many tasks come one after the other before a task."""
        return 1 + max(map(self.depth, self._required[name]), default=0)

    @functools.cache  # noqa: B019
    def _before(self, name: str) -> frozenset[str]:
        """Return all tasks that come before a task."""
        direct = self._required[name]
        return frozenset(direct).union(*map(self._before, direct))

    def just_before(self, name: str) -> list[str]:
        """Return the kinds of the tasks that a task waits for last."""
        direct = self._required[name]
        far = frozenset[str]().union(*map(self._before, direct))
        return sorted({self._tasks[each].task_family for each in direct if each not in far})
