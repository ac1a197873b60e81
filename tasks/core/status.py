"""The output of ``--print-deps`` and ``--print-status``: the tree of a task, and what would run in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.console import counted
from tasks.core.graph import Node
from tasks.core.report import is_group
from tasks.core.states import is_workflow
from tasks.core.targets import COMPLETE, MAY_RUN, WOULD_RUN, StoreTarget, remembering
from tasks.core.tree import draw, labels_of, line, nodes_of

if TYPE_CHECKING:
    from rich.text import Text

_COLOR = {COMPLETE: "green", MAY_RUN: "yellow", WOULD_RUN: "red"}


def print_deps(root: Any, stop: str = "1") -> None:
    """Print a task and what it requires, down to a depth or to the names of tasks."""
    with remembering():
        nodes = nodes_of(root, _deeper(root, stop))
        print(draw(nodes[0], labels_of(node.task for node in nodes), _number_of_branches))
        print(f"\n{counted(len(nodes), 'task')}")


def print_status(root: Any, stop: str = "0", branches: str = "0", *ignored: str) -> None:
    """Print what the next run would do with a task and what it requires; ``branches`` 1 adds each incomplete one."""

    def rows(node: Node) -> list[Text]:
        return [*_rows(node), *(_incomplete_branches(node) if branches != "0" else ())]

    with remembering():
        nodes = nodes_of(root, _deeper(root, stop))
        print(draw(nodes[0], labels_of(node.task for node in nodes), rows))
        counts = Counter(node.state.kind for node in nodes)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in _COLOR if counts[kind])
    print(f"\n{counted(len(nodes), 'task')}: {told}")
    if not is_workflow(root) and isinstance(output := root.output(), StoreTarget):
        print(f"output: {output.location}")


#: option → function that prints the tree
TREES = {"print_deps": print_deps, "print_status": print_status}


def _deeper(root: Any, stop: str) -> str:
    """Return a depth for the tasks of a command as one for what stands for several of them."""
    return str(int(stop) + 1) if is_group(root) and str(stop).isdigit() else str(stop)


def _rows(node: Node) -> list[Text]:
    """Return the state of a task with the first reason, and a line for each further reason."""
    state = node.state
    number = counted(state.branches, "branch", "branches") if state.branches and state.name == state.kind else ""
    is_new = state.name == WOULD_RUN and isinstance(getattr(node.task, "directory", None), Path)
    first, *others = node.reasons or ["no output yet" if is_new else ""]
    return [line(state.name, _COLOR.get(state.name, "yellow"), number, first), *map(line, others)]


def _number_of_branches(node: Node) -> list[Text]:
    """Return how many branches a task has, if it has any and they are known."""
    task = node.task
    number = len(task.get_branch_map()) if is_workflow(task) and task.branches_are_known else 0
    return [line(counted(number, "branch", "branches"), "dim")] if number else []


def _incomplete_branches(node: Node) -> Iterator[Text]:
    for number in node.state.left:
        state = node.task.branch_output(number).state()
        yield line(state.name, _COLOR[state.name], node.task.as_branch(number).branch_label, *state.reasons)
