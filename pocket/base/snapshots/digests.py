"""Checksums of source files, stored between commands and computed again for changed files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pocket.base.snapshots.sources import has_secret

#: Larger files, in bytes, are data and aren't copied; neither are files of events.
LARGEST, DATA = 16_000_000, (".root", ".parquet")
#: Resolution of a file system's clock in ns: a file may change again in this time without a change of its state.
_RESOLUTION = 2_000_000_000


class FileState(NamedTuple):
    """State of a file in the file system; if it changes, the content may have changed."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


class SourceFile(NamedTuple):
    """State and SHA-256 of a source file; the latter is empty for data and secrets, which aren't copied."""

    state: FileState
    sha256: str


def file_state(path: str) -> FileState | None:
    """Return the state of a file, ``None`` if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  Hundreds of files are checked at each start of a command.
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileState(
        found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, bool(found.st_mode & stat.S_IXUSR)
    )


class Digests:
    """Checksums of the files in one folder, stored in a file.

    As in git's index, a file is read again if its state has changed, or if it was changed so shortly before the
    checksums were written that another change may have left the same state.
    """

    def __init__(self, folder: Path, record: Path) -> None:
        self._folder = str(folder)
        self._record = record
        #: The files whose checksums are stored, by name.
        self.known: dict[str, SourceFile] = {}
        #: Whether a file was read.
        self.changed = False
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            newest = record.stat().st_mtime_ns - _RESOLUTION
            self.known = {
                name: SourceFile(FileState(*state), sha256)
                for name, (state, sha256) in json.loads(record.read_bytes()).items()
                if state[1] < newest and state[2] < newest
            }

    def files(self, names: Iterable[str]) -> dict[str, SourceFile]:
        """Return name → current state and checksum of files; files that have vanished meanwhile are left out."""
        found: dict[str, SourceFile] = {}
        for name in names:
            known = self.known.get(name)
            state = file_state(f"{self._folder}/{name}")
            if state is None:
                continue
            if known is None or known.state != state:
                known = SourceFile(state, _checksum(f"{self._folder}/{name}", state))
                self.changed = True
            found[name] = known
        self.known = found
        return found

    def save(self) -> None:
        """Store the checksums for the next command."""
        if self.changed:
            temporary = self._record.with_name(f".{self._record.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                temporary.write_text(json.dumps(self.known))
                temporary.replace(self._record)


def unchanged(folder: Path, files: dict[str, SourceFile]) -> bool:
    """Tell whether files still have the same states."""
    return all(file_state(f"{folder}/{name}") == file.state for name, file in files.items())


def _checksum(path: str, state: FileState) -> str:
    if state.size > LARGEST or path.endswith(DATA):
        return ""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return ""
    return "" if has_secret(path.rpartition("/")[2], content) else hashlib.sha256(content).hexdigest()
