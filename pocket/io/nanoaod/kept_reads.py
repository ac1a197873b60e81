"""Open files, trees and uncompressed baskets, kept for configurations that read the same entries after each other."""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pocket.io.nanoaod import sharing

T = TypeVar("T")

#: Most files that are held open.
MOST_FILES = 64
_BLOCK = 1 << 22


class KeptReads:
    """Files that are read several times, and at most ``limit`` bytes of uncompressed baskets; others are read again."""

    def __init__(self, limit: int) -> None:
        #: Bytes that are kept.
        self.size = 0
        self._limit, self._room, self._lock = limit, memoryview(b""), threading.Lock()
        self._files: dict[str, tuple[contextlib.ExitStack, Any]] = {}
        self._reads: dict[str, FileReads] = {}

    @contextlib.contextmanager
    def open(self, location: str, open_file: sharing.Open) -> Iterator[Any]:
        """Open a file, which stays open unless the block fails."""
        if location not in self._files:
            if len(self._files) >= MOST_FILES:
                with open_file(location) as file:
                    yield file
                return
            stack = contextlib.ExitStack()
            self._files[location] = stack, stack.enter_context(open_file(location))
        try:
            yield self._files[location][1]
        except BaseException:
            self._files.pop(location)[0].close()
            raise

    def of_file(self, location: str) -> FileReads:
        return self._reads.setdefault(location, FileReads(self))

    def copy(self, data: bytes) -> memoryview | None:
        """Return a copy of bytes in memory that the system gets back at the end, ``None`` if there is no more room."""
        with self._lock:
            if self.size + len(data) > self._limit:
                return None
            self.size += len(data)
            if len(data) > len(self._room):
                # The allocator would keep this memory, and the next chunks would count it as theirs.
                self._room = memoryview(mmap.mmap(-1, max(_BLOCK, len(data))))
            place, self._room = self._room[: len(data)], self._room[len(data) :]
            place[:] = data
            # Numba compiles other functions for arrays that can be written to.
            return place.toreadonly()

    def close(self) -> None:
        for stack, _ in self._files.values():
            stack.close()


class FileReads:
    """What is kept of a file: baskets by their first byte in it, and trees."""

    def __init__(self, kept: KeptReads) -> None:
        self.copy, self.baskets = kept.copy, dict[int, Any]()
        self._trees: dict[str, Any] = {}

    def tree(self, path: str, read: Callable[[], T]) -> T:
        """Return the tree at a path in the file, which is read once."""
        if path not in self._trees:
            self._trees[path] = read()
        tree: T = self._trees[path]
        return tree


@contextlib.contextmanager
def keeping_reads(limit: int) -> Iterator[KeptReads]:
    """Keep what is read in this block for those in it that read the same later."""
    sharing.kept = kept = KeptReads(limit)
    try:
        yield kept
    finally:
        sharing.kept = None
        kept.close()
