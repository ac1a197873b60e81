from __future__ import annotations

import gc
from collections.abc import Iterator

import luigi
import pytest

from tasks.core.startup import collect_when_tasks_run


class Seeing(luigi.Task):
    """Notes whether garbage is collected while it runs."""

    seen: bool | None = None

    def complete(self) -> bool:
        return self.seen is not None

    def run(self) -> None:
        Seeing.seen = gc.isenabled()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_garbage_is_collected_when_a_task_runs() -> None:
    collect_when_tasks_run()
    assert not gc.isenabled()
    assert luigi.build([Seeing()], local_scheduler=True)
    assert Seeing.seen
    assert gc.isenabled()


def is_looked_at(one: list[int]) -> bool:
    """Whether the collection of garbage looks at an object."""
    return any(other is one for other in gc.get_objects())


def test_what_exists_is_exempt_once() -> None:
    before = [1, 2]
    collect_when_tasks_run()
    task = Seeing()
    task.trigger_event(luigi.Event.START, task)
    after = [3, 4]
    task.trigger_event(luigi.Event.START, task)
    assert not is_looked_at(before)
    assert is_looked_at(after)
