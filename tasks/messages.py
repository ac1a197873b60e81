"""Errors as one sentence: what luigi logs with a traceback is cut down for errors meant for people."""

from __future__ import annotations

import functools
import logging
import re
import sys
import traceback
from types import TracebackType

from luigi.parameter import ParameterException

from pocket.errors import PocketError
from pocket.snapshots.process import current_snapshot, shown
from pocket.tokens import redacted

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


def one_sentence_errors() -> None:
    """Install the filter on luigi's logger, and the same for errors that nobody catches."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, OneSentence) for known in logger.filters):
        logger.addFilter(OneSentence())
    sys.excepthook = _excepthook


@functools.cache
def print_note(sentence: str) -> None:
    """Print what a person may want to know, once in a process."""
    print(shown(f"note: {sentence}"), file=sys.stderr)


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, FOR_PEOPLE):
        print(shown(f"error: {error}"), file=sys.stderr)
    elif current_snapshot() is not None:
        print(shown("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")
    else:
        sys.__excepthook__(kind, error, trace)
