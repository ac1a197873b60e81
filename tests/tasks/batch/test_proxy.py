from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from pocket.errors import PocketError
from tasks.batch.causes import Failure, Needs
from tasks.batch.proxy import BatchError, PersistentJobData, RetryingProxy


def test_record_keeps_what_jobs_need_and_why_they_failed() -> None:
    record = PersistentJobData(tasks_per_job=2)
    assert record.needs == {}
    record.needs["1"] = [4000.0, 3.0]
    record.failures["1"] = [["was held", "was held: no disk"]]
    # not shared with other records
    assert PersistentJobData().needs == PersistentJobData().failures == {}
    again = PersistentJobData()
    again.update({**record, "jobs": {"7": PersistentJobData.job_data(branches=[1])}})
    assert again.needs == {"1": [4000.0, 3.0]}
    assert again.failures == {"1": [["was held", "was held: no disk"]]}
    assert list(again.jobs) == [7]
    assert len(again) == 1


def test_errors_are_for_people() -> None:
    assert issubclass(BatchError, PocketError)


class Polling:
    """law's proxy, whose polling ends with an error."""

    error: Exception

    def poll(self) -> None:
        raise self.error


class Failing(RetryingProxy, Polling):
    """A proxy whose jobs are all done."""

    def __init__(self, error: Exception, folder: Any) -> None:
        self.error, self.said = error, list[str]()
        self.job_data, self.job_manager = PersistentJobData(), SimpleNamespace(FINISHED="f", FAILED="x", RETRY="r")
        self.task = SimpleNamespace(
            accepts=lambda branches: True, publish_message=self.said.append, progress_label="RunProcessor main",
            submission_directory=folder / "none", control=folder, usage_of=dict, needs=None, tasks_per_job=1,
        )  # fmt: skip


def test_only_failed_jobs_are_accepted(tmp_path: Any) -> None:
    failed = Failing(Exception("more than 0 jobs failed"), tmp_path)
    failed.poll()
    assert failed.said == ["going on without, as --acceptance says: RunProcessor main: more than 0 jobs failed"]
    # a mistake in the code of a batch system
    with pytest.raises(AttributeError, match="none of the requested"):
        Failing(AttributeError("none of the requested attributes"), tmp_path).poll()


def test_jobs_to_be_submitted_are_not_those_to_be_tried_again(tmp_path: Any) -> None:
    proxy = Failing(Exception(), tmp_path)
    proxy.job_manager.RUNNING, proxy.job_manager.PENDING = "running", "pending"
    proxy._begin, proxy._held = None, 0
    proxy.task.branch_map, proxy.task.work_unit = {}, "events"
    proxy.job_data.jobs[1] = PersistentJobData.job_data(branches=[0], status="running")
    proxy.job_data.unsubmitted_jobs.update({2: [1], 3: [2], 4: [3]})
    proxy.job_data.failures["4"] = [["needed more memory", "needed more memory"]]
    proxy._sizes = {}
    line = proxy.status_line()
    assert "0 of 4 jobs done, 1 running, 0 queued, 2 to be submitted, 1 to be tried again" in line


@pytest.mark.parametrize(("enough", "goes_on"), [(7, True), (8, False)])
def test_jobs_that_wait_may_be_enough(tmp_path: Any, enough: int, goes_on: bool) -> None:
    """Of ten jobs, three have failed with an error that is final, and seven aren't submitted yet."""
    proxy = Failing(Exception(), tmp_path)
    proxy._common_error, proxy._refused = "OSError: no file", {}
    proxy._errors = {number: ["OSError: no file"] for number in (1, 2, 3)}
    proxy.task.accepts = lambda branches: len(branches) >= enough
    proxy.cancel = lambda: None
    for number in range(1, 11):
        if number in proxy._errors:
            failed = {"status": "x", "error": "OSError: no file"}
            proxy.job_data.jobs[number] = PersistentJobData.job_data(branches=[number - 1], **failed)
        else:
            proxy.job_data.unsubmitted_jobs[number] = [number - 1]
    if goes_on:
        assert proxy.stop_if_decided()
    else:
        with pytest.raises(BatchError, match="3 of 10 jobs failed for good; the first is of branch 0: OSError"):
            proxy.stop_if_decided()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure(code=60), "failed with exit code 60"),
        (Failure(signal=11), "was ended by signal 11"),
        # as Slurm has it
        (Failure(code=0, signal=15), "was ended by signal 15"),
        (Failure(), "failed"),
    ],
)
def test_words_for_jobs_without_an_error_in_their_log(tmp_path: Any, failure: Failure, words: str) -> None:
    proxy = Failing(Exception(), tmp_path)
    proxy._errors, proxy.__dict__["_first_needs"] = {}, Needs(2000.0, 3.0)
    proxy._hosts = Counter()
    proxy.task.site_inst, proxy.task.most_needs = SimpleNamespace(proxy=False), Needs(4000.0, 6.0)
    proxy.job_data.jobs[1] = PersistentJobData.job_data(branches=[0], extra={})
    assert proxy._conclude(1, failure, "", None)[1] == words
