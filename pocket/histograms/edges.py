"""Edges of declared axes."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.histograms.config import Axis


def declared_edges(axis: Axis) -> Floats | None:
    """Return the edges of a declared axis, shape (bins + 1,), ``None`` if it has categories.

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
