"""The tree of a task and all that it requires, each once, and what would run in it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.errors import ConfigError, UnknownNameError
from tasks.core.console import counted, drawn, wrapping_width
from tasks.core.graph import Node, required_by, requirements
from tasks.core.plan import label_of
from tasks.core.report import is_group
from tasks.core.states import is_branch, is_workflow
from tasks.core.targets import COMPLETE, MAY_RUN, WOULD_RUN, StoreTarget, remembering

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

#: space between a task and its state
_GAP = 2
#: largest share of a line for the task, if the state is also to fit
_TASK_SHARE = 0.6
#: guides of rich's trees, narrower than its own, since chains are deep
_GUIDES, _PLAIN_GUIDES = ("   ", "│  ", "├─ ", "└─ "), ("   ", "|  ", "+- ", "`- ")
#: characters by which a task is further to the right than the one that requires it
_INDENT = len(_GUIDES[0])


def nodes_of(root: Any, stop: str = "-1") -> list[Node]:
    """Return the nodes of a task, the first, and of all that it requires, down to a depth or to families ``A|B``."""
    depth, families = _parse_stop(stop)

    def required(task: Any) -> list[Any]:
        is_last = families and law.util.multi_match(task.task_family, families, mode=any)
        return [] if is_last else required_by(task)

    nodes = requirements(root, depth, required)
    # Tasks above a family may stop the search before it is reached, so all are asked, once.
    known = {task.task_family for task in requirements(root)} if families else set()
    for family in families:
        if not any(law.util.multi_match(name, [family]) for name in known):
            raise UnknownNameError("task", family, known, f"what {root.task_family} requires")
    return list(nodes.values())


def _parse_stop(stop: str) -> tuple[int, list[str]]:
    depth, families = -1, []
    for part in filter(None, (part.strip() for part in str(stop).split("|"))):
        if part.lstrip("-").isdigit():
            depth = int(part)
        elif part[0].isalpha() or part[0] in "*?[":
            families.append(part)
        else:
            raise ConfigError(f"{part!r} is neither a depth, such as 2 or -1 for all, nor the name of a task")
    return depth, families


def labels_of(tasks: Iterable[Any]) -> dict[Any, str]:
    """Return task → name; tasks with the same name have the parameters in which they differ, too."""
    by_name: dict[str, list[Any]] = {}
    for task in tasks:
        name = str(task.branch_label) if is_branch(task) else label_of(task)
        by_name.setdefault(name, []).append(task)
    labels: dict[Any, str] = {}
    for name, same in by_name.items():
        values = {task: task.to_str_params(only_significant=True) for task in same}
        for task, own in values.items():
            differ = [
                f"{key}={value}" for key, value in own.items() if any(v.get(key) != value for v in values.values())
            ]
            labels[task] = f"{name} ({', '.join(differ)})" if differ else name
    return labels


def draw(root: Node, labels: Mapping[Any, str], rows: Callable[[Node], Sequence[Text]]) -> str:
    """Return the lines of a tree for the terminal, or for a file if the output isn't one.

    Each task appears once, with the first of its rows beside its name. Where it is required again, it is named, unless
    it follows from others: templates need datasets anyway.
    """
    from rich.text import Text
    from rich.tree import Tree

    depths: dict[Node, int] = {}
    children: dict[Node, list[Node]] = {}

    def place(node: Node, depth: int) -> None:
        depths[node], children[node] = depth, []
        for each in node.required:
            if each not in depths:
                children[node].append(each)
                place(each, depth + 1)

    place(root, 0)
    width = wrapping_width(sys.stdout)
    column = max(depth * _INDENT + len(labels[node.task]) for node, depth in depths.items()) + _GAP
    if width:
        column = min(column, max(int(width * _TASK_SHARE), 30))

    def grow(node: Node) -> Tree:
        tree = Tree(_entry(labels[node.task], rows(node), column - depths[node] * _INDENT))
        tree.children += map(grow, children[node])
        if above := [labels[each.task] for each in node.last if each not in children[node]]:
            tree.add(Text(f"above: {_joined(above)}", "dim"))
        return tree

    tree = grow(root)
    tree.TREE_GUIDES, tree.ASCII_GUIDES = [_GUIDES], _PLAIN_GUIDES
    return "\n".join(drawn(tree, sys.stdout, width))


def line(text: str, style: str = "", *others: str) -> Text:
    """Return a line about a task: a text in a colour, and others, which may be empty."""
    from rich.text import Text

    return Text("  ").join([Text(text, style), *map(Text, filter(None, others))])


def _entry(label: str, rows: Sequence[Text], width: int) -> RenderableType:
    """Return a name with what is said about it from a column on, below it if the name is too long."""
    from rich.console import Group
    from rich.table import Table

    grid = Table.grid()
    grid.add_column(width=max(width, 1))
    fits = len(label) < width
    for number, row in enumerate(rows):
        grid.add_row(label if fits and number == 0 else "", row)
    return grid if fits and rows else Group(label, grid)


def _joined(labels: Iterable[str]) -> str:
    """Return labels in one phrase, in which each family is named once."""
    parts: dict[str, list[str]] = {}
    for label in labels:
        family, _, part = label.partition(" ")
        parts.setdefault(family, []).append(part)
    return ", ".join(f"{family} {' + '.join(names)}".rstrip() for family, names in parts.items())


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
