from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tasks.doctor.checks import Result, Status, batch_system, systems_here, xrootd_client
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem, load_batch_systems

load_batch_systems()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BatchSystem:
    """A system whose questions are shell commands, on a machine with nothing else on PATH."""
    (tmp_path / "submit").write_text("#!/bin/sh\n")
    (tmp_path / "submit").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return BatchSystem("mine", "Mine", ("submit",), ("/bin/true",), ("/bin/echo", "node1"), "why")


def test_answers(system: BatchSystem) -> None:
    assert batch_system(system) == Result("Mine", Status.OK, "the queue answers, and there are machines")
    result = batch_system(dataclasses.replace(system, machines=("/bin/true",)))
    assert (result.status, result.found) == (Status.WARNING, "the queue answers, but no machine is there")


def test_does_not_answer(system: BatchSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    result = batch_system(dataclasses.replace(system, queue=("/bin/sh", "-c", "echo no schedd >&2; exit 1")))
    assert (result.status, result.found) == (Status.PROBLEM, "/bin/sh fails: no schedd")
    result = batch_system(dataclasses.replace(system, queue=("/bin/sh", "-c", "echo " + 99 * "words " + "; exit 1")))
    assert result.found.endswith(" words …")
    monkeypatch.setattr("tasks.doctor.checks.SECONDS", 0.2)
    result = batch_system(dataclasses.replace(system, machines=("/bin/sleep", "5")))
    assert (result.status, result.found) == (Status.PROBLEM, "/bin/sleep doesn't answer within 0.2 s")


def test_is_not_here(system: BatchSystem) -> None:
    for known in BATCH_SYSTEMS.values():
        result = batch_system(known)
        assert (result.status, result.found) == (Status.PROBLEM, f"{known.commands[0]} isn't on PATH")
        assert result.advice
    assert systems_here().status is Status.OK
    assert systems_here().found == "none is here, and local runs need none"


def test_systems_that_are_here(system: BatchSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.doctor.checks.BATCH_SYSTEMS", {"mine": system})
    assert systems_here().found == "Mine is here (--workflow mine checks it)"


def test_xrootd_client(monkeypatch: pytest.MonkeyPatch) -> None:
    assert xrootd_client().status is Status.OK
    monkeypatch.setattr("tasks.doctor.checks.client_is_installed", lambda: False)
    assert (xrootd_client().status, bool(xrootd_client().advice)) == (Status.WARNING, True)
