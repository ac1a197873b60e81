"""The worker processes of a command, which all of its tasks share.

What a worker has compiled, loaded and read of correction files serves the next task, too. Work that is lost because a
worker died is done again.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from multiprocessing import parent_process, resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.util import Finalize
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from pocket.errors import ProcessDiedError
from pocket.executors import Progress
from pocket.executors.base import pickled
from pocket.io.store.provenance import begin_work
from tasks.core.log import ENGINE, Line, Sender, log_to_terminal, receive, rerouted

R = TypeVar("R")
#: work for a worker, which pickles; it tells each amount of work that is done
Call: TypeAlias = Callable[[Progress], R]

#: modules that the fork server imports once, so that no worker imports them again
PRELOAD = (
    "tasks.framework.pool", "tasks.chain.branch_jobs", "tasks.chain.figure_jobs", "pocket.outputs.folders",
    "pocket.configuration.loading", "pocket.engine.preload",
)  # fmt: skip
#: number of times that lost work is done again
_RETRIES = 2

_log = logging.getLogger(ENGINE)


def run_in_workers(
    calls: Mapping[str, Call[R]],
    cores: int,
    advance: Progress = lambda amount: None,
    smaller: Mapping[str, Call[R]] = MappingProxyType({}),
) -> dict[str, R]:
    """Return the results of calls, which run in the worker processes of this command; the first ones begin first.

    ``advance`` gets each finished amount of work, a negative one for lost work. ``smaller`` has calls that need less
    memory, for the last attempt.
    """
    global _pool
    left = {name: pickled(name, call) for name, call in calls.items()}
    results, losses = dict[str, R](), Counter[str]()
    try:
        while left:
            if _pool is None or (_pool.pid, _pool.cores) != (os.getpid(), cores):
                _end()
                _pool = _Pool(cores)
            results |= (found := _pool.run(left, advance))
            left = {name: call for name, call in left.items() if name not in found}
            for name, sentence in _pool.deaths.items():
                losses[name] += 1
                if losses[name] > _RETRIES:
                    raise ProcessDiedError(sentence)
                is_last = losses[name] == _RETRIES and name in smaller
                left |= {name: pickled(name, smaller[name])} if is_last else {}
                _log.warning("%s; trying again%s", sentence, " with half the chunk" if is_last else "")
            if left:
                _end()
    except BaseException:
        _end()
        raise
    return {name: results[name] for name in calls}


def are_there() -> bool:
    return _pool is not None and _pool.pid == os.getpid()


class _Context(ForkServerContext):
    """Makes processes of the fork server, and lists them."""

    processes: list[Any]

    def Process(self, *args: Any, **options: Any) -> Any:  # type: ignore[override]  # noqa: N802
        self.processes.append(ForkServerProcess(*args, **options))
        return self.processes[-1]


class _Pool:
    """Worker processes, started when there is work for them and at most ``cores``, until one of them dies."""

    def __init__(self, cores: int) -> None:
        self.cores, self.pid = cores, os.getpid()
        #: what happened, by the call that a dead process had begun, or by ""
        self.deaths: dict[str, str] = {}
        self._context = _Context()
        self._context.processes = []
        self._context.set_forkserver_preload(list(PRELOAD))
        # A queue would have a lock, which a killed process may hold for ever. A pipe takes short messages at once.
        self._news, self._sender = self._context.Pipe(duplex=False)
        self._traces = Path(tempfile.mkdtemp(prefix="pocketlaw-crash-"))
        self._executor = ProcessPoolExecutor(
            cores, self._context, _begin, (self._sender, self._traces, dict(os.environ))
        )
        self._submitter = ThreadPoolExecutor(1)
        # Its thread starts now: a Ctrl-C while a thread starts would hide what the thread does from the end.
        self._submitter.submit(int)
        # Forked processes run no functions of atexit, and would wait for workers. Queues are closed later, at 10.
        Finalize(None, _end, exitpriority=100)

    def run(self, calls: Mapping[str, bytes], advance: Progress) -> dict[str, Any]:
        """Return the results of pickled calls, by name, except of those that are lost because a process died."""
        names, futures = list(calls), list[Future[Any]]()
        begun, amounts = dict[int, str](), Counter[str]()
        # Ctrl-C in the middle of a function of the executor could leave it locked, so the main thread calls none.
        work = self._submitter.submit(self._submit, list(calls.values()), futures)
        for number, process, news in iter(self._receive, None):
            begun[process] = name = names[number]
            if isinstance(news, int):
                amounts[name] += news
                advance(news)
            else:
                receive(news)
        work.result()
        failed = {future: error for future in futures if not future.cancelled() and (error := future.exception())}
        for error in failed.values():
            if not isinstance(error, BrokenProcessPool):
                raise error
        results = {name: future.result() for name, future in zip(names, futures, strict=False) if future not in failed}
        if len(results) < len(calls):
            advance(-sum(amount for name, amount in amounts.items() if name not in results))
            self.deaths = self._explain({process: name for process, name in begun.items() if name not in results})
        return results

    def _submit(self, calls: Sequence[bytes], futures: list[Future[Any]]) -> None:
        """Submit calls, and wait for them, or for those that run when the first one fails."""
        try:
            # What this thread starts doesn't see Ctrl-C. The start of Python's tracker would let it through again.
            resource_tracker.ensure_running()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            # These are the errors of a server that has died.
            with contextlib.suppress(BrokenProcessPool, EOFError, ConnectionError):
                for number, call in enumerate(calls):
                    futures.append(self._executor.submit(_run, number, call))
                # The executor watches a process that the last submission started only after another submission.
                self._executor.submit(int)
            failed = any(future.exception() for future in wait(futures, return_when=FIRST_EXCEPTION).done)
            if failed or len(futures) < len(calls):
                self._executor.shutdown(cancel_futures=True)
        finally:
            self._sender.send(None)

    def _receive(self) -> Any:
        # A Ctrl-C that another thread gets doesn't wake this one, so it looks now and then.
        while not self._news.poll(1.0):
            pass
        return self._news.recv()

    def _explain(self, begun: Mapping[int, str]) -> dict[str, str]:
        """Return what happened, by the unfinished call that a dead process had begun (process → call), or by ""."""
        from pocket.configuration.user_errors import explain_death

        codes = {process.pid: process.exitcode for process in self._context.processes if process.pid}
        # Python gives this code to all processes of a fork server that has died.
        if set(codes.values()) <= {255}:
            return {"": "the process that starts workers was ended from outside, or for lack of memory"}
        # The executor has terminated the processes that didn't end by themselves.
        ended = [pid for pid, code in codes.items() if pid in begun and code not in (None, 0, -signal.SIGTERM)]
        if not ended:
            return {"": "a worker process was ended from outside, maybe by a batch system or a user"}
        traces = {pid: self._traces / f"{pid}.txt" for pid in ended}
        return {begun[pid]: f"{begun[pid]}: its process {explain_death(codes[pid], traces[pid])}" for pid in ended}

    def end(self) -> None:
        """End the processes at once, and remove the traces of those that didn't crash."""
        # A call that reports meanwhile gets an error instead of waiting for ever.
        self._news.close()
        submitted, is_over = list[Future[Any]](), False
        # A program that ends has waited for the thread already, and Python refuses more.
        with contextlib.suppress(RuntimeError):
            submitted.append(self._submitter.submit(int))
        while not is_over:
            is_over = not wait(submitted, 0.1).not_done
            for process in self._context.processes:
                if process.pid:
                    process.kill()
        self._executor.shutdown(cancel_futures=True)
        if not any(file.stat().st_size for file in self._traces.glob("*")):
            shutil.rmtree(self._traces, ignore_errors=True)


_pool: _Pool | None = None


def _end() -> None:
    """End the workers of this process; Ctrl-C is ignored meanwhile, since it could leave the executor locked."""
    global _pool
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        if _pool is not None and are_there():
            _pool.end()
        _pool = None
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)


#: takes the number of a call, its process, and an amount of work that is done, 0 at its begin, or a record of the log
_sender: Any = None


def _begin(sender: Any, traces: Path, environment: Mapping[str, str]) -> None:
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
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _run(number: int, call: bytes) -> Any:
    def send(news: int | Line) -> None:
        _sender.send((number, os.getpid(), news))

    send(0)
    begin_work()
    with rerouted(Sender(send)):
        return pickle.loads(call)(send)
