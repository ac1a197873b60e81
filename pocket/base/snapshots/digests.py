"""Checksums of source files, kept between commands and computed again for files that were touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Container, Iterable
from pathlib import Path
from typing import NamedTuple

from pocket.base.snapshots.sources import has_secret

#: larger files are data, in bytes, and those of events are
LARGEST, DATA = 16_000_000, (".root", ".parquet")
#: of the clock of a file system, in ns: what was changed this shortly before it was read may be changed again unseen
_RESOLUTION = 2_000_000_000


class FileState(NamedTuple):
    """What the file system tells of a file; another state means that the content may be another one."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


class SourceFile(NamedTuple):
    """A source file.

    Args:
        state: what the file system tells of it.
        sha256: checksum of the content; empty for a file that isn't copied, because it is data or a secret.
    """

    state: FileState
    sha256: str


def file_state(path: str) -> FileState | None:
    """Return the state of a file, ``None`` if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  hundreds at each start of a command
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileState(
        found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, bool(found.st_mode & stat.S_IXUSR)
    )


class Digests:
    """The checksums of the files of one folder.

    As in git's index, a file is read again if its state is another one, or if it was changed so shortly before the
    checksums were written that a second change may have left the same state.

    Args:
        folder: the folder.
        record: file that keeps the checksums.
    """

    def __init__(self, folder: Path, record: Path) -> None:
        self._folder = str(folder)
        self._record = record
        self._known: dict[str, SourceFile] = {}
        #: whether a file was read
        self.changed = False
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            newest = record.stat().st_mtime_ns - _RESOLUTION
            self._known = {
                name: SourceFile(FileState(*state), sha256)
                for name, (state, sha256) in json.loads(record.read_bytes()).items()
                if state[1] < newest and state[2] < newest
            }

    @property
    def known(self) -> Container[str]:
        """The names of the files whose checksums are kept."""
        return self._known

    def files(self, names: Iterable[str]) -> dict[str, SourceFile]:
        """Return the files with their checksums as they are now; those that vanished meanwhile are left out."""
        found: dict[str, SourceFile] = {}
        for name in names:
            known = self._known.get(name)
            state = file_state(f"{self._folder}/{name}")
            if state is None:
                continue
            if known is None or known.state != state:
                known = SourceFile(state, _checksum(f"{self._folder}/{name}", state))
                self.changed = True
            found[name] = known
        self._known = found
        return found

    def save(self) -> None:
        """Keep the checksums for the next command."""
        if self.changed:
            temporary = self._record.with_name(f".{self._record.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                temporary.write_text(json.dumps(self._known))
                temporary.replace(self._record)


def unchanged(folder: Path, files: dict[str, SourceFile]) -> bool:
    """Tell whether files still have the states that they had."""
    return all(file_state(f"{folder}/{name}") == file.state for name, file in files.items())


def _checksum(path: str, state: FileState) -> str:
    if state.size > LARGEST or path.endswith(DATA):
        return ""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return ""
    return "" if has_secret(path.rpartition("/")[2], content) else hashlib.sha256(content).hexdigest()
