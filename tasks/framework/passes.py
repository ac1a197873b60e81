"""Passes over events, which several configurations may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.executors import Job
from tasks.core.report import Work, amount_of, label_together, rate_of


@dataclass(frozen=True)
class Pass:
    """Jobs of a workflow, which may do the work of others, too; ``of_first`` is the amount of the first one's."""

    jobs: Mapping[str, Job]
    tasks: tuple[Any, ...]
    label: str
    of_first: int = 0

    def work(self, done: Sequence[Any], seconds: float, unit: str) -> Work:
        """Return what was done, for the line of the tasks that are finished."""
        tasks = tuple(done) or self.tasks[:1]
        amount = sum(job.size for job in self.jobs.values())
        text = amount_of(amount, unit, self.of_first if len(tasks) > 1 else 0)
        return Work(tasks, label_together(tasks), text, seconds, rate_of(amount, seconds))

    def done(self) -> list[Any]:
        """Return the workflows all of whose branches are complete."""
        return [task for task in self.tasks if all(output.exists() for output in task.branch_outputs.values())]
