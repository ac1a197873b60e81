"""A task and all that it requires, drawn as a tree in which each task appears once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import law

from pocket.errors import ConfigError, UnknownNameError
from tasks.core.console import drawn, wrapping_width
from tasks.core.graph import requirements
from tasks.core.plan import label_of

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


@dataclass
class Node:
    """A task in the tree.

    Args:
        task: the task.
        label: its name.
        children: the tasks that are shown below it.
        elsewhere: labels of other tasks that it requires, which are shown above.
    """

    task: Any
    label: str
    children: list[Node] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, from the top to the bottom."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree_of(root: Any, stop: str = "-1") -> Node:
    """Return the tree of a task.

    A requirement that is shown elsewhere and follows from others is left out: templates need datasets anyway.

    Args:
        root: the task.
        stop: as in law's options: a depth, or families of tasks below which nothing is shown, with ``|`` in between.

    Raises:
        ConfigError: if it is neither.
        UnknownNameError: if the task requires none of a family, directly or not.
    """
    depth, families = _parse_stop(stop)
    required = requirements(root, depth, families)
    _check_families(families, root)
    labels = _labels(required)
    below = _reachable(required)
    nodes: dict[Any, Node] = {}

    def grow(task: Any) -> Node:
        node = nodes[task] = Node(task, labels[task])
        direct = required[task]
        for each in direct:
            if each not in nodes:
                node.children.append(grow(each))
            elif not any(each in below[other] for other in direct if other is not each):
                node.elsewhere.append(labels[each])
        return node

    return grow(root)


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


def _check_families(families: Sequence[str], root: Any) -> None:
    # Tasks above a family may stop the search before it is reached, so all are asked, once.
    known = {task.task_family for task in requirements(root)} if families else set()
    for family in families:
        if not any(law.util.multi_match(name, [family]) for name in known):
            raise UnknownNameError("task", family, known, f"what {root.task_family} requires")


def _reachable(required: Mapping[Any, Iterable[Any]]) -> dict[Any, set[Any]]:
    """Return task → all tasks that it requires, directly or through others."""
    found: dict[Any, set[Any]] = {}

    def visit(task: Any) -> set[Any]:
        if task not in found:
            found[task] = set()
            for each in required[task]:
                found[task] |= {each} | visit(each)
        return found[task]

    for task in required:
        visit(task)
    return found


def _labels(tasks: Iterable[Any]) -> dict[Any, str]:
    """Return task → name; tasks with the same name have the parameters in which they differ, too."""
    by_name: dict[str, list[Any]] = {}
    for task in tasks:
        by_name.setdefault(name_of(task), []).append(task)
    labels: dict[Any, str] = {}
    for name, same in by_name.items():
        values = {task: task.to_str_params(only_significant=True) for task in same}
        first = values[same[0]]
        for task in same:
            own = [
                f"{key}={value}"
                for key, value in values[task].items()
                if any(v.get(key) != value for v in values.values())
            ]
            labels[task] = f"{name} ({', '.join(own)})" if own and first is not None else name
    return labels


def name_of(task: Any) -> str:
    """Return the name of a task: its family, and the part of the analysis that it is for."""
    return str(task.branch_label) if _is_branch(task) else label_of(task)


def _is_branch(task: Any) -> bool:
    return isinstance(task, law.BaseWorkflow) and bool(task.is_branch())


def draw(root: Node, rows: Callable[[Node], Iterable[Text]]) -> str:
    """Return the lines of a tree for the terminal, or for a file if the output isn't one.

    Args:
        root: the tree.
        rows: returns what is said about a task, in lines of its own but for the first, which is beside its name.
    """
    from rich.text import Text
    from rich.tree import Tree

    width = wrapping_width(sys.stdout)
    column = _width(root) + _GAP
    if width:
        column = min(column, max(int(width * _TASK_SHARE), 30))

    def grow(node: Node, depth: int = 0) -> Tree:
        tree = Tree(_entry(node.label, list(rows(node)), column - depth * _INDENT))
        tree.children += [grow(child, depth + 1) for child in node.children]
        if node.elsewhere:
            tree.add(Text(f"above: {_joined(node.elsewhere)}", "dim"))
        return tree

    tree = grow(root)
    tree.TREE_GUIDES, tree.ASCII_GUIDES = [_GUIDES], _PLAIN_GUIDES
    return "\n".join(drawn(tree, sys.stdout, width))


def line(text: str, style: str = "", *others: str) -> Text:
    """Return a line about a task: a text in a colour, and others, which may be empty."""
    from rich.text import Text

    return Text("  ").join([Text(text, style), *map(Text, filter(None, others))])


def _width(node: Node) -> int:
    """Return the number of characters that the names of a task and of all below it take."""
    return max(len(node.label), *(_INDENT + _width(child) for child in node.children), 0)


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
