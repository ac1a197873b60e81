"""Workflows whose branches run on the cores of this machine."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import law
from law.workflow.local import LocalWorkflowProxy

from tasks.base import StoreTask, requirements_complete
from tasks.pool import Job, run_jobs


class PoolProxy(LocalWorkflowProxy):
    """Runs the jobs of all incomplete branches in processes, instead of handing the branches to luigi.

    A luigi worker per branch would import the engine for each one and show no progress.
    """

    def run(self) -> None:
        """Run the jobs."""
        task = self.task
        branches = task.get_branch_tasks().values()
        jobs = [branch.job() for branch in branches if not branch.complete()]
        if jobs:
            run_jobs(jobs, task.cores, task.progress_label, "events")


class PoolWorkflow(law.LocalWorkflow, StoreTask):
    """Base of workflows: a branch says what it does by :meth:`job`, and may also run alone (``--branch N``)."""

    workflow_proxy_cls = PoolProxy

    exclude_index = True

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides the output, the same for all branches."""
        return str(self.as_workflow().fingerprint) if self.is_branch() else super().fingerprint

    def job(self) -> Job:
        """Return the work of this branch."""
        raise NotImplementedError

    @property
    def progress_label(self) -> str:
        """Text of the progress bar."""
        return f"{self.task_family} {self.config_part}"

    def run(self) -> None:
        """Do the work of this branch."""
        self.job().run(lambda amount: None)

    def workflow_complete(self) -> bool:
        """Whether all branches are complete, and all that the workflow requires."""
        if not requirements_complete(self):
            return False
        branches = self.get_branch_tasks()
        return bool(branches) and all(branch.output().exists() for branch in branches.values())

    def complete(self) -> bool:
        """Whether this branch is complete; what it requires is checked by the workflow, once for all branches."""
        return bool(self.output().exists())

    def requires(self) -> Any:
        """A branch requires what its workflow does."""
        return self.workflow_requires()
