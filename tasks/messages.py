"""Errors as one sentence: what luigi logs with a traceback is cut down for errors meant for people."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from luigi.parameter import ParameterException

from pocket.base.snapshots.process import current_snapshot, shown
from pocket.errors import PocketError
from pocket.io.remote.tokens import redacted

#: errors whose text is meant for people
FOR_PEOPLE = (PocketError, ParameterException)
# luigi formats what goes wrong while it schedules into the text of the message
_IN_TEXT = re.compile(r"\nTraceback .*\n(?:pocket\.errors|luigi\.parameter)\.\w+: (?P<sentence>.+?)\s*$", re.DOTALL)


class OneSentence(logging.Filter):
    """Replaces the traceback of an error meant for people by its sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record; always keep it."""
        message = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        match = _IN_TEXT.search(message)
        if isinstance(error, FOR_PEOPLE):
            sentence = str(error)
        elif match is not None:
            sentence = match["sentence"]
        else:
            self.redact(record, message)
            return True
        record.msg = shown(f"{message.splitlines()[0].rstrip()}\nerror: {sentence}")
        record.args, record.exc_info, record.exc_text = (), None, None
        return True

    @staticmethod
    def redact(record: logging.LogRecord, message: str) -> None:
        """Take the tokens in URLs and the paths of snapshots out of a record, which keeps its traceback."""
        record.msg, record.args = shown(redacted(message)), ()
        if record.exc_info:
            # the formatter takes this one, if there is one
            record.exc_text = shown(redacted(logging.Formatter().formatException(record.exc_info)))


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: everything is left as it should be."""


#: what goes on when this command is stopped, e.g. jobs in a queue
_going_on: list[str] = []


@contextlib.contextmanager
def going_on(what: str) -> Iterator[None]:
    """Tell the user, if the command is stopped in the block, what goes on without it, e.g. ``"jobs in the queue"``."""
    _going_on.append(what)
    try:
        yield
    except KeyboardInterrupt:
        # said when nobody has caught it
        raise
    except BaseException:
        _going_on.remove(what)
        raise
    else:
        _going_on.remove(what)


def stopped_sentence(error: KeyboardInterrupt) -> str:
    """Return what to say when a command was stopped: what goes on, and how to go on with the rest."""
    by = "SIGTERM" if isinstance(error, Terminated) else "Ctrl-C"
    others = "".join(f"; {what} go on" for what in dict.fromkeys(_going_on))
    return f"stopped by {by}: finished outputs stay{others}; run the same command again to go on"


def one_sentence_errors() -> None:
    """Install the filter on luigi's logger, and the same for errors that nobody catches, Ctrl-C and SIGTERM."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, OneSentence) for known in logger.filters):
        logger.addFilter(OneSentence())
    sys.excepthook = _excepthook
    # in a notebook or under another program they are none of our business
    if Path(sys.argv[0]).name.partition(" ")[0] == "law" and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, functools.partial(_terminate, os.getpid()))


def _terminate(process: int, number: int, frame: FrameType | None) -> None:
    if os.getpid() == process:
        raise Terminated
    # a process that was forked from this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


@functools.cache
def print_note(sentence: str) -> None:
    """Print what a person may want to know, once in a process."""
    print(shown(f"note: {sentence}"), file=sys.stderr)


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        print(stopped_sentence(error), file=sys.stderr)
        # as shells say that a signal ended it; Python would otherwise end itself by the signal
        raise SystemExit(128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT))
    if isinstance(error, FOR_PEOPLE):
        print(shown(f"error: {error}"), file=sys.stderr)
    elif current_snapshot() is not None:
        print(shown("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")
    else:
        sys.__excepthook__(kind, error, trace)
