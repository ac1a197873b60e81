"""Errors as one sentence: what luigi logs with a traceback is cut down for errors meant for people."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from pocket.errors import PocketError


class OneSentence(logging.Filter):
    """Replaces the traceback of a :class:`~pocket.errors.PocketError` by its sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record; always keep it."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PocketError):
            record.msg = f"{record.getMessage().splitlines()[0].rstrip()}\nerror: {error}"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


def one_sentence_errors() -> None:
    """Install the filter on luigi's logger, and the same for errors that nobody catches."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, OneSentence) for known in logger.filters):
        logger.addFilter(OneSentence())
    sys.excepthook = _excepthook


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, PocketError):
        print(f"error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
