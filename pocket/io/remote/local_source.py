"""ROOT files on a local disk, read by uproot in the thread that needs them."""

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
    """The bytes of a file.

    uproot's own sources have a queue and a future for each range, and most have threads, which takes longer than to
    read from the disk's cache. The file isn't mapped into memory, where one that gets shorter ends the process.

    Args:
        file_path: the file.
        options: uproot's options, which change nothing here.
    """

    def __init__(self, file_path: str, **options: Any) -> None:
        super().__init__()
        self._file_path = file_path
        self._file = Path(file_path).open("rb", buffering=0)  # noqa: SIM115  open as long as this is
        self._num_bytes = os.fstat(self._file.fileno()).st_size

    def chunk(self, start: int, stop: int) -> Any:
        """Return a range of bytes."""
        (chunk,) = self.chunks([(start, stop)], queue.Queue())
        return chunk

    def chunks(self, ranges: list[tuple[int, int]], notifications: queue.Queue[Any]) -> list[Any]:
        """Return ranges of bytes."""
        found = []
        for (start, stop), content in zip(ranges, self.read(ranges), strict=True):
            # a range behind the end of the file is found out by the chunk
            found.append(Chunk(self, start, stop, TrivialFuture(content)))
            notifications.put(found[-1])
        return found

    def read(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Return ranges of bytes without uproot's objects for them; shorter ones at the end of the file."""
        self._num_requests += 1
        self._num_requested_chunks += len(ranges)
        self._num_requested_bytes += sum(stop - start for start, stop in ranges)
        descriptor = self._file.fileno()
        return [os.pread(descriptor, stop - start, start) for start, stop in ranges]

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def __enter__(self) -> LocalSource:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


@contextlib.contextmanager
def open_local(path: Path) -> Iterator[Any]:
    """Open a file, and close it at the end of the block.

    Args:
        path: the file.
    """
    opened = []

    class Opened(LocalSource):
        """Is known here, since uproot leaves open what turns out to be no ROOT file."""

        def __init__(self, file_path: str, **options: Any) -> None:
            super().__init__(file_path, **options)
            opened.append(self)

    try:
        # as a path, since uproot divides a text at its colons
        with uproot.open(path, handler=Opened) as file:
            yield file
    finally:
        for source in opened:
            source.close()
