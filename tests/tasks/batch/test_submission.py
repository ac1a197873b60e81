from __future__ import annotations

import copy
import json
import threading
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import law
import pytest

from tasks.batch.causes import Needs
from tasks.batch.proxy import BatchError, PersistentJobData
from tasks.batch.submission import BatchProxy, by_needs, write_record

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
        return self._by_needs(self._answer, jobs, len(jobs))

    def _answer(self, group: OrderedDict[int, list[int]]) -> Any:
        ids = [f"7_{number}" if self.takes else ValueError("invalid\n  partition") for number in group]
        return ids, OrderedDict((number, {}) for number in group)


def test_so_many_together_at_most() -> None:
    proxy = Refusing()
    proxy.takes = True
    groups: list[list[int]] = []

    def submit(group: OrderedDict[int, list[int]]) -> Any:
        groups.append(list(group))
        return proxy._answer(group)

    jobs = OrderedDict((number, [number - 1]) for number in range(1, 8))
    ids, data = proxy._by_needs(submit, jobs, 3)
    assert groups == [[1, 2, 3], [4, 5, 6], [7]]
    assert ids == [f"7_{number}" for number in jobs]
    assert list(data) == list(jobs)


def test_copies_of_a_record_are_independent() -> None:
    record = PersistentJobData()
    record.update({"jobs": {"1": {"job_id": "7", "branches": [0], "status": None, "extra": {"log": "a"}}}})
    record.jobs[2] = PersistentJobData.job_data(branches=[1], extra={"log": "b"})
    for number in (1, 2):
        entry = record.jobs[number]
        copied = copy.deepcopy(entry)
        assert copied == entry
        copied["status"] = "running"
        copied["branches"].append(5)
        copied["extra"]["log"] = "c"
        assert (entry["status"], entry["branches"]) == (None, [number - 1])
        assert entry["extra"]["log"] in ("a", "b")
    assert json.loads(json.dumps(record))["jobs"]["2"]["branches"] == [1]


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


def test_record_of_whoever_is_killed_is_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "control" / "jobs.json"
    write_record(record, {"jobs": {"1": "7_1"}})

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_record(record, {"jobs": {"1": "7_2"}})
    assert json.loads(record.read_text()) == {"jobs": {"1": "7_1"}}
    # as it is found by its name
    assert list(record.parent.glob("*.json")) == [record]


def test_record_is_written_by_law(tmp_path: Path) -> None:
    proxy = Refusing()
    proxy.dashboard = SimpleNamespace(get_persistent_config=dict)
    proxy._dump_lock = threading.RLock()
    proxy.get_cached_output = lambda: {"jobs": law.LocalFileTarget(str(tmp_path / "jobs.json"))}
    proxy.job_data.jobs[1] = PersistentJobData.job_data(job_id="7_1", branches=[0])
    proxy.dump_job_data()
    found = proxy.get_cached_output()["jobs"].load(formatter="json")
    assert found["jobs"]["1"]["job_id"] == "7_1"
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.json"]
