"""Running jobs on the cores of this machine, with a progress bar."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.queues import SimpleQueue
from typing import Any

from pocket.errors import ConfigError, PocketError
from pocket.executors import Executor, ExecutorFactoryABC, Job, Progress, available_cores
from pocket.store.usage import begin_work

#: imported once by the server that workers are forked from, so that no worker pays for it again
PRELOAD = (
    "tasks.jobs",
    "pocket.analysis",
    "pocket.engine.run",
    "pocket.outputs",
    "pocket.columns.parquet",
    "pocket.cut_functions",
    "h5py",
    "uhi.io.hdf5",
    "correctionlib",
    "pocket.engine.first_use",
)


def run_jobs(jobs: Sequence[Job], cores: int, label: str, unit: str) -> None:
    """Run jobs in up to ``cores`` processes.

    Args:
        jobs: the jobs.
        cores: number of processes; 0 for all cores. One process means this one.
        label: text of the progress bar.
        unit: what the jobs' sizes count.

    Raises:
        Exception: the first error of a job, after the jobs that had begun are done.
        PocketError: if a process was killed.
        ConfigError: if the number of processes is negative.
    """
    with progress_bar(label, sum(job.size for job in jobs), unit) as advance:
        _run(jobs, cores, advance)


def run_with(
    factory: type[ExecutorFactoryABC], options: Mapping[str, Any], jobs: Mapping[str, Job], label: str, unit: str
) -> None:
    """Run jobs, name → job, with an executor and a progress bar; ``options`` are those of the executor."""
    executor = factory(options)
    try:
        executor.setup()
        with progress_bar(label, sum(job.size for job in jobs.values()), unit) as advance:
            executor.get()(jobs, advance)
    finally:
        executor.close()


class FuturesExecutorFactory(ExecutorFactoryABC):
    """Runs jobs in processes of this machine, as many as ``cores`` says."""

    known_options = ()

    def customized_args(self) -> dict[str, Any]:
        """Return the number of processes."""
        return {"cores": self.run_options["cores"]}

    def get(self) -> Executor:
        """Return the process pool."""
        return lambda jobs, progress: _run(list(jobs.values()), advance=progress, **self.customized_args())


def _run(jobs: Sequence[Job], cores: int, advance: Progress) -> None:
    if cores < 0:
        raise ConfigError(f"the number of cores is {cores}, expected 0 for all cores or more")
    workers = min(cores or available_cores(), len(jobs))
    if workers <= 1:
        for job in jobs:
            begin_work()
            job.run(advance)
    else:
        _run_in_processes(jobs, workers, advance)


def _run_in_processes(jobs: Sequence[Job], workers: int, advance: Progress) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    queue: SimpleQueue[int | None] = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(queue, advance), daemon=True)
    listener.start()
    # big jobs first, so that no core waits long for the last one
    ordered = sorted(jobs, key=lambda job: -job.size)
    try:
        with ProcessPoolExecutor(workers, context, _start_worker, (queue,)) as pool:
            futures = [pool.submit(_work, job) for job in ordered]
            try:
                for future in as_completed(futures):
                    future.result()
            finally:
                # after an error or Ctrl-C there may be jobs that haven't begun
                pool.shutdown(cancel_futures=True)
    except BrokenProcessPool as error:
        raise PocketError(
            "a worker process was killed, maybe because memory ran out: try fewer --cores or less --chunk-memory"
        ) from error
    finally:
        queue.put(None)
        listener.join()


def _listen(queue: SimpleQueue[int | None], advance: Progress) -> None:
    while (amount := queue.get()) is not None:
        advance(amount)


_queue: SimpleQueue[int | None] | None = None


def _start_worker(queue: SimpleQueue[int | None]) -> None:
    global _queue
    _queue = queue
    # a killed parent can't end its workers, so they watch for its end
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: Job) -> None:
    assert _queue is not None
    try:
        begin_work()
        job.run(_queue.put)
    except KeyboardInterrupt:
        # the pool would hand out the jobs that are on their way here
        os._exit(1)


@contextlib.contextmanager
def counting_bar(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar for work that counts itself; it appears with the first count.

    Args:
        label: text of the progress bar.
        unit: what is counted.

    Yields:
        A function to call with the number of things done and the number of all.
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
def progress_bar(label: str, total: int, unit: str) -> Iterator[Progress]:
    """Show a progress bar.

    Args:
        label: text of the progress bar.
        total: amount of work.
        unit: what the work is counted in.

    Yields:
        A function to call with each amount that is done.
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

        yield advance
    console.print(f"{label}: {done:,} {unit} in {time.monotonic() - begin:.1f} s, {rate()}", highlight=False)
