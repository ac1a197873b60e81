from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import luigi
import pytest

from tasks.core import graph
from tasks.core.graph import Graph, requirements


@dataclass
class Step:
    """A task, as far as a graph looks at it; it is there if its name is capital."""

    task_id: str
    required: list[Step] = field(default_factory=list)

    def __hash__(self) -> int:
        return hash(self.task_id)

    def requires(self) -> list[Step]:
        """Return the steps that it requires."""
        return self.required


class Broken(Step):
    """A task that doesn't know what it requires."""

    def requires(self) -> list[Step]:
        """Fail."""
        raise ValueError(self.task_id)


class Other(Step):
    """Another kind of step."""


def is_there(task: Step) -> bool:
    """Tell whether a step is complete."""
    if task.task_id == "lost":
        raise OSError
    return task.task_id.isupper()


def graph_of(root: Step) -> Graph:
    """Return the graph of a command."""
    return Graph(root, is_there)


def names(found: Graph, kind: type[Step] = Step) -> list[str]:
    """Return the names of the tasks that could run."""
    return [task.task_id for task in found.ready(kind)]


def test_tasks_with_equally_many_before_them_may_run_at_once() -> None:
    first, second = Other("o1"), Other("o2", [Step("s1")])
    third = Other("o3", [Step("s2", [first, second])])
    found = graph_of(Step("root", [third, Step("s3", [Other("o4", [first])]), Other("O5")]))

    def is_other(task: object) -> bool:
        return isinstance(task, Other)

    assert found.most_at_once(is_other) == 2
    assert found.most_at_once(lambda task: is_other(task) and task is not second) == 2
    assert found.most_at_once(lambda task: task in (first, third)) == 1
    assert found.most_at_once(lambda task: False) == 0


def required(found: Graph) -> dict[str, list[str]]:
    """Return what the tasks that are to run require."""
    return {name: [each.task.task_id for each in node.required] for name, node in found.planned.items()}


def test_what_complete_tasks_require_is_not_looked_at() -> None:
    below = Step("c", [Step("d"), Step("E", [Step("never")])])
    found = graph_of(Step("a", [Step("B", [Step("never")]), below, below]))
    assert list(found.planned) == ["a", "c", "d"]
    assert required(found) == {"a": ["c"], "c": ["d"], "d": []}
    assert graph_of(Step("A", [Step("b")])).planned == {}


def test_order_is_that_in_which_luigi_finds_tasks() -> None:
    class Task(luigi.Task):
        """A task of luigi, with the tree below it in its name."""

        name = luigi.Parameter()

        def requires(self) -> list[Task]:
            """Return the tasks that it requires."""
            return [Task(name=f"{self.name}{letter}") for letter in "abc"] if len(self.name) < 3 else []

        def complete(self) -> bool:
            """Tell that it isn't there."""
            return False

    found: list[str] = []
    root = Task(name="")
    note = Task.event_handler(luigi.Event.DEPENDENCY_DISCOVERED)(lambda _, required: found.append(required.task_id))
    try:
        with luigi.worker.Worker() as worker:
            worker.add(root)
    finally:
        Task.remove_event_handler(luigi.Event.DEPENDENCY_DISCOVERED, note)
    assert list(Graph(root, lambda task: bool(task.complete())).planned) == [root.task_id, *dict.fromkeys(found)]


def test_tasks_whose_requirements_are_done_could_run() -> None:
    a, b = Step("a"), Step("b")
    found = graph_of(Step("last", [a, b, Step("C")]))
    assert names(found) == ["a", "b"]
    for each in (a, b):
        found.begun.add(each.task_id)
        assert each.task_id not in names(found)
        assert "last" not in names(found)
        found.done.add(each.task_id)
    assert names(found) == ["last"]


def test_what_failed_is_not_done() -> None:
    a = Step("a")
    found = graph_of(Step("last", [a]))
    found.begun.add(a.task_id)
    assert names(found) == []


def test_tasks_that_were_done_in_the_pass_of_another() -> None:
    a = Step("a")
    found = graph_of(Step("last", [a]))
    found.done.add(a.task_id)
    assert names(found) == ["last"]


def test_only_tasks_of_the_kind() -> None:
    found = graph_of(Step("last", [Other("a"), Step("b")]))
    assert (names(found, Other), names(found)) == (["a"], ["a", "b"])


def test_what_fails_to_tell_is_left_to_luigi() -> None:
    found = graph_of(Step("last", [Broken("broken"), Step("lost", [Step("never")])]))
    assert list(found.planned) == ["last", "broken", "lost"]
    assert required(found) == {"last": ["broken", "lost"], "broken": [], "lost": []}


@pytest.fixture
def command() -> Iterator[Graph]:
    found = graph_of(Step("last", [Step("a")]))
    graph.begin(found)
    yield found
    graph.begin(None)


def test_events_of_luigi_reach_the_graph_of_the_command(command: Graph) -> None:
    (first,) = graph.ready(Step)
    task = luigi.Task()
    task.trigger_event(luigi.Event.START, first)
    assert graph.ready(Step) == []
    task.trigger_event(luigi.Event.SUCCESS, first)
    assert [task.task_id for task in graph.ready(Step)] == ["last"]
    assert command.ready(Step) == graph.ready(Step)


def test_nothing_is_shared_where_others_might_run_the_same(command: Graph) -> None:
    graph.begin(None)
    assert graph.ready(Step) == []
    assert names(command) == ["a"]


def test_what_is_required_and_how_often_is_known_of_each_node() -> None:
    data = Step("data")
    runs = [Step(name, [data]) for name in "ab"]
    nodes = requirements(Step("plot", [Step("merge", runs), runs[0], data]))
    plot, *others = nodes.values()
    assert [node.task.task_id for node in nodes.values()] == ["plot", "merge", "a", "data", "b"]
    assert plot.below == {*others}
    assert [node.task.task_id for node in plot.last] == ["merge"]
    assert [node.height for node in nodes.values()] == [4, 3, 2, 1, 2]
    # a shorter way leads to what was found at the end of a longer one
    near = Step("near", [Step("deep")])
    top = Step("top", [Step("short", [near]), Step("long", [Step("longer", [near])])])
    assert [task.task_id for task in requirements(top, 3)] == ["top", "short", "long", "longer", "near", "deep"]
    for depth, names_there in {
        0: ["plot"],
        1: ["plot", "merge", "a", "data"],
        2: [*["plot", "merge", "a", "data", "b"]],
    }.items():
        assert [task.task_id for task in requirements(plot.task, depth)] == names_there
