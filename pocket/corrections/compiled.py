"""Compiled loops that find the bins of values on an axis.

Each updates the numbers of bins from the previous axes: number × bins of this axis + bin on this axis.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices

#: Number of values that are compared with one edge after another, few enough for the L1 cache.
_BLOCK = 1024


@numba.njit(cache=True, nogil=True)
def add_bins(values: npt.NDArray[Any], edges: npt.NDArray[np.float64], clamped: bool, found: Indices) -> bool:
    """Update the numbers of bins ``found`` for an axis of edges, and tell whether each value is in a bin.

    Values aren't NaN; a bin includes its lower edge and excludes its upper one.
    """
    # Count the edges below each value: the CPU can't predict the comparisons of a binary search.
    passed = np.empty(_BLOCK, dtype=np.int64)
    bins, inside = np.int64(len(edges) - 1), True
    for first in range(np.uint64(0), np.uint64(len(values)), np.uint64(_BLOCK)):
        size = min(np.uint64(_BLOCK), np.uint64(len(values)) - first)
        for place in range(size):
            passed[place] = -1
        for number in range(np.uint64(len(edges))):
            edge = edges[number]
            for place in range(size):
                passed[place] += 1 if values[first + place] >= edge else 0
        for place in range(size):
            own = passed[place]
            if clamped:
                own = min(max(own, 0), bins - 1)
            inside &= (own >= 0) & (own < bins)
            found[first + place] = found[first + place] * bins + own
    return inside


@numba.njit(cache=True, nogil=True)
def add_keys(values: npt.NDArray[Any], keys: npt.NDArray[Any], found: Indices) -> bool:
    """Update the numbers of bins ``found`` for an axis of keys, and tell whether each value is a key."""
    inside = True
    for place in range(np.uint64(len(values))):
        own = np.int64(-1)
        for number in range(len(keys)):
            own = np.int64(number) if values[place] == keys[number] else own
        inside &= bool(own >= 0)
        found[place] = found[place] * np.int64(len(keys)) + own
    return inside
