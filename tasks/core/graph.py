"""Graph of a command: its task and all that it requires, with what is complete and what could run now."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import law
import luigi

T = TypeVar("T")

_log = logging.getLogger(__name__)


def requirements(root: Any, depth: int = -1, families: Sequence[str] = ()) -> dict[Any, list[Any]]:
    """Return task → the tasks that it requires directly, for a task and all that it requires.

    Args:
        root: the task.
        depth: number of steps from there, -1 for all.
        families: families of tasks whose requirements are left out.
    """
    found: dict[Any, list[Any]] = {}
    level, last = {root: None}, depth
    while level:
        following: dict[Any, None] = {}
        for task in level:
            stops = last == 0 or (families and law.util.multi_match(task.task_family, list(families), mode=any))
            found[task] = [] if stops else _direct(task)
            following |= dict.fromkeys(found[task])
        level = {task: None for task in following if task not in found}
        last -= 1
    return found


def _direct(task: Any) -> list[Any]:
    return list(dict.fromkeys(law.util.flatten(task.requires())))


class Graph:
    """The incomplete tasks of a command, and the complete ones that they require.

    What complete tasks require isn't looked at. A task that can't tell whether it is complete, or what it requires,
    ends the graph at its place: luigi asks it again, and tells the error.

    Args:
        root: the task of the command.
        is_complete: tells whether a task is complete.
    """

    def __init__(self, root: Any, is_complete: Callable[[Any], bool]) -> None:
        self.root = root
        self.complete: set[str] = set()
        #: id of an incomplete task → ids of the tasks that it requires
        self.required: dict[str, list[str]] = {}
        self._begun: set[str] = set()
        self._done: set[str] = set()
        found, left = {root.task_id: root}, [root]
        while left:
            task = left.pop()
            direct = self._look_at(task, is_complete)
            self.required[task.task_id] = [each.task_id for each in direct]
            new = {each.task_id: each for each in direct if each.task_id not in found}
            left += new.values()
            found |= new
        #: id → incomplete task, in the order in which luigi finds them
        self.planned = {name: task for name, task in found.items() if name not in self.complete}

    def _look_at(self, task: Any, is_complete: Callable[[Any], bool]) -> list[Any]:
        """Note whether a task is complete, and return what it requires if it isn't."""
        try:
            if not is_complete(task):
                return _direct(task)
            self.complete.add(task.task_id)
        # It may come from the code of an analysis.
        except Exception:
            _log.debug("%s", task, exc_info=True)
        return []

    def ready(self, kind: type[T]) -> list[T]:
        """Return the tasks of a kind that weren't begun and that require nothing that isn't done."""
        left = self.planned.keys() - self._done
        return [
            task
            for name, task in self.planned.items()
            if isinstance(task, kind) and name not in self._begun | self._done and left.isdisjoint(self.required[name])
        ]

    def most_at_once(self, is_wanted: Callable[[Any], bool]) -> int:
        """Return how many of some tasks may run at the same time: the largest number with equally many before them.

        Args:
            is_wanted: tells which tasks are counted.
        """
        depths: dict[str, int] = {}

        def depth(name: str) -> int:
            if name not in depths:
                depths[name] = max(map(depth, self.required.get(name, ())), default=0) + is_counted(name)
            return depths[name]

        def is_counted(name: str) -> bool:
            return name in self.planned and is_wanted(self.planned[name])

        return max(Counter(depth(name) for name in self.planned if is_counted(name)).values(), default=0)

    def note_begun(self, task: Any) -> None:
        """Note that a task was begun."""
        self._begun.add(task.task_id)

    def note_done(self, tasks: Iterable[Any]) -> None:
        """Note that tasks were done."""
        self._done |= {task.task_id for task in tasks}


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
        _graph.note_done(tasks)


# luigi's functions have no type annotations.
_on: Any = luigi.Task.event_handler


@_on(luigi.Event.START)
def _note_begun(task: Any) -> None:
    if _graph:
        _graph.note_begun(task)


@_on(luigi.Event.SUCCESS)
def _note_done(task: Any) -> None:
    note_done([task])
