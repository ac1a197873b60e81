"""Records of the inputs that code has used in this process, which it may have cached since.

A function that finds a file's content in its cache doesn't open the file again. So an input that was used once counts
as used by all code that may call the same function later in the process. This is decided by names: the code of a
configuration may call a function if it uses its name.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Generic, Protocol, Self, TypeVar

from pocket.base.fingerprint.frames import STARTED
from pocket.base.fingerprint.modules import owner, top_level

#: Most analyses whose records are remembered.
_MOST = 16


def functions_of_the_user() -> frozenset[str]:
    """Return the names of the user's functions that run below the engine, also where a thread was started."""
    names: set[str] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if top_level(module) == "tasks" or (owner(module) == "engine" and names):
            break
        if owner(module) == "user" and module != "__main__":
            names.add(frame.f_code.co_name)
        frame = frame.f_back
    return STARTED.get()[1].union(names)


def may_call(names: Collection[str] | None, functions: Collection[str]) -> bool:
    """Tell whether code with some names, ``None`` for any, may call one of some functions, such as a ``<lambda>``."""
    named = [name for name in functions if not name.startswith("<")]
    return names is None or (bool(functions) and not named) or any(name in names for name in named)


class Record(Protocol):
    """A record of the inputs that code uses."""

    def adopt(self, earlier: Self, names: Collection[str] | None, /) -> None:
        """Count earlier inputs as used, as far as code with these names may have cached them."""

    def is_out_of_date(self) -> bool:
        """Tell whether any of the inputs has changed since."""


RecordT = TypeVar("RecordT", bound=Record)


class KeptRecords(Generic[RecordT]):
    """Records of inputs, by the owner of the code."""

    def __init__(self, empty: Callable[[], RecordT]) -> None:
        self._empty = empty
        # The owners are stored as well, since the id of a freed object may be used again.
        self._records: dict[int, tuple[object, RecordT]] = {}

    @contextlib.contextmanager
    def recording(self, whose: object, names: Collection[str] | None = None) -> Iterator[RecordT]:
        """Yield the record of a block in which somebody's code runs, including inputs that the code may have cached.

        Nobody may own the code. The names that it uses may be unknown, which is ``None``, too.
        """
        record = self._empty()
        if whose is None:
            yield record
            return
        if id(whose) not in self._records and len(self._records) >= _MOST:
            del self._records[next(iter(self._records))]
        _, earlier = self._records.setdefault(id(whose), (whose, self._empty()))
        record.adopt(earlier, names)
        try:
            yield record
        finally:
            earlier.adopt(record, None)

    def is_out_of_date(self, whose: object) -> bool:
        """Tell whether an input of somebody's code has changed since, so that its caches may be outdated."""
        known = self._records.get(id(whose))
        return known is not None and known[1].is_out_of_date()
