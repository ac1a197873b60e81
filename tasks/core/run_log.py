"""The log file of a command: all that is shown, luigi's lines and tracebacks, in the store's hidden folder of logs.

Lines are kept in memory until something runs, since a command that finds nothing to do leaves no file.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from pocket.base.snapshots.process import shown
from pocket.io.remote.tokens import redacted
from pocket.io.store.paths import own_folder, store_root

FOLDER = ".logs"
KEPT = 100
#: largest number of records that wait for the file
_WAITING = 10_000


class RunLog(logging.Handler):
    """Writes records, and lines that are shown otherwise, to the file of this command."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._waiting: list[str] = []
        self._file: int | None = None
        self._is_closed = False
        self.path: Path | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record with its whole traceback."""
        whole = getattr(record, "whole", None)
        if whole is None:
            self.write(self.format(record))
            return
        head = logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, whole, (), None)
        head.created, head.msecs = record.created, record.msecs
        self.write(self.format(head))

    def note(self, text: str) -> None:
        """Write lines that aren't a record."""
        if text.strip():
            self.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.rstrip()}")

    def write(self, text: str) -> None:
        """Write lines, or keep them until there is a file."""
        if self._is_closed:
            return
        line = f"{shown(redacted(text))}\n"
        if self._file is None:
            if len(self._waiting) < _WAITING:
                self._waiting.append(line)
            return
        try:
            # One call, so that lines of luigi's --workers aren't mixed.
            os.write(self._file, line.encode("utf-8", "backslashreplace"))
        except OSError:
            # A full disk or quota must not end what runs.
            self.end()

    def begin(self, name: str) -> None:
        """Make the file, unless the store can't be written."""
        if self._file is not None or self._is_closed:
            return
        try:
            folder = own_folder(store_root() / FOLDER)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError:
            self.end()
            return
        self.path = path
        # Not every file system has locks, and nothing depends on this one.
        with contextlib.suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.write("".join(waiting).rstrip("\n"))
        remove_old(folder)

    def others(self, name: str) -> list[Path]:
        """Return the logs of other commands that are at work, whose names begin with the same."""
        # Each user of a group has a folder.
        found = sorted(store_root().glob(f"{FOLDER}*/{glob.escape(name)}-*.log")) if self.path else []
        return [path for path in found if path != self.path and _is_locked(path)]

    def end(self) -> None:
        """Write nothing any more."""
        self._is_closed = True
        self._waiting.clear()
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = None


def _is_locked(path: Path) -> bool:
    """Whether another command has its log open."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def remove_old(folder: Path) -> None:
    """Remove the oldest log files of a folder beyond :data:`KEPT`."""
    with contextlib.suppress(OSError):
        found = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        for path in found[:-KEPT]:
            path.unlink(missing_ok=True)


RUN_LOG = RunLog()


class _Copied:
    """A stream whose text also goes to the log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""

    def write(self, text: str) -> int:
        self._line += text
        if "\n" in text:
            whole, _, self._line = self._line.rpartition("\n")
            RUN_LOG.note(whole)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def copy_stdout() -> None:
    """Let what tasks print go to the log, too."""
    if not isinstance(sys.stdout, _Copied):
        sys.stdout = _Copied(sys.stdout)
