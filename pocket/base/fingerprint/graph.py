"""Digest of a graph of objects, which may share parts and form circles."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pocket.base.runtime.kept import kept_table


@dataclass(frozen=True, slots=True)
class Node:
    """Content and parts of one object, each part with its place relative to the object, e.g. ``".pt"`` or ``"[2]"``."""

    label: str
    parts: Sequence[tuple[str, object]] = ()
    ordered: bool = True
    exact: str = ""  # The label with texts and names that decide no number, if it has any.
    reads: bool = False  # Whether the object is code that may read such texts and names of the others.


Parts = list[tuple[str, object]]
Describe = Callable[[object, str], Node]
#: Function that is called with the place, the object and the node of each object.
Note = Callable[[str, object, Node], None]


@dataclass(slots=True)
class _Open:
    """An object on the current path whose circle, if it is in one, isn't complete yet."""

    obj: object
    position: int
    lowest: int
    shallow: str
    content: str = ""
    reads: bool = False


def hash_of(label: str, parts: Sequence[str] = ()) -> str:
    """Return the SHA-256 of a label and the digests of its parts."""
    return hashlib.sha256("\n".join((str(len(label)), label, *parts)).encode("utf-8", "surrogatepass")).hexdigest()


@functools.lru_cache(maxsize=1 << 15)
def _hash_of_leaf(label: str) -> str:
    return hash_of(label)


def digest_of(obj: object, describe: Describe, note: Note | None = None) -> str:
    walk = _Walk(describe, note)
    digest = walk.visit(obj, "")
    return _Walk(describe, note, exact=True).visit(obj, "") if walk.reads else digest


class _Walk:
    """Tarjan's search for strongly connected components.

    The members of a circle have no digest before all of them are visited. Inside the circle, each stands for itself by
    its label, so that the result doesn't depend on where the circle was entered.
    """

    def __init__(self, describe: Describe, note: Note | None, exact: bool = False) -> None:
        self._describe = describe
        self._note = note
        self._exact = exact
        #: Whether code that was visited may read texts or names of other code.
        self.reads = False
        # The objects are stored with their digests, since the id of a freed object may be used again.
        self._closed: dict[int, tuple[object, str, bool]] = (
            {} if note is not None else kept_table(("digests", describe, exact))
        )
        self._open: dict[int, _Open] = {}

    def visit(self, obj: object, place: str) -> str:
        key = id(obj)
        if key in self._closed:
            _, digest, reads = self._closed[key]
            self.reads |= reads
            return digest
        if key in self._open:
            return self._open[key].shallow
        node = self._describe(obj, place)
        if self._exact and node.exact:
            node = replace(node, label=node.exact)
        if self._note is not None:
            self._note(place, obj, node)
        if not node.parts:
            self.reads |= node.reads
            return _hash_of_leaf(node.label)
        entry = _Open(obj, len(self._open), len(self._open), hash_of(node.label))
        self._open[key] = entry
        before, self.reads = self.reads, node.reads
        digests = []
        for where, part in node.parts:
            digests.append(self.visit(part, place + where))
            if id(part) in self._open:
                entry.lowest = min(entry.lowest, self._open[id(part)].lowest)
        entry.content = hash_of(node.label, digests if node.ordered else sorted(digests))
        entry.reads = self.reads
        self.reads |= before
        if entry.lowest == entry.position:
            self._close(entry)
        return self._closed[key][1] if key in self._closed else entry.shallow

    def _close(self, first: _Open) -> None:
        circle = [entry for entry in self._open.values() if entry.position >= first.position]
        contents = sorted(entry.content for entry in circle)
        for entry in circle:
            del self._open[id(entry.obj)]
            digest = entry.content if len(circle) == 1 else hash_of(entry.content, contents)
            # All of a circle can be reached from the first.
            self._closed[id(entry.obj)] = (entry.obj, digest, first.reads)
