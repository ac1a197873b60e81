"""Files that several configurations read one after the other, as the reader sees them.

What is kept is in :mod:`pocket.io.nanoaod.kept_reads`, which isn't part of the code that an output depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.io.nanoaod.kept_reads import FileReads, KeptReads

#: Opens the file at a location for a block.
Open = Callable[[str], AbstractContextManager[Any]]

#: What this process keeps at present.
kept: KeptReads | None = None


def shared_file(location: str, open_file: Open) -> AbstractContextManager[Any]:
    """Return a block with an open file, which stays open afterwards if files are kept."""
    return open_file(location) if kept is None else kept.open(location, open_file)


def shared_reads(location: str) -> FileReads | None:
    """Return what is kept of a file, ``None`` if nothing is."""
    return None if kept is None else kept.of_file(location)


def shared_bytes() -> int:
    """Return how many bytes are kept."""
    return 0 if kept is None else kept.size
