"""Graph of a command: its task and all that it requires, each with its state, and what could run now."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import law
import luigi

from tasks.core.console import short
from tasks.core.states import is_workflow, reasons_of, state_of
from tasks.core.targets import State

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Node:
    """A task in a graph, whose state and reasons are found when they are first asked for."""

    task: Any
    required: list[Node] = field(default_factory=list)

    @cached_property
    def state(self) -> State:
        """What the next run would do with the task."""
        return state_of(self.task)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why it would do that, empty if nothing is known."""
        return reasons_of(self.task, self.state)

    @cached_property
    def amount(self) -> str:
        """How much there is to do for the task, empty if that isn't known."""
        if not is_workflow(self.task):
            return str(self.task.describe_work())
        amount = sum(map(self.task.branch_size, self.state.left))
        return f"{short(amount)} {self.task.work_unit}" if amount else ""

    @cached_property
    def below(self) -> frozenset[Node]:
        """All that the task requires, directly or through others."""
        return frozenset(self.required).union(*(node.below for node in self.required))

    @cached_property
    def last(self) -> list[Node]:
        """What the task requires directly and through no other."""
        through_others = frozenset[Node]().union(*(node.below for node in self.required))
        return [node for node in self.required if node not in through_others]

    @cached_property
    def height(self) -> int:
        """Number of tasks that come one after the other until the task is done."""
        return 1 + max((node.height for node in self.required), default=0)


def required_by(task: Any) -> list[Any]:
    """Return what a task requires directly, each once."""
    return list(dict.fromkeys(law.util.flatten(task.requires())))


def requirements(root: Any, depth: int = -1, required: Callable[[Any], Iterable[Any]] = required_by) -> dict[Any, Node]:
    """Return a task and all that it requires with their nodes, in luigi's order; a depth of -1 has no end."""
    found = {root: Node(root)}
    steps = {root: depth if depth >= 0 else math.inf}
    left = [root]
    while left:
        node = found[left.pop()]
        further = steps[node.task] - 1
        # A shorter way may lead to what was found at the end of a longer one.
        node.required = []
        for task in required(node.task) if further >= 0 else ():
            node.required.append(found.setdefault(task, Node(task)))
            if further > steps.get(task, -1):
                steps[task] = further
                left.append(task)
    return found


class Graph:
    """The incomplete tasks of a command. What fails to tell its requirements ends it, and luigi tells the error."""

    def __init__(self, root: Any, is_complete: Callable[[Any], bool]) -> None:
        self.root = root
        #: ids of tasks that were begun, and of those that were done
        self.begun: set[str] = set()
        self.done: set[str] = set()
        complete: set[Any] = set()

        def required(task: Any) -> list[Any]:
            try:
                if not is_complete(task):
                    return required_by(task)
                complete.add(task)
            # It may come from the code of an analysis.
            except Exception:
                _log.debug("%s", task, exc_info=True)
            return []

        found = requirements(root, required=required)
        #: id → incomplete task
        self.planned = {task.task_id: node for task, node in found.items() if task not in complete}
        for node in self.planned.values():
            node.required = [each for each in node.required if each.task.task_id in self.planned]

    def ready(self, kind: type[T]) -> list[T]:
        """Return the tasks of a kind that weren't begun and that require nothing that isn't done."""
        return [
            node.task
            for name, node in self.planned.items()
            if isinstance(node.task, kind)
            and name not in self.begun | self.done
            and all(each.task.task_id in self.done for each in node.required)
        ]

    def most_at_once(self, is_wanted: Callable[[Any], bool]) -> int:
        """Return how many of some tasks may run at the same time: the largest number with equally many before them."""
        depths: dict[Node, int] = {}

        def depth(node: Node) -> int:
            if node not in depths:
                depths[node] = max(map(depth, node.required), default=0) + is_wanted(node.task)
            return depths[node]

        wanted = (node for node in self.planned.values() if is_wanted(node.task))
        return max(Counter(map(depth, wanted)).values(), default=0)


_graph: Graph | None = None


def begin(graph: Graph | None) -> None:
    """Set the graph of this process's command, ``None`` if other processes might run the same tasks."""
    global _graph
    _graph = graph


def ready(kind: type[T]) -> list[T]:
    """Return the tasks of a kind that this command could run now, none if other processes might run them."""
    return _graph.ready(kind) if _graph else []


def note_done(tasks: Iterable[Any]) -> None:
    """Note that tasks were done, which luigi doesn't know yet."""
    if _graph:
        _graph.done.update(task.task_id for task in tasks)


# luigi's functions have no type annotations.
_on: Any = luigi.Task.event_handler


@_on(luigi.Event.START)
def _note_begun(task: Any) -> None:
    if _graph:
        _graph.begun.add(task.task_id)


@_on(luigi.Event.SUCCESS)
def _note_done(task: Any) -> None:
    note_done([task])
