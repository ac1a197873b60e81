"""Triggers that a file lacks and a cut counts as not fired, for the record of the output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_noted: ContextVar[set[str] | None] = ContextVar("absent_triggers", default=None)


@contextlib.contextmanager
def noting_absent() -> Iterator[set[str]]:
    """Collect the names of the triggers that cuts miss inside of this block."""
    names: set[str] = set()
    token = _noted.set(names)
    try:
        yield names
    finally:
        _noted.reset(token)


def note_absent(trigger: str) -> None:
    """Note that a trigger isn't in a file; outside of :func:`noting_absent`, nothing happens."""
    if (names := _noted.get()) is not None:
        names.add(trigger)
