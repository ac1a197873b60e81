"""Tasks that run in worker processes of this command beside the task that luigi gave.

luigi gives one task after the other, whose jobs, or whose single process, rarely use all cores all the time. So what is
ready begins in the workers that are there anyway, and luigi finds it done, or waits for it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import law
import luigi
import luigi.task_register

from pocket.base.runtime.kept import keeping_tables
from pocket.errors import ChangedCodeError, DamagedOutputError
from pocket.executors import Job
from pocket.io.store.provenance import begin_work
from tasks.core import pending
from tasks.core.log import Line, Sender, receive, rerouted
from tasks.core.plan import label_of
from tasks.core.report import Work, note_work
from tasks.core.terminal import print_note
from tasks.framework import workers
from tasks.framework.passes import Pass
from tasks.framework.pool import progress_bar

# luigi's functions have no type annotations.
_luigi: Any = luigi.task_register
_log = logging.getLogger(__name__)
_NOTE = "note: "
#: what a task printed and logged: the name of the stream and the text, or a record
Printed = list[tuple[str, str] | Line]


@dataclass(frozen=True)
class TaskJob:
    """Makes the output of a task in another process.

    Args:
        module: module of the task's class.
        family: name of the class.
        params: parameters as on the command line.
        fingerprint: what the task has in the process that began it.
        info: arguments of :func:`pocket.io.store.write_output`.
    """

    module: str
    family: str
    params: Mapping[str, str]
    fingerprint: str
    info: Mapping[str, Any]

    @classmethod
    def of(cls, task: Any) -> TaskJob:
        """Return the job of a task whose requirements are complete, after preparing for it."""
        task.fetch_needed()
        task.prepare_place()
        return cls(type(task).__module__, task.task_family, task.to_str_params(), task.fingerprint, task.write_info())

    def run(self) -> Printed:
        """Make the output, and return what was printed meanwhile.

        Raises:
            ChangedCodeError: if the task is another one in this process.
        """
        importlib.import_module(self.module)
        # Tasks of earlier jobs may remember what was there then.
        _luigi.Register.clear_instance_cache()
        begin_work()
        task: Any = _luigi.load_task(self.module, self.family, dict(self.params))
        # That of a task has those of all that it requires, in which the same functions appear.
        with keeping_tables():
            is_same = task.fingerprint == self.fingerprint
        if not is_same:
            raise ChangedCodeError(f"{task.progress_label} is another task in this process")
        task.write_info = lambda: dict(self.info)
        printed: Printed = []
        with (
            contextlib.redirect_stdout(_Kept("stdout", printed)),
            contextlib.redirect_stderr(_Kept("stderr", printed)),
            rerouted(Sender(printed.append)),
        ):
            task.make()
        return printed


class _Kept(io.TextIOBase):
    """Stream whose text is kept.

    Args:
        name: name of the stream.
        printed: list that texts are added to.
    """

    def __init__(self, name: str, printed: Printed) -> None:
        self._name, self._printed = name, printed

    def write(self, text: str) -> int:
        """Keep a text."""
        self._printed.append((self._name, text))
        return len(text)


@dataclass(frozen=True)
class PassJob:
    """Runs a job whose progress nobody waits for.

    Args:
        job: the job.
    """

    job: Job

    def run(self) -> list[Line]:
        """Run the job, and return what it logged."""
        begin_work()
        logged: list[Line] = []
        with rerouted(Sender(logged.append)):
            self.job.run(lambda amount: None)
        return logged


@dataclass(frozen=True)
class Imports:
    """Imports modules that later jobs need.

    Args:
        modules: the modules.
    """

    modules: tuple[str, ...]

    def run(self) -> int:
        """Import the modules, and return the number of the process; an error is left to the job that needs one."""
        for module in self.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(module)
        return os.getpid()


#: imports → the workers that have begun with them
_imports: dict[Imports, list[Future[int]]] = {}
#: modules that this process has imported for later tasks
_imported_here: set[str] = set()
#: id of a task → the task, and what its job returns
_running: dict[str, tuple[Any, Future[Printed]]] = {}
#: id of a workflow → its pass, and future → job
_passes: dict[str, tuple[Pass, dict[Future[list[Line]], Job]]] = {}
#: future → when it began and when it was done
_times: WeakKeyDictionary[Future[Any], tuple[float, float]] = WeakKeyDictionary()


def begin_ready(passes: bool) -> set[Future[Any]]:
    """Begin tasks that are ready in workers of this command, and return what runs beside luigi's task.

    Args:
        passes: whether to begin passes over events, too.
    """
    for task, future in _running.values():
        if _is_done(future):
            pending.note_done(task)
    for made, jobs in {id(made): (made, jobs) for made, jobs in _passes.values()}.values():
        if all(map(_is_done, jobs)):
            for task in made.done():
                pending.note_done(task)
    ready: list[Any] = pending.runnable(luigi.Task) if workers.are_there() else []
    for task in ready:
        if getattr(task, "runs_beside", False) and not task.one_by_one:
            if not hasattr(task, "with_others"):
                _begin(task)
            elif passes:
                _begin_pass(task)
    if not passes:
        _import_meanwhile()
    futures: list[Future[Any]] = [future for _, future in _running.values()]
    futures += [future for _, jobs in _passes.values() for future in jobs]
    return {future for future in futures if not future.done()}


def use_free_workers() -> None:
    """Begin what is ready in the workers of this command, while this process makes the output of a task."""
    begin_ready(passes=True)
    _import_early()


def _import_early() -> None:
    """Let workers that have nothing else to do import what jobs of later tasks need, each once."""
    needed = {name for task in pending.planned().values() for name in getattr(task, "job_modules", ())}
    work = Imports(tuple(sorted(needed)))
    begun = _imports.setdefault(work, [])
    with _errors_left():
        # One worker may be given the same imports twice before another one is free.
        while needed and workers.are_free() and len(begun) < 2 * workers.number():
            if len({future.result() if _is_done(future) else future for future in begun}) >= workers.number():
                return
            begun.append(workers.begin_beside(work))


def _import_meanwhile() -> None:
    """Import in this process, which waits for jobs, what it needs to make outputs of later tasks."""
    needed = {name for task in pending.planned().values() for name in getattr(task, "own_modules", ())}
    work = Imports(tuple(sorted(needed - _imported_here)))
    _imported_here.update(needed)
    work.run()


def _is_done(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _begin_pass(task: Any) -> None:
    with _errors_left():
        options = task.workflow, task.executor, task.executor_custom_setup
        if task.is_branch() or options != ("local", "futures", law.NO_STR):
            return
        pending.note_begun(task)
        now = task.with_others(task.incomplete_jobs())
        if not now.jobs:
            # Upstream tasks ran again with unchanged results. luigi finds nothing to do, and says so.
            pending.note_done(task)
            return
        jobs = {_timed(workers.begin_beside(PassJob(job))): job for job in now.jobs.values()}
        for each in now.tasks:
            pending.note_begun(each)
            _passes[each.task_id] = now, jobs


def _timed(future: Future[Any]) -> Future[Any]:
    """Return a future of which it is noted when it is done."""
    begin = time.monotonic()
    _times[future] = begin, begin
    future.add_done_callback(lambda done: _times.update({done: (begin, time.monotonic())}))
    return future


def _seconds(futures: Iterable[Future[Any]]) -> float:
    """Return how long it took from the first begin to the last end of futures that are done."""
    times = [_times[future] for future in futures]
    return max(end for _, end in times) - min(begin for begin, _ in times)


def finish_pass(task: Any) -> bool:
    """Wait for the jobs of a workflow if workers have begun with them, and tell whether they have.

    Raises:
        DamagedOutputError: if a job found an input damaged.
    """
    now, jobs = _passes.get(task.task_id, (None, {}))
    left = {future for future in jobs if not future.done()}
    try:
        if now is not None and left:
            with progress_bar(now.label, sum(jobs[future].size for future in left), task.work_unit) as advance:
                for future in workers.finish_beside(left):
                    advance(jobs[future].size)
        if now is not None:
            for future in jobs:
                _raise_damage(future)
            for future in filter(_is_done, jobs):
                for line in future.result():
                    receive(line)
            if done := now.done():
                note_work(now.work(done, _seconds(jobs), task.work_unit))
        return now is not None
    finally:
        for each in now.tasks if now is not None else ():
            _passes.pop(each.task_id, None)


def make_beside(task: Any) -> bool:
    """Make a task in a worker if one has nothing to do, and tell whether it is made."""
    if task.runs_beside and not task.spreads and not task.one_by_one and workers.are_free():
        _begin(task)
    return _finish(task)


def finish_beside(task: Any) -> bool:
    """Wait for a task if a worker has begun to make it, and tell whether it is made."""
    _, future = _running.get(task.task_id, (task, None))
    if future is not None and future.cancel():
        del _running[task.task_id]
    return _finish(task)


def _finish(task: Any) -> bool:
    """Wait for a task that was given to a worker, print what it printed, and tell whether it is made."""
    _, future = _running.get(task.task_id, (task, None))
    if future is None:
        return False
    try:
        (done,) = workers.finish_beside({future})
        printed = done.result()
    except DamagedOutputError:
        # It was set aside, so that the task, run again here, would only find that something is missing.
        raise
    except Exception as error:
        # The task is run again here, and shows its error as ever.
        _log.debug("%s failed beside other tasks: %s", task.progress_label, error)
        return False
    finally:
        _running.pop(task.task_id, None)
    note_work(Work((task,), label_of(task), "", _seconds([future])))
    _print(printed)
    return True


@contextlib.contextmanager
def _errors_left() -> Iterator[None]:
    """Leave errors in the block to the task, which luigi runs later."""
    try:
        yield
    except Exception as error:
        _log.debug("not begun beside other tasks: %s", error, exc_info=True)


def _begin(task: Any) -> None:
    with _errors_left():
        future: Future[Printed] = Future()
        try:
            future = workers.begin_beside(TaskJob.of(task))
        except DamagedOutputError as error:
            future.set_exception(error)
        _running[task.task_id] = task, _timed(future)
        pending.note_begun(task)


def _raise_damage(future: Future[Any]) -> None:
    """Raise the error of a future if it found an output damaged: that was set aside, so it is found only once."""
    if future.done() and not future.cancelled() and isinstance(error := future.exception(), DamagedOutputError):
        raise error


def _print(printed: Printed) -> None:
    """Print what a task printed, and notes that are known only once, and log what it logged."""
    lines: list[tuple[str, str]] = []
    for entry in printed:
        if len(entry) == 3:
            receive(entry)
            continue
        stream, text = entry
        if lines and lines[-1][0] == stream and not lines[-1][1].endswith("\n"):
            lines[-1] = stream, lines[-1][1] + text
        else:
            lines.append((stream, text))
    for stream, text in lines:
        if text.startswith(_NOTE):
            print_note(text.removeprefix(_NOTE).rstrip("\n"))
        else:
            print(text, end="", file=getattr(sys, stream), flush=True)


workers.begin_ready.append(begin_ready)
