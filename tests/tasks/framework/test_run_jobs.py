from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from pocket.errors import ConfigError
from pocket.executors import Executor, ExecutorFactoryABC, Job, Progress
from tasks.framework import executors
from tasks.framework.executors import FuturesExecutorFactory, run_jobs, run_with
from tasks.framework.progress import counting_bar
from tests.tasks.framework.test_pool import Die, Write, by_number


def test_jobs_run_in_other_processes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [Write(tmp_path / str(number), 5, processes=2) for number in range(4)]
    run_jobs(by_number(jobs), 2, "Label", "events")
    processes = {job.path.read_text() for job in jobs}
    assert str(os.getpid()) not in processes
    assert len(processes) == 2
    # the amounts that the workers report add up
    assert "Label: 20 events in" in capfd.readouterr().err


def test_one_process_means_this_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [Write(tmp_path / "a", 2), Write(tmp_path / "b", 3)]
    run_jobs(by_number(jobs), 1, "Label", "plots")
    assert {job.path.read_text() for job in jobs} == {str(os.getpid())}
    assert "Label: 5 plots in" in capfd.readouterr().err
    # so does one job, however many processes there may be
    run_jobs(by_number([Write(tmp_path / "c")]), 8, "Label", "plots")
    assert (tmp_path / "c").read_text() == str(os.getpid())


@pytest.mark.parametrize(
    ("number", "cores", "processes"),
    [(1, 8, 1), (6, 8, 1), (7, 8, 1), (8, 8, 8), (6, 2, 1), (12, 2, 1), (13, 2, 2), (100, 1, 1), (0, 8, 0)],
)
def test_processes_are_started_if_that_is_quicker(
    number: int, cores: int, processes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = []
    monkeypatch.setattr(executors, "are_there", lambda: False)
    monkeypatch.setattr(executors, "run_in_workers", lambda calls, cores, *others: started.append(cores))
    jobs = [Write(tmp_path / f"{one}") for one in range(number)]
    run_jobs(by_number(jobs), cores, "Label", "plots", done_until_started=6)
    assert started == ([processes] if processes > 1 else [])
    assert sum(job.path.exists() for job in jobs) == (0 if processes > 1 else number)


def test_processes_that_are_there_take_few_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(executors, "are_there", lambda: True)
    monkeypatch.setattr(executors, "run_in_workers", lambda calls, cores, *others: asked.append(cores))
    run_jobs(by_number([Die()] * 3), 2, "Label", "plots", done_until_started=6)
    assert asked == [2]


def test_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(executors, "run_in_workers", lambda calls, cores, *others: asked.append(cores))
    monkeypatch.setattr(executors, "available_cores", lambda: 6)
    jobs = [Die()] * 4
    for cores in (3, 8, 0):
        run_jobs(by_number(jobs), cores, "Label", "events")
    run_jobs(by_number(jobs * 2), 0, "Label", "events")
    assert asked == [3, 8, 6, 6]
    with pytest.raises(ConfigError, match="number of cores is -1, expected 0 for all cores or more"):
        run_jobs(by_number(jobs), -1, "Label", "events")


class Noted(ExecutorFactoryABC):
    """Notes what is called, and fails on demand."""

    called: ClassVar[list[str]] = []

    def setup(self) -> None:
        """Begin anew."""
        self.called[:] = ["setup"]
        if self.run_options["fail"] == "setup":
            raise ValueError("setup")

    def get(self) -> Executor:
        """Return an executor that does nothing."""

        def run(jobs: Mapping[str, Job], progress: Progress) -> None:
            self.called.append("run")
            if self.run_options["fail"] == "run":
                raise ValueError("run")
            progress(2)

        return run

    def close(self) -> None:
        """Be closed."""
        self.called.append("close")


def test_executors_are_closed(capfd: pytest.CaptureFixture[str]) -> None:
    run_with(Noted, {"fail": ""}, {"job": Die(2)}, "Label", "events")
    assert Noted.called == ["setup", "run", "close"]
    assert "Label: 2 events in" in capfd.readouterr().err
    for moment in ("setup", "run"):
        with pytest.raises(ValueError, match=moment):
            run_with(Noted, {"fail": moment}, {"job": Die(2)}, "Label", "events")
        assert Noted.called[-1] == "close"


def test_futures_executor(tmp_path: Path) -> None:
    jobs = {str(number): Write(tmp_path / str(number), 5, processes=2) for number in range(4)}
    done: list[int] = []
    FuturesExecutorFactory({"cores": 2}).get()(jobs, done.append)
    assert sum(done) == 20
    processes = {job.path.read_text() for job in jobs.values()}
    assert len(processes - {str(os.getpid())}) == 2
    FuturesExecutorFactory({"cores": 1}).get()(jobs, done.append)
    assert {job.path.read_text() for job in jobs.values()} == {str(os.getpid())}


def test_counting_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with counting_bar("Label", "files") as count:
        for done in (1, 2, 2, 5):
            count(done, 5)
    assert "Label: 5 files in " in capsys.readouterr().err
    with counting_bar("Label", "files"):
        pass
    assert capsys.readouterr().err == ""
