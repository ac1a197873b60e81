"""Job submission: groups jobs with equal resource requests, and resumes jobs that are already queued."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import law
from law.job.dashboard import NoJobDashboard

from pocket.io.store.publishing import replacing_file
from tasks.batch.causes import Needs
from tasks.batch.proxy import BatchError, RetryingProxy
from tasks.batch.queues import QueueError
from tasks.core.terminal import going_on

#: largest number of jobs that are submitted together, since law passes the arguments of all to each of them
MOST_TOGETHER = 1000
#: what a job says whose scripts were changed
OTHER_SCRIPTS = "the scripts of the job are not those that were submitted: somebody has changed them"


class BatchProxy(RetryingProxy):
    """Mixin of law's remote workflow proxies: groups jobs with equal requests, and resumes earlier submissions."""

    #: whether the batch system accepted a job
    _accepted = False

    workflow_type: str

    def _submit_group(self, submit_jobs: OrderedDict[int, list[int]]) -> Any:
        return self._by_needs(super()._submit_group, submit_jobs, MOST_TOGETHER)  # type: ignore[misc]

    def _submit_batch(self, submit_jobs: OrderedDict[int, list[int]]) -> Any:
        return self._by_needs(super()._submit_batch, submit_jobs, len(submit_jobs))  # type: ignore[misc]

    def _by_needs(self, submit: Callable[..., Any], submit_jobs: OrderedDict[int, list[int]], most: int) -> Any:
        """Submit jobs, at most so many at a time, and return their ids and law's entry of each."""
        job_ids: dict[int, Any] = {}
        data: dict[int, Any] = {}
        unknown = (None, self.job_data.dummy_job_id)
        before = [job["job_id"] for job in self.job_data.jobs.values() if job["job_id"] not in unknown]
        for group in by_needs(submit_jobs, self.needs).values():
            for part in map(OrderedDict, law.util.iter_chunks(list(group.items()), most)):
                ids, submitted = submit(part)
                job_ids.update(zip(part, ids, strict=True))
                data.update(submitted)
        errors = {number: job_id for number, job_id in job_ids.items() if isinstance(job_id, Exception)}
        refused = {number: " ".join(str(error).split()) for number, error in errors.items()}
        if len(refused) == len(job_ids) and not (before or self._accepted):
            reason = next(iter(refused.values()))
            raise BatchError(f"{self.task.progress_label}: no job can be submitted: {reason}")
        self._accepted = self._accepted or len(refused) < len(job_ids)
        accepted = job_ids.keys() - refused.keys()
        earlier = {number: reason for number, reason in self._refused.items() if number not in accepted}
        self._refused = {**earlier, **refused}
        return [job_ids[job_num] for job_num in submit_jobs], OrderedDict((num, data[num]) for num in submit_jobs)

    def write_submission(self, folder: Path) -> list[tuple[list[Path], Needs, list[list[int]]]]:
        """Write the files of the jobs that have work to do, a folder for each group of equal requests, and submit none.

        Return of each group the files that would be submitted, the resources of its jobs, and the branches of each job.
        """
        self.dashboard = NoJobDashboard()
        record = self.get_cached_output()["jobs"]  # type: ignore[attr-defined]
        known = self.job_data_cls(tasks_per_job=self.task.tasks_per_job)
        if record.exists() and not self.task.ignore_submission:
            known.update(record.load(formatter="json"))
            self.job_data.needs.update(known.needs)
        branches = law.util.iter_chunks(sorted(self.task.branch_map), known.tasks_per_job)
        jobs = {number: chunk for number, chunk in enumerate(branches, 1) if not all(map(self._is_made, chunk))}
        groups = []
        for number, (needs, group) in enumerate(by_needs(jobs, self.needs).items(), 1):
            place = folder / str(number)
            place.mkdir(parents=True)
            self.job_file_factory = self.create_job_file_factory(dir=str(place), mkdtemp=False)
            groups.append((self.write_group(group), needs, list(group.values())))
        return groups

    def _is_made(self, branch: int) -> bool:
        """Whether the output of a branch exists, even if it must still be uploaded."""
        output = self.task.branch_output(branch)
        return bool(output.exists() or output.awaits_upload)

    def create_job_manager(self, **kwargs: Any) -> Any:
        return getattr(self.task, f"{self.workflow_type}_create_job_manager")(**kwargs)

    def create_job_file_factory(self, **kwargs: Any) -> Any:
        """Return the factory of job files, which the workflow makes, beside the record of the jobs by default."""
        factory = getattr(self.task, f"{self.workflow_type}_create_job_file_factory")
        return factory(**self.task.job_files(**kwargs))

    def write_group(self, jobs: OrderedDict[int, list[int]]) -> list[Path]:
        """Write the files of jobs with equal requests, and return those that are submitted."""
        raise NotImplementedError

    def dump_job_data(self) -> None:
        """Write the record of the jobs, from which a later process resumes if this one is killed."""
        self.job_data["dashboard_config"] = self.dashboard.get_persistent_config()
        with self._dump_lock:  # type: ignore[attr-defined]
            write_record(Path(self.get_cached_output()["jobs"].abspath), self.job_data)  # type: ignore[attr-defined]

    def remove_jobs(self) -> int:
        """Remove all jobs of the workflow from the queue and delete their record; return their number."""
        jobs = self.job_manager.in_queue()
        errors = self.job_manager.cancel_batch(jobs) if jobs else []
        # One that has ended meanwhile is an error, too.
        if errors and (left := self.job_manager.in_queue()):
            # law has the ids of all jobs before the reason.
            reason = " ".join(str(errors[0]).rpartition(":\n")[2].split())
            raise QueueError(
                f"{self.task.progress_label}: {len(left)} of {len(jobs)} jobs can't be removed from the queue: {reason}"
            )
        for record in self.task.control.glob(f"{self.workflow_type}_jobs*.json"):
            record.unlink(missing_ok=True)
        return len(jobs)

    def run(self) -> None:
        """Fetch what the jobs need, and run them."""
        # law's --cleanup-jobs only knows the jobs in the record.
        if not self.task.is_controlling_remote_jobs():
            self.task.check_placement()
            self.task.prepare_branches(fetch_needed=self.task.site_inst.store == "shared")
            self._adopt()
        with going_on(f"jobs of {self.task.progress_label} that are in the queue of {self.task.effective_workflow}"):
            super().run()  # type: ignore[misc]
        if self.task.no_poll and not self.task.complete():
            raise BatchError(
                f"{self.task.progress_label}: jobs are in the queue, and --no-poll doesn't wait for them; the same "
                "command without it does"
            )

    def _adopt(self) -> None:
        """Add queued jobs that the record lacks because the process that submitted them was killed.

        Jobs that failed are to be submitted again, since an earlier command has counted their failures.
        """
        record = self.get_cached_output()["jobs"]  # type: ignore[attr-defined]
        known = self.job_data_cls(tasks_per_job=self.task.tasks_per_job)
        if record.exists():
            known.update(record.load(formatter="json"))
        by_branches = {tuple(data["branches"]): job_num for job_num, data in known.jobs.items()}
        chunks = law.util.iter_chunks(sorted(self.task.branch_map), known.tasks_per_job)
        numbers = {tuple(branches): number for number, branches in enumerate(chunks, 1)}
        queued = self.job_manager.waiting_or_running()
        found = False
        for job_id, branches in queued.items():
            job_num = by_branches.get(branches, numbers.get(branches))
            # The record may name an earlier attempt of the job, which has ended.
            if job_num is None or (job_num in known.jobs and known.jobs[job_num]["job_id"] in queued):
                continue
            log = self.task.control / f"stdall_{branches[0]}To{branches[-1] + 1}.txt"
            known.jobs[job_num] = known.job_data(job_id=job_id, branches=list(branches), extra={"log": str(log)})
            known.unsubmitted_jobs.pop(job_num, None)
            found = True
        failed = (self.job_manager.FAILED, self.job_manager.RETRY)
        for job_num, data in list(known.jobs.items()):
            has_ended = data["status"] in failed and data["job_id"] not in queued
            # An attempt that the record lacks may have succeeded.
            if has_ended and not all(map(self._is_made, data["branches"])):
                known.unsubmitted_jobs[job_num] = known.jobs.pop(job_num)["branches"]
                found = True
        if found:
            for branches, number in numbers.items():
                if number not in known.jobs:
                    known.unsubmitted_jobs.setdefault(number, list(branches))
            write_record(Path(record.abspath), known)


def write_record(path: Path, jobs: Mapping[str, Any]) -> None:
    """Write the job record atomically: if the process is killed, the previous record survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_file(path) as file:
        # Indentation would make json use its slow Python encoder, at each look at the queue.
        file.write(json.dumps(jobs).encode())


def by_needs(jobs: Mapping[int, list[int]], needs: Callable[[int], Needs]) -> dict[Needs, OrderedDict[int, list[int]]]:
    """Group jobs (number → branches) with equal resource requests."""
    groups: dict[Needs, OrderedDict[int, list[int]]] = {}
    for job_num, branches in jobs.items():
        groups.setdefault(needs(job_num), OrderedDict())[job_num] = branches
    return groups
