"""Jobs on LSF, as somebody would add them: a module that law.cfg names."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import law
import luigi
from law.contrib.lsf.job import LSFJobManager
from law.contrib.lsf.workflow import LSFWorkflow, LSFWorkflowProxy

from tasks.batch.control import BatchControl, on_batch_system
from tasks.batch.queues import QueueManager, ask, branches_of
from tasks.batch.submission import BatchProxy
from tasks.settings.batch_systems import BatchSystem

LSF = BatchSystem(
    kind="lsf",
    name="LSF",
    commands=("bsub", "bjobs", "bkill"),
    queue=("bjobs", "-noheader"),
    machines=("bhosts",),
    why="bjobs -p",
    options={
        "lsf_queue": luigi.Parameter(
            default=law.NO_STR, significant=False, description="queue of LSF that jobs are sent to; no default"
        )
    },
    lacks=("container", "environment", "flavour"),
    keeps_environment=True,
)


class LSFManager(QueueManager, LSFJobManager):
    """Asks for all jobs of a workflow at once, by the name of its jobs."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._name = name

    def jobs(self) -> dict[str, tuple[str, str]]:
        """Return the state and the postfix of the workflow's jobs by id."""
        lines = ask(["bjobs", "-a", "-noheader", "-o", "jobid stat job_name"]).splitlines()
        jobs = {job_id: (state, name) for job_id, state, name in map(str.split, lines)}
        own = {job_id: job for job_id, job in jobs.items() if job[1].startswith(f"{self._name}_")}
        return {job_id: (state, name.removeprefix(self._name)) for job_id, (state, name) in own.items()}

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        """Return the states of jobs by id."""
        jobs = self.jobs()
        states = {}
        for each in law.util.make_list(job_id):
            status = self.map_status(jobs[each][0]) if each in jobs else self.FAILED
            states[each] = self.failed(each) if status == self.FAILED else self.state(each, status)
        return states if isinstance(job_id, list | tuple) else states[job_id]

    def waiting_or_running(self) -> dict[str, tuple[int, ...]]:
        """Return the branches of the workflow's jobs that wait or run, by id."""
        active = (self.PENDING, self.RUNNING)
        return {
            job_id: branches_of(postfix)
            for job_id, (state, postfix) in self.jobs().items()
            if self.map_status(state) in active
        }


class LSFProxy(BatchProxy, LSFWorkflowProxy):
    """Runs branches as jobs on LSF."""

    def write_group(self, jobs: OrderedDict[int, list[int]]) -> list[Path]:
        """Write the files of jobs that ask for the same, and return them."""
        return [Path(self.create_job_file(job_num, branches)["job"]) for job_num, branches in jobs.items()]


@on_batch_system(LSF)
class LSFBatch(BatchControl, LSFWorkflow):
    """Adds ``--workflow lsf`` to a workflow in the store."""

    workflow_proxy_cls = LSFProxy

    exclude_index = True

    def lsf_create_job_manager(self, **kwargs: Any) -> LSFManager:
        """Return the manager."""
        return LSFManager(self.batch_name, **kwargs)

    def lsf_job_config(self, config: Any, job_num: int, branches: list[int]) -> Any:
        """Say what a job asks for."""
        needs = self.workflow_proxy.needs(job_num)
        self.prepare(config)
        config.job_name = f"{self.batch_name}_{branches[0]}To{branches[-1] + 1}"
        config.custom_content += [("-M", f"{round(needs.memory)}MB"), ("-W", math.ceil(needs.runtime * 60))]
        return config
