"""Worker processes of this machine, which all tasks of a command share.

What a worker has compiled, loaded and read of correction files serves the next task, too.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar

from pocket.errors import ProcessDiedError
from pocket.executors import Job, Progress
from pocket.io.store.provenance import begin_work
from tasks.core.early_workers import use_server, worker_context
from tasks.core.log import Line, Sender, log_to_terminal, receive, rerouted

T = TypeVar("T")
R = TypeVar("R")

#: s until a process that waits notices a signal that didn't wake it
_LOOK = 1.0


def run_in_processes(
    jobs: Sequence[Job], workers: int, cores: int, advance: Progress, names: Sequence[str] = ()
) -> None:
    """Run jobs in the worker processes of this command, which are started for its first jobs.

    Args:
        jobs: the jobs.
        workers: number of processes that are needed.
        cores: largest number of processes, which earlier jobs may have needed.
        advance: called with each finished amount of work.
        names: names of the jobs for errors.

    Raises:
        Exception: the first error of a job, after the running jobs are done.
        ProcessDiedError: if a process was killed or crashed.
    """
    global _kept
    if _kept is None or not _kept.serves(workers, cores):
        _end_workers()
        _kept = _Workers(workers)
    try:
        _kept.run(jobs, advance, names)
    except KeyboardInterrupt:
        _end_at_once()
        raise
    except BaseException:
        _end_workers()
        raise


def start(number: int) -> None:
    """Start workers if there are none."""
    global _kept
    if _kept is None:
        _kept = _Workers(number)


def are_there() -> bool:
    """Tell whether this command has workers."""
    return _kept is not None


def call(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """Return the results of calls in the workers; the first ones if a worker died, which ends all of them.

    Args:
        function: a function that pickles.
        arguments: an argument for each call.

    Raises:
        Exception: the first error of a call.
    """
    assert _kept is not None
    results: list[R] = []
    try:
        futures = _kept.submit([(_call, function, argument) for argument in arguments])
        for _ in _finished(set(futures)):
            pass
        for future in futures:
            results.append(future.result())
    except BrokenProcessPool:
        _end_workers()
    except KeyboardInterrupt:
        _end_at_once()
        raise
    return results


def _finished(futures: set[Future[Any]]) -> Iterator[Future[Any]]:
    """Yield futures when they are done."""
    events: SimpleQueue[Future[Any] | None] = SimpleQueue()
    with _interrupts_as_events(events):
        for each in futures:
            each.add_done_callback(events.put)
    while futures:
        with _interrupts_as_events(events):
            done = _next_event(events)
        if done in futures:
            futures = futures - {done}
            yield done


def _next_event(events: SimpleQueue[Future[Any] | None]) -> Future[Any] | None:
    """Return the next event. A Ctrl-C that another thread gets doesn't wake this one, so it looks now and then."""
    while True:
        with contextlib.suppress(Empty):
            return events.get(timeout=_LOOK)


@contextlib.contextmanager
def _interrupts_as_events(events: SimpleQueue[Future[Any] | None]) -> Iterator[None]:
    """Put ``None`` into a queue for Ctrl-C in the block, which raises KeyboardInterrupt only at its end.

    An exception in the middle of a future's function may leave it locked, and the pool would wait for it forever.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    is_interrupted = False

    def note(number: int, frame: Any) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        events.put(None)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if is_interrupted:
        raise KeyboardInterrupt


class _Workers:
    """Worker processes that run jobs.

    Args:
        number: number of processes.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        context = worker_context()
        use_server()
        # A queue would have a lock, which an ended process may hold for ever. A pipe takes short messages at once.
        self._messages, self._sender = context.Pipe(duplex=False)
        self._traces = Path(tempfile.mkdtemp(prefix="pocketlaw-crash-"))
        self._pool = ProcessPoolExecutor(number, context, _start_worker, (self._sender, self._traces, dict(os.environ)))
        self._processes: list[BaseProcess] = []
        self._others = {process.pid for process in active_children()}
        # Processes of luigi's --workers run no functions of atexit, and would wait for these workers. The queues that
        # tell these to end are closed with a priority of 10.
        Finalize(None, _end_workers, exitpriority=100)

    def submit(self, calls: Iterable[tuple[Any, ...]]) -> list[Future[Any]]:
        """Submit calls of functions."""
        with _interrupts_for_this_process_alone():
            futures = [self._pool.submit(*call) for call in calls]
            # The pool watches a process that the last submission started only after another submission.
            self._pool.submit(int)
        self._processes = self._living()
        return futures

    def _living(self) -> list[BaseProcess]:
        """Return the processes that are alive."""
        return [process for process in active_children() if process.pid not in self._others]

    def serves(self, workers: int, cores: int) -> bool:
        """Tell whether these are enough workers, not too many, and alive."""
        return workers <= self.number <= cores and all(process.is_alive() for process in self._processes)

    def run(self, jobs: Sequence[Job], advance: Progress, names: Sequence[str]) -> None:
        """Run jobs as :func:`run_in_processes`; after an error the workers can't be used any more."""
        # This maps each process to the number of the job that it began last.
        running: dict[int, int] = {}
        listener = threading.Thread(target=_listen, args=(self._messages, advance, running), daemon=True)
        listener.start()
        # Big jobs come first, so that no core waits long for the last one.
        ordered = sorted(range(len(jobs)), key=lambda number: -jobs[number].size)
        try:
            futures = self.submit((_work, number, jobs[number]) for number in ordered)
            for future in _finished(set(futures)):
                future.result()
        except BrokenProcessPool as error:
            # Of two threads that ask for an exit code at once, one gets a wrong one, so the pool's comes first.
            self._pool.shutdown(cancel_futures=True)
            self._sender.send(None)
            listener.join()
            began = {pid: names[number] for pid, number in running.items() if names}
            raise explain_death(self._processes, began, self._traces) from error
        except Exception:
            # Other jobs still report their progress.
            self._pool.shutdown(cancel_futures=True)
            raise
        finally:
            self._sender.send(None)
            listener.join()

    def end(self, *, at_once: bool = False) -> None:
        """End the processes, and remove the traces of those that didn't crash.

        Args:
            at_once: end the jobs that they have begun, too.
        """
        if at_once:
            # After an interrupted submission, not all processes are listed.
            self._processes = self._living()
        if at_once or not all(process.is_alive() for process in self._processes):
            # One that was killed may hold the lock of the queue, for which the others would wait for ever.
            for process in self._processes:
                process.terminate()
        self._pool.shutdown(cancel_futures=True)
        with contextlib.suppress(OSError):
            for file in self._traces.iterdir():
                if not file.stat().st_size:
                    file.unlink()
            self._traces.rmdir()


_kept: _Workers | None = None


@atexit.register
def _end_workers(*, at_once: bool = False) -> None:
    global _kept
    workers, _kept = _kept, None
    if workers is not None:
        workers.end(at_once=at_once)


def _end_at_once() -> None:
    """End the workers without waiting for their jobs, also if Ctrl-C is pressed again meanwhile."""
    with _interrupts_for_this_process_alone():
        _end_workers(at_once=True)


def _forget_workers() -> None:
    """Leave the workers to the process that this one was forked from."""
    global _kept
    _kept = None


os.register_at_fork(after_in_child=_forget_workers)


@contextlib.contextmanager
def _interrupts_for_this_process_alone() -> Iterator[None]:
    """Protect processes that start in the block from Ctrl-C: this process ends them, so they print no tracebacks.

    Another thread may get the signal, so it isn't enough to block it: a process whose start is interrupted would never
    be ended.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _interrupts_as_events(SimpleQueue()):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(messages: Messages, advance: Progress, running: dict[int, int]) -> None:
    while (message := _next_of(messages)) is not None:
        if isinstance(message, int):
            advance(message)
        elif len(message) == 3:
            receive(message)
        else:
            process, number = message
            running[process] = number


def _next_of(messages: Messages) -> Message | None:
    """Return the next message, ``None`` after the last one."""
    try:
        return messages.recv()
    except (EOFError, OSError):
        # Ctrl-C was pressed again just before the message that ends this, and the pipe is closed.
        return None


#: an amount of finished work, or a process and the number of the job that it begins, or what a job logs
Message = int | tuple[int, int] | Line
Messages: TypeAlias = "Connection[Message | None, Message | None]"
_sender: Messages | None = None


def _start_worker(sender: Messages, traces: Path, environment: Mapping[str, str]) -> None:
    global _sender
    _sender = sender
    # The fork server may have been started before the command set all variables.
    os.environ.update(environment)
    log_to_terminal()
    # Python writes its stack here if a library crashes. The file stays open as long as the process lives.
    faulthandler.enable((traces / f"{os.getpid()}.txt").open("w", encoding="utf-8"))
    # A killed parent can't end its workers, so they watch for its end.
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(function: Callable[[T], R], argument: T) -> R:
    try:
        return function(argument)
    except KeyboardInterrupt:
        os._exit(1)


def _ended(processes: Iterable[BaseProcess]) -> list[BaseProcess]:
    """Return the processes that ended by themselves; the pool terminates the others then."""
    return [process for process in processes if process.exitcode not in (None, 0, -signal.SIGTERM)]


def _work(number: int, job: Job) -> None:
    assert _sender is not None
    try:
        _sender.send((os.getpid(), number))
        begin_work()
        with rerouted(Sender(_sender.send)):
            job.run(_sender.send)
    except KeyboardInterrupt:
        # Otherwise, the pool would still run the jobs that are queued for this process.
        os._exit(1)


def explain_death(processes: Iterable[BaseProcess], jobs: Mapping[int, str], traces: Path) -> ProcessDiedError:
    """Return the error for a worker process that ended while it ran a job.

    Args:
        processes: the workers; when one ended by itself, the pool terminated the others.
        jobs: process → name of the job that it began last.
        traces: folder with a file for each process, to which Python writes its stack when a library crashes.
    """
    ended = _ended(processes)
    if not ended:
        return ProcessDiedError("a worker process was ended from outside, maybe by a batch system or a user: try again")
    first = ended[0]
    code = first.exitcode or 0
    job = jobs.get(first.pid or 0, "a job")
    if code >= 0:
        return ProcessDiedError(f"{job}: its process ended with exit code {code}, maybe by a library that calls exit()")
    by = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    if -code == signal.SIGKILL:
        return ProcessDiedError(
            f"{job}: its process was killed (SIGKILL), most likely because memory ran out: try fewer --cores or less "
            "--chunk-memory"
        )
    return ProcessDiedError(
        f"{job}: its process was ended by {by}: a library crashed{_crash_place(traces / f'{first.pid}.txt')}, e.g. on "
        "a malformed file or formula, most likely not for lack of memory"
    )


def _crash_place(trace: Path) -> str:
    """Return the place in the code where a library crashed, as part of a sentence."""
    from pocket.configuration.user_errors import crash_line

    if not (trace.is_file() and trace.stat().st_size):
        return ""
    line = crash_line(trace.read_text(encoding="utf-8", errors="replace"))
    called = f" that {line} called" if line else ""
    return f"{called} (the stack is in {trace})"
