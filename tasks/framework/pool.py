"""Execution of jobs on the cores of this machine, with a progress bar."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, ProcessDiedError
from pocket.executors import Executor, ExecutorFactoryABC, Job, Progress, available_cores
from pocket.io.store.provenance import begin_work
from tasks.core.log import log_to_terminal

#: function of a percentage
Publish = Callable[[float], None]

#: modules that the fork server imports once, so that no worker imports them again
PRELOAD = (
    "tasks.framework.jobs",
    "pocket.configuration.analysis",
    "pocket.engine.run",
    "pocket.histograms.raw",
    "pocket.columns.parquet",
    "pocket.cuts.library",
    "h5py",
    "uhi.io.json",
    "correctionlib",
    "pocket.engine.preload",
)


def run_jobs(jobs: Sequence[Job], cores: int, label: str, unit: str, publish: Publish | None = None) -> None:
    """Run jobs in up to ``cores`` processes.

    Args:
        jobs: the jobs.
        cores: number of processes; 0 for all cores. One process means this one.
        label: label of the progress bar.
        unit: unit of the jobs' sizes.
        publish: function that is called with the finished percentage.

    Raises:
        Exception: the first error of a job, after the running jobs are done.
        ProcessDiedError: if a process was killed or crashed.
        ConfigError: if the number of processes is negative.
    """
    with progress_bar(label, sum(job.size for job in jobs), unit, publish) as advance:
        _run(jobs, cores, advance)


def run_with(
    factory: type[ExecutorFactoryABC],
    options: Mapping[str, Any],
    jobs: Mapping[str, Job],
    label: str,
    unit: str,
    publish: Publish | None = None,
) -> None:
    """Run jobs, name → job, with an executor and a progress bar; ``options`` are those of the executor."""
    executor = factory(options)
    try:
        executor.setup()
        with progress_bar(label, sum(job.size for job in jobs.values()), unit, publish) as advance:
            executor.get()(jobs, advance)
    finally:
        executor.close()


class FuturesExecutorFactory(ExecutorFactoryABC):
    """Runs jobs in ``cores`` processes of this machine."""

    known_options = ()

    def customized_args(self) -> dict[str, Any]:
        """Return the number of processes."""
        return {"cores": self.run_options["cores"]}

    def get(self) -> Executor:
        """Return the process pool."""
        return lambda jobs, progress: _run(
            list(jobs.values()), advance=progress, names=list(jobs), **self.customized_args()
        )


def _run(jobs: Sequence[Job], cores: int, advance: Progress, names: Sequence[str] = ()) -> None:
    if cores < 0:
        raise ConfigError(f"the number of cores is {cores}, expected 0 for all cores or more")
    workers = min(cores or available_cores(), len(jobs))
    if workers <= 1:
        for job in jobs:
            begin_work()
            job.run(advance)
    else:
        _run_in_processes(jobs, workers, advance, names)


def _run_in_processes(jobs: Sequence[Job], workers: int, advance: Progress, names: Sequence[str] = ()) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    queue: SimpleQueue[Message | None] = context.SimpleQueue()
    # This maps each process to the number of the job that it began last.
    running: dict[int, int] = {}
    listener = threading.Thread(target=_listen, args=(queue, advance, running), daemon=True)
    listener.start()
    # Big jobs come first, so that no core waits long for the last one.
    ordered = sorted(range(len(jobs)), key=lambda number: -jobs[number].size)
    others = {process.pid for process in active_children()}
    processes: list[BaseProcess] = []
    traces = Path(tempfile.mkdtemp(prefix="pocketlaw-crash-"))
    try:
        with ProcessPoolExecutor(workers, context, _start_worker, (queue, traces)) as pool:
            try:
                with _interrupts_for_this_process_alone():
                    futures = [pool.submit(_work, number, jobs[number]) for number in ordered]
                    # The pool watches a process that the last submission started only after another submission.
                    pool.submit(int)
                processes = [process for process in active_children() if process.pid not in others]
                for future in as_completed(futures):
                    future.result()
            except KeyboardInterrupt:
                for process in active_children():
                    if process.pid not in others:
                        process.terminate()
                raise
            finally:
                # After an error or Ctrl-C, some jobs may not have begun.
                pool.shutdown(cancel_futures=True)
    except BrokenProcessPool as error:
        queue.put(None)
        listener.join()
        raise explain_death(
            processes, {pid: names[number] for pid, number in running.items() if names}, traces
        ) from error
    finally:
        queue.put(None)
        listener.join()
        with contextlib.suppress(OSError):
            for file in traces.iterdir():
                if not file.stat().st_size:
                    file.unlink()
            traces.rmdir()


@contextlib.contextmanager
def _interrupts_for_this_process_alone() -> Iterator[None]:
    """Protect processes that start in the block from Ctrl-C: this process ends them, so they print no tracebacks."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(queue: SimpleQueue[Message | None], advance: Progress, running: dict[int, int]) -> None:
    while (message := queue.get()) is not None:
        if isinstance(message, int):
            advance(message)
        else:
            process, number = message
            running[process] = number


#: an amount of finished work, or a process and the number of the job that it begins
Message = int | tuple[int, int]
_queue: SimpleQueue[Message | None] | None = None


def _start_worker(queue: SimpleQueue[Message | None], traces: Path) -> None:
    global _queue
    _queue = queue
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


def _work(number: int, job: Job) -> None:
    assert _queue is not None
    try:
        _queue.put((os.getpid(), number))
        begin_work()
        job.run(_queue.put)
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
    ended = [process for process in processes if process.exitcode not in (None, 0, -signal.SIGTERM)]
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


@contextlib.contextmanager
def counting_bar(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar for work that counts itself; the bar appears with the first count.

    Args:
        label: label of the progress bar.
        unit: unit of the count.

    Yields:
        A function of the finished and the total number.
    """
    with contextlib.ExitStack() as stack:
        bars: list[Progress] = []
        before = 0

        def count(done: int, total: int) -> None:
            nonlocal before
            if not bars:
                bars.append(stack.enter_context(progress_bar(label, total, unit)))
            bars[0](done - before)
            before = done

        yield count


@contextlib.contextmanager
def progress_bar(label: str, total: int, unit: str, publish: Publish | None = None) -> Iterator[Progress]:
    """Show a progress bar.

    Args:
        label: label of the progress bar.
        total: amount of work.
        unit: unit of the work.
        publish: function that is called with the finished percentage.

    Yields:
        A function that is called with each finished amount.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    begin = time.monotonic()
    done = 0

    def rate() -> str:
        per_second = done / max(time.monotonic() - begin, 1e-9)
        return f"{per_second:,.{0 if per_second >= 10 else 1}f} {unit}/s"

    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, rate="")

        def advance(amount: int) -> None:
            nonlocal done
            done += amount
            bar.update(task, advance=amount, rate=rate())
            if publish is not None and total:
                publish(100 * done / total)

        yield advance
    console.print(f"{label}: {done:,} {unit} in {time.monotonic() - begin:.1f} s, {rate()}", highlight=False)
