"""Edges of bins: those that are missing among others, and the bins within a range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats, Mask


def missing_edge(wanted: npt.ArrayLike, edges: Floats) -> tuple[float, float] | None:
    """Return the first wanted edge that is none of a histogram, and the nearest one that is; ``None`` if all are.

    >>> missing_edge([0, 11], np.array([0.0, 10.0, 20.0]))
    (11.0, 10.0)
    """
    finite = edges[np.isfinite(edges)]
    for edge in np.atleast_1d(np.asarray(wanted, dtype=float)):
        if not np.isclose(finite, edge, rtol=1e-9, atol=1e-12).any():
            return float(edge), float(finite[np.argmin(np.abs(finite - np.clip(edge, finite[0], finite[-1])))])
    return None


def bins_within(edges: Floats, bounds: tuple[float, float]) -> Mask:
    """Return which bins have their centers in a range, shape (bins,).

    >>> bins_within(np.array([0.0, 10.0, 20.0, 30.0]), (10, 30)).tolist()
    [False, True, True]
    """
    centers = (edges[:-1] + edges[1:]) / 2
    return np.asarray((bounds[0] < centers) & (centers < bounds[1]))
