"""Matrices of correlations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from pocket.plots.compare import FloatArray

#: more rows than this have no numbers in their cells
NUMBERS = 16
#: more rows than this have a label for some of them only
LABELS = 48


def draw_correlation(ax: Axes, matrix: FloatArray, labels: Sequence[str], size: float) -> QuadMesh:
    """Draw a matrix of correlations, the first row at the top; undefined ones are grey.

    Args:
        ax: where.
        matrix: shape (n, n); NaN where a correlation isn't defined.
        labels: of the rows.
        size: of the panel [inch], for the size of the texts.
    """
    n = len(matrix)
    ax.set_facecolor("#cccccc")
    mesh = ax.pcolormesh(np.ma.masked_invalid(matrix), cmap="RdBu_r", vmin=-1, vmax=1, rasterized=n > LABELS)
    ax.set_ylim(n, 0)
    step = math.ceil(n / LABELS)
    # points per row, less the space between lines
    fontsize = min(15.0, 72 * size / n * step * 0.7)
    ticks, texts = np.arange(0, n, step) + 0.5, labels[::step]
    ax.set_xticks(ticks, texts, rotation=90, fontsize=fontsize)
    ax.set_yticks(ticks, texts, fontsize=fontsize)
    ax.tick_params(which="both", length=0)
    ax.minorticks_off()
    if n <= NUMBERS:
        for (row, column), value in np.ndenumerate(matrix):
            if math.isfinite(value):
                look: dict[str, Any] = {"fontsize": fontsize, "color": "white" if abs(value) > 0.7 else "black"}
                ax.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", **look)
    return mesh


def correlation(covariance: FloatArray) -> FloatArray:
    """Correlations, NaN with what has no variance."""
    error = np.sqrt(np.diag(covariance))
    error = np.where(error > 0, error, np.nan)
    return np.asarray(covariance / np.outer(error, error))
