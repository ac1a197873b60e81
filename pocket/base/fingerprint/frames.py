"""Callers in user code: whose function asks for something at run time, also in a thread that user code has started."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from types import FrameType

from pocket.base.fingerprint.modules import RECORDERS, owner, top_level

#: Functions of the import system that load a module by its name.
_BY_NAME = frozenset({"_find_and_load", "reload"})
#: Of a thread that user code has started: where, and the names of the user's functions that were running.
STARTED: ContextVar[tuple[str | None, frozenset[str]]] = ContextVar("started", default=(None, frozenset()))


def caller(through: Collection[str] | None = None, importing: bool = False) -> str | None:
    """Return the function, file and line of the innermost frame outside of libraries, ``None`` if it isn't the user's.

    In between may lie the libraries ``through``, by default all. The import of a module by its name counts as the
    user's only if ``importing``.
    """
    for frame, module in _frames():
        if module == "importlib._bootstrap" and frame.f_code.co_name in _BY_NAME and not importing:
            return None
        whose = owner(module)
        if whose == "user":
            return f"{frame.f_code.co_qualname} in {frame.f_code.co_filename}, line {frame.f_lineno}"
        if whose == "engine":
            return None
        if through is not None and top_level(module) not in {*through, "concurrent", "threading"}:
            return None
    return STARTED.get()[0]


def passes(names: Collection[str]) -> bool:
    """Tell whether a module or function of a library with one of these names asks on behalf of its caller."""
    return any(top_level(module) in names or frame.f_code.co_name in names for frame, module in _library_frames())


def imported_module() -> str | None:
    """Return the name of the module that is being imported, ``None`` if code is run in another way."""
    names = (str(frame.f_locals.get("name")) for frame, _ in _library_frames() if frame.f_code.co_name in _BY_NAME)
    return next(names, None)


def _library_frames() -> Iterator[tuple[FrameType, str]]:
    return itertools.takewhile(lambda entry: owner(entry[1]) == "library", _frames())


def _frames() -> Iterator[tuple[FrameType, str]]:
    """Yield the frames from the innermost one with their modules, without those that record."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module not in RECORDERS:
            yield frame, module
        frame = frame.f_back
