"""Files that several configurations read one after the other, as the reader sees them.

What is kept is in :mod:`pocket.io.nanoaod.kept_reads`, which isn't part of the code that an output depends on.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pocket.io.remote.client import open_root

if TYPE_CHECKING:
    from pocket.io.nanoaod.kept_reads import FileReads, KeptReads

#: What this process keeps at present.
kept: KeptReads | None = None


def shared_file(location: str) -> AbstractContextManager[Any]:
    """Return a block with an open file, see :func:`~pocket.io.remote.client.open_root`."""
    return open_root(location) if kept is None else kept.open(location)


def shared_reads(location: str) -> FileReads | None:
    """Return what is kept of a file, ``None`` if nothing is."""
    return None if kept is None else kept.of_file(location)


def shared_bytes() -> int:
    """Return how many bytes are kept."""
    return 0 if kept is None else kept.size
