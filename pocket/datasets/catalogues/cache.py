"""Cache of catalogues' answers and of files' metadata, from which an interrupted look-up continues."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pocket.base.runtime.remarks import remark


@contextlib.contextmanager
def _unless_closed(place: Path) -> Iterator[None]:
    """Go on if a cache can't be written, as that of another user, since it only saves time."""
    try:
        yield
    except OSError as error:
        remark(f"answers of catalogues aren't kept in {place}: {error.strerror}")


class AnswerCache:
    """Cache of answers of catalogues for some hours, 0 for none, with one file per question, written atomically."""

    def __init__(self, folder: Path, hours: float) -> None:
        self.folder = folder
        self.hours = hours

    def get(self, question: str) -> Any:
        """Return the answer to a question, None if it isn't known or too old."""
        try:
            content = json.loads(self._path(question).read_text(encoding="utf-8"))
            fresh = 0 <= time.time() - content["time"] < self.hours * 3600
            return content["answer"] if fresh and content["question"] == question else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, question: str, answer: Any) -> None:
        """Store the answer to a question; if the folder can't be written, a warning says so."""
        with _unless_closed(self.folder):
            self._write(question, answer)

    def _write(self, question: str, answer: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"question": question, "time": time.time(), "answer": answer}
        path = self._path(question)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            # Files of tempfile could be read by their owner only, not by a group that shares the store.
            with temporary.open("x", encoding="utf-8") as file:
                json.dump(content, file)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _path(self, question: str) -> Path:
        return self.folder / f"{hashlib.sha256(question.encode()).hexdigest()[:24]}.json"


class FileCache:
    """Cache of files' metadata by the identity of their content; each opened file adds a line.

    Lines of several processes don't mix, since each is written by one call. Incomplete lines are ignored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        try:
            lines = path.read_bytes().split(b"\n")
        except OSError:
            lines = []
        for line in lines:
            try:
                identity, record = json.loads(line)
            except (ValueError, TypeError):
                continue
            self._known[identity] = record

    def get(self, identity: str) -> Any:
        """Return the metadata of a file, None if they aren't known or the file has no identity."""
        return self._known.get(identity) if identity else None

    def put(self, identity: str, record: Any) -> None:
        """Store the metadata of a file, if it has an identity; if it can't be written, a warning says so."""
        if not identity:
            return
        # The leading line break ends a line that an interruption may have left incomplete.
        line = f"\n{json.dumps([identity, record])}\n".encode()
        with self._lock, _unless_closed(self.path):
            self._known[identity] = record
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(file, line)
            finally:
                os.close(file)
