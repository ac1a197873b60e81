"""Watching, retrying and giving up of jobs, shared by workflows on all batch systems."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from law.workflow.remote import JobData

from pocket.errors import PocketError
from pocket.io.store.remote_manifests import look_again
from tasks.batch.causes import (
    SAME_ERROR_IN_JOB,
    Cause,
    Failure,
    Needs,
    back_off,
    error_of_log,
    is_about_proxy,
    is_common,
    is_final,
    kind_of,
    was_killed,
)
from tasks.batch.logs import pack_logs
from tasks.batch.status import Status, advice, sample
from tasks.core.targets import find_remote, store_targets

#: number of consecutive failures on a host after which it gets no more jobs
FAILURES_ON_HOST = 3


class BatchError(PocketError):
    """Jobs failed and aren't retried."""


class JobEntry(dict[str, Any]):
    """The entry of a job in law's record; law copies the entries of all jobs at each look at the queue."""

    def __deepcopy__(self, memo: Any) -> JobEntry:
        # Fast path: a generic deep copy would dominate a look at the queue with thousands of jobs.
        return JobEntry(self, branches=list(self["branches"]), extra=dict(self["extra"]))


class PersistentJobData(JobData):
    """law's record of the jobs, with their resources, and the cause and the message of each failed attempt."""

    attributes = {**JobData.attributes, "needs": {}, "failures": {}}  # noqa: RUF012  as law has it

    @classmethod
    def job_data(cls, *arguments: Any, **options: Any) -> JobEntry:
        return JobEntry(super().job_data(*arguments, **options))

    def update(self, other: Mapping[str, Any]) -> None:
        """Take over the entries of another record, such as one that was read from a file."""
        super().update(other)
        jobs = self["jobs"]
        self["jobs"] = type(jobs)((number, JobEntry(entry)) for number, entry in jobs.items())


class RetryingProxy:
    """Mixin of law's remote workflow proxies.

    Jobs on hold are removed. A failed job is retried after a delay that doubles with each attempt, with twice the
    memory or time if it lacked that. A job that fails with the same error again, or with the error of several other
    jobs, is given up, because it would fail again. All jobs are given up if one of them runs other code than was
    submitted. Hosts where several jobs failed get no more jobs, if other hosts work.
    """

    task: Any
    job_data: Any
    job_manager: Any
    poll_data: Any
    _job_retries: dict[int, int]
    _skip_jobs: dict[int, bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._not_before: dict[int, float] = {}
        #: number of failures on a host since the last success there
        self._hosts: Counter[str] = Counter()
        #: hosts where a job succeeded
        self._good_hosts: set[str] = set()
        self._errors: dict[int, list[str]] = {}
        #: error messages of jobs that the batch system refused
        self._refused: dict[int, str] = {}
        #: an error that several jobs failed with
        self._common_error = ""
        #: number of finished jobs and of jobs on hold, at the last look
        self._done = self._held = 0
        #: time of the first look at the queue, and the number of events that were done at that time
        self._begin: tuple[float, int] | None = None
        super().__init__(*args, **kwargs)
        self.job_manager.observe = self._observe
        self.job_manager.pause = 60 * self.task.poll_interval
        self.job_manager.most_failures = self.task.poll_fails

    @property
    def job_data_cls(self) -> type[JobData]:
        return PersistentJobData

    def needs(self, job_num: int) -> Needs:
        own = self.job_data.needs.get(str(job_num))
        # The record may be of an earlier command, which had other options.
        return Needs(*own).at_least(self._first_needs) if own else self._first_needs

    @cached_property
    def _first_needs(self) -> Needs:
        return self.task.needs

    @cached_property
    def _sizes(self) -> dict[int, int]:
        """Number of events of each branch."""
        return {branch: self.task.branch_size(branch) for branch in self.task.branch_map}

    @property
    def blocked_hosts(self) -> list[str]:
        failing = [host for host, failures in self._hosts.items() if failures >= FAILURES_ON_HOST]
        # Without any other working host, jobs would wait for ever.
        return [*self.task.site_inst.block, *(failing if self._good_hosts.difference(failing) else ())]

    def threshold(self, n: int | None = None) -> int:
        """Return the number of branches that are enough for law: all, since ``--acceptance`` is a share of events."""
        return len(self.task.branch_map) if n is None else n

    def _can_skip_job(self, job_num: int, branches: list[int]) -> bool:
        # law also caches a negative answer, and would resubmit jobs that have finished since.
        if not self._skip_jobs.get(job_num):
            self._skip_jobs.pop(job_num, None)
        return bool(super()._can_skip_job(job_num, branches))  # type: ignore[misc]

    def _observe(self, states: Mapping[str, Any]) -> None:
        """Decide what happens to jobs that failed."""
        # law would stop at a share of the jobs, but ``--acceptance`` is a share of the events of each dataset.
        self.poll_data.n_finished_min = len(self.job_data)
        self._look_up(states)
        held, failed, good_hosts = [], [], set()
        for job_num, data in self.job_data.jobs.items():
            state = states.get(data["job_id"])
            if not isinstance(state, dict):
                continue
            if state["status"] not in (self.job_manager.FINISHED, self.job_manager.FAILED):
                continue
            extra = state.get("extra") or {}
            failure = Failure(**extra.pop("failure", {}))
            if failure.held:
                held.append(data["job_id"])
            branches = map(self.task.as_branch, data["branches"])
            incomplete = next((branch for branch in branches if not branch.complete()), None)
            if incomplete is None:
                # The batch system may have forgotten the job, or an earlier attempt that isn't in the record succeeded.
                state.update(status=self.job_manager.FINISHED, code=0)
                if "remote_host" in extra:
                    good_hosts.add(extra["remote_host"])
                continue
            error = ""
            if state["status"] == self.job_manager.FINISHED:
                state["status"] = self.job_manager.FAILED
                error = incomplete.output().unsuitable() or "the output is damaged"
            failed.append((job_num, failure, error, state))
        # law learns of the jobs that finished now only after this look.
        known = [*self.job_data.jobs.values(), *(state for state in states.values() if isinstance(state, dict))]
        self._done = sum(job["status"] == self.job_manager.FINISHED for job in known)
        for job_num, failure, error, state in failed:
            cause, words = self._conclude(job_num, failure, error, state["extra"].get("remote_host"))
            # The record keeps the failures, because this process may be killed.
            self.job_data.failures.setdefault(str(job_num), []).append([cause.value, words])
            state["error"] = words
        self._good_hosts |= good_hosts
        for host in good_hosts:
            # Among many jobs a few fail on any host, so a success resets the count.
            self._hosts[host] = 0
        waiting = [job_id for job_id, state in states.items() if (state.get("extra") or {}).get("on_hold")]
        if waiting:
            # A person put these jobs on hold, so they stay.
            subject = f"job {waiting[0]} is" if len(waiting) == 1 else f"{len(waiting)} jobs are"
            self.job_manager.say(f"{subject} on hold, because somebody said so, and left alone")
        self._held = len(held) + len(waiting)
        if held:
            # Jobs on hold would otherwise stay in the queue for ever.
            self.job_manager.cancel_batch(held, silent=True)

    def _look_up(self, states: Mapping[str, Any]) -> None:
        """Look for the outputs of jobs that have ended, which may exist only in the remote store."""
        ended = (self.job_manager.FINISHED, self.job_manager.FAILED)
        branches = [
            branch
            for data in self.job_data.jobs.values()
            if isinstance(state := states.get(data["job_id"]), dict) and state["status"] in ended
            for branch in data["branches"]
        ]
        if branches:
            # The outputs may have been uploaded since the remote store was listed.
            look_again()
            find_remote(store_targets([self.task.branch_output(branch) for branch in branches]))

    def _conclude(self, job_num: int, failure: Failure, error: str, host: str | None) -> tuple[Cause, str]:
        """Decide whether a failed job, perhaps with an error of its output, is retried; return the cause and words."""
        cause = Cause.INCOMPLETE if error else failure.cause
        if cause is Cause.FAILED:
            path = self.job_data.jobs[job_num]["extra"].get("log")
            log = Path(path) if path else None
            cause, error = (Cause.MEMORY, "") if was_killed(log) else (cause, error_of_log(log))
        # A job without a valid proxy may fail with any error, so the proxy itself is checked too.
        if (
            cause is Cause.FAILED
            and self.task.site_inst.proxy
            and any(map(is_about_proxy, (error, self.task.proxy_problem(0))))
        ):
            cause = Cause.PROXY
        self.job_data.needs[str(job_num)] = list(vars(self.needs(job_num).after(cause, self.task.most_needs)).values())
        if cause is Cause.PROXY and (problem := self.task.proxy_problem(self.needs(job_num).runtime)):
            # No other job has a better proxy, so none is retried before it is renewed.
            self._common_error = problem
            self._errors.setdefault(job_num, []).append(kind_of(problem))
            return cause, f"{cause.value}: {problem}"
        if cause is not Cause.FAILED:
            reason = failure.reason or error
            return cause, f"{cause.value}{f': {reason}' if reason else ''}"
        seen = self._errors.setdefault(job_num, [])
        kind, final = kind_of(error), is_final(error)
        seen.append(kind)
        if final or (error and is_common(sum(kind in kinds for kinds in self._errors.values()), self._done)):
            self._common_error = error
        if final or (error and seen.count(kind) >= SAME_ERROR_IN_JOB):
            self._job_retries[job_num] = self.task.retries
        elif host:
            self._hosts[host] += 1
        return cause, error or failure.ending

    def submit(self, retry_jobs: Mapping[int, list[int]] | None = None) -> Any:
        """Submit new jobs, and those whose delay before a retry is over."""
        now = time.time()
        for job_num, branches in (retry_jobs or {}).items():
            # law also passes the jobs that it has given up.
            if self.job_data.jobs[job_num]["status"] == self.job_manager.RETRY:
                self._not_before[job_num] = now + back_off(self._job_retries[job_num], self.task.retry_delay)
                del self.job_data.jobs[job_num]
                self.job_data.unsubmitted_jobs[job_num] = branches
        waiting = {
            job_num: branches
            for job_num, branches in self.job_data.unsubmitted_jobs.items()
            if self._not_before.get(job_num, 0) > now
        }
        for job_num in waiting:
            del self.job_data.unsubmitted_jobs[job_num]
        try:
            return super().submit()  # type: ignore[misc]
        finally:
            self.job_data.unsubmitted_jobs.update(waiting)
            if waiting:
                self.dump_job_data()  # type: ignore[attr-defined]

    def poll(self) -> None:
        """Wait for the jobs."""
        try:
            super().poll()  # type: ignore[misc]
        except PocketError:
            raise
        except Exception as error:
            # law's own are of no special class; any other one is a mistake in code.
            if type(error) is not Exception:
                raise
            if not self._is_accepted():
                raise BatchError(self._in_words(error)) from error
            self.task.publish_message(f"going on without, as --acceptance says: {self._in_words(error)}")
        self._advise()
        self._tidy()
        self._pack_logs()
        # law doesn't remove these files, because jobs need them until they run.
        shutil.rmtree(self.task.submission_directory, ignore_errors=True)

    def _advise(self) -> None:
        branches = [
            branch
            for data in self.job_data.jobs.values()
            if data["status"] == self.job_manager.FINISHED
            for branch in data["branches"]
        ]
        usage = [self.task.usage_of(branch) for branch in sample(branches)]
        if sentence := advice(usage, self.task.needs, self.task.tasks_per_job):
            self.task.publish_message(sentence)

    def _tidy(self) -> None:
        """Remove files of finished jobs that nobody needs."""

    def _pack_logs(self) -> None:
        """Pack the logs into one archive; those of jobs that failed for good stay files, because messages name them."""
        others = (data for data in self.job_data.jobs.values() if data["status"] != self.job_manager.FINISHED)
        named = {Path(log) for data in others if (log := data["extra"].get("log"))}
        try:
            pack_logs(self.task.control, named)
        except PocketError as error:
            # The outputs are there, so that is no reason to fail.
            self.task.publish_message(str(error))

    def stop_if_decided(self) -> bool:
        """Return whether to go on; if not, the jobs are removed from the queue, because enough of them are done."""
        failing = {job_num for job_num, kinds in self._errors.items() if kind_of(self._common_error) in kinds}
        submitted = {job_num: data["branches"] for job_num, data in self.job_data.jobs.items()}
        every = {**self.job_data.unsubmitted_jobs, **submitted}
        others = [branches for job_num, branches in every.items() if job_num not in failing]
        if self._common_error and not self._accepts(others):
            self.cancel()  # type: ignore[attr-defined]
            raise BatchError(self._in_words(BatchError(self._common_error)))
        if not self._is_accepted():
            return True
        self.cancel()  # type: ignore[attr-defined]
        return False

    def _is_accepted(self) -> bool:
        jobs = self.job_data.jobs.values()
        return self._accepts(data["branches"] for data in jobs if data["status"] == self.job_manager.FINISHED)

    def _accepts(self, branches: Iterable[Iterable[int]]) -> bool:
        """Whether the branches of some jobs are enough for ``--acceptance``."""
        return bool(self.task.accepts({branch for part in branches for branch in part}))

    def _in_words(self, error: Exception) -> str:
        failed = {
            job_num: data
            for job_num, data in self.job_data.jobs.items()
            if data["status"] in (self.job_manager.FAILED, self.job_manager.RETRY) and data.get("error")
        }
        if not failed:
            return f"{self.task.progress_label}: {error}"
        job_num, data = next(iter(failed.items()))
        reason = self._refused.get(job_num) or data["error"]
        log = data["extra"].get("log")
        branches = ", ".join(map(str, data["branches"]))
        return (
            f"{self.task.progress_label}: {len(failed)} of {len(self.job_data)} jobs failed for good; the first is of "
            f"branch {branches}: {reason}" + (f" (log: {log})" if log else "")
        )

    def status_line(self) -> str:
        manager, jobs = self.job_manager, self.job_data.jobs
        status = Counter(data["status"] for data in jobs.values())
        sizes = self._sizes
        done = sum(
            sizes[branch] for data in jobs.values() if data["status"] == manager.FINISHED for branch in data["branches"]
        )
        if self._begin is None:
            self._begin = (time.monotonic(), done)
        begin, done_before = self._begin
        new = sum(str(job_num) not in self.job_data.failures for job_num in self.job_data.unsubmitted_jobs)
        return Status(
            jobs=len(self.job_data),
            done=status[manager.FINISHED],
            running=status[manager.RUNNING],
            queued=status[manager.PENDING],
            new=new,
            waiting=len(self.job_data.unsubmitted_jobs) - new + status[manager.RETRY],
            held=self._held,
            failed=status[manager.FAILED],
            events=done,
            all_events=sum(sizes.values()),
            unit=self.task.work_unit,
            rate=(done - done_before) / max(time.monotonic() - begin, 1e-9),
            causes=Counter(cause for failures in self.job_data.failures.values() for cause, _ in failures),
        ).line(self.task.progress_label)
