"""Lists of different lengths as flat arrays, and the length of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def starts_of(counts: npt.NDArray[Any]) -> Indices:
    """Return the position of the first element of each list; ``counts`` has shape (n lists,)."""
    return np.asarray(np.cumsum(counts, dtype=np.int64) - counts, dtype=np.int64)


def reduce_lists(operation: np.ufunc, values: npt.NDArray[Any], counts: Indices, empty: npt.NDArray[Any]) -> Any:
    """Reduce the elements of each list to one.

    Args:
        operation: such as ``np.multiply``.
        values: the elements of all lists, shape (n elements, …).
        counts: number of elements of each list, shape (n lists,).
        empty: what lists without elements give, shape (n lists, …); changed where there are some.

    Returns:
        ``empty``.
    """
    filled = counts > 0
    if filled.any():
        # reduceat takes a single element where two offsets are equal, so empty lists are left out
        empty[filled] = operation.reduceat(values, starts_of(counts)[filled], axis=0)
    return empty
