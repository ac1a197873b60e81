from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tasks.framework.workflow import Pass


@dataclass(frozen=True)
class Sized:
    """A job, or a workflow in a pass."""

    size: int = 0
    config_part: str = ""
    task_family: str = "RunProcessor"

    def run(self, progress: Any) -> None:
        raise AssertionError


@pytest.mark.parametrize(("number", "text"), [(1, "900 events"), (3, "3 × 300 events")])
def test_events_that_several_workflows_share_are_counted_for_each(number: int, text: str) -> None:
    tasks = tuple(Sized(config_part=f"config{count}") for count in range(number))
    shared = Pass({"a": Sized(600), "b": Sized(300)}, tasks, "", of_first=300)
    work = shared.work(tasks, 3.0, "events")
    assert (work.tasks, work.amount, work.rate) == (tasks, text, "300/s")
