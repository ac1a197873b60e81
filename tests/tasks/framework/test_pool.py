from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import active_children
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pocket.errors import ProcessDiedError, UnknownNameError
from tasks.framework import pool
from tasks.framework.executors import FuturesExecutorFactory, run_jobs
from tasks.framework.pool import run_in_workers
from tests.law_runner import ROOT
from tests.waiting import PATIENCE, wait_for


class Counted:
    """A job that counts its attempts in a file beside its own."""

    path: Path

    @property
    def attempts(self) -> int:
        """Number of times that it began."""
        file = self.path.with_name(f"{self.path.name}-attempts")
        return len(file.read_text()) if file.exists() else 0

    def count(self) -> None:
        """Count an attempt."""
        with self.path.with_name(f"{self.path.name}-attempts").open("a") as file:
            file.write("+")


@dataclass(frozen=True)
class Write(Counted):
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
        self.count()
        folder = self.path.parent
        (folder / f"process-{os.getpid()}").touch()
        wait_for(lambda: len(list(folder.glob("process-*"))) >= self.processes)
        if self.after:
            wait_for((folder / self.after).exists)
        for _ in range(self.size):
            progress(1)
        self.path.write_text(str(os.getpid()))


@dataclass(frozen=True)
class Fail(Counted):
    """Raises an error whose class takes other arguments than its text, when a file is there."""

    size: int
    after: Path

    @property
    def path(self) -> Path:
        """A file beside it."""
        return self.after.with_name("failing")

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        self.count()
        wait_for(self.after.exists)
        raise UnknownNameError("weight", "pileip", ["pileup"], "weights")


@dataclass(frozen=True)
class Die(Counted):
    """Ends its process by a signal as the kernel does when memory runs out, or by an exit code without a name.

    Args:
        path: where its attempts are counted.
        size: amount of work, of which it tells some before.
        how: signal or exit code.
        times: number of attempts that end so.
        after: files that are awaited first.
    """

    path: Path = Path(os.devnull)
    size: int = 1
    how: int = signal.SIGKILL
    times: int = 1000
    after: tuple[Path, ...] = ()

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        self.count()
        wait_for(lambda: all(path.exists() for path in self.after))
        progress(1)
        if self.attempts > self.times:
            progress(self.size - 1)
        elif isinstance(self.how, signal.Signals):
            os.kill(os.getpid(), self.how)
        else:
            os._exit(self.how)


@dataclass(frozen=True)
class Shrinking:
    """Notes its size, and ends its process unless that is small."""

    path: Path
    size: int

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        with self.path.open("a") as file:
            file.write(f"{self.size} ")
        if self.size > 10:
            os.kill(os.getpid(), signal.SIGKILL)

    def halved(self) -> Shrinking:
        """Return a job that needs less."""
        return Shrinking(self.path, self.size // 2)


@dataclass(frozen=True)
class Kill:
    """Kills the process that has started this one, unless that is another one than the given one."""

    path: Path
    server: int = 0
    size: int = 2

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it."""
        if self.server in (0, os.getppid()):
            os.kill(os.getppid(), signal.SIGKILL)
            wait_for(lambda: False)
        self.path.touch()


J = TypeVar("J")


@pytest.fixture(autouse=True)
def no_workers_of_before() -> Iterator[None]:
    """End the workers of other tests, and those of this one."""
    pool._end()
    yield
    pool._end()


def by_number(jobs: Sequence[J]) -> dict[str, J]:
    """Return jobs with names."""
    return {f"job {number}": job for number, job in enumerate(jobs)}


def run(folder: Path, number: int = 4, cores: int = 2) -> set[str]:
    """Run jobs, and return the processes that ran them."""
    folder.mkdir()
    jobs = [Write(folder / str(one), 5, processes=min(number, cores)) for one in range(number)]
    run_jobs(by_number(jobs), cores, "Label", "events")
    return {job.path.read_text() for job in jobs}


def test_the_next_jobs_have_the_same_workers(tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    assert len(first) == 2
    assert run(tmp_path / "second") == first


def test_workers_are_started_when_there_is_work_for_them(tmp_path: Path) -> None:
    two = run(tmp_path / "two", 2, cores=5)
    assert len(two) == 2
    assert len(run(tmp_path / "five", 10, cores=5) | two) == 5
    # another number of cores
    assert not run(tmp_path / "again", 2, cores=2) & two


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
        run_jobs(by_number([Fail(1, tmp_path), Fail(1, tmp_path)]), 2, "Label", "events")
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
            super().shutdown(wait=wait, cancel_futures=cancel_futures)

    monkeypatch.setattr(pool, "ProcessPoolExecutor", Pool)
    done = Write(tmp_path / "done", 3)
    waiting = [Write(tmp_path / str(number), after="cancelled") for number in range(20)]
    failing = Fail(2, done.path)
    with pytest.raises(UnknownNameError) as caught:
        # the biggest jobs begin first
        run_jobs(by_number([done, failing, *waiting]), cores, "Label", "events")
    assert str(caught.value) == "unknown weight 'pileip' in weights, did you mean 'pileup'?"
    assert done.path.exists()
    # a few may have begun
    assert sum(job.path.exists() for job in waiting) < 10
    # An error isn't a death, so it isn't tried again.
    assert failing.attempts == 1


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
def test_process_that_dies_each_time_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Its own folder is made before, which the fork server's socket is in.
    get_temp_dir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # the other one is still at work when it happens
    jobs = {"job 0": Write(tmp_path / "done", 2, after="never"), "job 1": Die(tmp_path / "died", 1, how)}
    with pytest.raises(ProcessDiedError, match=sentence):
        FuturesExecutorFactory({"cores": 2}).get()(jobs, lambda amount: None)
    assert jobs["job 1"].attempts == 3
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert all(re.match(sentence.rstrip("$"), line) and line.endswith("; trying again") for line in said)
    assert len(said) == 2
    # only the stacks that the sentences name stay
    crashed = how in (signal.SIGSEGV, signal.SIGABRT)
    assert len(list(tmp_path.glob("pocketlaw-crash-*/*.txt"))) >= 3 * crashed
    assert bool(list(tmp_path.glob("pocketlaw-crash-*"))) == crashed


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, 7])
def test_lost_work_is_done_again(tmp_path: Path, how: int, caplog: pytest.LogCaptureFixture) -> None:
    died = Die(tmp_path / "died", 3, how, times=1)
    begun = [Write(tmp_path / str(number), 2, after="died-attempts") for number in range(4)]
    done: list[int] = []
    FuturesExecutorFactory({"cores": 2}).get()(by_number([died, *begun]), done.append)
    assert died.attempts == 2
    assert all(job.path.exists() for job in begun)
    # what was lost doesn't count twice
    assert sum(done) == 3 + 4 * 2
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1
    assert said[0].startswith("a worker process" if how == signal.SIGTERM else "job 0: its process ")


def test_what_was_done_before_a_death_is_not_done_again(tmp_path: Path) -> None:
    first = [Write(tmp_path / str(number), size=9) for number in range(2)]
    died = Die(tmp_path / "died", 3, times=2, after=(tmp_path / "0", tmp_path / "1"))
    run_jobs(by_number([*first, died, Write(tmp_path / "last")]), 2, "Label", "events")
    assert died.attempts == 3
    assert [job.attempts for job in first] == [1, 1]


def test_only_the_job_of_the_dead_process_counts(tmp_path: Path) -> None:
    """Three jobs lose their process twice each: together more often than one of them may."""
    deaths = [Die(tmp_path / f"died-{number}", times=2) for number in range(3)]
    run_jobs(by_number([*deaths, Write(tmp_path / "other")]), 2, "Label", "events")
    assert [job.attempts for job in deaths] >= [3, 3, 3]
    assert (tmp_path / "other").exists()


def test_the_last_attempt_is_smaller(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    large = Shrinking(tmp_path / "large", 16)
    run_jobs(by_number([large, Write(tmp_path / "other")]), 2, "Label", "events")
    assert large.path.read_text() == "16 16 8 "
    assert [record.getMessage().rpartition("; ")[2] for record in caplog.records] == [
        "trying again",
        "trying again with half the chunk",
    ]
    with pytest.raises(ProcessDiedError, match=r"^job 0: its process was killed"):
        run_jobs(by_number([Shrinking(tmp_path / "huge", 64), Write(tmp_path / "more")]), 2, "Label", "events")


def fork_server() -> int:
    """Return the process that starts the workers."""
    (worker, *_) = run_in_workers({"any": find_parent}, 2).values()
    return worker


def find_parent(progress: Callable[[int], None]) -> int:
    return os.getppid()


def test_a_killed_fork_server_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = fork_server()
    # while jobs run
    jobs = [Kill(tmp_path / "killed", server), Write(tmp_path / "other", after="killed")]
    run_jobs(by_number(jobs), 2, "Label", "events")
    assert (tmp_path / "other").exists()
    assert "the process that starts workers was ended" in caplog.text
    # while none do
    another = fork_server()
    assert another != server
    os.kill(another, signal.SIGKILL)
    # Its workers may still finish jobs until the executor notices.
    run(tmp_path / "more")
    wait_for(lambda: fork_server() != another)


def test_a_fork_server_that_is_killed_each_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessDiedError, match=r"^the process that starts workers was ended"):
        run_jobs(by_number([Kill(tmp_path / "killed"), Write(tmp_path / "other", after="never")]), 2, "Label", "events")


PARENT = """
import signal, sys
from pathlib import Path
from tasks.framework import executors, pool
from tests.tasks.framework.test_pool import Write, by_number

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pool.PRELOAD = ()
    folder = Path(sys.argv[1])
    jobs = by_number([Write(folder / str(n), 99 - n, "never" if n else "") for n in range(20)])
    executors.run_jobs(jobs, 2, "Label", "events")
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


FORKED = """
from multiprocessing import get_context
from pathlib import Path
from tasks.framework import pool
from tests.tasks.framework.test_pool import Write

def use_workers(folder):
    pool.PRELOAD = ()
    pool.run_in_workers({str(one): Write(Path(folder, str(one)), processes=2).run for one in range(2)}, 2)

if __name__ == "__main__":
    process = get_context("fork").Process(target=use_workers, args=("forked",))
    process.start()
    process.join()
    print(process.exitcode)
    use_workers("here")
"""


def test_processes_end_with_their_workers(tmp_path: Path) -> None:
    """Forked ones do, and the one of the command, without a word."""
    for folder in ("forked", "here"):
        (tmp_path / folder).mkdir()
    (tmp_path / "parent.py").write_text(FORKED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "parent.py"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE / 2)
    assert (run.stdout, run.stderr, run.returncode) == ("0\n", "", 0)
    for folder in ("forked", "here"):
        assert {path.name for path in (tmp_path / folder).iterdir()} >= {"0", "1"}


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
            run_jobs(by_number([Interrupt(os.getpid())] * 2), 2, "Label", "events")
        assert signal.getsignal(signal.SIGINT) is before
        assert len(run(tmp_path / f"{number}")) == 2


def test_interrupts_while_workers_end_leave_none(interruptible: None, monkeypatch: pytest.MonkeyPatch) -> None:
    end = pool._Pool.end
    ended = []

    def interrupted(self: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        end(self)
        ended.append(self)

    monkeypatch.setattr(pool._Pool, "end", interrupted)
    others = set(active_children())
    with pytest.raises(KeyboardInterrupt):
        run_jobs(by_number([Interrupt(os.getpid())] * 2), 2, "Label", "events")
    assert len(ended) == 1
    assert set(active_children()) == others
    assert not pool.are_there()


def test_an_interrupt_while_work_is_submitted_waits_for_it(
    interruptible: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    goes_on, submitted, done_first = threading.Event(), list[Future[Any]](), list[bool]()

    class Interrupted(ThreadPoolExecutor):
        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            if function is int:
                if submitted:
                    goes_on.set()
                return super().submit(int)
            super().submit(goes_on.wait, PATIENCE)
            submitted.append(super().submit(function, *arguments, **options))
            raise KeyboardInterrupt

    class Executor(ProcessPoolExecutor):
        def shutdown(self, *arguments: Any, **options: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                done_first.append(submitted[0].done())
                goes_on.set()
            super().shutdown(*arguments, **options)

    pool._end()
    with monkeypatch.context() as patch:
        patch.setattr(pool, "ThreadPoolExecutor", Interrupted)
        patch.setattr(pool, "ProcessPoolExecutor", Executor)
        with pytest.raises(KeyboardInterrupt):
            run_jobs(by_number([Write(tmp_path / "other", after="never")] * 2), 2, "Label", "events")
    assert done_first == [True]
    assert len(run(tmp_path / "later")) == 2


def test_an_interrupt_that_another_thread_gets_is_noticed(interruptible: None, tmp_path: Path) -> None:
    """The main thread doesn't get the signal, so nothing wakes it."""
    jobs = by_number([Interrupt(os.getpid()), Write(tmp_path / "other", after="never")])
    begin, stop = threading.Event(), threading.Event()

    def listen() -> None:
        begin.set()
        stop.wait()

    other = threading.Thread(target=listen)
    other.start()
    begin.wait()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with pytest.raises(KeyboardInterrupt):
            run_jobs(jobs, 2, "Label", "events")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        stop.set()
        other.join()
