"""State of a file, by which it is noticed that it was replaced, and the checksum of its content."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import NamedTuple


class FileState(NamedTuple):
    """What changes when a file is written, replaced or moved.

    Args:
        size: in bytes.
        mtime_ns: time of the last modification in ns since 1970.
        ctime_ns: time of the last change of the content or of what the system notes of the file, likewise.
        inode: number of the file in its file system.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def file_state(path: str | Path) -> FileState:
    """Return the state of a file as it is now.

    Raises:
        OSError: if it isn't there.
    """
    stat = os.stat(path)  # noqa: PTH116  thousands of them
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def checksum(path: str | Path, state: FileState | None = None) -> str:
    """Return the SHA-256 of a file's content, computed once per process while the file stays in the same state.

    Args:
        path: the file.
        state: its state, if that is known already.

    Raises:
        OSError: if it can't be read.
    """
    while True:
        before = state or file_state(path)
        digest = _checksum(str(path), before)
        # A checksum that was computed while the file was written is that of no state.
        if file_state(path) == before:
            return digest
        state = None


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file, which is read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=100_000)
def _checksum(path: str, state: FileState) -> str:
    return file_checksum(Path(path))
