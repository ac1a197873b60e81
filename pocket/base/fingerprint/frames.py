"""Callers in user code: whose function asks for something at run time, also in a thread that user code has started."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import NamedTuple

from pocket.base.fingerprint.modules import owner, top_level

#: Functions of the import system that load a module by its name.
_BY_NAME = frozenset({"_find_and_load", "reload"})
#: Modules that record what callers do.
_RECORDERS = frozenset({__name__, "pocket.base.fingerprint.reads", "pocket.base.fingerprint.watching"})
_THREADS = frozenset({"concurrent", "threading"})


class Caller(NamedTuple):
    """Place in user code.

    Args:
        function: qualified name of the function.
        file: its file.
        line: the line that runs.
    """

    function: str
    file: str
    line: int


#: Of a thread that user code has started: where, and the names of the user's functions that were running.
STARTED: ContextVar[tuple[Caller | None, frozenset[str]]] = ContextVar("started", default=(None, frozenset()))


def caller(through: Collection[str] | None = None, importing: bool = False) -> Caller | None:
    """Return the innermost place outside of libraries if it is the user's, else ``None``.

    Args:
        through: libraries that may lie in between; by default all.
        importing: whether the import of a module by its name counts as the user's.
    """
    for frame in _frames():
        name = frame.f_globals.get("__name__", "")
        if name == "importlib._bootstrap" and frame.f_code.co_name in _BY_NAME and not importing:
            return None
        whose = owner(name)
        if whose != "library":
            return (
                Caller(frame.f_code.co_qualname, frame.f_code.co_filename, frame.f_lineno) if whose == "user" else None
            )
        if through is not None and top_level(name) not in through and top_level(name) not in _THREADS:
            return None
    return STARTED.get()[0]


def passes(names: Collection[str]) -> bool:
    """Tell whether a module or function of a library with one of these names asks on behalf of its caller."""
    for frame in _frames():
        name = frame.f_globals.get("__name__", "")
        if owner(name) != "library":
            return False
        if top_level(name) in names or frame.f_code.co_name in names:
            return True
    return False


def imported_module() -> str | None:
    """Return the name of the module that is being imported, ``None`` if code is run in another way."""
    for frame in _frames():
        if owner(frame.f_globals.get("__name__", "")) != "library":
            break
        if frame.f_code.co_name in _BY_NAME:
            return str(frame.f_locals.get("name"))
    return None


def _frames() -> Iterator[FrameType]:
    """Yield the frames from the innermost one, without those that record."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") not in _RECORDERS:
            yield frame
        frame = frame.f_back
