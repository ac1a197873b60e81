"""Edges of declared axes, and those of other bins that are missing among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats, Mask
from pocket.histograms.config import Axis


def declared_edges(axis: Axis) -> Floats | None:
    """Return the edges of a declared axis, ``None`` if it has categories.

    Returns:
        Shape (bins + 1,).

    >>> declared_edges(Axis("pt", bins=4, start=0, stop=100)).tolist()
    [0.0, 25.0, 50.0, 75.0, 100.0]
    """
    if axis.type in ("intcat", "strcat"):
        return None
    if axis.type == "variable":
        return np.array(axis.bins, dtype=float)
    start, stop, bins = float(axis.start or 0), float(axis.stop or 0), axis.bins
    assert isinstance(bins, int | None)
    if axis.type == "integer":
        return np.arange(start, stop + 1)
    edges = (bins or 1) + 1
    if axis.transform == "log":
        return np.asarray(np.exp(np.linspace(np.log(start), np.log(stop), edges)))
    if axis.transform == "sqrt":
        return np.asarray(np.linspace(np.sqrt(start), np.sqrt(stop), edges) ** 2)
    return np.linspace(start, stop, edges)


def missing_edge(wanted: npt.ArrayLike, edges: Floats) -> tuple[float, float] | None:
    """Return the first wanted edge that is none of a histogram, and the nearest one that is; ``None`` if all are.

    Args:
        wanted: edges, shape (wanted edges,).
        edges: edges of the histogram, shape (bins + 1,).

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

    Args:
        edges: edges of the bins, shape (bins + 1,).
        bounds: lower and upper end of the range.

    >>> bins_within(np.array([0.0, 10.0, 20.0, 30.0]), (10, 30)).tolist()
    [False, True, True]
    """
    centers = (edges[:-1] + edges[1:]) / 2
    return np.asarray((bounds[0] < centers) & (centers < bounds[1]))
