"""luigi's worker with a report: the plan before tasks run, and results or errors afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import law
from luigi.rpc import RemoteScheduler
from luigi.scheduler import Scheduler
from luigi.worker import Worker

from pocket.executors import divide_cores
from tasks.core.console import say
from tasks.core.graph import Graph, begin
from tasks.core.report import Report, begin_report, is_group
from tasks.core.states import is_branch, is_workflow
from tasks.core.targets import are_complete, remembering
from tasks.core.terminal import print_note, what_goes_on

# This class has no type annotations.
_Worker: Any = Worker


class Workers:
    """Factory of a command's schedulers and workers; unless ``--workers`` was chosen, the graph tells their number."""

    def __init__(self, task: Any, chosen: bool = True) -> None:
        self._task = task
        self._chosen = chosen

    def create_local_scheduler(self) -> Any:
        scheduler: Any = Scheduler
        return scheduler(prune_on_get_work=True, record_task_history=False)

    def create_remote_scheduler(self, url: str) -> Any:
        scheduler: Any = RemoteScheduler
        return scheduler(url)

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> Any:
        is_central = isinstance(scheduler, RemoteScheduler)
        is_local = not is_on_batch_system(self._task)
        if worker_processes > 1 and not is_central and is_local:
            print_note("--workers is for batch systems: each task on this machine has all processes of --cores anyway")
            worker_processes = 1
        worker = ReportingWorker(
            scheduler=scheduler,
            worker_processes=worker_processes,
            assistant=assistant,
            task_process_context=f"{TaskProcess.__module__}.{TaskProcess.__name__}",
        )
        worker.is_central = is_central
        worker.finds_number = not (self._chosen or is_local or is_central)
        return worker


class ReportingWorker(_Worker):
    """Shows the plan before tasks run, and results or errors afterwards."""

    #: whether the scheduler is that of other commands, too
    is_central = False
    #: whether there are as many processes as batch workflows that can run at the same time
    finds_number = False
    _report: Report | None = None
    _graph: Graph | None = None
    #: ids of complete tasks, also of those that complete tasks require
    _complete: frozenset[str] = frozenset()

    def add(self, task: Any, multiprocess: bool = False, processes: int = 0) -> Any:
        """Schedule a task and all that it requires."""
        if self._graph is not None:
            return super().add(task, multiprocess, processes)
        self._report = begin_report(has_lines(task))
        with self._ending(), remembering() as found:
            self._graph = Graph(task, lambda each: are_complete([each]))
            if self.finds_number:
                on_batch_system = self._graph.most_at_once(lambda each: is_workflow(each) and is_on_batch_system(each))
                self.worker_processes = max(1, on_batch_system)
            divide_cores(self.worker_processes)
            # With several processes, another one might run the same tasks.
            begin(None if self.is_central or self.worker_processes > 1 else self._graph)
            succeeded = super().add(task, multiprocess, processes)
        self._complete = frozenset(each.task_id for each, there in found.items() if there and not is_branch(each))
        return succeeded

    def run(self) -> Any:
        if self._report is None or self._graph is None:
            return super().run()
        with self._ending():
            self._report.show_plan(self._graph, self._complete)
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


class TaskProcess:
    """Context in which luigi runs a task: Ctrl-C ends a process that is forked for it without a traceback."""

    def __init__(self, process: Any) -> None:
        self._is_forked = bool(process.use_multiprocessing)

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        """Tell what goes on; the command itself, which is stopped too, tells the rest."""
        is_stopped = self._is_forked and kind is not None and issubclass(kind, KeyboardInterrupt)
        for what in what_goes_on() if is_stopped else ():
            say(f"{what} go on")
        return is_stopped


def has_lines(task: Any) -> bool:
    """Whether a task leaves outputs, so that a plan and results are shown, and isn't what prints something itself."""
    one = task.tasks[0] if is_group(task) else task
    return hasattr(one, "describe_results") and not getattr(one, "only_checks", False)


def is_on_batch_system(task: Any) -> bool:
    """Whether branches of a task, or of one that it stands for, run on a batch system."""
    one = task.tasks[0] if is_group(task) else task
    return getattr(one, "workflow", law.NO_STR) not in ("local", law.NO_STR)
