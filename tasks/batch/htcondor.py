"""Jobs on HTCondor."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import law
from law.contrib.htcondor.job import HTCondorJobManager
from law.contrib.htcondor.workflow import HTCondorWorkflow, HTCondorWorkflowProxy
from law.job.base import JobInputFile

from pocket.errors import PocketError
from tasks.batch.options import BatchOptions
from tasks.batch.proxy import ObservedManager, RetryingProxy, by_needs
from tasks.remote_store import remote_store

#: attributes of jobs, by which they are found again: the control folder, and the branches like ``_0To1``
CONTROL, BRANCHES = "PocketlawControl", "PocketlawBranches"
_ASKED = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "ExitCode",
    "ExitSignal",
    "HoldReason",
    "HoldReasonCode",
    "RemoveReason",
    "RemoteHost",
    "LastRemoteHost",
    BRANCHES,
)
#: JobStatus → what it means; jobs that are suspended or transfer their output run
_IDLE, _RUNNING, _REMOVED, _COMPLETED, _HELD = 1, 2, 3, 4, 5
_SECONDS = 300


class QueueError(PocketError):
    """HTCondor can't be asked."""


class QueueManager(ObservedManager, HTCondorJobManager):
    """Asks for all jobs of a workflow at once, by their control folder.

    Args:
        control: the control folder.
    """

    def __init__(self, control: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._constraint = f'{CONTROL} == "{control}"'

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        """Return the states of jobs by id.

        Raises:
            QueueError: if the queue can't be read.
        """
        asked = law.util.make_list(job_id)
        ads = self.ads("condor_q", "-allusers")
        if missing := len(set(asked) - set(ads)):
            ads = {**self.ads("condor_history", "-limit", str(max(missing, len(asked)))), **ads}
        states = {each: self._state(each, ads.get(each)) for each in asked}
        return states if isinstance(job_id, list | tuple) else states[job_id]

    def ads(self, command: str, *options: str) -> dict[str, dict[str, Any]]:
        """Return the attributes of the workflow's jobs by id.

        Args:
            command: ``condor_q`` or ``condor_history``.
            *options: its further options.
        """
        place = [*(["-pool", self.pool] if self.pool else []), *(["-name", self.scheduler] if self.scheduler else [])]
        asked = [command, *place, *options, "-constraint", self._constraint, "-json", "-attributes", ",".join(_ASKED)]
        try:
            result = subprocess.run(asked, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise QueueError(f"{command} can't be run: {error}") from None
        if result.returncode:
            reason = " ".join((result.stderr or result.stdout).split())[:300]
            raise QueueError(f"{command} failed with exit code {result.returncode}: {reason}")
        return {f"{ad['ClusterId']}.{ad['ProcId']}": ad for ad in json.loads(result.stdout.strip() or "[]")}

    def _state(self, job_id: str, ad: Mapping[str, Any] | None) -> dict[str, Any]:
        if ad is None:
            return self._failed(job_id, None, {"found": False})
        status, code = ad["JobStatus"], ad.get("ExitCode")
        host = ad.get("RemoteHost") or ad.get("LastRemoteHost")
        if status == _HELD:
            held = {"held": True, "reason": ad.get("HoldReason", ""), "hold_code": ad.get("HoldReasonCode", 0)}
            return self._failed(job_id, host, held)
        if status == _REMOVED:
            return self._failed(job_id, host, {"reason": ad.get("RemoveReason", "")})
        if status == _COMPLETED and (code or ad.get("ExitSignal")):
            return self._failed(job_id, host, {"code": code, "signal": ad.get("ExitSignal") or 0})
        kind = {_IDLE: self.PENDING, _COMPLETED: self.FINISHED}.get(status, self.RUNNING)
        state: dict[str, Any] = self.job_status_dict(job_id=job_id, status=kind, code=code or 0)
        return state

    def _failed(self, job_id: str, host: str | None, failure: dict[str, Any]) -> dict[str, Any]:
        extra = {"failure": failure, **({"remote_host": host} if host else {})}
        state: dict[str, Any] = self.job_status_dict(
            job_id=job_id, status=self.FAILED, code=failure.get("code") or 1, extra=extra
        )
        return state


class HTCondorProxy(RetryingProxy, HTCondorWorkflowProxy):
    """Submits the jobs that ask for the same together, and finds those of an interrupted submission again."""

    def _submit_group(self, submit_jobs: OrderedDict[int, list[int]]) -> Any:
        job_ids: dict[int, Any] = {}
        data: dict[int, Any] = {}
        for group in by_needs(submit_jobs, self.needs).values():
            ids, submitted = super()._submit_group(group)
            job_ids.update(zip(group, ids, strict=True))
            data.update(submitted)
        return [job_ids[job_num] for job_num in submit_jobs], OrderedDict((num, data[num]) for num in submit_jobs)

    def _run_impl(self) -> Any:
        if not self.task.is_controlling_remote_jobs():
            self._adopt()
        return super()._run_impl()

    def _adopt(self) -> None:
        """Add the jobs in the queue that the record doesn't know, because whoever submitted them was killed."""
        record = self.get_cached_output()["jobs"]
        known = self.job_data_cls(tasks_per_job=self.task.tasks_per_job)
        if record.exists():
            known.update(record.load(formatter="json"))
        by_branches = {tuple(data["branches"]): job_num for job_num, data in known.jobs.items()}
        chunks = law.util.iter_chunks(sorted(self.task.branch_map), known.tasks_per_job)
        numbers = {tuple(branches): number for number, branches in enumerate(chunks, 1)}
        found = False
        for job_id, ad in self.job_manager.ads("condor_q", "-allusers").items():
            branches = _branches(ad.get(BRANCHES, ""))
            job_num = by_branches.get(branches, numbers.get(branches))
            if job_num is None or ad["JobStatus"] not in (_IDLE, _RUNNING):
                continue
            data = known.jobs.get(job_num)
            if data is None or data["job_id"] in (None, known.dummy_job_id):
                known.jobs[job_num] = known.job_data(job_id=job_id, branches=list(branches))
                known.unsubmitted_jobs.pop(job_num, None)
                found = True
        if found:
            for branches, number in numbers.items():
                if number not in known.jobs:
                    known.unsubmitted_jobs.setdefault(number, list(branches))
            record.parent.touch()
            record.dump(known, formatter="json", indent=4)


class HTCondorBatch(BatchOptions, HTCondorWorkflow):
    """Adds ``--workflow htcondor`` to a workflow in the store."""

    workflow_proxy_cls = HTCondorProxy

    # no option: with one look a minute, for an hour
    poll_fails = 60

    exclude_index = True

    def htcondor_create_job_manager(self, **kwargs: Any) -> QueueManager:
        """Return the manager."""
        return QueueManager(str(self.control_directory("htcondor")), **kwargs)

    def htcondor_output_directory(self) -> law.LocalDirectoryTarget:
        """The control folder, one for each store path."""
        return law.LocalDirectoryTarget(str(self.control_directory("htcondor")))

    def htcondor_create_job_file_factory(self, **kwargs: Any) -> Any:
        """Put the files of submissions beside the record of the jobs."""
        self.submission_directory.mkdir(parents=True, exist_ok=True)
        settings = {**kwargs, "dir": str(self.submission_directory), "mkdtemp": True}
        return super().htcondor_create_job_file_factory(**settings)

    @property
    def submission_directory(self) -> Path:
        """Folder of the files that are handed to HTCondor."""
        return Path(self.control_directory("htcondor"), "submissions")

    def htcondor_bootstrap_file(self) -> JobInputFile:
        """What a job begins with."""
        return JobInputFile(str(Path(__file__).with_name("bootstrap.sh")), copy=True, render_job=True)

    def htcondor_job_config(self, config: Any, job_num: Any, branches: Any) -> Any:
        """Say what jobs ask for, and by what they are found again."""
        site, needs = self.site_inst, self.workflow_proxy.needs(law.util.make_list(job_num)[0])
        control = self.control_directory("htcondor")
        for path in (control, os.environ["POCKET_ROOT"]):
            site.check_path(str(path))
        config.render_variables["pocket_root"] = os.environ["POCKET_ROOT"]
        config.render_variables["pocket_store"] = os.environ["POCKET_STORE"]
        config.render_variables["pocket_remote_store"] = remote_store() or ""
        config.custom_content += [
            (f"MY.{CONTROL}", f'"{control}"'),
            (f"MY.{BRANCHES}", '"$(law_job_postfix)"'),
            ("JobBatchName", f"{self.task_family}.{self.config_part}.{self.version}"),
            ("request_memory", round(needs.memory)),
            ("request_cpus", 1),
        ]
        seconds = round(needs.runtime * 3600)
        # a longer time than the first one was asked for, so the flavour doesn't do any more
        if site.flavour and needs.runtime <= self.needs.runtime:
            config.custom_content.append(("MY.JobFlavour", f'"{site.flavour}"'))
        else:
            config.custom_content += [("MY.MaxRuntime", seconds), ("allowed_job_duration", seconds)]
        if site.want_os:
            config.custom_content.append(("MY.WantOS", f'"{site.want_os}"'))
        if site.container:
            config.custom_content.append(("MY.SingularityImage", f'"{site.container}"'))
        if site.accounting_group:
            config.custom_content.append(("accounting_group", site.accounting_group))
        if site.send_credential:
            config.custom_content.append(("MY.SendCredential", "True"))
        if hosts := self.workflow_proxy.blocked_hosts:
            config.custom_content.append(("requirements", _elsewhere(hosts)))
        return config

    def modify_polling_status_line(self, status_line: str) -> str:
        """Say how far the jobs are, in events too."""
        return str(self.workflow_proxy.status_line())

    def htcondor_poll_callback(self, poll_data: Any) -> bool:
        """Stop where it is hopeless, or enough is done."""
        return bool(self.workflow_proxy.stop_if_decided())

    def htcondor_check_job_completeness(self) -> bool:
        """A job that ends well without its outputs has failed."""
        return True

    def htcondor_use_local_scheduler(self) -> bool:
        """No job has a scheduler to talk to."""
        return True

    def htcondor_post_submit_delay(self) -> float:
        """The queue knows a job at once."""
        return 0.0


def _elsewhere(hosts: Iterable[str]) -> str:
    return " && ".join(f'(TARGET.Machine != "{host}")' for host in hosts)


def _branches(postfix: str) -> tuple[int, ...]:
    """Return the branches of a postfix like ``_0To2``, none if it isn't one."""
    match = re.fullmatch(r"_(\d+)To(\d+)", postfix)
    return tuple(range(int(match[1]), int(match[2]))) if match else ()
