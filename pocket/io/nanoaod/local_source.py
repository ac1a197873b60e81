"""File source for ROOT files on a local disk, which uproot reads in the thread that needs them."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uproot
from uproot.source.chunk import Chunk, Source
from uproot.source.futures import TrivialFuture


class LocalSource(Source):  # type: ignore[misc]
    """Bytes of a local file.

    uproot's own sources have a queue and a future for each range, and most have threads, which takes longer than
    reading from the disk's cache. The file isn't memory-mapped, since truncation of a mapped file kills the process.
    """

    def __init__(self, file_path: str, **options: Any) -> None:
        super().__init__()
        self._file_path = file_path
        self._file = Path(file_path).open("rb", buffering=0)  # noqa: SIM115  It stays open with this object.
        self._num_bytes = os.fstat(self._file.fileno()).st_size

    def chunk(self, start: int, stop: int) -> Any:
        (chunk,) = self.chunks([(start, stop)], queue.Queue())
        return chunk

    def chunks(self, ranges: list[tuple[int, int]], notifications: queue.Queue[Any]) -> list[Any]:
        found = []
        for (start, stop), content in zip(ranges, self.read(ranges), strict=True):
            # The chunk detects a range beyond the end of the file.
            found.append(Chunk(self, start, stop, TrivialFuture(content)))
            notifications.put(found[-1])
        return found

    def read(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Return ranges of bytes without uproot's objects; they are shorter at the end of the file."""
        self._num_requests += 1
        self._num_requested_chunks += len(ranges)
        self._num_requested_bytes += sum(stop - start for start, stop in ranges)
        descriptor = self._file.fileno()
        return [os.pread(descriptor, stop - start, start) for start, stop in ranges]

    @property
    def closed(self) -> bool:
        return self._file.closed

    def __enter__(self) -> LocalSource:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


@contextlib.contextmanager
def open_local(path: Path) -> Iterator[Any]:
    """Open a file, and close it at the end of the block."""
    opened = []

    class Opened(LocalSource):
        """Source that is registered here, since uproot doesn't close a file that isn't a ROOT file."""

        def __init__(self, file_path: str, **options: Any) -> None:
            super().__init__(file_path, **options)
            opened.append(self)

    try:
        # A path is passed, since uproot splits strings at colons.
        with uproot.open(path, handler=Opened) as file:
            yield file
    finally:
        for source in opened:
            source.close()
