"""Passes over events that several configurations share: one job processes a branch for each of them.

Files are opened once, and what is read is kept for the next configuration, which writes what it would write alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocket.errors import DamagedOutputError
from pocket.executors import Job, Progress
from pocket.io.store.provenance import begin_work
from tasks.core.report import Work, amount_of, label_together, rate_of
from tasks.framework.jobs import ProcessingJob

_log = logging.getLogger(__name__)

#: MB for what is read, per MB of ``--chunk-memory``, and if that isn't limited
_SHARE, _UNLIMITED = 0.25, 1000
_MB = 1_000_000


@dataclass(frozen=True)
class SharedJob:
    """Processes one branch for several configurations.

    Args:
        first: the job of the task that is running.
        others: jobs of tasks that run later. Their errors are left to these, unless an input is damaged.
    """

    first: ProcessingJob
    others: tuple[ProcessingJob, ...]

    @property
    def size(self) -> int:
        """Number of events, those of each configuration."""
        return self.first.size * (1 + len(self.others))

    @property
    def parts(self) -> tuple[ProcessingJob, ...]:
        """The jobs, each of which has inputs and an output."""
        return (self.first, *self.others)

    @property
    def log(self) -> Path:
        """File for the traceback of an error of the first job."""
        return self.first.log

    def run(self, progress: Progress) -> None:
        """Process the branch and write all outputs.

        Raises:
            Exception: the error of the first job, or that another one found an input damaged, after all are done.
        """
        from pocket.io.nanoaod.kept_reads import keeping_reads

        memory = self.first.chunk_memory * _SHARE or _UNLIMITED
        with keeping_reads(int(memory * _MB)):
            failure = None
            try:
                self.first.run(progress)
            except Exception as error:
                failure = error
            for job in self.others:
                begin_work()
                try:
                    job.run(progress)
                except DamagedOutputError as error:
                    # What is damaged was set aside: nobody else would find it.
                    failure = failure or error
                except Exception as error:
                    _log.debug("configuration %s is processed alone again: %s", job.config, error)
        if failure is not None:
            raise failure


@dataclass(frozen=True)
class Pass:
    """Jobs of a workflow, which may do the work of others, too.

    Args:
        jobs: name → job.
        tasks: the workflows.
        label: label of the progress bar.
    """

    jobs: Mapping[str, Job]
    tasks: tuple[Any, ...]
    label: str

    def work(self, done: Sequence[Any], seconds: float, unit: str) -> Work:
        """Return what was done, for the line of the tasks that are finished.

        Args:
            done: the workflows that are finished.
            seconds: how long it took.
            unit: unit of the jobs' sizes.
        """
        tasks = tuple(done) or self.tasks[:1]
        amount = sum(job.size for job in self.jobs.values())
        first = sum(job.first.size if isinstance(job, SharedJob) else job.size for job in self.jobs.values())
        text = amount_of(amount, unit, first if len(tasks) > 1 else 0)
        return Work(tasks, label_together(tasks), text, seconds, rate_of(amount, seconds))

    def done(self) -> list[Any]:
        """Return the workflows all of whose branches are complete."""
        return [task for task in self.tasks if all(branch.complete() for branch in task.get_branch_tasks().values())]


def share(jobs: Mapping[str, Job], others: Mapping[Any, Mapping[str, Job]]) -> tuple[dict[str, Job], list[Any]]:
    """Return jobs, some of which process a branch for other configurations, too, and these.

    Args:
        jobs: name → job of each branch of the configuration that is processed now.
        others: another configuration → its jobs, of which those are taken that read the same.
    """
    same: dict[Any, list[tuple[Any, ProcessingJob]]] = {}
    for config, theirs in others.items():
        for job in theirs.values():
            if isinstance(job, ProcessingJob):
                same.setdefault(_reads(job), []).append((config, job))
    shared: dict[str, Job] = {}
    taken: dict[Any, None] = {}
    for name, job in jobs.items():
        shared[name] = job
        if isinstance(job, ProcessingJob) and (partners := same.get(_reads(job))):
            shared[name] = SharedJob(job, tuple(partner for _, partner in partners))
            taken |= dict.fromkeys(config for config, _ in partners)
    return shared, list(taken)


def _reads(job: ProcessingJob) -> Any:
    """Return what must be the same for jobs to share what they read."""
    return job.branch, repr(job.metadata), job.chunk_size, job.chunk_memory, job.threads
