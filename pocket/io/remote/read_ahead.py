"""File source for remote files, whose bytes are requested before they are needed."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Collection, Iterable
from typing import Any

#: First byte, and the one after the last.
Place = tuple[int, int]


class ReadAhead:
    """Bytes of a remote file.

    A column that is requested alone takes a round trip to the server, however few bytes it has. Many places in one
    request take a single round trip, during which something else can be computed.

    Args:
        source: uproot's source of the file, which fetches in the background.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._asked: dict[Place, Any] = {}

    def ask(self, places: Iterable[Place]) -> None:
        """Request bytes, unless a previous request for them is unread."""
        missing = [place for place in dict.fromkeys(places) if place not in self._asked]
        if missing:
            chunks = self._source.chunks(missing, notifications=queue.SimpleQueue())
            self._asked.update(zip(missing, chunks, strict=True))

    def read(self, places: Collection[Place]) -> list[memoryview]:
        """Return bytes, requesting them if needed; they are forgotten afterwards.

        Raises:
            OSError: or whatever uproot raises if they can't be read.
        """
        self.ask(places)
        return [self._asked.pop(place).raw_data.data for place in places]

    def keep(self, places: Collection[Place]) -> None:
        """Forget all bytes except those at some places."""
        for place in self._asked.keys() - set(places):
            # A file can't be closed while requests are pending; their errors don't matter.
            with contextlib.suppress(Exception):
                self._asked[place].wait()
            del self._asked[place]

    def close(self) -> None:
        """Forget all bytes."""
        self.keep(())
