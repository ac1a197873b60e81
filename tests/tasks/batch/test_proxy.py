from __future__ import annotations

from pocket.errors import PocketError
from tasks.batch.proxy import BatchError, PersistentJobData


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
