"""Event selection: applies a mask to NanoEvents, and compacts the surviving columns in memory."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from coffea.nanoevents.util import key_to_tuple

from pocket.base.arrays.jagged import flat_values
from pocket.base.arrays.lazy import lazy_column
from pocket.base.typing import Indices, Mask
from pocket.io.nanoaod.events import Chunk
from pocket.io.nanoaod.packing import Packing


def select_events(events: Any, mask: Mask, last: bool = False) -> Any:
    """Return the events that a mask selects, a chunk if they are an unmodified chunk.

    Otherwise collections that were added are compacted, since much is computed from them. After the ``last`` selection,
    columns that were needed only then in previous chunks are read for the selected events alone.
    """
    chunk = events.attrs.get("@events_factory")
    packing, layout = Packing(mask), events.layout
    if isinstance(chunk, Chunk) and chunk.is_all_of(events):
        return chunk.selected(packing).events()
    if not isinstance(layout, ak.contents.RecordArray):
        return events[mask]
    late = _Late(chunk, packing) if last and isinstance(chunk, Chunk) and len(chunk) == len(events) else None
    index, keeps_all = ak.index.Index64(packing.positions), len(packing) == len(events)

    def selected(name: str, content: Any) -> Any:
        if isinstance(content, ak.contents.ListOffsetArray):
            if keeps_all:
                return content
            # The content of lists in the file is known only after reading.
            if isinstance(content.offsets.data, np.ndarray):
                return packing.lists(content)
            if late is not None and (lists := late.lists(name, content)) is not None:
                return lists
        return ak.contents.IndexedArray.simplified(index, content)

    contents = [selected(name, layout.content(name)) for name in layout.fields]
    packed = ak.contents.RecordArray(contents, layout.fields, length=len(packing), parameters=layout.parameters)
    return ak.Array(packed, behavior=events.behavior, attrs=events.attrs)


class _Late:
    """Collections in the file whose columns are read for selected events only: other chunks didn't use them before.

    References between collections remain positions among all events of the chunk, as in columns selected before.
    """

    def __init__(self, chunk: Chunk, packing: Packing) -> None:
        self._packing = packing
        self._columns = chunk.columns.selected(packing)
        self._columns.ask(self._columns.late)
        chunk.columns.learns = True

    def lists(self, name: str, lists: ak.contents.ListOffsetArray) -> ak.contents.ListOffsetArray | None:
        """Return the selected events of a collection of the chunk, ``None`` if no column of it is read late."""
        records = lists.content
        # Most collections are recognised by their names, without a look at their columns.
        if self._columns.late.isdisjoint(f"{name}_{field}" for field in records.fields):
            return None
        branches = list(map(_unread_branch, records.contents))
        if self._columns.late.isdisjoint(branches):
            return None
        offsets, positions = self._packing.objects(np.asarray(lists.offsets.data))
        index = ak.index.Index64(positions)
        contents = [
            self._column(branch, content, positions)
            if branch in self._columns.late
            else ak.contents.IndexedArray.simplified(index, content)
            for branch, content in zip(branches, records.contents, strict=True)
        ]
        selected = ak.contents.RecordArray(
            contents, records.fields, length=len(positions), parameters=records.parameters
        )
        return ak.contents.ListOffsetArray(ak.index.Index64(offsets), selected, parameters=lists.parameters)

    def _column(self, branch: str, before: ak.contents.NumpyArray, positions: Indices) -> Any:
        def read() -> Any:
            lists = self._columns.numbers(branch)
            return np.asarray(before.data)[positions] if lists is None else flat_values(lists)

        return lazy_column(branch, len(positions), before.dtype, read).layout


def _unread_branch(column: Any) -> str:
    """Return the branch of an unread column of elements; an empty string for any other column."""
    data = column.data if isinstance(column, ak.contents.NumpyArray) else None
    if data is None or isinstance(data, np.ndarray) or data.is_materialized:
        return ""
    *_, key = key_to_tuple(data.buffer_key)
    name, *rest = key.split(",")
    return str(name) if rest == ["!load", "!content"] else ""
