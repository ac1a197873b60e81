"""Maps of a scale factor in two dimensions, and of its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pocket.errors import ScaleFactorError
from pocket.plots.canvas import cms_style, new_page
from pocket.plots.compare import FloatArray
from pocket.plots.panels import as_list
from pocket.plots.style import PlotStyle
from pocket.scale_factors.binning import Axis, Categories
from pocket.scale_factors.result import ScaleFactorResult

EMPTY = "#cccccc"
#: where the panels are, in fractions of the figure
SPAN = {"left": 0.06, "right": 0.99, "bottom": 0.12, "top": 0.91}


def scale_factor_maps(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    lumi: float,
    com: float,
    year: str,
    labels: Mapping[str, str] | None = None,
) -> tuple[Figure, dict[str, Any]]:
    """Draw the scale factor with its total uncertainty, and the uncertainty with its statistical part, per bin.

    All bins are drawn equally large. The scale factor's colours are centred at 1; bins without a valid measurement are
    grey.

    Args:
        result: a measurement with two axes.
        style: label and resolution.
        lumi: integrated luminosity in 1/pb.
        com: centre-of-mass energy in TeV.
        year: data-taking period.
        labels: text for axes, with the unit in brackets; default their names.

    Returns:
        The figure, and what it shows as numbers for JSON.

    Raises:
        ScaleFactorError: if the scale factor hasn't two axes.
    """
    if len(result.axes) != 2:
        raise ScaleFactorError(f"{result.name}: a map shows two axes, not {', '.join(result.axes)}")
    names = [(labels or {}).get(name, name) for name in result.axes]
    valid = result.valid
    values = np.where(valid, result.scale_factor.value, np.nan)
    total = np.where(valid, (result.total_up + result.total_down) / 2, np.nan)
    stat = np.where(valid, (result.scale_factor.up + result.scale_factor.down) / 2, np.nan)
    # the darkest colours would make the texts hard to read
    distance = 1.5 * np.nanmax(np.abs(values - 1), initial=0.01)
    largest = 1.5 * np.nanmax(total, initial=1e-4)
    with cms_style(20.0):
        figure = new_page((20.0, 8.6), SPAN, style, lumi=lumi, year=year, com=com)
        grid = figure.add_gridspec(1, 2, **SPAN, wspace=0.12)
        first, second = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
        texts = _texts("{:.3f}\n$\\pm$ {:.3f}", values, total)
        mesh = _draw_map(first, result, values, texts, "RdBu_r", Normalize(1 - distance, 1 + distance))
        figure.colorbar(mesh, ax=first, pad=0.02).set_label(f"Scale factor {result.name}")
        texts = _texts("{:.4f}\n({:.4f})", total, stat)
        mesh = _draw_map(second, result, total, texts, "YlOrBr", Normalize(0.0, largest))
        figure.colorbar(mesh, ax=second, pad=0.02).set_label("Total (statistical) uncertainty")
        for ax in (first, second):
            ax.set_xlabel(names[0])
            ax.set_ylabel(names[1])
    numbers = {"name": result.name, "axes": names, "edges": [_ticks(axis)[1] for axis in result.axes.values()]}
    shown = {"scale_factor": as_list(values), "total": as_list(total), "stat": as_list(stat)}
    return figure, numbers | shown


def _texts(template: str, values: FloatArray, errors: FloatArray) -> list[list[str]]:
    """Text of each bin, empty where there is nothing."""
    return [
        [template.format(value, error) if math.isfinite(value) else "" for value, error in zip(*row, strict=True)]
        for row in zip(values, errors, strict=True)
    ]


def _ticks(axis: Axis) -> tuple[list[float], list[str]]:
    """Positions and texts: at the edges, or in the middle of categories; bins are 1 wide."""
    if isinstance(axis, Categories):
        return [number + 0.5 for number in range(len(axis.values))], [str(value) for value in axis.values]
    return list(range(len(axis))), ["$\\infty$" if math.isinf(edge) else f"{edge:g}" for edge in axis]


def _draw_map(
    ax: Axes, result: ScaleFactorResult, values: FloatArray, texts: list[list[str]], colors: str, norm: Normalize
) -> QuadMesh:
    """Draw ``values``, shape (bins of the first axis, bins of the second), as equal cells with texts."""
    ax.set_facecolor(EMPTY)
    mesh = ax.pcolormesh(np.ma.masked_invalid(values.T), cmap=colors, norm=norm, edgecolors="white", linewidth=1.0)
    columns, rows = values.shape
    # seven characters fit into a cell, and two lines
    size = min(18.0, 540 / columns / 4.5, 480 / rows / 3.0)
    for (i, j), value in np.ndenumerate(values):
        if math.isfinite(value):
            ax.text(i + 0.5, j + 0.5, texts[i][j], ha="center", va="center", fontsize=size)
    x, y = map(_ticks, result.axes.values())
    ax.set_xticks(*x)
    ax.set_yticks(*y)
    ax.tick_params(which="both", direction="out", top=False, right=False)
    ax.minorticks_off()
    return mesh
