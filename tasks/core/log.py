"""The log of a command: what the engine tells of its work, at the levels of law.cfg or of ``--log-level``.

Each module of ``pocket`` has a logger of its name. Their levels are in ``[logging]`` of law.cfg, ``pocket`` for all of
them, a module's name for one.
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
#: environment variable with the level that a command was given, for the processes that it starts
VARIABLE = "POCKET_LOG_LEVEL"
OPTION = "--log-level"


class PlainFormatter(logging.Formatter):
    """One sentence for people, without secrets and paths of snapshots."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the sentence, with its level in front unless it is only news."""
        text = super().format(record)
        if record.levelno < logging.INFO:
            text = f"{record.levelname.lower()}: {record.name}: {text}"
        elif record.levelno > logging.INFO:
            text = f"{record.levelname.lower()}: {text}"
        return shown(redacted(text))


class StderrHandler(logging.StreamHandler[Any]):
    """Writes to what is the standard error stream at that moment."""

    @property
    def stream(self) -> Any:
        """The standard error stream."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: Any) -> None:
        """Ignore what the base remembers."""


def log_to_terminal() -> None:
    """Have the engine's log on the terminal, in the place of law's own form of it."""
    configured = [name for name in law.config.options("logging") if name.partition(".")[0] == ENGINE]
    for name in {ENGINE, *configured}:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # law has set the levels; a module's records go to the handler of all
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
    """Set the level of the engine's log, here and in the processes that this one starts."""
    os.environ[VARIABLE] = level
    logging.getLogger(ENGINE).setLevel(level)


def heed_option(words: Sequence[str]) -> None:
    """Set the level that the words of a command line ask for, which luigi knows as an option of its own."""
    for position, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == OPTION and (level := value if equals else "".join(words[position + 1 : position + 2])):
            set_level(level.upper())
