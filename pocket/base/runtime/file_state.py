"""State of a file, which changes when it is replaced, the checksum of its content, and files with names like its."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from pocket.errors import nearest


class FileState(NamedTuple):
    """Properties of a file that change when it is written, replaced or moved; times are in ns since 1970."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def file_state(path: str | Path) -> FileState:
    """Return the current state of a file."""
    stat = os.stat(path)  # noqa: PTH116  Strings are faster for thousands of files.
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def checksum(path: str | Path, state: FileState | None = None) -> str:
    """Return the SHA-256 of a file's content, computed once per process while the file stays in the same state."""
    while True:
        before = state or file_state(path)
        digest = _checksum(str(path), before)
        # If the file changed during the computation, the checksum belongs to no state.
        if file_state(path) == before:
            return digest
        state = None


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content, computed again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=100_000)
def _checksum(path: str, state: FileState) -> str:
    return file_checksum(Path(path))


def near_files(path: Path, only_beside: bool = False) -> str:
    """Return a hint for a missing path: the missing folder, unless ``only_beside``, or near files; or nothing."""
    missing = next((folder for folder in reversed(path.parents) if not folder.is_dir()), None)
    if missing and only_beside:
        return ""
    place, name = (missing.parent, missing.name) if missing else (path.parent, path.name)
    try:
        beside = [entry.name for entry in place.iterdir() if missing is None or entry.is_dir()]
    except OSError:
        return ""
    close = [str(place / known) for known in nearest(name, beside, 2, 0.8)]
    if missing is not None and not close:
        return f": there is no folder {missing}"
    return f", did you mean {' or '.join(close)}?" if close else ""
