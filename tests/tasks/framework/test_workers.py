from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe, active_children, get_context
from multiprocessing.util import get_temp_dir
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from pocket.errors import ProcessDiedError, UnknownNameError
from tasks.core import early_workers
from tasks.framework import workers
from tasks.framework.pool import FuturesExecutorFactory, run_jobs
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


@pytest.fixture(autouse=True)
def no_workers_of_before() -> Iterator[None]:
    """End the workers of other tests, and those of this one."""
    workers._end_workers()
    yield
    workers._end_workers()


def run(folder: Path, number: int = 4, cores: int = 2) -> set[str]:
    """Run jobs, and return the processes that ran them."""
    folder.mkdir()
    jobs = [Write(folder / str(one), 5, processes=min(number, cores)) for one in range(number)]
    run_jobs(jobs, cores, "Label", "events")
    return {job.path.read_text() for job in jobs}


def test_the_next_jobs_have_the_same_workers(tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    assert len(first) == 2
    assert run(tmp_path / "second") == first
    # fewer jobs than workers, and workers that may be more
    assert run(tmp_path / "third", 2, cores=5) == first


def test_other_numbers_of_workers(tmp_path: Path) -> None:
    two = run(tmp_path / "two")
    three = run(tmp_path / "three", 6, cores=3)
    assert (len(three), three & two) == (3, set())
    # never more than there may be
    assert not run(tmp_path / "again", 2, cores=2) & three


@pytest.mark.parametrize("which", [min, max])
def test_workers_that_ended_meanwhile_are_replaced(which: Callable[[set[str]], str], tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    # One of them holds the lock of the queue that the other one waits for.
    killed = int(which(first))
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not any(child.pid == killed for child in active_children()))
    second = run(tmp_path / "second")
    assert (len(second), str(killed) in second) == (2, False)


def test_workers_after_an_error(tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    with pytest.raises(UnknownNameError):
        run_jobs([Fail(1, tmp_path), Fail(1, tmp_path)], 2, "Label", "events")
    second = run(tmp_path / "second")
    assert (len(second), second & first) == (2, set())


@pytest.mark.parametrize("cores", [1, 2])
def test_error_of_a_job_reaches_the_caller(tmp_path: Path, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool(ProcessPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            if cancel_futures:
                # Only then the others may go on: as many as have begun, and those that are on their way to a worker.
                super().shutdown(wait=False, cancel_futures=True)
                (tmp_path / "cancelled").touch()
            super().shutdown(wait=wait)

    monkeypatch.setattr(workers, "ProcessPoolExecutor", Pool)
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
            r"that tests/tasks/framework/test_workers\.py:\d+ \(run\) "
            r"called \(the stack is in \S+/\d+\.txt\), e\.g\. on a malformed .* most likely not for lack of memory$",
        ),
        (
            signal.SIGABRT,
            "^job 1: its process was ended by SIGABRT: a library crashed that tests/tasks/framework/test_workers",
        ),
        (signal.SIGTERM, "^a worker process was ended from outside"),
        (7, r"^job 1: its process ended with exit code 7, maybe by a library that calls exit\(\)$"),
    ],
)
def test_process_that_dies_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: int, sentence: str
) -> None:
    # Its own folder is made before, which the fork server's socket is in.
    get_temp_dir()
    monkeypatch.setattr(workers.tempfile, "mkdtemp", lambda prefix: str(tmp_path / "traces"))
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


PARENT = """
import signal, sys
from pathlib import Path
from tasks.core import early_workers
from tasks.framework import pool
from tests.tasks.framework.test_workers import Write

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    early_workers.PRELOAD = ()
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


def use_workers(folder: Path) -> None:
    early_workers.PRELOAD = ()
    workers.run_in_processes([Write(folder / str(one), processes=2) for one in range(2)], 2, 2, lambda done: None)


def test_a_forked_process_ends_with_its_workers(tmp_path: Path) -> None:
    process = get_context("fork").Process(target=use_workers, args=(tmp_path,))
    process.start()
    process.join(PATIENCE)
    ended = process.exitcode
    process.kill()
    assert ended == 0
    assert {path.name for path in tmp_path.iterdir()} >= {"0", "1"}


@dataclass(frozen=True)
class Interrupt:
    """Presses Ctrl-C in the process that waits, and waits itself until this process is ended.

    Args:
        pid: the process.
    """

    pid: int
    size: int = 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        os.kill(self.pid, signal.SIGINT)
        wait_for(lambda: False)


def test_an_interrupt_ends_workers_and_leaves_what_follows(interruptible: None, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    for number in range(3):
        with pytest.raises(KeyboardInterrupt):
            run_jobs([Interrupt(os.getpid())] * 2, 2, "Label", "events")
        assert signal.getsignal(signal.SIGINT) is before
        assert len(run(tmp_path / f"{number}")) == 2


def test_interrupts_while_workers_end_leave_none(interruptible: None, monkeypatch: pytest.MonkeyPatch) -> None:
    end = workers._Workers.end
    ended = []

    def interrupted(self: Any, *, at_once: bool = False) -> None:
        signal.raise_signal(signal.SIGINT)
        end(self, at_once=at_once)
        ended.append(at_once)

    monkeypatch.setattr(workers._Workers, "end", interrupted)
    others = set(active_children())
    with pytest.raises(KeyboardInterrupt):
        run_jobs([Interrupt(os.getpid())] * 2, 2, "Label", "events")
    assert ended == [True]
    assert set(active_children()) == others


def test_a_closed_pipe_ends_what_listens_to_it() -> None:
    messages, sender = Pipe(duplex=False)
    sender.send(3)
    sender.close()
    advanced: list[int] = []
    workers._listen(messages, advanced.append, {})
    assert advanced == [3]


def test_an_interrupt_that_another_thread_gets_is_noticed(interruptible: None) -> None:
    events: SimpleQueue[Future[None] | None] = SimpleQueue()
    begin = threading.Event()

    def press() -> None:
        begin.wait()
        os.kill(os.getpid(), signal.SIGINT)

    def wait() -> None:
        with workers._interrupts_as_events(events):
            begin.set()
            assert workers._next_event(events) is None

    other = threading.Thread(target=press)
    other.start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with pytest.raises(KeyboardInterrupt):
            wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        other.join()


def test_an_interrupt_raises_after_what_must_be_whole(interruptible: None) -> None:
    events: SimpleQueue[Future[None] | None] = SimpleQueue()
    done = []

    def work() -> None:
        with workers._interrupts_as_events(events):
            signal.raise_signal(signal.SIGINT)
            done.append(events.get())

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [None]


def test_an_interrupt_that_another_thread_gets_breaks_no_start_of_a_process(interruptible: None) -> None:
    begun = threading.Event()
    done = []

    def press() -> None:
        begun.wait(PATIENCE)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    def work() -> None:
        thread = threading.Thread(target=press)
        thread.start()
        with workers._interrupts_for_this_process_alone():
            begun.set()
            thread.join(PATIENCE)
            done.append("started")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["started"]
