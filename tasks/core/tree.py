"""A task and all that it requires, drawn as a tree in which each task appears once."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import law

from pocket.errors import ConfigError, UnknownNameError
from tasks.core.console import colored, wrapping_width
from tasks.core.graph import requirements
from tasks.core.plan import label_of

#: space between a task and its state
_GAP = 2
#: largest share of a line for the task, if the state is also to fit
_TASK_SHARE = 0.6
_FANCY = {"tee": "├─ ", "corner": "└─ ", "bar": "│  ", "blank": "   "}
_PLAIN = {"tee": "+- ", "corner": "+- ", "bar": "|  ", "blank": "   "}


class Cell(NamedTuple):
    """What is said about a task, right of its name.

    Args:
        text: the text.
        color: a colour, empty for none.
        more: what follows it in the terminal's usual colour.
    """

    text: str
    color: str = ""
    more: str = ""


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


def render(tree: Node, cell: Callable[[Node], Cell], below: Callable[[Node], Iterable[Cell]] = lambda node: ()) -> str:
    """Return the lines of a tree for the terminal, or for a file if the output isn't one.

    Args:
        tree: the tree.
        cell: returns what is said about a task.
        below: returns what is said in lines of its own below a task.
    """
    lines = list(_lines(tree, _FANCY if _can_print("├─└│") else _PLAIN))
    width = wrapping_width(sys.stdout)
    column = max(len(head) for head, _, content in lines if isinstance(content, Node)) + _GAP
    if width:
        column = min(column, max(int(width * _TASK_SHARE), 30))
    text: list[str] = []
    for head, rest, content in lines:
        if not isinstance(content, Node):
            pieces = textwrap.wrap(content, max(width - len(head), 20), break_on_hyphens=False) if width else [content]
            text += [
                (head if number == 0 else rest) + colored(piece, "faint", sys.stdout)
                for number, piece in enumerate(pieces)
            ]
            continue
        text += _wrap(head, rest, cell(content), column, width)
        for each in below(content):
            text += _wrap(rest, rest, each, column, width)
    return "\n".join(text)


def _lines(
    node: Node, signs: Mapping[str, str], first: str = "", rest: str = ""
) -> Iterator[tuple[str, str, Node | str]]:
    """Yield for each line its beginning, the beginning of lines that continue it, and what it is about."""
    entries: list[Node | str] = [*node.children]
    if node.elsewhere:
        entries.append(f"above: {_joined(node.elsewhere)}")
    yield first + node.label, rest + (signs["bar"] if entries else signs["blank"]), node
    for number, entry in enumerate(entries, start=1):
        is_last = number == len(entries)
        head, tail = (signs["corner"], signs["blank"]) if is_last else (signs["tee"], signs["bar"])
        if isinstance(entry, Node):
            yield from _lines(entry, signs, rest + head, rest + tail)
        else:
            yield rest + head, rest + tail, entry


def _joined(labels: Iterable[str]) -> str:
    """Return labels in one phrase, in which each family is named once."""
    parts: dict[str, list[str]] = {}
    for label in labels:
        family, _, part = label.partition(" ")
        parts.setdefault(family, []).append(part)
    return ", ".join(f"{family} {' + '.join(names)}".rstrip() for family, names in parts.items())


def _wrap(head: str, rest: str, cell: Cell, column: int, width: int) -> list[str]:
    """Return the lines of an entry: its beginning, and from a column on what is said about it."""
    if not cell.text:
        return [head]
    words = f"{cell.text}  {cell.more}" if cell.more else cell.text
    pieces = textwrap.wrap(words, max(width - column, 20), break_on_hyphens=False) if width else [words]
    lines = []
    if len(head) >= column:
        # The name is too long for a state in the same line.
        lines, head = [head], rest
    # Only the text is coloured, which is in the first line or longer than that.
    shown = min(len(cell.text), len(pieces[0]))
    lines.append(f"{head:<{column}}{colored(pieces[0][:shown], cell.color, sys.stdout)}{pieces[0][shown:]}")
    return lines + [f"{rest:<{column}}{piece}" for piece in pieces[1:]]


def _can_print(signs: str) -> bool:
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
