"""The output of ``--print-deps`` and ``--print-status``: the tree of a task, and what would run in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from tasks.core.console import counted
from tasks.core.reasons import OTHER_INPUTS, changes_since, has_earlier
from tasks.core.targets import (
    COMPLETE,
    MAY_RUN,
    WOULD_RUN,
    State,
    States,
    StoreTarget,
    find_remote,
    remembering,
    store_targets,
)
from tasks.core.tree import Node, draw, line, tree_of

if TYPE_CHECKING:
    from rich.text import Text

_COLOR = {COMPLETE: "green", MAY_RUN: "yellow", WOULD_RUN: "red"}


def print_deps(root: Any, stop: str = "1") -> None:
    """Print a task and what it requires.

    Args:
        root: the task.
        stop: depth, or names of tasks below which nothing is printed.
    """
    with remembering():
        tree = tree_of(root, stop)
        print(draw(tree, lambda node: [line(number, "dim")] if (number := _number_of(node.task)) else []))
        print(f"\n{counted(sum(1 for _ in tree.walk()), 'task')}")


def print_status(root: Any, stop: str = "0", branches: str = "0", *ignored: str) -> None:
    """Print what the next run would do with a task and with what it requires.

    Args:
        root: the task.
        stop: as for :func:`print_deps`.
        branches: 1 to print each incomplete branch, too.
        ignored: law's third value, which its own output would heed.
    """
    with remembering():
        tree = tree_of(root, stop)
        states = {node.task: state_of(node.task) for node in tree.walk()}

        def rows(node: Node) -> list[Text]:
            return [*states[node.task].rows, *(_branches(node.task) if branches != "0" else ())]

        print(draw(tree, rows))
        counts = Counter(state.kind for state in states.values())
    told = ", ".join(f"{counts[kind]} {kind}" for kind in (COMPLETE, MAY_RUN, WOULD_RUN) if counts[kind])
    print(f"\n{counted(len(states), 'task')}: {told}")
    if isinstance(output := root.output(), StoreTarget):
        print(f"output: {output.location}")


class TaskState:
    """What the next run would do with a task.

    Args:
        state: its state.
        kind: ``complete``, ``may run`` or ``would run``.
        number: number of its branches in words, empty if it has none or if that is part of the state.
        others: further reasons.
    """

    def __init__(self, state: State, kind: str, number: str = "", others: Sequence[str] = ()) -> None:
        self.state, self.kind, self.number, self.others = state, kind, number, tuple(others)

    @property
    def rows(self) -> list[Text]:
        """The text in the tree, and a line for each further reason."""
        first = line(self.state.name, _COLOR.get(self.state.name, "yellow"), self.number, self.state.reason)
        return [first, *map(line, self.others)]


def state_of(task: Any) -> TaskState:
    """Return what the next run would do with a task, and why as far as that is known."""
    output = task.output()
    if isinstance(output, StoreTarget):
        state = output.state()
        explained, others = _explained(task, state)
        return TaskState(explained, state.name, others=others)
    if isinstance(task, law.BaseWorkflow) and task.is_workflow():
        return _state_of_workflow(task, output)
    is_complete = bool(task.complete())
    return TaskState(State(COMPLETE if is_complete else WOULD_RUN), COMPLETE if is_complete else WOULD_RUN)


def _state_of_workflow(task: Any, output: Any) -> TaskState:
    targets = store_targets(output)
    if not targets:
        is_complete = bool(task.complete())
        state, others = (State(COMPLETE), ()) if is_complete else _explained(task, State(WOULD_RUN))
        return TaskState(state, state.name, others=others)
    find_remote(targets)
    states = States(target.state() for target in targets)
    state, others = _explained(task, states.summary)
    number = "" if state.name not in _COLOR else counted(len(states), "branch", "branches")
    if state.name == COMPLETE or (states.complete and task.complete()):
        # With --acceptance, some of the branches are enough.
        return TaskState(state, COMPLETE, number)
    kind = WOULD_RUN if any(each.name == WOULD_RUN for each in states) else MAY_RUN
    return TaskState(state, kind, number, others)


def _explained(task: Any, state: State) -> tuple[State, tuple[str, ...]]:
    """Return a state with a reason, if it has none and one is known, and further reasons."""
    # Where some branches exist, nothing has changed: the others were never made.
    if state.name != WOULD_RUN or state.reason:
        return state, ()
    reason, *others = changes_since(task) or [""]
    if not reason and callable(getattr(task, "awaited", None)) and (awaited := task.awaited()):
        reason = f"after {awaited}"
    if not reason and isinstance(getattr(task, "directory", None), Path):
        reason = OTHER_INPUTS if has_earlier(task) else "no output yet"
    return State(state.name, reason), tuple(others)


def _number_of(task: Any) -> str:
    """Return how many branches a task has, empty if it has none or they aren't known yet."""
    if not (isinstance(task, law.BaseWorkflow) and task.is_workflow()):
        return ""
    targets = store_targets(task.output())
    return counted(len(targets), "branch", "branches") if targets else ""


def _branches(task: Any) -> Iterator[Text]:
    """Yield the incomplete branches of a workflow."""
    if isinstance(task, law.BaseWorkflow) and task.is_workflow() and store_targets(task.output()):
        for branch in task.get_branch_tasks().values():
            state = branch.output().state()
            if state.name != COMPLETE:
                yield line(state.name, _COLOR[state.name], branch.branch_label, state.reason)
