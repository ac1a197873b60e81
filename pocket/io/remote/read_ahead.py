"""The bytes of a file elsewhere, asked for before they are needed."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Collection, Iterable
from typing import Any

#: first byte, and the one after the last
Place = tuple[int, int]


class ReadAhead:
    """The bytes of a file elsewhere.

    A column that is asked for alone takes the way to the server and back, however few bytes it has. Many places that
    are asked for at once take it once, and while they are on their way, something else can be computed.

    Args:
        source: uproot's source of the file, which fetches in the background.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._asked: dict[Place, Any] = {}

    def ask(self, places: Iterable[Place]) -> None:
        """Ask for bytes, unless they have been asked for and not been read yet."""
        missing = [place for place in dict.fromkeys(places) if place not in self._asked]
        if missing:
            chunks = self._source.chunks(missing, notifications=queue.SimpleQueue())
            self._asked.update(zip(missing, chunks, strict=True))

    def read(self, places: Collection[Place]) -> list[memoryview]:
        """Return bytes; they are asked for if they haven't been, and kept no longer.

        Raises:
            OSError: or whatever uproot raises if they can't be read.
        """
        self.ask(places)
        return [self._asked.pop(place).raw_data.data for place in places]

    def keep(self, places: Collection[Place]) -> None:
        """Forget all bytes but those at some places."""
        for place in self._asked.keys() - set(places):
            # a file isn't closed while something of it is on its way; that it failed is nobody's concern
            with contextlib.suppress(Exception):
                self._asked[place].wait()
            del self._asked[place]

    def close(self) -> None:
        """Forget all bytes."""
        self.keep(())
