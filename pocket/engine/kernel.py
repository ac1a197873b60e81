"""The compiled loop that fills a histogram for all categories and variations at once."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def add_weights(
    event: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    bins: npt.NDArray[np.int64],
    words: npt.NDArray[np.uint64],
    categories: npt.NDArray[np.int64],
    weight_class: npt.NDArray[np.int64],
    weights: Floats,
    sumw: Floats,
    sumw2: Floats,
    first: int,
) -> None:
    """Add the weight of each entry, and its square, in the categories of the entry's event or object.

    Args:
        event: event of each entry, shape (n entries,).
        row: row of each entry in ``words``: its event or its object, shape (n entries,).
        bins: flat bin of each entry, shape (n entries,); negative ones are left out.
        words: categories of each event or object as bits, shape (n rows, n words).
        categories: bit number of each category, negative to leave it out, shape (n categories,).
        weight_class: which weights each of them uses, shape (n categories,).
        weights: shape (n classes, n events, n variations).
        sumw: shape (n categories, n bins, n variations in all), added to.
        sumw2: same shape, added to.
        first: position of the first variation in ``sumw``.
    """
    # indices without sign, which needn't be compared with 0: a quarter of the time
    for entry in range(np.uint64(len(event))):
        if bins[entry] < 0:
            continue
        position, index, place = np.uint64(bins[entry]), np.uint64(event[entry]), np.uint64(row[entry])
        # most entries are in no category of a subsample
        found = np.uint64(0)
        for word in range(words.shape[1]):
            found |= words[place, word]
        if not found:
            continue
        for number in range(len(categories)):
            bit = categories[number]
            if bit < 0 or not (words[place, np.uint64(bit >> 6)] >> np.uint64(bit & 63)) & np.uint64(1):
                continue
            slot, source = np.uint64(number), np.uint64(weight_class[number])
            for variation in range(np.uint64(weights.shape[2])):
                weight = weights[source, index, variation]
                sumw[slot, position, np.uint64(first) + variation] += weight
                sumw2[slot, position, np.uint64(first) + variation] += weight * weight
