from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from pocket.errors import ConfigError, ProcessDiedError, UnknownNameError
from pocket.executors import Executor, ExecutorFactoryABC, Job, Progress
from tasks.framework import pool
from tasks.framework.pool import FuturesExecutorFactory, counting_bar, run_jobs, run_with
from tests.law_runner import ROOT
from tests.waiting import PATIENCE, wait_for


@dataclass(frozen=True)
class Write:
    """Writes the number of its process into a file, and tells its progress in steps of one.

    Args:
        path: the file.
        size: number of steps.
        after: name of a file beside it that is awaited first.
        processes: number of processes that are awaited first, those that have begun with such a job in this folder.
    """

    path: Path
    size: int = 1
    after: str = ""
    processes: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        folder = self.path.parent
        (folder / f"process-{os.getpid()}").touch()
        wait_for(lambda: len(list(folder.glob("process-*"))) >= self.processes)
        if self.after:
            wait_for((folder / self.after).exists)
        for _ in range(self.size):
            progress(1)
        self.path.write_text(str(os.getpid()))


@dataclass(frozen=True)
class Fail:
    """Raises an error whose class takes other arguments than its text, when a file is there."""

    size: int
    after: Path

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        wait_for(self.after.exists)
        raise UnknownNameError("weight", "pileip", ["pileup"], "weights")


@dataclass(frozen=True)
class Die:
    """Ends its process by a signal as the kernel does when memory runs out, or by an exit code without a name."""

    size: int = 1
    how: int = signal.SIGKILL

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        if isinstance(self.how, signal.Signals):
            os.kill(os.getpid(), self.how)
        os._exit(self.how)


def test_jobs_run_in_other_processes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [Write(tmp_path / str(number), 5, processes=2) for number in range(4)]
    run_jobs(jobs, 2, "Label", "events")
    processes = {job.path.read_text() for job in jobs}
    assert str(os.getpid()) not in processes
    assert len(processes) == 2
    # the amounts that the workers report add up
    assert "Label: 20 events in" in capfd.readouterr().err


def test_one_process_means_this_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [Write(tmp_path / "a", 2), Write(tmp_path / "b", 3)]
    run_jobs(jobs, 1, "Label", "plots")
    assert {job.path.read_text() for job in jobs} == {str(os.getpid())}
    assert "Label: 5 plots in" in capfd.readouterr().err
    # so does one job, however many processes there may be
    run_jobs([Write(tmp_path / "c")], 8, "Label", "plots")
    assert (tmp_path / "c").read_text() == str(os.getpid())


def test_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pool, "_run_in_processes", lambda jobs, workers, advance, names: asked.append(workers))
    monkeypatch.setattr(pool, "available_cores", lambda: 6)
    jobs = [Die()] * 4
    for cores in (3, 8, 0):
        run_jobs(jobs, cores, "Label", "events")
    run_jobs(jobs * 2, 0, "Label", "events")
    assert asked == [3, 4, 4, 6]
    with pytest.raises(ConfigError, match="number of cores is -1, expected 0 for all cores or more"):
        run_jobs(jobs, -1, "Label", "events")


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


@pytest.mark.parametrize("cores", [1, 2])
def test_error_of_a_job_reaches_the_caller(tmp_path: Path, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool(ProcessPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            if cancel_futures:
                # Only then the others may go on: as many as have begun, and those that are on their way to a worker.
                super().shutdown(wait=False, cancel_futures=True)
                (tmp_path / "cancelled").touch()
            super().shutdown(wait=wait)

    monkeypatch.setattr(pool, "ProcessPoolExecutor", Pool)
    done = Write(tmp_path / "done", 3)
    waiting = [Write(tmp_path / str(number), after="cancelled") for number in range(20)]
    with pytest.raises(UnknownNameError) as caught:
        # the biggest jobs begin first
        run_jobs([done, Fail(2, done.path), *waiting], cores, "Label", "events")
    assert str(caught.value) == "unknown weight 'pileip' in weights, did you mean 'pileup'?"
    assert done.path.exists()
    # a few may have begun
    assert sum(job.path.exists() for job in waiting) < 10


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (signal.SIGKILL, r"^job 1: its process was killed \(SIGKILL\), most likely because memory ran out: try fewer"),
        (
            signal.SIGSEGV,
            r"^job 1: its process was ended by SIGSEGV: a library crashed "
            r"that tests/tasks/framework/test_pool\.py:\d+ \(run\) "
            r"called \(the stack is in \S+/\d+\.txt\), e\.g\. on a malformed .* most likely not for lack of memory$",
        ),
        (
            signal.SIGABRT,
            "^job 1: its process was ended by SIGABRT: a library crashed that tests/tasks/framework/test_pool",
        ),
        (signal.SIGTERM, "^a worker process was ended from outside"),
        (7, r"^job 1: its process ended with exit code 7, maybe by a library that calls exit\(\)$"),
    ],
)
def test_process_that_dies_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: int, sentence: str
) -> None:
    monkeypatch.setattr(pool.tempfile, "mkdtemp", lambda prefix: str(tmp_path / "traces"))
    (tmp_path / "traces").mkdir()
    # the other one is still at work when it happens
    jobs = {"job 0": Write(tmp_path / "done", 2, after="never"), "job 1": Die(1, how)}
    with pytest.raises(ProcessDiedError, match=sentence):
        FuturesExecutorFactory({"cores": 2}).get()(jobs, lambda amount: None)
    # only the stack that the sentence names stays
    assert (tmp_path / "traces").exists() == (how in (signal.SIGSEGV, signal.SIGABRT))


def test_process_that_dies_without_names_of_jobs() -> None:
    with pytest.raises(ProcessDiedError, match=r"^a job: its process was killed \(SIGKILL\)"):
        run_jobs([Die(), Die()], 2, "Label", "events")


def test_progress_is_published() -> None:
    told: list[float] = []
    with pool.progress_bar("Label", 8, "events", told.append) as advance:
        advance(2)
        advance(6)
    # nothing to do is nothing to tell
    with pool.progress_bar("Label", 0, "events", told.append) as advance:
        advance(0)
    assert told == [25, 100]


def test_counting_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with counting_bar("Label", "files") as count:
        for done in (1, 2, 2, 5):
            count(done, 5)
    assert "Label: 5 files in " in capsys.readouterr().err
    with counting_bar("Label", "files"):
        pass
    assert capsys.readouterr().err == ""


PARENT = """
import signal, sys
from pathlib import Path
from tasks.framework import pool
from tests.tasks.framework.test_pool import Write

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pool.PRELOAD = ()
    folder = Path(sys.argv[1])
    pool.run_jobs([Write(folder / str(n), 99 - n, "never" if n else "") for n in range(20)], 2, "Label", "events")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, script, tmp_path]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True) as parent:
        wait_for((tmp_path / "0").exists)
        # Ctrl-C reaches the workers too
        send = os.killpg if how == signal.SIGINT else os.kill
        send(parent.pid, how)
        # ends when nobody can write there any more, workers included
        _, text = parent.communicate(timeout=PATIENCE / 2)
    assert (b"KeyboardInterrupt" in text) == (how == signal.SIGINT)
    # Those that hadn't begun never do, and what had begun would go on for longer than that.
    assert [path.name for path in tmp_path.iterdir() if path.name.isdigit()] == ["0"]
