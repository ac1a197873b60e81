from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import luigi
import pytest

from tasks.core import pending


class Step(luigi.Task):
    """A step that requires others by name, and is there if its name is capital."""

    name = luigi.Parameter()
    after = luigi.Parameter(default="")

    def complete(self) -> bool:
        """Tell whether it is there."""
        return str(self.name).isupper()

    def requires(self) -> list[Any]:
        """Return the steps that it requires."""
        return [Step(name=name) for name in str(self.after)]


class Other(Step):
    """Another kind of step."""


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    pending.begin(alone=True)
    yield
    pending.begin(alone=False)


def discover(task: luigi.Task) -> None:
    """Tell what luigi tells when it finds a task incomplete."""
    for required in task.deps():
        task.trigger_event(luigi.Event.DEPENDENCY_DISCOVERED, task, required)
        if required.complete():
            required.trigger_event(luigi.Event.DEPENDENCY_PRESENT, required)
        else:
            discover(required)


def names(kind: type[Any] = Step) -> list[str]:
    """Return the names of the tasks that could run."""
    return [task.name for task in pending.runnable(kind)]


def test_tasks_whose_requirements_are_done_could_run() -> None:
    last = Step(name="last", after="abC")
    discover(last)
    assert names() == ["a", "b"]
    for required in last.requires()[:2]:
        required.trigger_event(luigi.Event.START, required)
        assert required.name not in names()
        required.trigger_event(luigi.Event.SUCCESS, required)
    assert names() == ["last"]


def test_what_failed_is_not_done() -> None:
    last = Step(name="last", after="a")
    discover(last)
    (first,) = last.requires()
    first.trigger_event(luigi.Event.START, first)
    first.trigger_event(luigi.Event.FAILURE, first, ValueError())
    assert names() == []


def test_tasks_that_were_done_without_luigi() -> None:
    last = Step(name="last", after="a")
    discover(last)
    (first,) = last.requires()
    pending.note_begun(first)
    assert names() == []
    pending.note_done(first)
    assert names() == ["last"]


def test_only_tasks_of_the_kind() -> None:
    discover(Other(name="last", after="A"))
    assert names(Other) == names() == ["last"]
    discover(Step(name="step", after="A"))
    assert names(Other) == ["last"]


def test_nothing_is_known_of_other_commands() -> None:
    discover(Step(name="last", after="a"))
    pending.begin(alone=True)
    assert names() == []


def test_nothing_runs_side_by_side_where_others_might_run_the_same() -> None:
    pending.begin(alone=False)
    discover(Step(name="last", after="a"))
    assert names() == []
