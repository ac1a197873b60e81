from __future__ import annotations

from collections import OrderedDict

from pocket.errors import PocketError
from tasks.batch.causes import Needs
from tasks.batch.proxy import BatchError, PersistentJobData, by_needs


def test_jobs_that_ask_for_the_same_go_together() -> None:
    few, many = Needs(1000.0, 3.0), Needs(2000.0, 3.0)
    jobs = {1: [0, 1], 2: [2], 3: [3], 4: [4]}
    groups = by_needs(jobs, lambda job_num: many if job_num in (2, 4) else few)
    assert groups == {few: OrderedDict({1: [0, 1], 3: [3]}), many: OrderedDict({2: [2], 4: [4]})}
    assert by_needs({}, lambda job_num: few) == {}


def test_record_keeps_what_jobs_need() -> None:
    record = PersistentJobData(tasks_per_job=2)
    assert record.needs == {}
    record.needs["1"] = [4000.0, 3.0]
    # not shared with other records
    assert PersistentJobData().needs == {}
    again = PersistentJobData()
    again.update({**record, "jobs": {"7": PersistentJobData.job_data(branches=[1])}})
    assert again.needs == {"1": [4000.0, 3.0]}
    assert list(again.jobs) == [7]
    assert len(again) == 1


def test_errors_are_for_people() -> None:
    assert issubclass(BatchError, PocketError)
