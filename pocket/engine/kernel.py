"""The compiled loop that fills a histogram for all categories and variations at once."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def add_weights(
    event: npt.NDArray[np.int64],
    bins: npt.NDArray[np.int64],
    words: npt.NDArray[np.uint64],
    categories: npt.NDArray[np.int64],
    weight_class: npt.NDArray[np.int64],
    weights: Floats,
    sumw: Floats,
    sumw2: Floats,
) -> None:
    """Add the weight of each entry, and its square, in the categories of the entry's event.

    Args:
        event: event of each entry, shape (n entries,).
        bins: flat bin of each entry, shape (n entries,); negative ones are left out.
        words: categories of each event as bits, shape (n events, n words).
        categories: bit number of each category to fill, shape (n categories,).
        weight_class: which weights each of them uses, shape (n categories,).
        weights: shape (n classes, n events, n variations).
        sumw: shape (n categories, n bins, n variations), added to.
        sumw2: same shape, added to.
    """
    n_variations = weights.shape[2]
    for entry in range(len(event)):
        position = bins[entry]
        if position < 0:
            continue
        index = event[entry]
        for slot in range(len(categories)):
            bit = categories[slot]
            if not (words[index, bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1):
                continue
            source = weight_class[slot]
            for variation in range(n_variations):
                weight = weights[source, index, variation]
                sumw[slot, position, variation] += weight
                sumw2[slot, position, variation] += weight * weight
