from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.batch.causes import Needs
from tasks.batch.proxy import BatchError, PersistentJobData
from tasks.batch.submission import BatchProxy, by_needs

FEW, MANY = Needs(1000.0, 3.0), Needs(2000.0, 3.0)


def test_jobs_that_ask_for_the_same_go_together() -> None:
    jobs = {1: [0, 1], 2: [2], 3: [3], 4: [4]}
    groups = by_needs(jobs, lambda job_num: MANY if job_num in (2, 4) else FEW)
    assert groups == {FEW: OrderedDict({1: [0, 1], 3: [3]}), MANY: OrderedDict({2: [2], 4: [4]})}
    assert by_needs({}, lambda job_num: FEW) == {}


class Refusing(BatchProxy):
    """A proxy whose batch system takes jobs or not."""

    def __init__(self) -> None:
        self.task = SimpleNamespace(progress_label="RunProcessor main", needs=FEW)
        self.job_data = PersistentJobData()
        self.job_manager = SimpleNamespace(FAILED="failed", RETRY="retry")
        self.takes = False
        self._refused = {}

    def try_all(self) -> Any:
        jobs = OrderedDict({1: [0], 2: [1]})
        for job_num, branches in jobs.items():
            self.job_data.jobs[job_num] = PersistentJobData.job_data(branches=branches)
        return self._by_needs(self._answer, jobs)

    def _answer(self, group: OrderedDict[int, list[int]]) -> Any:
        ids = [f"7_{number}" if self.takes else ValueError("invalid\n  partition") for number in group]
        return ids, OrderedDict((number, {}) for number in group)


def test_refused_at_first() -> None:
    proxy = Refusing()
    with pytest.raises(BatchError, match=r"^RunProcessor main: no job can be submitted: invalid partition$"):
        proxy.try_all()
    # one that took jobs before will take some again
    proxy.takes = True
    assert proxy.try_all()[0] == ["7_1", "7_2"]
    proxy.takes = False
    assert all(isinstance(answer, ValueError) for answer in proxy.try_all()[0])
    for data in proxy.job_data.jobs.values():
        # law's words, once it has given up
        data.update(status="failed", error="unknown job id")
    assert proxy._in_words(ValueError()) == (
        "RunProcessor main: 2 of 2 jobs failed for good; the first is of branch 0: invalid partition"
    )
    proxy.takes = True
    proxy.try_all()
    assert proxy._refused == {}
