"""Compiled loops that fill a histogram for all categories and variations at once."""

from __future__ import annotations

import numba
import numpy as np

from pocket.base.typing import Floats, Indices


@numba.njit(cache=True, nogil=True)
def add_weights(
    event: Indices,
    row: Indices,
    bins: Indices,
    pattern: Indices,
    starts: Indices,
    slots: Indices,
    weight_class: Indices,
    weights: Floats,
    sumw: Floats,
    sumw2: Floats,
    first: int,
) -> None:
    """Add the weight of each entry, and its square, in the categories of the entry's event or object.

    Args:
        event: event of each entry, shape (n entries,).
        row: row of each entry in ``pattern``: its event or its object, shape (n entries,).
        bins: flat bin of each entry, shape (n entries,); negative ones are left out.
        pattern: combination of categories of each event or object, shape (n rows,).
        starts: first slot of each combination in ``slots``, and the end of the last one, shape (n patterns + 1,).
        slots: categories of each combination, one combination after another, as rows of ``sumw``, shape (n slots,).
        weight_class: class of weights of each slot, shape (n slots,).
        weights: shape (n classes, n events, n variations).
        sumw: shape (n categories, n bins, n variations in total), added to.
        sumw2: same shape, added to.
        first: position of the first variation in ``sumw``.
    """
    # Indices are unsigned, so numba skips the check for negative ones.
    for entry in range(np.uint64(len(event))):
        if bins[entry] < 0:
            continue
        position, index, found = (
            np.uint64(bins[entry]),
            np.uint64(event[entry]),
            np.uint64(pattern[np.uint64(row[entry])]),
        )
        for number in range(np.uint64(starts[found]), np.uint64(starts[found + np.uint64(1)])):
            slot, source = np.uint64(slots[number]), np.uint64(weight_class[number])
            for variation in range(np.uint64(weights.shape[2])):
                weight = weights[source, index, variation]
                sumw[slot, position, np.uint64(first) + variation] += weight
                sumw2[slot, position, np.uint64(first) + variation] += weight * weight


@numba.njit(cache=True, nogil=True)
def add_once(
    event: Indices,
    row: Indices,
    bins: Indices,
    pattern: Indices,
    places: Indices,
    weights: Floats,
    sumw: Floats,
    sumw2: Floats,
) -> None:
    """Add the weight of each entry, and its square, in the one place of the entry's combination of categories.

    This is faster than :func:`add_weights` with one category per combination. Other arguments are ``places``,
    that of each combination in the sums, negative to leave it out, and weights of shape (n events, n variations).
    """
    for entry in range(np.uint64(len(event))):
        found = places[np.uint64(pattern[np.uint64(row[entry])])]
        if found < 0 or bins[entry] < 0:
            continue
        place, position, index = np.uint64(found), np.uint64(bins[entry]), np.uint64(event[entry])
        for variation in range(np.uint64(weights.shape[1])):
            weight = weights[index, variation]
            sumw[place, position, variation] += weight
            sumw2[place, position, variation] += weight * weight
