"""Tables of results that are kept as long as nothing changes: from the start of a command until its first task runs.

In that time, the same functions and values are fingerprinted for each task of a chain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

_tables: dict[Hashable, dict[Any, Any]] | None = None


def keep_tables() -> None:
    """Keep all tables until :func:`forget_tables`, while nobody may change what the results depend on."""
    global _tables
    if _tables is None:
        _tables = {}


def forget_tables() -> None:
    """Forget all tables, and keep none from now on."""
    global _tables
    _tables = None


def kept_table(name: Hashable) -> dict[Any, Any]:
    """Return the table of this name, an empty one unless tables are kept.

    Keys that are ids of objects need a reference to the object in their value: ids of freed objects may be used again.
    """
    return {} if _tables is None else _tables.setdefault(name, {})


@contextmanager
def keeping_tables() -> Iterator[None]:
    """Keep all tables in the block.

    >>> with keeping_tables():
    ...     kept_table("squares") is kept_table("squares")
    True
    """
    global _tables
    before = _tables
    keep_tables()
    try:
        yield
    finally:
        _tables = before
