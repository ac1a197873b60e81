"""Calls of user code by the engine, noted on the exceptions that leave them.

The exception itself stays as it is: an error from a damaged file, or a missing branch, is recognised later, and only
:mod:`pocket.configuration.user_errors` turns it into a sentence. Such a block is entered once per cut or weight, never
once per event.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass

_CALL, _CODE, _EVENTS, _FILE = "_pocketlaw_call", "_pocketlaw_code", "_pocketlaw_events", "_pocketlaw_file"


@dataclass(frozen=True)
class UserCall(AbstractContextManager[object, None]):
    """Block that calls user code, such as a cut, so that an exception that leaves it is known to come from there."""

    kind: str
    name: str
    code: object = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Note the call on an exception, unless an inner call is noted."""
        if isinstance(error, SystemExit):
            ended = ProgramEndedError(f"it ended the program with exit code {error.code}")
            self._note(ended)
            raise ended.with_traceback(error.__traceback__) from None
        if isinstance(error, Exception):
            self._note(error)

    def _note(self, error: Exception) -> None:
        if not hasattr(error, _CALL):
            _note(error, _CODE, self.code)
        _note(error, _CALL, f"{self.kind} {self.name!r}")


class ProgramEndedError(Exception):
    """User code called ``sys.exit()``."""


@dataclass(frozen=True)
class EventRange(AbstractContextManager[object, None]):
    """Block that processes entries of a dataset, so that an exception that leaves it is known to come from them."""

    dataset: str
    start: int
    stop: int

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Note the entries on an exception."""
        if isinstance(error, Exception):
            _note(error, _EVENTS, f"{self.dataset}, entries {self.start}:{self.stop}")


def call_of(error: BaseException) -> str:
    """Return the call that raised an exception, e.g. ``"cut 'dimuon'"``; empty if the engine called no user code."""
    return str(getattr(error, _CALL, ""))


def code_of(error: BaseException) -> object:
    """Return the user's function or class that was called, ``None`` if it isn't known."""
    return getattr(error, _CODE, None)


def is_noted(error: BaseException) -> bool:
    """Tell whether an exception has passed a block of this module."""
    return hasattr(error, _CALL) or hasattr(error, _EVENTS)


def events_of(error: BaseException, path: str) -> str:
    """Return the dataset, entries and file that an exception comes from, as far as they are known."""
    events = getattr(error, _EVENTS, "")
    if events and path:
        return f"{events} of file {path}"
    return str(events) or (f"file {path}" if path else "")


def note_file(error: Exception, path: str) -> None:
    """Note on an exception the file that was read, unless one is noted."""
    _note(error, _FILE, path)


def take_file(error: BaseException) -> str:
    """Return the file that is noted on an exception, and remove the note; empty if there is none."""
    path = str(getattr(error, _FILE, ""))
    if path:
        delattr(error, _FILE)
    return path


def _note(error: Exception, name: str, found: object) -> None:
    if not hasattr(error, name):
        with contextlib.suppress(AttributeError):  # A class with slots has no such attribute.
            setattr(error, name, found)
