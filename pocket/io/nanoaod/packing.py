"""Compaction of columns to the events that a mask selects."""

from __future__ import annotations

import awkward as ak
import numba
import numpy as np

from pocket.base.typing import Indices, Mask


class Packing:
    """Selector of events, which applies a mask to columns; positions of objects are computed once per collection."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.positions: Indices = np.flatnonzero(mask)
        self._lists: list[tuple[Indices, Indices, Indices]] = []

    def __len__(self) -> int:
        return len(self.positions)

    def within(self, first: int, last: int) -> Packing:
        return Packing(self.mask[first:last])

    def __call__(self, column: ak.Array) -> ak.Array:
        """Return the values of the selected events, contiguous in memory."""
        layout = column.layout
        if isinstance(layout, ak.contents.NumpyArray):
            return ak.Array(np.asarray(layout.data)[self.positions])
        if isinstance(layout, ak.contents.ListOffsetArray) and isinstance(layout.content, ak.contents.NumpyArray):
            return ak.Array(self.lists(layout))
        return ak.to_packed(column[self.mask])

    def lists(self, layout: ak.contents.ListOffsetArray) -> ak.contents.ListOffsetArray:
        """Return the lists of the selected events; numbers are copied without gaps, records on first access."""
        offsets, objects = self.objects(np.asarray(layout.offsets.data, dtype=np.int64))
        content = layout.content
        if isinstance(content, ak.contents.NumpyArray):
            content = ak.contents.NumpyArray(content.data.take(objects), parameters=content.parameters)
        else:
            content = ak.Array(content)[objects].layout
        return ak.contents.ListOffsetArray(ak.index.Index64(offsets), content, parameters=layout.parameters)

    def objects(self, offsets: Indices) -> tuple[Indices, Indices]:
        """Return the offsets of the selected events, and the original positions of their objects."""
        for known, selected, objects in self._lists:
            # The total number of objects distinguishes most collections.
            if known[-1] == offsets[-1] and np.array_equal(known, offsets):
                return selected, objects
        selected = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(np.diff(offsets)[self.mask], out=selected[1:])
        # The loop may write up to eight elements too many.
        objects = np.empty(selected[-1] + 8, dtype=np.int64)
        _positions(offsets, self.positions, objects)
        objects = objects[:-8]
        self._lists.append((offsets, selected, objects))
        return selected, objects


@numba.njit(cache=True, nogil=True)
def _positions(offsets: Indices, rows: Indices, found: Indices) -> None:
    """Write the positions of the elements of some lists.

    Args:
        offsets: first element of each list, and the end of the last one, shape (n lists + 1,).
        found: written to, shape (n elements of these lists + 8,).
    """
    place = np.uint64(0)
    for row in rows:
        start, end = offsets[row], offsets[row + 1]
        # Copy eight at once, so that the CPU predicts the end of most lists; surplus elements are overwritten.
        for first in range(start, end, 8):
            for number in range(8):
                found[place + np.uint64(first - start + number)] = first + number
        place += np.uint64(end - start)
