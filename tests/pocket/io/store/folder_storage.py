"""A remote store in a local folder: it shows what a real server can't, such as its end at any moment."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pocket.errors import RemoteStoreError
from pocket.io.remote.attempts import PAUSES
from pocket.io.remote.storage import Entry

STORE = "root://server//store"


@dataclass
class FolderStorage:
    """Files of ``root://server//store`` in a folder.

    Args:
        folder: the folder.
        calls: how often each operation was asked for.
        before: called with the operation and the URL before each one.
    """

    folder: Path
    calls: Counter[str] = field(default_factory=Counter)
    before: Callable[[str, str], None] = lambda operation, url: None

    def path(self, url: str) -> Path:
        """Return where the file of a URL is."""
        assert url == STORE or url.startswith(f"{STORE}/")
        return self.folder / url[len(STORE) :].lstrip("/")

    def _note(self, operation: str, url: str) -> Path:
        self.calls[operation] += 1
        self.before(operation, url)
        return self.path(url)

    def list(self, url: str) -> Mapping[str, Entry]:
        path = self._note("list", url)
        entries = {}
        # other writers may remove what is found, at any moment
        with contextlib.suppress(FileNotFoundError):
            for item in path.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    entries[item.name] = Entry(item.is_dir(), int(item.stat().st_mtime))
        return entries

    def read(self, url: str) -> bytes | None:
        path = self._note("read", url)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def read_end(self, url: str, size: int) -> tuple[int, bytes] | None:
        path = self._note("read", url)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        return len(content), content[max(0, len(content) - size) :]

    def upload(self, file: Path, url: str) -> str:
        path = self._note("upload", url)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def download(self, url: str, file: Path) -> str:
        path = self._note("download", url)
        if not path.exists():
            raise RemoteStoreError(f"{url} can't be read: [3011] no such file")
        shutil.copyfile(path, file)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def rename(self, old: str, new: str) -> None:
        path = self._note("rename", old)
        try:
            path.rename(self.path(new))
        except OSError as error:
            raise RemoteStoreError(f"{new} can't be written: {error.strerror}") from error

    def remove(self, url: str, pauses: Sequence[float] = PAUSES) -> None:
        path = self._note("remove", url)
        while path.exists():
            with contextlib.suppress(FileNotFoundError):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def fail_at(storage: FolderStorage, number: int) -> list[str]:
    """Let the server end before an operation, counted from 0, and return a list that names it then."""
    counted, failed = itertools.count(), list[str]()

    def before(operation: str, url: str) -> None:
        if next(counted) >= number:
            failed.append(operation)
            raise RemoteStoreError(f"{url} can't be reached: [FATAL] Connection error")

    storage.before = before
    return failed
