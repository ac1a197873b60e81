"""Report of a command: its plan before anything runs, a line for each finished task, then results or errors.

luigi tells what happens by its events and its log. Where several processes of luigi run tasks, each of them writes what
happens into one journal, which the process of the command reads at the end.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import luigi

from pocket.base.snapshots.process import shown
from pocket.io.remote.tokens import redacted
from pocket.io.store.paths import store_root
from tasks.core.console import (
    WIDE,
    colored,
    counted,
    drawn,
    duration,
    fitted,
    say,
    short,
    short_path,
    some_names,
    width_of,
    wrapped,
)
from tasks.core.graph import Graph
from tasks.core.log import in_job, is_command, is_quiet, shows_luigi
from tasks.core.plan import described, label_of, plan_lines
from tasks.core.run_log import RUN_LOG, copy_stdout

LUIGI = "luigi-interface"
#: characters of a label, on narrow terminals and others, and of what follows it in lines of finished tasks
_NARROW, _LABEL, _AMOUNT, _TIME, _RATE = 30, 40, 19, 12, 8
_DONE, _FAILED = "✓", "✗"
_PLACE = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass
class Work:
    """Work that was done for tasks: how much with its unit, and how much per second; empty if it isn't counted."""

    tasks: tuple[Any, ...]
    label: str
    amount: str
    seconds: float
    rate: str = ""


class Journal:
    """What happens to tasks, in this process and in those that luigi forks from it."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._file: Any = None
        # Without a place for a file, forked processes can't tell.
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open as long as the command runs)

    def add(self, **entry: Any) -> None:
        if self._file is None:
            self._entries.append(entry)
        else:
            self._file.write(f"{json.dumps(entry)}\n".encode())

    def close(self) -> None:
        """Remove the file; nothing is added any more."""
        if self._file is not None:
            self._file.close()

    def entries(self, kind: str) -> list[Any]:
        """Return the values of one kind, in order."""
        found = list(self._entries)
        if self._file is not None:
            size = os.fstat(self._file.fileno()).st_size
            text = os.pread(self._file.fileno(), size, 0).decode("utf-8", "replace")
            found = [json.loads(line) for line in text.splitlines()]
        return [entry[kind] for entry in found if kind in entry]


@dataclass
class Report:
    """The report of this command: plan, finished tasks and results, or only warnings and errors."""

    lines: bool
    journal: Journal = field(default_factory=Journal)
    root: Any = None
    tasks: Mapping[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    #: id of a task → when it began, and what was done for it
    starts: dict[str, float] = field(default_factory=dict)
    works: dict[str, Work] = field(default_factory=dict)
    #: ids of tasks whose line was shown, and of those that had nothing to do
    told: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    #: id of a task → what it prints once its line is shown
    texts: dict[str, str] = field(default_factory=dict)
    #: errors that were shown, once the report has ended
    shown: set[str] | None = None

    def tell(self, text: str) -> None:
        """Show a line, and log it; the standard output is left to what tasks print."""
        say(text)
        RUN_LOG.note(re.sub(r"\033\[[\d;]*m", "", text))

    def show_plan(self, graph: Graph, complete: Collection[str]) -> None:
        """Show the header and the plan; a command without anything to run shows one line."""
        self.root = root = graph.root
        # A task that stands for several makes nothing itself.
        nodes = [node for node in graph.planned.values() if not is_group(node.task)]
        self.tasks = {node.task.task_id: node.task for node in nodes}
        complete = set(complete) - {root.task_id} if is_group(root) else complete
        if not self.lines:
            return
        if not self.tasks:
            if root.task_id in complete or is_group(root):
                tasks = counted(len(complete), "task") if len(complete) > 1 else label_of(root)
                place = getattr(root, "directory", None)
                where = f", {short_path(place)}" if place else ""
                self.tell(f"{' '.join(_words(root))}: complete, {tasks}{where}")
            return
        name = "-".join(_words(root)) or "run"
        RUN_LOG.begin(name)
        copy_stdout()
        RUN_LOG.note(f"command: {' '.join(sys.argv)}")
        width = width_of(sys.stderr)
        parts = [" ".join(_words(root)), f"store: {short_path(store_root())}"]
        parts += [f"log: {short_path(RUN_LOG.path)}"] if RUN_LOG.path else []
        line = " · ".join(parts)
        for text in [line] if not width or len(line) <= width else parts:
            self.tell(text)
        for log in RUN_LOG.others(name):
            self.tell(f"another command is at work, which makes what both need, too (log: {short_path(log)})")
        self.tell("")
        number = len(self.tasks) + len(complete)
        counts = counted(number, "task")
        done = f", {len(complete)} complete, {len(self.tasks)}" if complete else ""
        self.tell(f"Plan: {counts}{done} to run")
        for text in plan_lines(nodes, width):
            self.tell(text)
        self.tell("")

    def show_done(self, task: Any) -> None:
        """Show the line of a finished task, together with others that were done in one pass."""
        self.journal.add(done=task.task_id)
        if not self.lines or task.task_id in self.told or is_group(task):
            return
        seconds = time.monotonic() - self.starts.get(task.task_id, self.begun)
        work = self.works.get(task.task_id, Work((task,), label_of(task), "", seconds))
        self.told.update(each.task_id for each in work.tasks)
        amount = described(task, "describe_output", "") or work.amount
        if task.task_id in self.unchanged:
            self._line(_DONE, "green", work.label, "unchanged")
        else:
            self._line(_DONE, "green", work.label, amount, duration(work.seconds), work.rate)
        if task.task_id in self.texts:
            print(self.texts.pop(task.task_id), flush=True)

    def show_failed(self, task: Any) -> None:
        self.journal.add(failed=task.task_id)
        if self.lines and not is_group(task):
            seconds = time.monotonic() - self.starts.get(task.task_id, self.begun)
            self._line(_FAILED, "red", label_of(task), f"failed after {duration(seconds)}")

    def _line(self, mark: str, color: str, label: str, amount: str, seconds: str = "", rate: str = "") -> None:
        width = width_of(sys.stderr)
        size = _NARROW if 0 < width < WIDE else _LABEL
        cells = [f"{label:<{size}}", f"{amount:>{_AMOUNT}}", f"{seconds:>{_TIME}}", f"{rate:>{_RATE}}"]
        text = fitted(f"{mark} {'  '.join(cells).rstrip()}", width)
        self.tell(text.replace(mark, colored(mark, color, sys.stderr), 1))

    def note_error(self, sentence: str, whole: str, is_known: bool) -> None:
        """Keep an error until the end, after which it is shown at once; a known one tells all that users need."""
        if self.shown is None:
            self.journal.add(error=[sentence, whole, is_known])
        elif sentence not in self.shown:
            show_error(sentence, whole, is_known)

    def show_end(self, stopped: bool = False) -> None:
        """Show the results, or else the errors."""
        errors = self.journal.entries("error")
        done = self.journal.entries("done")
        if self.lines and self.tasks and not stopped:
            self._show_results([self.tasks[name] for name in dict.fromkeys(done) if name in self.tasks])
        if self.shown is None and self.root is not None:
            self._record_reasons(done, is_whole=not (stopped or errors))
        if self.lines and self.tasks and not stopped:
            left = len(self.tasks.keys() - set(done))
            failed = self.journal.entries("failed")
            if not (errors or failed) and (not left or self.root.complete()):
                others = f", {counted(left, 'task')} by other commands" if left else ""
                self.tell(f"Done in {duration(time.monotonic() - self.begun)}{others}")
            elif done or failed or not errors:
                self.tell("")
                were = f"{left} of {len(self.tasks)} tasks were not made." if len(self.tasks) > 1 else ""
                self.tell(f"{were} The same command goes on from here.".strip())
        for sentence, whole, is_known in {error[0]: error for error in errors}.values():
            show_error(sentence, whole, is_known)
        self.journal.close()
        self.lines, self.shown = False, {error[0] for error in errors}

    def _record_reasons(self, done: Collection[str], *, is_whole: bool) -> None:
        """Record why data that are blind were shown, whether or not the outputs were there before."""
        for task in self.root.tasks if is_group(self.root) else [self.root]:
            # After an error, a task may raise it again when it is asked whether it is complete.
            if not getattr(task, "reason", None) or not (task.task_id in done or (is_whole and task.complete())):
                continue
            try:
                place = task.record_reason()
            except OSError as error:
                show_error(f"the reason of --unblind can't be recorded: {error}", str(error), is_known=True)
                continue
            if place and self.lines:
                self.tell(f"reason of --unblind recorded in {short_path(place)}")

    def _show_results(self, done: Iterable[Any]) -> None:
        from rich.table import Table

        rows: dict[str, list[str]] = {}
        asked = self.root.tasks if is_group(self.root) else [self.root]
        # A task that puts the results of others together tells them itself.
        told = {family for task in asked for family in getattr(task, "tells_of", ())}
        tasks = sorted((task for task in done if task.task_family not in told), key=lambda task: task not in asked)
        for task in tasks:
            for label, text in described(task, "describe_results", ()):
                rows.setdefault(label, []).append(text)
        for method in ("last_audit", "describe_place"):
            for task in asked:
                for label, text in described(task, method, ()) if task in tasks else ():
                    rows.setdefault(label, []).append(text)
        if not rows:
            return
        self.tell("")
        self.tell("Results")
        # Paths are never cut: they are what is copied from here.
        table = Table.grid(padding=(0, 2, 0, 0))
        for label, texts in rows.items():
            lines = [text.split("\n") for text in texts]
            together = "  ".join(first for first, *_ in lines if first)
            cells = [cell for cell in (together, *(one for _, *further in lines for one in further)) if cell]
            for number, cell in enumerate(cells):
                table.add_row("" if number else f"  {label}", cell)
        for text in drawn(table, sys.stderr, 0):
            self.tell(text)


def show_error(sentence: str, whole: str, is_known: bool) -> None:
    """Show an error; one that isn't meant for people has its place in the code and its traceback in the log."""
    RUN_LOG.note(f"error: {sentence}\n{whole}")
    if not is_known and RUN_LOG.path is None:
        say(shown(whole.rstrip()))
    text = wrapped(shown(f"error: {redacted(sentence)}"), sys.stderr)
    say(text.replace("error:", colored("error:", "red", sys.stderr), 1))
    if not is_known and RUN_LOG.path is not None:
        if places := _PLACE.findall(whole):
            from pocket.configuration.user_errors import is_own_file

            # What fails in a library, or comes from another process, begins in one's own code.
            file, line = next((each for each in reversed(places) if is_own_file(each[0])), places[-1])
            say(f"  at {short_path(shown(file))}:{line}")
        say(f"  traceback: {short_path(RUN_LOG.path)}")


def is_group(task: Any) -> bool:
    """Whether a task stands for several that a command asks for."""
    return hasattr(task, "tasks")


def _words(root: Any) -> list[str]:
    """Return the analysis and the version of a task, as far as it has them."""
    root = root.tasks[0] if is_group(root) else root
    names = []
    with contextlib.suppress(Exception):
        names.append(str(root.analysis_inst.name))
    version = getattr(root, "version_part", None) or getattr(root, "version", None)
    return [*names, *([str(version)] if version else [])]


_report: Report | None = None


def begin_report(root_lines: bool) -> Report | None:
    """Begin the report of this command, ``None`` if it isn't a command that a user looks at."""
    global _report
    _report = Report(lines=root_lines and not is_quiet()) if is_command() and not in_job() else None
    return _report


def shows_lines() -> bool:
    """Whether finished tasks have a line, which says how much was done and how long it took."""
    return _report is not None and _report.lines


def is_done(task: Any) -> bool:
    """Whether a task made its output in this command."""
    if _report is None or task.task_id in _report.unchanged:
        return False
    return task.task_id in _report.journal.entries("done")


def print_result(task: Any, text: str) -> None:
    """Print what a task was asked for, below the line that says that the task is finished."""
    if _report is not None and _report.lines:
        _report.texts[task.task_id] = text
    else:
        print(text, flush=True)


def note_work(work: Work) -> None:
    """Note what was done for tasks that are about to be finished."""
    if _report is not None:
        _report.works.update((task.task_id, work) for task in work.tasks)


def note_unchanged(task: Any) -> None:
    """Note that a task has nothing to do, since what it requires came out as before."""
    if _report is not None:
        _report.unchanged.add(task.task_id)


def label_together(tasks: Iterable[Any]) -> str:
    """Return the label of tasks of one kind that are done in one pass."""
    first, *others = tasks
    parts = [getattr(task, "config_part", "") for task in others]
    return some_names([label_of(first), *parts], _NARROW if 0 < width_of(sys.stderr) < WIDE else _LABEL)


def amount_of(amount: float, unit: str, share: float = 0) -> str:
    """Return an amount, e.g. ``2 × 1,000 events`` if each of several tasks has a share of it."""
    times = amount / share if share else 1
    if times > 1 and times == int(times):
        return f"{int(times)} × {share:,.0f} {unit}"
    return f"{amount:,.0f} {unit}"


def rate_of(amount: float, seconds: float) -> str:
    """Return an amount per second in few characters, empty if it is hardly measured."""
    return f"{short(amount / seconds)}/s" if seconds > 0.05 and amount else ""


class LuigiHandler(logging.Handler):
    """Keeps luigi's lines from the terminal if there is a report, and errors in them for its end."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, keep its error, or leave it to the log file."""
        message = record.getMessage()
        if in_job():
            say(self.format(record))
            return
        known = getattr(record, "sentence", None)
        trace = getattr(record, "whole", "") or message
        is_error = known is not None or "\nTraceback (most recent call last)" in trace
        # The report comes last.
        has_ended = _report is not None and _report.shown is not None
        if shows_luigi() and not has_ended:
            say(f"{record.levelname}: {message.partition(chr(10))[0]}")
        if is_error:
            lines = [line for line in trace.strip().splitlines() if line.strip()]
            error = (known, trace, True) if known is not None else (lines[-1].strip(), trace, False)
            if _report is not None:
                _report.note_error(*error)
            else:
                show_error(*error)
        elif record.levelno >= logging.WARNING and not shows_luigi():
            say(f"warning: {message}")
        elif _report is None and not shows_luigi():
            # Without our command law (tasks/command/run.py), luigi's lines are all there is.
            say(f"{record.levelname}: {message}")


def log_luigi() -> None:
    """Take over luigi's own log, in commands."""
    if not is_command():
        return
    # An option of luigi: it adds no handlers of its own.
    options: Any = luigi.configuration
    options.get_config().set("core", "no_configure_logging", "True")
    logger = logging.getLogger(LUIGI)
    logger.setLevel(logging.DEBUG if shows_luigi() else logging.INFO)
    logger.propagate = False
    handler = LuigiHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.handlers = [handler] if in_job() else [handler, RUN_LOG]


# luigi's functions have no type annotations.
_on: Any = luigi.Task.event_handler


@_on(luigi.Event.START)
def _note_start(task: Any) -> None:
    if _report is not None:
        _report.starts[task.task_id] = time.monotonic()


@_on(luigi.Event.SUCCESS)
def _show_done(task: Any) -> None:
    if _report is not None:
        _report.show_done(task)


@_on(luigi.Event.FAILURE)
def _show_failed(task: Any, error: BaseException) -> None:
    if _report is not None:
        _report.show_failed(task)
