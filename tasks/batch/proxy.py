"""Watching of jobs, which workflows on any batch system share: how jobs are watched, tried again and given up."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
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
from tasks.batch.status import Status, advice, sample
from tasks.core.targets import find_remote, store_targets

#: jobs that fail on a host, one after the other, until it gets no more
FAILURES_ON_HOST = 3


class BatchError(PocketError):
    """Jobs failed for good."""


class JobEntry(dict[str, Any]):
    """What law's record has of a job; law copies the entries of all jobs at each look at the queue."""

    def __deepcopy__(self, memo: Any) -> JobEntry:
        # A generic deep copy takes a hundred times longer: most of a look with thousands of jobs.
        return JobEntry(self, branches=list(self["branches"]), extra=dict(self["extra"]))


class PersistentJobData(JobData):
    """law's record of the jobs, with what they need, and the cause and the words of each failed attempt."""

    attributes = {**JobData.attributes, "needs": {}, "failures": {}}  # noqa: RUF012  as law has it

    @classmethod
    def job_data(cls, *arguments: Any, **options: Any) -> JobEntry:
        """Return the entry of a job, see law."""
        return JobEntry(super().job_data(*arguments, **options))

    def update(self, other: Mapping[str, Any]) -> None:
        """Take over a record, such as one that was read from a file."""
        super().update(other)
        jobs = self["jobs"]
        self["jobs"] = type(jobs)((number, JobEntry(entry)) for number, entry in jobs.items())


class RetryingProxy:
    """Mixin of law's remote workflow proxies.

    Jobs on hold are removed. A failed job is tried again after a while that grows with each attempt, with twice the
    memory or time if it lacked that. One that fails with the same error again, or with the error of several others,
    is given up, because it would fail again; so are all if one has other code than was submitted. Hosts where several
    jobs failed get no more, if others did well.
    """

    task: Any
    job_data: Any
    job_manager: Any
    poll_data: Any
    _job_retries: dict[int, int]
    _skip_jobs: dict[int, bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._not_before: dict[int, float] = {}
        #: number of jobs that failed on a host since one was done there
        self._hosts: Counter[str] = Counter()
        #: hosts where a job was done
        self._good_hosts: set[str] = set()
        self._errors: dict[int, list[str]] = {}
        #: why jobs weren't taken by the batch system
        self._refused: dict[int, str] = {}
        #: an error that several jobs failed with
        self._common_error = ""
        #: how many jobs were done, and how many on hold, at the last look
        self._done = self._held = 0
        #: time of the first look at the queue, and the events that were done by then
        self._begin: tuple[float, int] | None = None
        super().__init__(*args, **kwargs)
        self.job_manager.observe = self._observe
        self.job_manager.pause = 60 * self.task.poll_interval
        self.job_manager.most_failures = self.task.poll_fails

    @property
    def job_data_cls(self) -> type[JobData]:
        """Class of the record."""
        return PersistentJobData

    def needs(self, job_num: int) -> Needs:
        """Return what a job asks for."""
        own = self.job_data.needs.get(str(job_num))
        return Needs(*own) if own else self._first_needs

    @cached_property
    def _first_needs(self) -> Needs:
        return self.task.needs

    @cached_property
    def _sizes(self) -> dict[int, int]:
        """Number of events of each branch."""
        return {branch: self.task.branch_size(branch) for branch in self.task.branch_map}

    @property
    def blocked_hosts(self) -> list[str]:
        """Hosts that get no jobs."""
        failing = [host for host, failures in self._hosts.items() if failures >= FAILURES_ON_HOST]
        # without others that work, jobs would wait for ever
        return [*self.task.site_inst.block, *(failing if self._good_hosts.difference(failing) else ())]

    def run(self) -> Any:
        """Have here what the jobs need, and run them."""
        if not self.task.is_controlling_remote_jobs():
            self.task.prepare_branches(fetch_needed=self.task.site_inst.store == "shared")
        return super().run()  # type: ignore[misc]

    def _can_skip_job(self, job_num: int, branches: list[int]) -> bool:
        # law remembers a no, too, and would submit jobs again that finished meanwhile
        if not self._skip_jobs.get(job_num):
            self._skip_jobs.pop(job_num, None)
        return bool(super()._can_skip_job(job_num, branches))  # type: ignore[misc]

    def _observe(self, states: Mapping[str, Any]) -> None:
        """Draw the conclusions from jobs that failed."""
        # law would stop at a share of the jobs; what is accepted is a share of the events of each dataset
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
                # maybe forgotten by the batch system, or done by an attempt that nobody noted
                state.update(status=self.job_manager.FINISHED, code=0)
                if "remote_host" in extra:
                    good_hosts.add(extra["remote_host"])
                continue
            error = ""
            if state["status"] == self.job_manager.FINISHED:
                state["status"] = self.job_manager.FAILED
                error = incomplete.output().unsuitable() or "it is damaged"
            failed.append((job_num, failure, error, state))
        # Those that are done are known to law after this look.
        known = [*self.job_data.jobs.values(), *(state for state in states.values() if isinstance(state, dict))]
        self._done = sum(job["status"] == self.job_manager.FINISHED for job in known)
        for job_num, failure, error, state in failed:
            cause, words = self._conclude(job_num, failure, error, state["extra"].get("remote_host"))
            # In the record, because whoever watches may be killed.
            self.job_data.failures.setdefault(str(job_num), []).append([cause.value, words])
            state["error"] = words
        self._good_hosts |= good_hosts
        for host in good_hosts:
            # A few of many jobs fail anywhere.
            self._hosts[host] = 0
        waiting = [job_id for job_id, state in states.items() if (state.get("extra") or {}).get("on_hold")]
        if waiting:
            # somebody wants that
            subject = f"job {waiting[0]} is" if len(waiting) == 1 else f"{len(waiting)} jobs are"
            self.job_manager.say(f"{subject} on hold, because somebody said so, and left alone")
        self._held = len(held) + len(waiting)
        if held:
            # else they stay in the queue for ever
            self.job_manager.cancel_batch(held, silent=True)

    def _look_up(self, states: Mapping[str, Any]) -> None:
        """Look for the outputs of jobs that have ended, which may be in the remote store alone."""
        ended = (self.job_manager.FINISHED, self.job_manager.FAILED)
        branches = [
            branch
            for data in self.job_data.jobs.values()
            if isinstance(state := states.get(data["job_id"]), dict) and state["status"] in ended
            for branch in data["branches"]
        ]
        if branches:
            # they may have been uploaded since it was listed
            look_again()
            find_remote(store_targets([self.task.as_branch(branch).output() for branch in branches]))

    def _conclude(self, job_num: int, failure: Failure, error: str, host: str | None) -> tuple[Cause, str]:
        """Decide what becomes of a job that failed, and return why it did, also in words.

        Args:
            job_num: the job.
            failure: what the batch system tells.
            error: what is wrong with its output, empty if it didn't get that far.
            host: where it ran, if known.
        """
        cause = Cause.INCOMPLETE if error else failure.cause
        if cause is Cause.FAILED:
            path = self.job_data.jobs[job_num]["extra"].get("log")
            log = Path(path) if path else None
            cause, error = (Cause.MEMORY, "") if was_killed(log) else (cause, error_of_log(log))
        # whatever a job stumbles over without a proxy that is valid, it doesn't say so
        if (
            cause is Cause.FAILED
            and self.task.site_inst.proxy
            and any(map(is_about_proxy, (error, self.task.proxy_problem(0))))
        ):
            cause = Cause.PROXY
        self.job_data.needs[str(job_num)] = list(vars(self.needs(job_num).after(cause, self.task.most_needs)).values())
        if cause is Cause.PROXY and (problem := self.task.proxy_problem(self.needs(job_num).runtime)):
            # no job has a better one, and none is tried again before it is renewed
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
        return cause, error or f"failed with exit code {failure.code}"

    def submit(self, retry_jobs: Mapping[int, list[int]] | None = None) -> Any:
        """Submit new jobs, and those to be tried again once they have waited long enough."""
        now = time.time()
        for job_num, branches in (retry_jobs or {}).items():
            # law hands over those, too, that it has given up
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
        """Wait for the jobs.

        Raises:
            BatchError: if some failed for good, with the error and the log of the first one.
        """
        try:
            super().poll()  # type: ignore[misc]
        except PocketError:
            raise
        except Exception as error:
            if not self._is_accepted():
                raise BatchError(self._in_words(error)) from error
            self.task.publish_message(f"going on without, as --acceptance says: {self._in_words(error)}")
        self._advise()
        self._tidy()
        # law doesn't clean up, because jobs need these files until they run
        shutil.rmtree(self.task.submission_directory, ignore_errors=True)

    def _advise(self) -> None:
        """Say what the branches took, and what jobs could ask for the next time."""
        branches = [
            branch
            for data in self.job_data.jobs.values()
            if data["status"] == self.job_manager.FINISHED
            for branch in data["branches"]
        ]
        usage = [self.task.usage_of(branch) for branch in sample(branches)]
        if sentence := advice(usage, self.task.needs, self.task.tasks_per_job):
            self.task.publish_message(f"{self.task.progress_label}: {sentence}")

    def _tidy(self) -> None:
        """Remove what nobody needs of jobs that are done."""

    def stop_if_decided(self) -> bool:
        """Return whether to go on; if not, the jobs are removed from the queue, because enough of them are done.

        Raises:
            BatchError: if several failed with one error: the others would, too, so they are removed as well.
        """
        failing = {job_num for job_num, kinds in self._errors.items() if kind_of(self._common_error) in kinds}
        if self._common_error and not self._accepts(lambda job_num, data: job_num not in failing):
            self.cancel()  # type: ignore[attr-defined]
            raise BatchError(self._in_words(BatchError(self._common_error)))
        if not self._is_accepted():
            return True
        self.cancel()  # type: ignore[attr-defined]
        return False

    def _is_accepted(self) -> bool:
        return self._accepts(lambda job_num, data: data["status"] == self.job_manager.FINISHED)

    def _accepts(self, counts: Callable[[int, Mapping[str, Any]], bool]) -> bool:
        """Whether the jobs that count are enough."""
        branches = [data["branches"] for job_num, data in self.job_data.jobs.items() if counts(job_num, data)]
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
        """Return how far the jobs are."""
        manager, jobs = self.job_manager, self.job_data.jobs
        status = Counter(data["status"] for data in jobs.values())
        sizes = self._sizes
        done = sum(
            sizes[branch] for data in jobs.values() if data["status"] == manager.FINISHED for branch in data["branches"]
        )
        if self._begin is None:
            self._begin = (time.monotonic(), done)
        begin, done_before = self._begin
        return Status(
            jobs=len(self.job_data),
            done=status[manager.FINISHED],
            running=status[manager.RUNNING],
            queued=status[manager.PENDING],
            waiting=len(self.job_data.unsubmitted_jobs) + status[manager.RETRY],
            held=self._held,
            failed=status[manager.FAILED],
            events=done,
            all_events=sum(sizes.values()),
            rate=(done - done_before) / max(time.monotonic() - begin, 1e-9),
            causes=Counter(cause for failures in self.job_data.failures.values() for cause, _ in failures),
        ).line(self.task.progress_label)
