"""luigi's worker with a report: the plan before tasks run, and results or errors afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import law
import luigi.interface
from luigi.cmdline_parser import CmdlineParser
from luigi.rpc import RemoteScheduler
from luigi.worker import Worker

from tasks.core import pending
from tasks.core.report import Report, begin_report, is_group
from tasks.core.targets import remembering
from tasks.core.terminal import print_note

# These classes have no type annotations.
_factory: Any = luigi.interface._WorkerSchedulerFactory
_Worker: Any = Worker
_parser: Any = CmdlineParser


def use_reporting_worker() -> None:
    """Make luigi use the class of this module."""
    _factory.create_worker = _worker


def _worker(self: Any, scheduler: Any, worker_processes: int, assistant: bool = False) -> Any:
    is_central = isinstance(scheduler, RemoteScheduler)
    if worker_processes > 1 and not is_central and _is_local():
        print_note("--workers is for batch systems: each task on this machine has all processes of --cores anyway")
        worker_processes = 1
    pending.begin(alone=worker_processes == 1 and not is_central)
    return ReportingWorker(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


def _is_local() -> bool:
    """Whether the command's task and those it requires run on this machine."""
    parser = _parser.get_instance()
    task = parser.get_task_obj() if parser else None
    return getattr(task, "workflow", law.NO_STR) in ("local", law.NO_STR)


class ReportingWorker(_Worker):
    """Shows the plan before tasks run, and results or errors afterwards."""

    _report: Report | None = None
    _root: Any = None
    #: ids of complete tasks that luigi doesn't look at, since what requires them is complete
    _upstream: frozenset[str] = frozenset()

    def add(self, task: Any, multiprocess: bool = False, processes: int = 0) -> Any:
        """Schedule a task and all that it requires."""
        if self._root is not None:
            return super().add(task, multiprocess, processes)
        self._root = task
        self._report = begin_report(has_lines(task))
        with self._ending(), remembering() as found:
            succeeded = super().add(task, multiprocess, processes)
        pending.plan(task)
        self._upstream = frozenset(each.task_id for each, there in found.items() if there and not _is_branch(each))
        return succeeded

    def run(self) -> Any:
        """Run the tasks."""
        if self._report is None:
            return super().run()
        with self._ending():
            self._report.show_plan(self._root, self._upstream | pending.complete())
            succeeded = super().run()
        self._report.show_end()
        return succeeded

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """Show the errors so far if the command ends in the block."""
        try:
            yield
        except BaseException as error:
            if self._report is not None:
                self._report.show_end(stopped=isinstance(error, KeyboardInterrupt))
            raise


def has_lines(task: Any) -> bool:
    """Whether a task leaves outputs, so that a plan and results are shown, and isn't what prints something itself."""
    one = task.tasks[0] if is_group(task) else task
    return hasattr(one, "describe_results") and not getattr(one, "only_checks", False)


def _is_branch(task: Any) -> bool:
    return hasattr(task, "is_branch") and bool(task.is_branch())
