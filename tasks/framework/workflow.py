"""Workflows whose branches run with an executor, by default on the cores of this machine."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import law
from law.workflow.base import BaseWorkflowProxy
from luigi.task import task_id_str

from pocket.errors import ConfigError
from pocket.executors import Job
from pocket.io.store.manifest import written
from pocket.io.store.paths import own_folder
from pocket.io.store.publishing import prepare_places
from tasks.batch.options import check_workflow_type
from tasks.batch.own_store import is_made_elsewhere
from tasks.core.graph import note_done
from tasks.core.report import Work, amount_of, label_together, note_unchanged, note_work, rate_of
from tasks.core.targets import StoreTarget, are_complete, fetch, find_remote, refuse_replaced, upload_awaiting
from tasks.framework.base import StoreTask, changed_meanwhile, first_incomplete
from tasks.framework.executors import EXECUTOR, chosen_executor, run_jobs, run_with
from tasks.settings.remote_store import remote_store


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


# This function has no type annotations.
_identify: Any = task_id_str


class PoolProxy(BaseWorkflowProxy):
    """Runs the jobs of all incomplete branches with the executor.

    A luigi worker per branch would import the engine for each one and show no progress.
    """

    workflow_type = "local"

    def run(self) -> None:
        """Run the jobs of the incomplete branches."""
        from pocket.configuration.loading import absolute_reference

        task = self.task
        jobs = task.incomplete_jobs()
        if not jobs:
            note_unchanged(task)
            return
        now = task.with_others(jobs)
        begin = time.monotonic()
        if EXECUTOR in task.option_groups:
            factory, options = chosen_executor(task.param_kwargs)
            # The folder is hidden, so it is no part of any output.
            logs = str(own_folder(task.directory / ".dask"))
            options |= {"cores": task.cores, "analysis": absolute_reference(task.analysis), "log_folder": logs}
            run_with(factory, options, now.jobs, now.label, task.work_unit)
        else:
            run_jobs(now.jobs, task.cores, now.label, task.work_unit)
        # A worker that died may have left a folder, and another one has done its work.
        prepare_places(output.directory.parent for one in now.tasks for output in one.branch_outputs.values())
        done = now.done()
        note_done(done)
        note_work(now.work(done, time.monotonic() - begin, task.work_unit))
        refuse_replaced(task.branch_outputs.values(), task.progress_label)
        if awaited := task.awaited():
            raise changed_meanwhile(task.progress_label, awaited)
        if task in done:
            return
        for number, output in task.branch_outputs.items():
            if not (written(output.directory) or output.exists()):
                raise ConfigError(
                    f"{task.progress_label}: branch {number} ran and wrote no output: run() of its job must write it, "
                    "by write_output(**output) with what write_info() of the branch returns"
                )


def _of_workflow(name: str) -> Any:
    """Return a property that is the same for all branches, so that it is found once for their workflow."""

    def find(task: Any) -> Any:
        return getattr(task.as_workflow() if task.is_branch() else super(PoolWorkflow, task), name)

    return property(find)


class PoolWorkflow(law.LocalWorkflow, StoreTask):
    """Base of workflows: a branch defines its work in :meth:`job`, and may also run alone (``--branch N``)."""

    workflow_proxy_cls = PoolProxy

    # These aren't options: a workflow is complete when all of its branches are, and its requirements are made first.
    acceptance = 1.0
    # Failed batch jobs don't keep the others from finishing.
    tolerance = 1.0
    pilot = False
    exclude_index = True

    #: whether the output of a branch is one file (:mod:`pocket.base.containers`), since nobody opens its parts
    in_containers = False

    #: what the sizes of branches count, for the progress bar
    work_unit = "events"

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown type of workflow before law looks at it."""
        check_workflow_type(cls, params)
        return dict(super().modify_param_values(params))

    def __hash__(self) -> int:
        # luigi keeps the hash of a task in a private attribute; that of a branch would be its template's.
        return hash(self.task_id)

    def as_branch(self, branch: int | None = None, **kwargs: Any) -> Any:
        """Return a branch of this workflow, made once and from the first: law would compare all options for each."""
        if branch is None or kwargs or self.is_branch():
            return super().as_branch(branch, **kwargs)
        if branch not in self._branches:
            self._branches[branch] = self._make_branch(branch)
        return self._branches[branch]

    @cached_property
    def _branches(self) -> dict[int, Any]:
        return {}

    @cached_property
    def _first_branch(self) -> Any:
        # Bypass luigi's cache of tasks: a cached task may carry state beyond its parameters.
        return type.__call__(type(self), **super().as_branch(0).param_kwargs)

    @cached_property
    def _significant_of_branches(self) -> dict[str, str]:
        return dict(self._first_branch.to_str_params(only_significant=True, only_public=True))

    def _make_branch(self, number: int) -> Any:
        """Return a branch that differs from the first one in its number."""
        task: Any = type(self).__new__(type(self))
        attributes = vars(task)
        # law has bound the methods that depend on the branch map to the new task.
        bound = dict(attributes)
        for name, value in vars(self._first_branch).items():
            attributes[name] = copy.copy(value) if isinstance(value, list | dict) else value
        attributes.update(bound, branch=number, _workflow_task=self)
        task.param_kwargs["branch"] = number
        task.task_id = _identify(self.task_family, {**self._significant_of_branches, "branch": str(number)})
        return task

    def branch_output(self, number: int) -> StoreTarget:
        return self.as_branch(number).output()

    @property
    def branch_outputs(self) -> dict[int, StoreTarget]:
        """The outputs of the branches by number; two branches with the same one are an error."""
        outputs = {number: self.branch_output(number) for number in self.get_branch_map()}
        places: dict[Path, int] = {}
        for number, output in outputs.items():
            if (other := places.setdefault(output.directory, number)) != number:
                raise ConfigError(
                    f"{self.progress_label}: branches {other} and {number} have the same output {output.directory}: "
                    "output() must depend on the branch, e.g. self.target(self.directory / str(self.branch))"
                )
        return outputs

    @property
    def branch_data(self) -> Any:
        if self.is_workflow():
            raise ConfigError(f"{self.progress_label}: branch_data is of one branch, and this is asked of all of them")
        branches = self.get_branch_map()
        self._check_branches([self.branch], branches)
        return branches[self.branch]

    def get_branch_map(self, *args: Any, **kwargs: Any) -> Any:
        """Return the branches that were asked for; of numbers that are too large law would make all branches."""
        found = super().get_branch_map(*args, **kwargs)
        if not self.is_branch():
            begins = [part if isinstance(part, int) else part[0] for part in self.param_kwargs.get("branches", ())]
            self._check_branches([begin for begin in begins if isinstance(begin, int)], found)
        return found

    def _check_branches(self, numbers: Iterable[int], branches: Mapping[int, Any]) -> None:
        for number in numbers:
            if number not in branches:
                last = len(self.create_branch_map()) - 1
                raise ConfigError(f"{self.progress_label} has no branch {number}, only 0 to {last}")

    fingerprint = _of_workflow("fingerprint")
    directory = _of_workflow("directory")
    records = _of_workflow("records")
    upstream_scale_factors = _of_workflow("upstream_scale_factors")

    def job(self) -> Job:
        """Return the work of this branch."""
        raise self._lacks("job")

    def with_others(self, jobs: dict[str, Job]) -> Pass:
        """Return the jobs, which may also do the work of other tasks that are ready."""
        return Pass(jobs, (self,), self.progress_label)

    @property
    def branches_are_known(self) -> bool:
        """Whether the branches are known before the tasks that are required have run."""
        condition = getattr(self, "workflow_condition", None)
        return condition is None or bool(condition())

    def branch_size(self, branch: int) -> int:
        """Return how much there is to do in a branch, 0 if that isn't known before it runs."""
        return 0

    def incomplete_jobs(self) -> dict[str, Job]:
        """Return the jobs of the incomplete branches by name, after preparing for them."""
        self.prepare_branches()
        left = [self.as_branch(number) for number, output in self.branch_outputs.items() if not output.exists()]
        return {branch.branch_label: branch.job() for branch in left}

    @property
    def branch_label(self) -> str:
        """Name of this branch in error messages."""
        return f"branch {self.branch} of {self.progress_label}"

    def make(self) -> None:
        self.job().run(lambda amount: None)

    def fetch_needed(self) -> None:
        """Fetch the outputs that are read; the job verifies those of its branch."""
        fetch(self.needed())

    def prepare_place(self) -> None:
        """Do nothing: the workflow creates the folders once for all branches, which may be thousands of jobs."""

    def prepare_branches(self, fetch_needed: bool = True) -> None:
        """Create the folders of all branches, upload finished outputs, and fetch what incomplete ones read here."""
        super().prepare_place()
        outputs = self.branch_outputs.values()
        prepare_places(output.directory.parent for output in outputs)
        if remote_store() is None:
            return
        upload_awaiting(outputs)
        if fetch_needed and not all(output.exists() for output in outputs):
            self.fetch_needed()

    def workflow_complete(self) -> bool:
        """Whether all branches and all requirements of the workflow are complete."""
        if is_made_elsewhere(self.task_family):
            return True
        if not are_complete(self.requires()):
            return False
        outputs = self.branch_outputs.values()
        find_remote(outputs)
        return bool(outputs) and all(output.exists() for output in outputs)

    def complete(self) -> bool:
        """Whether this branch is complete; the workflow checks the requirements once for all branches."""
        # In a job, luigi calls this before it would make any requirement, so a changed task is refused here.
        self.check_expected()
        return bool(self.output().exists())

    def requires(self) -> Any:
        return self.required_tasks

    def awaited(self) -> str:
        return first_incomplete(self.required_tasks)

    @cached_property
    def required_tasks(self) -> Any:
        """Requirements of the workflow, created once for all branches."""
        return self.as_workflow().required_tasks if self.is_branch() else self.workflow_requires()
