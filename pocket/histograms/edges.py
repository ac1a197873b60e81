"""Edges of bins that may be open to infinity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def finite_edges(bounds: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return edges with finite ends: a bin that is open to infinity is as wide as its neighbour, or 1 without one.

    Args:
        bounds: rising edges of the bins, shape (bins + 1,); the outermost may be infinite.
    """
    edges = np.array(bounds, dtype=np.float64)
    inner = edges[np.isfinite(edges)]
    if not inner.size:
        return np.array([0.0, 1.0])
    widths = np.diff(inner) if inner.size > 1 else np.ones(1)
    if np.isinf(edges[0]):
        edges[0] = inner[0] - widths[0]
    if np.isinf(edges[-1]):
        edges[-1] = inner[-1] + widths[-1]
    return edges
