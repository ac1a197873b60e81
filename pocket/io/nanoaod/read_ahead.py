"""File source for remote files, whose bytes are requested before they are needed."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Collection, Iterable
from typing import Any

#: First byte, and the one after the last.
Place = tuple[int, int]


class ReadAhead:
    """Bytes of a remote file, which uproot's source of it fetches in the background.

    A column that is requested alone takes a round trip to the server, however few bytes it has. Many places in one
    request take a single round trip, during which something else can be computed.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._asked: dict[Place, Any] = {}

    def ask(self, places: Iterable[Place]) -> None:
        """Request bytes, unless a previous request for them is unread."""
        if missing := [place for place in dict.fromkeys(places) if place not in self._asked]:
            self._asked.update(zip(missing, self._request(missing), strict=True))

    def _request(self, places: list[Place]) -> list[Any]:
        return list(self._source.chunks(places, notifications=queue.SimpleQueue()))

    def read(self, places: Collection[Place]) -> list[memoryview]:
        """Return bytes, requesting them if needed; they are forgotten afterwards."""
        self.ask(places)
        # While this one waits, another thread may read the next place, or forget it.
        chunks = (self._asked.pop(place, None) or self._request([place])[0] for place in places)
        return [chunk.raw_data.data for chunk in chunks]

    def keep(self, places: Collection[Place]) -> None:
        """Forget all bytes except those at some places."""
        for place in self._asked.keys() - set(places):
            # A file can't be closed while requests are pending; their errors don't matter.
            with contextlib.suppress(Exception):
                self._asked.pop(place).wait()

    def close(self) -> None:
        self.keep(())
