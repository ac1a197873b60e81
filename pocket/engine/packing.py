"""Columns without the values of the events that a mask leaves out."""

from __future__ import annotations

import awkward as ak
import numba
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


class Packing:
    """Takes the events that a mask selects out of columns.

    Columns of one collection share what follows from its numbers of objects.

    Args:
        mask: events to keep, shape (n events,).
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._lists: list[tuple[Indices, Indices, Indices]] = []

    def __call__(self, column: ak.Array) -> ak.Array:
        """Return the values of the selected events, contiguous in memory.

        Args:
            column: of length n events.
        """
        layout = column.layout
        if isinstance(layout, ak.contents.NumpyArray):
            return ak.Array(np.asarray(layout.data)[self._mask])
        if isinstance(layout, ak.contents.ListOffsetArray) and isinstance(layout.content, ak.contents.NumpyArray):
            offsets, objects = self._objects(np.asarray(layout.offsets.data, dtype=np.int64))
            content = ak.contents.NumpyArray(layout.content.data.take(objects), parameters=layout.content.parameters)
            return ak.Array(
                ak.contents.ListOffsetArray(ak.index.Index64(offsets), content, parameters=layout.parameters)
            )
        return ak.to_packed(column[self._mask])

    def _objects(self, offsets: Indices) -> tuple[Indices, Indices]:
        """Return the offsets of the selected events, and the positions of their objects before the selection."""
        for known, selected, objects in self._lists:
            # the number of objects tells most collections apart
            if known[-1] == offsets[-1] and np.array_equal(known, offsets):
                return selected, objects
        selected = np.zeros(np.count_nonzero(self._mask) + 1, dtype=np.int64)
        np.cumsum(np.diff(offsets)[self._mask], out=selected[1:])
        objects = np.empty(selected[-1], dtype=np.int64)
        _positions(offsets, self._mask, objects)
        self._lists.append((offsets, selected, objects))
        return selected, objects


@numba.njit(cache=True, nogil=True)
def _positions(offsets: Indices, mask: Mask, found: Indices) -> None:
    """Write the positions of the elements of the selected lists.

    Args:
        offsets: first element of each list, and the end of the last one, shape (n lists + 1,).
        mask: which lists are selected, shape (n lists,).
        found: written to, shape (n elements of selected lists,).
    """
    number = 0
    for row in range(len(mask)):
        if mask[row]:
            for position in range(offsets[row], offsets[row + 1]):
                found[number] = position
                number += 1
