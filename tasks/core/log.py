"""The log of a command: messages of the engine, at the levels of law.cfg or of ``--log-level``.

Each module of ``pocket`` has a logger with its name. ``[logging]`` of law.cfg sets their levels, ``pocket`` that of all
modules, a module's name that of one.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import law

from pocket.base.snapshots.process import shown
from pocket.io.remote.tokens import redacted

#: logger of all modules of the engine
ENGINE = "pocket"
#: environment variable with the level of a command, for the processes that it starts
VARIABLE = "POCKET_LOG_LEVEL"
OPTION = "--log-level"


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
        """The standard error stream."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: Any) -> None:
        """Ignore the stream that the base class sets."""


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
    engine.addHandler(handler)
    if level := os.environ.get(VARIABLE):
        set_level(level)
    elif ENGINE not in configured:
        engine.setLevel(logging.INFO)


def set_level(level: str) -> None:
    """Set the level of the engine's log, in this process and in those that it starts."""
    os.environ[VARIABLE] = level
    logging.getLogger(ENGINE).setLevel(level)


def heed_option(words: Sequence[str]) -> None:
    """Set the level that the words of a command line give by ``--log-level``, which is also an option of luigi."""
    for position, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == OPTION and (level := value if equals else "".join(words[position + 1 : position + 2])):
            set_level(level.upper())
