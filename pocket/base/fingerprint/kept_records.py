"""Records of what code has used in this process, which it may have kept since: in a global, in a cache.

A branch that finds a file's content in a cache doesn't open the file. So what code has used once counts as used by all
that may call it later in the same process. Whether it may is told by names: one of a function that was running is among
those that the code of a configuration uses.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Generic, Protocol, Self, TypeVar

from pocket.base.fingerprint.modules import owner, top_level

#: whose records are remembered; a process has few analyses
_MOST = 16


def functions_of_the_user() -> frozenset[str]:
    """Return the names of the user's functions that are running, down to where the engine called one of them."""
    names: set[str] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if top_level(module) == "tasks" or (owner(module) == "engine" and names):
            break
        if owner(module) == "user" and module != "__main__":
            names.add(frame.f_code.co_name)
        frame = frame.f_back
    return frozenset(names)


def may_call(names: Collection[str] | None, functions: Collection[str]) -> bool:
    """Whether code may call one of some functions.

    Args:
        names: the names that the code uses; ``None`` if they aren't known.
        functions: names of functions, such as ``<lambda>`` for those that have none.
    """
    named = [name for name in functions if not name.startswith("<")]
    return names is None or (bool(functions) and not named) or any(name in names for name in named)


class Record(Protocol):
    """A record of what code uses."""

    def adopt(self, earlier: Self, names: Collection[str] | None, /) -> None:
        """Count what was used earlier as used, as far as code with these names may have kept it."""

    def is_out_of_date(self) -> bool:
        """Whether anything of it has changed since."""


RecordT = TypeVar("RecordT", bound=Record)


class KeptRecords(Generic[RecordT]):
    """Records by whose code was running.

    Args:
        empty: makes an empty record.
    """

    def __init__(self, empty: Callable[[], RecordT]) -> None:
        self._empty = empty
        # the objects are kept, lest another one gets the id of one
        self._records: dict[int, tuple[object, RecordT]] = {}

    @contextlib.contextmanager
    def recording(self, whose: object, names: Collection[str] | None = None) -> Iterator[RecordT]:
        """Yield a record of a block in which somebody's code runs, with what that code may have kept.

        Args:
            whose: whose code it is, ``None`` for nobody's.
            names: the names that the code of the block uses, ``None`` if they aren't known.
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
        """Whether anything that somebody's code has used has changed since: what it has kept may be of before."""
        known = self._records.get(id(whose))
        return known is not None and known[1].is_out_of_date()
