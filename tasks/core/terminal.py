"""Errors, notes and interrupts of a command, each told in one sentence."""

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
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

from luigi.parameter import ParameterException
from luigi.task_register import Register

from pocket.base.snapshots.process import current_snapshot, shown
from pocket.errors import PocketError
from pocket.io.remote.tokens import redacted
from tasks.core.console import counted, replace_what_encodings_lack, say
from tasks.core.log import is_command

# This class has no type annotations.
_tasks: Any = Register

#: errors with a message for users
FOR_PEOPLE = (PocketError, ParameterException)
# luigi formats errors during scheduling into the message of the log record.
_IN_TEXT = re.compile(r"\nTraceback .*\n(?:pocket\.errors|luigi\.parameter)\.\w+: (?P<sentence>.+?)\s*$", re.DOTALL)
_MISSING = re.compile(r"(?P<task>\w+)\[args=.* requires the '(?P<name>\w+)' parameter to be set", re.DOTALL)
_NO_DEFAULT = "; no default"


def sentence_of(error: BaseException | str) -> str:
    """Return the message of an error for users; that of a missing option names the option, and says what it is.

    >>> sentence_of("Plot[args=(), kwargs={}]: requires the 'chunk_size' parameter to be set")
    'Plot needs --chunk-size'
    """
    missing = _MISSING.fullmatch(str(error))
    if not missing:
        return str(error)
    of_task = dict(_tasks.get_task_cls(missing["task"]).get_params()) if missing["task"] in _tasks.task_names() else {}
    described = str(getattr(of_task.get(missing["name"]), "description", None) or "").removesuffix(_NO_DEFAULT)
    option = option_of(missing["name"])
    what = f", the {described.replace('e.g. ', f'e.g. {option} ')}" if described else ""
    return f"{missing['task']} needs {option}{what}"


def option_of(name: str) -> str:
    """Return the option of a parameter.

    >>> option_of("chunk_size")
    '--chunk-size'
    """
    return f"--{name.replace('_', '-')}"


class OneSentence(logging.Filter):
    """Replaces the traceback of an error for users by its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record, and always keep it."""
        message = record.getMessage()
        trace = f"\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else ""
        # The log file has the traceback of all errors.
        record.whole = f"{message}{trace}"
        error = record.exc_info[1] if record.exc_info else None
        match = _IN_TEXT.search(message)
        if isinstance(error, FOR_PEOPLE):
            sentence = sentence_of(error)
        elif match is not None:
            sentence = sentence_of(match["sentence"])
        else:
            # The record keeps its traceback, in the attribute that the formatter uses if it is set.
            record.msg, record.args = shown(redacted(message)), ()
            record.exc_text = shown(redacted(trace.lstrip("\n"))) if trace else record.exc_text
            return True
        record.sentence = sentence
        record.msg = shown(f"{message.splitlines()[0].rstrip()}\nerror: {sentence}")
        record.args, record.exc_info, record.exc_text = (), None, None
        return True


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command in the same way as Ctrl-C, with all cleanups."""


#: descriptions of what continues when this command is stopped, e.g. jobs in a queue
_going_on: list[str] = []


@contextlib.contextmanager
def going_on(what: str) -> Iterator[None]:
    """Name what continues if the command is stopped in the block, e.g. ``"jobs in the queue"``, to the user."""
    _going_on.append(what)
    try:
        yield
    except KeyboardInterrupt:
        # The message at the end of the program needs the entry.
        raise
    except BaseException:
        _going_on.remove(what)
        raise
    else:
        _going_on.remove(what)


def what_goes_on() -> list[str]:
    return list(dict.fromkeys(_going_on))


def stopped_sentence(error: KeyboardInterrupt) -> str:
    """Return the message for a stopped command: what continues, and how to resume the rest."""
    by = "SIGTERM" if isinstance(error, Terminated) else "Ctrl-C"
    others = "".join(f"; {what} go on" for what in what_goes_on())
    return f"stopped by {by}: finished outputs stay{others}; run the same command again to go on"


def one_sentence_errors() -> None:
    """Install the filter on luigi's logger, and handlers for uncaught errors, Ctrl-C and SIGTERM."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, OneSentence) for known in logger.filters):
        logger.addFilter(OneSentence())
    sys.excepthook = _excepthook
    # A notebook or another program handles its signals itself.
    if is_command():
        replace_what_encodings_lack()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, functools.partial(_terminate, os.getpid()))


def _terminate(process: int, number: int, frame: FrameType | None) -> None:
    if os.getpid() == process:
        raise Terminated
    # This is a forked process, which must end as if there were no handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


@functools.cache
def print_note(sentence: str) -> None:
    """Print a note for the user, once per process."""
    say(shown(f"note: {sentence}"))


def print_left_out(label: str, skipped: Mapping[str, str]) -> None:
    """Print how many input files (file → reason) an output lacks, and why the first can't be read, if there are any."""
    if skipped:
        first, *more = skipped.values()
        number = f"{counted(len(skipped), 'input file')}, the first because" if more else "an input file, because"
        print_note(f"{label}: without the events of {number} {first}")


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        say(stopped_sentence(error))
        # Exit with the code that shells use for a signal. Python would end itself by the signal otherwise.
        raise SystemExit(128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT))
    if isinstance(error, FOR_PEOPLE):
        say(shown(f"error: {sentence_of(error)}"))
    elif current_snapshot() is not None:
        print(shown("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")
    else:
        sys.__excepthook__(kind, error, trace)
