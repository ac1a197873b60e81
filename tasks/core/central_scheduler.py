"""Client of luigi's central scheduler: of commands that need the same output, one makes it and the others wait.

luigi's own worker ends when another one runs what it needs, and identifies tasks by their parameters alone. Here, a
task is also identified by the path of its output, so that checkouts, stores and edits of the code stay separate, and a
command ends when its outputs exist, or when it has failed itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import law
import luigi.interface
from luigi.cmdline_parser import CmdlineParser
from luigi.rpc import RemoteScheduler, RPCError
from luigi.worker import Worker

from pocket.base.snapshots.process import shown
from pocket.errors import PocketError
from pocket.io.remote.tokens import redacted
from tasks.core import pending
from tasks.core.report import Report, begin_report, is_group
from tasks.core.targets import remembering
from tasks.core.terminal import print_note

#: requests that only inform the scheduler, whose failure must never stop the work
_NEWS = ("/api/ping", "/api/set_task_progress_percentage", "/api/set_task_status_message")
#: keys of requests and replies whose values are ids of tasks
_IDS = ("task_id", "deps", "new_deps", "current_tasks")

#: defaults that stand for nothing, besides those that Python counts as false; parameters that have them are omitted
_NOTHING = (-1, law.NO_STR)

# These classes have no type annotations.
_factory: Any = luigi.interface._WorkerSchedulerFactory
_RemoteScheduler: Any = RemoteScheduler
_Worker: Any = Worker
_parser: Any = CmdlineParser


def use_central_scheduler() -> None:
    """Make luigi use the classes of this module, unless it is asked for its local scheduler."""
    _factory.create_remote_scheduler = lambda self, url: CentralScheduler(url)
    _factory.create_worker = _worker
    # luigi reads these options of its connection without declaring them.
    options: Any = luigi.interface.core
    options.ignore_unconsumed = options.ignore_unconsumed | {"rpc_retry_attempts", "rpc_retry_wait", "rpc_log_retries"}


def _worker(self: Any, scheduler: Any, worker_processes: int, assistant: bool = False) -> Any:
    is_central = isinstance(scheduler, CentralScheduler)
    if worker_processes > 1 and not is_central and _is_local():
        print_note("--workers is for batch systems: tasks that are ready run side by side in --cores processes anyway")
        worker_processes = 1
    pending.begin(alone=worker_processes == 1 and not is_central)
    kind = SharingWorker if is_central else ReportingWorker
    return kind(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


def _is_local() -> bool:
    """Whether the command's task and those it requires run on this machine."""
    parser = _parser.get_instance()
    task = parser.get_task_obj() if parser else None
    return getattr(task, "workflow", law.NO_STR) in ("local", law.NO_STR)


def _is_nothing(value: Any, parameter: Any) -> bool:
    """Tell whether a parameter has its default, and this stands for nothing."""
    if not parameter.has_task_value("", ""):
        return False
    default = parameter.task_value("", "")
    return value == default and (not default or default in _NOTHING)


class SchedulerError(PocketError):
    """The central scheduler doesn't answer."""


class CentralScheduler(_RemoteScheduler):
    """The scheduler as seen by a worker.

    Args:
        url: address of the scheduler.

    Raises:
        SchedulerError: if it doesn't answer.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        #: id of a task in this process → id in the scheduler, and the reverse
        self._shared: dict[str, str] = {}
        self._own: dict[str, str] = {}
        #: parameters of a task that the scheduler's page shows
        self._parameters: dict[str, dict[str, str]] = {}
        try:
            self._ask_once("/api/is_pause_enabled", {})
        except self._errors as error:
            raise self._error(error) from error

    def know(self, task: Any) -> None:
        """Identify a task in the scheduler by the path of its output, since equal paths mean equal outputs."""
        if task.task_id not in self._shared:
            # A fingerprint wouldn't do, since it is the same in all stores.
            shared = f"{task.task_id}_{hashlib.sha256(os.fsencode(_place(task))).hexdigest()[:10]}"
            self._shared[task.task_id] = shared
            self._own[shared] = task.task_id
            told = task.to_str_params(only_significant=True)
            nothing = {name for name, parameter in task.get_params() if _is_nothing(getattr(task, name), parameter)}
            self._parameters[task.task_id] = {name: value for name, value in told.items() if name not in nothing}

    def tell_stopped(self, worker: str, task_id: str) -> None:
        """Report that a worker has stopped running a task, if the scheduler answers."""
        told = {"worker": worker, "task_id": self._shared.get(task_id, task_id), "status": "FAILED", "expl": "stopped"}
        with contextlib.suppress(*self._errors):
            self._ask_once("/api/add_task", told)

    @property
    def _place(self) -> str:
        # An address may contain a password.
        parts = urlsplit(self._url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        raises = self._fetcher.raises
        # The server at this address may be no scheduler, so its reply may have any form.
        return (RPCError, ValueError, LookupError, TypeError, *(raises if isinstance(raises, tuple) else (raises,)))

    def _error(self, error: BaseException) -> SchedulerError:
        cause = error.sub_exception if isinstance(error, RPCError) and error.sub_exception else error
        return SchedulerError(
            f"luigi's central scheduler at {self._place} doesn't answer ({type(cause).__name__}): start "
            "it there by law luigid, or leave it out by --local-scheduler True; finished outputs stay"
        )

    def _ask_once(self, url: str, data: dict[str, Any]) -> Any:
        body = {"data": json.dumps(data)}
        return json.loads(self._fetcher.fetch(f"{self._url}{url}", body, self._connect_timeout))["response"]

    def _request(self, url: str, data: dict[str, Any], attempts: int = 3, allow_null: bool = True) -> Any:
        """Send a request to the scheduler and return the reply.

        Raises:
            SchedulerError: if it doesn't answer any attempt; never for requests that only inform it.
        """
        if data.get("params"):
            data = {**data, "params": self._parameters.get(data["task_id"], {})}
        data = {key: self._translated(key, _cleaned(value), self._shared) for key, value in data.items()}
        try:
            if url in _NEWS:
                reply = self._ask_once(url, data)
            else:
                reply = super()._request(url, data, attempts=attempts, allow_null=allow_null)
        except self._errors as error:
            if url in _NEWS:
                print_note(f"luigi's central scheduler at {self._place} doesn't answer; running tasks continue")
                return None
            raise self._error(error) from error
        if isinstance(reply, dict):
            for entry in (reply, *(reply.get("running_tasks") or ())):
                entry.update({key: self._translated(key, value, self._own) for key, value in entry.items()})
        return reply

    @staticmethod
    def _translated(key: str, value: Any, ids: dict[str, str]) -> Any:
        if key not in _IDS or value is None:
            return value
        return ids.get(value, value) if isinstance(value, str) else [ids.get(item, item) for item in value]


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


class SharingWorker(ReportingWorker):
    """Runs tasks that no other command runs, waits for the others, and takes over those that others leave undone."""

    #: reports to the scheduler about tasks, from which luigi makes the summary and the exit code
    _add_task_history: list[tuple[Any, str, bool]]
    #: whether the remaining tasks were reported once more since the scheduler last had something to run
    _asked_again = False

    def _add(self, task: Any, is_complete: Any) -> Any:
        self._scheduler.know(task)
        for required in super()._add(task, is_complete):
            self._scheduler.know(required)
            yield required

    def _run_task(self, task_id: str) -> None:
        self._asked_again = False
        super()._run_task(task_id)

    def _keep_alive(self, response: Any) -> bool:
        """Whether to wait: first while others run what this command needs, then once more to take over their rest."""
        if not self.run_succeeded or self._stop_requesting_work or self._is_done():
            return False
        if response.running_tasks:
            self._asked_again = False
            for running in response.running_tasks:
                self._note_waiting(running)
            return True
        # Another command failed, was killed or now makes something else, or the scheduler was restarted.
        if self._asked_again:
            return False
        self._asked_again = True
        return bool(self.add(self._scheduled_tasks[self._first_task]))

    def _note_waiting(self, running: dict[str, Any]) -> None:
        task = self._scheduled_tasks.get(running["task_id"])
        label = getattr(task, "progress_label", running["task_id"])
        who = f"process {running.get('pid', '?')} of {running.get('username', '?')} on {running.get('host', '?')}"
        print_note(f"{label} runs in {who}: waiting for it")

    def _is_done(self) -> bool:
        """Whether the task of the command is complete, made by this worker or another one."""
        return any(status == "DONE" for task, status, _ in self._add_task_history if task.task_id == self._first_task)

    def run(self) -> bool:
        """Run all tasks, or wait for others to run them."""
        succeeded = super().run()
        if succeeded:
            self._note_others()
        return bool(succeeded)

    def _note_others(self) -> None:
        """Record tasks that others ran as complete, for the summary and the exit code."""
        # The first task is complete only if all of its requirements are.
        if not (self._is_done() or self._scheduled_tasks[self._first_task].complete()):
            return
        known = {task.task_id for task, status, _ in self._add_task_history if status != "PENDING"}
        others = [task for task_id, task in self._scheduled_tasks.items() if task_id not in known]
        self._add_task_history = [entry for entry in self._add_task_history if entry[0] not in others]
        self._add_task_history += [(task, "DONE", False) for task in others]
        # These entries name tasks that were running elsewhere at the time.
        self._get_work_response_history.clear()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        """Tell the scheduler that this command's running tasks have stopped, if it is interrupted."""
        if kind is not None:
            for task_id in self._running_tasks:
                self._scheduler.tell_stopped(self._id, task_id)
        return super().__exit__(kind, error, trace)


def _place(task: Any) -> str:
    """Return the path of a task's output; a task without one gets a unique name, since nobody else runs it."""
    try:
        if not getattr(task, "only_checks", False):
            return str(task.directory)
    # luigi reports the error of such a task itself.
    except Exception:
        pass
    return uuid.uuid4().hex


def _cleaned(value: Any) -> Any:
    """Return a value without secrets and paths of snapshots, since a scheduler shows everything to everybody."""
    if isinstance(value, str):
        return shown(redacted(value))
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value
