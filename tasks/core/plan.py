"""Plan of a command: one line for tasks of a kind that run for the same reason, in the order in which they can run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.core.console import WIDE, counted, drawn, some_names
from tasks.core.graph import Node
from tasks.core.targets import WOULD_RUN, State

_log = logging.getLogger(__name__)
#: characters of the name of a task and of its configurations on a narrow terminal
_NARROW = 34
#: number of reasons that are shown
_SHOWN = 2


def label_of(task: Any) -> str:
    """Return what a task is called in lines for people."""
    return str(getattr(task, "progress_label", None) or task.task_family)


def described(thing: Any, name: str, default: Any) -> Any:
    """Return what a task or a node says about itself; one that can't, or fails to, has a default."""
    try:
        said = getattr(thing, name, default)
        return said() if callable(said) else said
    # A description must never make a run fail.
    except Exception:
        _log.debug("%s of %s", name, thing, exc_info=True)
        return default


def plan_lines(nodes: Iterable[Node], width: int) -> list[str]:
    """Return the lines of a plan."""
    from rich.padding import Padding
    from rich.table import Table

    groups: dict[tuple[str, ...], list[Any]] = {}
    for node in sorted(nodes, key=lambda node: node.height):
        state: State = described(node, "state", State(WOULD_RUN))
        # What waits for others has the same reason as these, which would take time to find out once more.
        before = sorted({each.task.task_family for each in node.last})
        reasons: Sequence[str] = [f"after {', '.join(before)}"] if before else described(node, "reasons", ())
        left = len(reasons) - _SHOWN
        reason = ", ".join(reasons[:_SHOWN])
        reason += f" (and {left} more, shown by --print-status -1)" if left > 0 else ""
        amount = described(node, "amount", "")
        groups.setdefault((node.task.task_family, _branches(state), amount, reason), []).append(node.task)
    is_narrow = 0 < width < WIDE
    rows: list[list[str]] = []
    for (family, branches, amount, reason), members in groups.items():
        names = list(dict.fromkeys(str(getattr(task, "config_part", "")) for task in members))
        each = " each" if len(names) > 1 and (branches or amount) else ""
        counts = amount or branches if is_narrow else ", ".join(filter(None, (branches, amount)))
        name = [f"{family} {some_names(names, _NARROW - len(family))}"] if is_narrow else [family, some_names(names)]
        rows.append([*name, f"{counts}{each}", reason])
    # What no task has takes no space.
    shown = [number for number in range(len(rows[0])) if any(row[number] for row in rows)]
    table = Table.grid(padding=(0, 2, 0, 0))
    for number in shown:
        table.add_column(no_wrap=number < len(rows[0]) - 1)
    for row in rows:
        table.add_row(*(row[number] for number in shown))
    return drawn(Padding(table, (0, 0, 0, 2)), sys.stderr, width)


def _branches(state: State) -> str:
    count = counted(state.branches, "branch", "branches") if state.branches else ""
    return f"{len(state.left)} of {count}" if len(state.left) < state.branches else count
