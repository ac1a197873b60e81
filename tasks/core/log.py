"""The log of a command: messages of the engine, at the levels of law.cfg or of ``--log-level``.

Each module of ``pocket`` has a logger with its name. ``[logging]`` of law.cfg sets their levels, ``pocket`` that of all
modules, a module's name that of one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import law

from pocket.base.snapshots.process import shown
from pocket.io.remote.tokens import redacted
from pocket.io.store.provenance import VARIABLE as HOST_KIND
from tasks.core.run_log import RUN_LOG

ENGINE = "pocket"
#: logger of all tasks, whose records are for the log file
TASKS = "tasks"
#: environment variable with the level of a command, for the processes that it starts
VARIABLE = "POCKET_LOG_LEVEL"
OPTION = "--log-level"
#: level of a record, name of its logger, and its text
Line = tuple[int, str, str]


def is_command() -> bool:
    """Whether this process is a call of ``law``, and not a notebook or another program."""
    return Path(sys.argv[0]).name.partition(" ")[0] == "law"


def in_job() -> bool:
    """Whether this process is a job, whose output is its log, which needs no other file."""
    return bool(os.environ.get(HOST_KIND))


def shows_luigi() -> bool:
    """Whether luigi's and law's own lines are shown."""
    return os.environ.get(VARIABLE) == "DEBUG"


def is_quiet() -> bool:
    """Whether only warnings and errors are shown."""
    return os.environ.get(VARIABLE) in ("WARNING", "ERROR", "CRITICAL")


class PlainFormatter(logging.Formatter):
    """Formats records as sentences for the terminal, without secrets and paths of snapshots."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, with its level in front unless that is INFO."""
        text = super().format(record)
        if record.levelno < logging.INFO:
            text = f"{record.levelname.lower()}: {record.name}: {text}"
        elif record.levelno > logging.INFO:
            text = f"{record.levelname.lower()}: {text}"
        return shown(redacted(text))


class StderrHandler(logging.StreamHandler[Any]):
    """Writes to the current standard error stream, which progress bars and tests may replace."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, stream: Any) -> None:
        """Ignore the stream that the base class sets."""


class Once(logging.Filter):
    """Lets each warning pass once."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is new, or no warning."""
        if record.levelno != logging.WARNING:
            return True
        text = record.getMessage()
        is_new = text not in self._seen
        self._seen.add(text)
        return is_new


class Sender(logging.Handler):
    """Gives a worker's records to the process of the command; the worker would write into the progress bar."""

    #: number of bytes that a pipe takes at once from several processes
    most = 3000

    def __init__(self, send: Callable[[Line], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record).encode("utf-8", "replace")
        cut = text[: self.most].decode("utf-8", "ignore")
        self._send((record.levelno, record.name, cut if len(text) <= self.most else f"{cut} …"))


def receive(line: Line) -> None:
    """Log the record of a worker process here."""
    level, name, text = line
    logger = logging.getLogger(name)
    if logger.isEnabledFor(level):
        logger.handle(logging.LogRecord(name, level, "", 0, text, (), None))


@contextlib.contextmanager
def rerouted(handler: logging.Handler) -> Iterator[None]:
    """Give the records of the engine and of tasks to another handler in the block."""
    loggers = [logging.getLogger(name) for name in (ENGINE, TASKS)]
    before = [logger.handlers for logger in loggers]
    for logger in loggers:
        logger.handlers = [handler]
    try:
        yield
    finally:
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers = handlers


def log_to_terminal() -> None:
    """Send the engine's log to the terminal, instead of law's own handlers."""
    configured = [name for name in law.config.options("logging") if name.partition(".")[0] == ENGINE]
    for name in {ENGINE, *configured}:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # law has set the levels. The records of a module go to the handler of the engine's logger.
        logger.propagate = True
    engine = logging.getLogger(ENGINE)
    handler = StderrHandler()
    handler.setFormatter(PlainFormatter())
    handler.addFilter(Once())
    engine.addHandler(handler)
    tasks = logging.getLogger(TASKS)
    tasks.setLevel(logging.INFO)
    tasks.propagate = False
    details = StderrHandler()
    details.setFormatter(PlainFormatter())
    details.addFilter(lambda record: shows_luigi())
    tasks.handlers = [details]
    if is_command() and not in_job():
        engine.addHandler(RUN_LOG)
        tasks.addHandler(RUN_LOG)
    if level := os.environ.get(VARIABLE):
        set_level(level)
    elif ENGINE not in configured:
        engine.setLevel(logging.INFO)


def set_level(level: str) -> None:
    """Set the level of the engine's log, in this process and in those that it starts."""
    os.environ[VARIABLE] = level
    logging.getLogger(ENGINE).setLevel(level)
    if level == "DEBUG":
        logging.getLogger("law").setLevel(level)
        logging.getLogger(TASKS).setLevel(level)


def heed_option(words: Sequence[str]) -> None:
    """Set the level that the words of a command line give by ``--log-level``, which is also an option of luigi."""
    for position, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == OPTION and (level := value if equals else "".join(words[position + 1 : position + 2])):
            set_level(level.upper())
