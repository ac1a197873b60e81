from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tasks.batch import htcondor
from tasks.batch.htcondor import HISTORY, CondorQueue, bindings, by_id
from tasks.batch.queues import QueueError

ADS = [{"ClusterId": 12, "ProcId": 0, "JobStatus": 2, "RemoteHost": object()}, {"ClusterId": 12, "ProcId": 1}]


class Bindings(ModuleType):
    """HTCondor's bindings with two jobs in the queue, of which questions are noted."""

    DaemonType = SimpleNamespace(Schedd="schedd")

    def __init__(self) -> None:
        super().__init__("htcondor2")
        self.asked: list[Any] = []
        self.error: Exception | None = None

    def Collector(self, pool: str | None) -> Any:  # noqa: N802
        return SimpleNamespace(locate=lambda kind, name: (pool, kind, name))

    def Schedd(self, place: Any = None) -> Any:  # noqa: N802
        if self.error is not None:
            raise self.error

        def ask(*arguments: Any) -> Any:
            self.asked.append((place, *arguments))
            return ADS

        return SimpleNamespace(query=ask, history=ask)


@pytest.fixture(autouse=True)
def _first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htcondor, "_not_let_in", [])


@pytest.fixture
def condor(monkeypatch: pytest.MonkeyPatch) -> Bindings:
    found = Bindings()
    monkeypatch.setitem(sys.modules, "htcondor2", found)
    return found


def test_jobs_by_the_bindings(condor: Bindings) -> None:
    expected = {"12.0": {"ClusterId": 12, "ProcId": 0, "JobStatus": 2}, "12.1": {"ClusterId": 12, "ProcId": 1}}
    assert CondorQueue("true", ("JobStatus",)).jobs() == expected
    assert condor.asked == [(None, "true", ["JobStatus"])]


def test_the_history_has_a_bound(condor: Bindings) -> None:
    CondorQueue("true", ("JobStatus",)).history(["12.1", "13.0", "12.10"])
    ((place, constraint, attributes, most, since),) = condor.asked
    among = "ClusterId == 12 && member(ProcId, {1,10}) || ClusterId == 13 && member(ProcId, {0})"
    assert constraint == f"(true) && ({among})"
    assert (place, attributes, most) == (None, ["JobStatus"], 3)
    name, _, seconds = since.partition(" < ")
    assert name == "EnteredCurrentStatus"
    assert abs(time.time() - HISTORY - int(seconds)) < 60


def test_another_schedd(condor: Bindings) -> None:
    CondorQueue("true", (), pool="cm.cern.ch", scheduler="bigbird20.cern.ch").jobs()
    assert condor.asked == [(("cm.cern.ch", "schedd", "bigbird20.cern.ch"), "true", [])]


def test_commands_where_the_bindings_are_not_let_in(condor: Bindings, monkeypatch: pytest.MonkeyPatch) -> None:
    condor.error = RuntimeError("Failed to authenticate with any method")
    answers = [QueueError("the schedd is down"), '[{"ClusterId": 1, "ProcId": 2}]', ""]

    def ask(command: list[str]) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(htcondor, "ask", ask)
    queue = CondorQueue("true", ())
    with pytest.raises(QueueError, match="the schedd is down"):
        queue.jobs()
    assert bindings() is condor
    assert queue.jobs() == {"1.2": {"ClusterId": 1, "ProcId": 2}}
    # they aren't tried again
    assert bindings() is None
    assert queue.history(["1.0"]) == {}


@pytest.mark.parametrize("wanted", [True, False])
def test_commands_where_the_bindings_are_not_installed_or_wanted(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    if wanted:
        monkeypatch.setitem(sys.modules, "htcondor2", None)
    else:
        monkeypatch.setenv("POCKET_HTCONDOR", "commands")
    asked: list[list[str]] = []

    def ask(command: list[str]) -> str:
        asked.append(command)
        return '[{"ClusterId": 1, "ProcId": 2}]' if command[0] == "condor_q" else ""

    monkeypatch.setattr(htcondor, "ask", ask)
    assert bindings() is None
    queue = CondorQueue("true", ("A", "B"), scheduler="bigbird20")
    assert queue.jobs() == {"1.2": {"ClusterId": 1, "ProcId": 2}}
    assert queue.history(["1.0", "1.1", "1.2"]) == {}
    wanted = ["-constraint", "true", "-json", "-attributes", "A,B"]
    assert asked[0] == ["condor_q", "-name", "bigbird20", "-allusers", *wanted]
    assert asked[1][:5] == ["condor_history", "-name", "bigbird20", "-limit", "3"]
    assert asked[1][5] == "-since"


def test_undefined_values_are_left_out() -> None:
    assert by_id(ADS)["12.0"] == {"ClusterId": 12, "ProcId": 0, "JobStatus": 2}
