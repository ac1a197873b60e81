"""Record of the files that code asks for by name, and of their contents."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from contextvars import ContextVar

from pocket.base.fingerprint.kept_records import KeptRecords, functions_of_the_user, may_call
from pocket.base.fingerprint.places import portable
from pocket.base.runtime.file_state import FileState, checksum, file_state
from pocket.errors import ChangedFileError


class UsedFiles(dict[str, str]):
    """Files that code asked for in a block: name → path, each with one content.

    Code that reads a file through :mod:`pocket.parameters.checksums` records the content (:meth:`pin`); if only the
    path was returned, the file's state at that time counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._states: dict[str, FileState | None] = {}
        self._pinned: dict[str, str] = {}
        #: Names of the user's functions that were running; the engine itself caches no files.
        self._users: dict[str, frozenset[str]] = {}

    def note(self, name: str, path: str) -> None:
        """Record that a file was asked for."""
        self[name] = path
        self._users[name] = self._users.get(name, frozenset()) | functions_of_the_user()
        if path not in self._states:
            try:
                self._states[path] = file_state(path)
            except OSError:
                self._states[path] = None

    def pinned(self, path: str) -> str | None:
        """Return the checksum of a file's content that was read, ``None`` if it wasn't read."""
        return self._pinned.get(path)

    def pin(self, path: str, sha256: str) -> None:
        """Record the checksum of a file's content that was read."""
        self._pinned[path] = sha256

    def adopt(self, earlier: UsedFiles, names: Collection[str] | None) -> None:
        """Count files as used if user functions with these names used them earlier; their earlier content stays."""
        for name, path in earlier.items():
            users = earlier._users.get(name, frozenset())
            if users and may_call(names, users):
                self.setdefault(name, path)
                self._users.setdefault(name, users)
                self._states.setdefault(path, earlier._states[path])
                if path in earlier._pinned:
                    self._pinned.setdefault(path, earlier._pinned[path])

    def is_out_of_date(self) -> bool:
        """Tell whether a file has changed since."""
        try:
            return any(state is not None and file_state(path) != state for path, state in self._states.items())
        except OSError:
            return True

    def checksums(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return portable name → SHA-256 of the files that were used."""
        return {portable(name): self._checksum(name, self[name]) for name in (self if names is None else names)}

    def _checksum(self, name: str, path: str) -> str:
        pinned, before = self._pinned.get(path), self._states[path]
        state = file_state(path)
        if pinned is None and state != before:
            raise changed(name)
        sha256 = checksum(path, state)
        if pinned not in (None, sha256) or (pinned is None and file_state(path) != before):
            raise changed(name)
        return sha256


#: Files that code has used in this process.
EARLIER: KeptRecords[UsedFiles] = KeptRecords(UsedFiles)

_recorded: ContextVar[UsedFiles | None] = ContextVar("recorded", default=None)


@contextlib.contextmanager
def recording_files(whose: object = None, names: Collection[str] | None = None) -> Iterator[UsedFiles]:
    """Record the files that code asks for in a block: yields name → path, filled by ``local_path``."""
    with EARLIER.recording(whose, names) as used:
        token = _recorded.set(used)
        try:
            yield used
        finally:
            _recorded.reset(token)


def files_in_use() -> UsedFiles | None:
    """Return the record of the current block, ``None`` outside of one."""
    return _recorded.get()


def changed(name: str) -> ChangedFileError:
    """Return the error for a file that was replaced while it was used."""
    return ChangedFileError(f"{name} was changed while it was used: run this again")
