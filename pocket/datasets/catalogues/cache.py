"""Cache of catalogues and files, so that an interrupted look-up goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any


class AnswerCache:
    """Answers of catalogues, one file per question, each written at once or not at all.

    Args:
        folder: folder of the answers.
        hours: how long an answer counts; 0 means that none does.
    """

    def __init__(self, folder: Path, hours: float) -> None:
        self.folder = folder
        self.hours = hours

    def get(self, question: str) -> Any:
        """Return the answer to a question, or None if it isn't known or too old."""
        try:
            content = json.loads(self._path(question).read_text(encoding="utf-8"))
            fresh = 0 <= time.time() - content["time"] < self.hours * 3600
            return content["answer"] if fresh and content["question"] == question else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, question: str, answer: Any) -> None:
        """Keep the answer to a question."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"question": question, "time": time.time(), "answer": answer}
        path = self._path(question)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            # Files of tempfile can be read by their owner only, not by a group that shares the store.
            with temporary.open("x", encoding="utf-8") as file:
                json.dump(content, file)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _path(self, question: str) -> Path:
        return self.folder / f"{hashlib.sha256(question.encode()).hexdigest()[:24]}.json"


class FileCache:
    """What was found in files, by what identifies their content; added to line by line as files are opened.

    Lines of several processes don't mix, since each is written by one call. A line that was cut off is ignored.

    Args:
        path: the file to keep it in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            lines = []
        for line in lines:
            try:
                identity, record = json.loads(line)
            except (ValueError, TypeError):
                continue
            self._known[identity] = record

    def get(self, identity: str) -> Any:
        """Return what is known of a file, or None; nothing is known of one without identity."""
        return self._known.get(identity) if identity else None

    def put(self, identity: str, record: Any) -> None:
        """Keep what was found in a file; without identity nothing is kept."""
        if not identity:
            return
        # the break in front ends a line that an interruption may have cut off
        line = f"\n{json.dumps([identity, record])}\n".encode()
        with self._lock:
            self._known[identity] = record
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(file, line)
            finally:
                os.close(file)
