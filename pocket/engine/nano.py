"""NanoAOD as events: columns are read when they are used, and packed to the events that a selection leaves.

coffea gives a mask on events to every operation that follows: each copies the values of the events that are left out of
the way again. Here the events that pass a skim are events of their own. Their columns are read from the file without
what didn't pass, and lie in memory without gaps.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory
from coffea.nanoevents.mapping import TrivialUprootOpener, UprootSourceMapping
from coffea.nanoevents.util import tuple_to_key

from pocket.engine.baskets import read_numbers
from pocket.engine.packing import Mask, Packing

#: number of schemas to keep
_SCHEMAS = 16


class _Schema(NanoAODSchema):  # type: ignore[misc]
    """NanoAOD that may lack what nothing uses: a branch that is used and isn't there gives an error anyway."""

    warn_missing_crossrefs = False
    event_ids = ()


class NanoTree:
    """A tree of NanoAOD in an open file.

    The schema is made once for all files whose branches have the same names and types.

    Args:
        file: the open file.
        object_path: the tree.
        metadata: metadata of the dataset, attached to the events.
    """

    _schemas: ClassVar[dict[Any, Any]] = {}

    def __init__(self, file: Any, object_path: str, metadata: Mapping[str, Any]) -> None:
        self.tree = file[object_path]
        self.schema = self._schema(file, object_path, metadata)

    def events(self, start: int, stop: int) -> Any:
        """Return a range of entries."""
        return _Chunk(self, start, stop).events()

    def _schema(self, file: Any, object_path: str, metadata: Mapping[str, Any]) -> Any:
        key = (tuple(_structure(self.tree)), tuple(sorted((name, repr(value)) for name, value in metadata.items())))
        if key not in self._schemas:
            if len(self._schemas) >= _SCHEMAS:
                self._schemas.clear()
            with warnings.catch_warnings():
                # old NanoAOD has photon columns that the schema replaces by constants; nothing here reads them
                warnings.filterwarnings("ignore", message="Branch Photon_", category=RuntimeWarning)

                def remember(base_form: Any) -> Any:
                    self._schemas[key] = _Schema(base_form)
                    return self._schemas[key]

                NanoEventsFactory.from_root(
                    file, treepath=object_path, schemaclass=remember, mode="virtual", metadata=dict(metadata)
                )
        return self._schemas[key]


def _structure(tree: Any) -> Iterator[tuple[Any, ...]]:
    """Yield what the schema depends on."""
    for branch in tree.branches:
        (leaf, *others) = branch.member("fLeaves")
        if others or branch.classname != "TBranch":
            yield branch.name, branch.typename
        else:
            yield branch.name, leaf.classname, leaf.member("fTitle"), leaf.member("fIsUnsigned")


class _Chunk(NanoEventsFactory):  # type: ignore[misc]
    """A range of entries, or the events of it that a mask selects."""

    def __init__(self, nano: NanoTree, start: int, stop: int, columns: _Columns | None = None) -> None:
        partition = (str(nano.tree.file.uuid), nano.tree.object_path, f"{start}-{stop}")
        self._nano, self._range = nano, (start, stop)
        # columns of no event are false
        self._columns = _Columns(nano.tree, start, stop) if columns is None else columns
        super().__init__(nano.schema, self._columns, tuple_to_key(partition), mode="virtual")
        self._layout: Any = None

    def __len__(self) -> int:
        return len(self._columns)

    def events(self) -> Any:
        """Return the events; always the same columns."""
        events = super().events()
        if self._layout is None:
            self._layout = events.layout
        return events

    def holds(self, events: Any) -> bool:
        """Tell whether events are all of these, with nothing added or changed."""
        return events.layout is self._layout

    def selected(self, mask: Mask) -> _Chunk:
        """Return the events of this chunk that a mask selects."""
        return _Chunk(self._nano, *self._range, self._columns.selected(mask))


class _Columns(UprootSourceMapping):  # type: ignore[misc]
    """The columns of a range of entries, or of those that a mask selects."""

    def __init__(self, tree: Any, start: int, stop: int) -> None:
        uuid = str(tree.file.uuid)
        super().__init__(TrivialUprootOpener({uuid: tree.file.file_path}), start, stop, use_ak_forth=True, virtual=True)
        self._tree = tree
        self._whole: dict[str, Any] = {}
        self._mask: Mask | None = None
        self._packings: dict[tuple[int, int], Packing] = {}

    def selected(self, mask: Mask) -> _Columns:
        """Return the same columns for fewer events; those that have been read aren't read again."""
        columns = _Columns(self._tree, self._start, self._stop)
        columns._whole, columns._mask = self._whole, mask
        return columns

    def __len__(self) -> int:
        return self._stop - self._start if self._mask is None else int(np.count_nonzero(self._mask))

    def _column_source(self, uuid: str, path_in_source: str) -> Any:
        return self._tree

    def extract_column(
        self, columnhandle: Any, start: int, stop: int, allow_missing: bool, use_ak_forth: bool = True
    ) -> Any:
        """Read a column, only the baskets that hold selected events."""

        def read(first: int, last: int) -> Any:
            numbers = None if allow_missing else read_numbers(columnhandle, first, last)
            if numbers is not None:
                return numbers
            return super(_Columns, self).extract_column(columnhandle, first, last, allow_missing, use_ak_forth)

        name = columnhandle.name
        if self._mask is None:
            if name not in self._whole:
                self._whole[name] = read(start, stop)
            return self._whole[name]
        if name in self._whole:
            return self._packing(start, stop)(self._whole[name])
        parts = [
            self._packing(first, last)(read(first, last))
            for first, last in needed_ranges(columnhandle.entry_offsets, start, stop, self._mask)
        ]
        return ak.concatenate(parts) if len(parts) > 1 else parts[0]

    def _packing(self, first: int, last: int) -> Packing:
        if (first, last) not in self._packings:
            assert self._mask is not None
            self._packings[first, last] = Packing(self._mask[first - self._start : last - self._start])
        return self._packings[first, last]


def select_events(events: Any, mask: Mask) -> Any:
    """Return the events that a mask selects, as events of their own if nothing was added to those that were read.

    Args:
        events: NanoEvents, of :class:`NanoTree` or any others, shape (n events,).
        mask: which to keep, shape (n events,).
    """
    chunk = events.attrs.get("@events_factory")
    if isinstance(chunk, _Chunk) and chunk.holds(events):
        return chunk.selected(mask).events()
    return events[mask]


def needed_ranges(offsets: Any, start: int, stop: int, mask: Mask) -> list[tuple[int, int]]:
    """Return the ranges of entries that have to be read for the selected ones, as far as baskets reach.

    Args:
        offsets: first entry of each basket, and the end of the last one.
        start: first entry of the mask.
        stop: the end of the mask.
        mask: selected entries, shape (stop − start,).

    Returns:
        Ranges in order, neighbours joined; an empty one if nothing is selected.
    """
    edges: npt.NDArray[np.int64] = np.unique(np.clip(np.asarray([*offsets, start, stop], dtype=np.int64), start, stop))
    ranges: list[tuple[int, int]] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if not mask[first - start : last - start].any():
            continue
        if ranges and ranges[-1][1] == first:
            first = ranges.pop()[0]
        ranges.append((first, last))
    return ranges or [(start, start)]
