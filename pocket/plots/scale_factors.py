"""Scale factors: efficiencies and their ratio in slices of the bins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.plots.axes import Binning, label_x
from pocket.plots.canvas import cms_style, new_page
from pocket.plots.compare import BoolArray, FloatArray
from pocket.plots.panels import Points, as_list, draw_band, draw_points
from pocket.plots.style import PlotStyle
from pocket.scale_factors.binning import Axis, Categories, length
from pocket.scale_factors.result import Measurement, ScaleFactorResult

DATA_STYLE: dict[str, Any] = {"color": "black", "marker": "o"}
MC_STYLE: dict[str, Any] = {"color": "#e42536", "marker": "s", "markerfacecolor": "white"}
TOTAL_STYLE: dict[str, Any] = {"facecolor": "#5790fc", "alpha": 0.35, "linewidth": 0.0}
#: bins without a valid measurement
INVALID_STYLE: dict[str, Any] = {"color": "#dddddd", "linewidth": 0.0}


def scale_factor_slices(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    lumi: float,
    com: float,
    year: str,
    labels: Mapping[str, str] | None = None,
) -> tuple[Figure, dict[str, Any]]:
    """Draw efficiencies in data and MC, and below them the scale factor, along the first axis.

    There is a pair of panels for each bin of the other axes; all have the same vertical ranges. Horizontal bars span
    the bins, vertical bars are statistical errors, boxes are statistics and systematics in quadrature. Bins without a
    valid measurement are grey.

    Args:
        result: the measurement.
        style: label and resolution.
        lumi: integrated luminosity in 1/pb.
        com: centre-of-mass energy in TeV.
        year: data-taking period.
        labels: text for axes, with the unit in brackets; default their names.

    Returns:
        The figure, and what it shows as numbers for JSON.
    """
    labels = labels or {}
    name, axis = next(iter(result.axes.items()))
    binning = drawn_axis(axis, labels.get(name, name))
    slices = list(_slices(result.axes, labels))
    valid = result.valid
    columns = len(slices) if len(slices) <= 3 else math.ceil(math.sqrt(len(slices)))
    rows = math.ceil(len(slices) / columns)
    width, height = 1.9 + 6.6 * columns, 0.9 + 7.6 * rows
    span = {"left": 1.6 / width, "right": 1 - 0.3 / width, "bottom": 1.2 / height, "top": 1 - 0.8 / height}
    drawn: list[dict[str, Any]] = []
    with cms_style(22.0):
        figure = new_page((width, height), span, style, lumi=lumi, year=year, com=com)
        grid = figure.add_gridspec(rows, columns, **span, wspace=0.08, hspace=0.2)
        for position, (index, text) in enumerate(slices):
            cell = grid[divmod(position, columns)].subgridspec(2, 1, height_ratios=(2, 1), hspace=0.05)
            upper, lower = figure.add_subplot(cell[0]), figure.add_subplot(cell[1])
            label_x((upper, lower), binning, None)
            _draw_efficiencies(upper, binning, result, index, valid)
            _draw_scale_factor(lower, binning, result, index, valid)
            title = f"{result.name}: {text}" if text else result.name
            upper.text(0.05, 0.95, title, transform=upper.transAxes, va="top", fontsize="small")
            first = position % columns == 0
            for ax, label in ((upper, "Efficiency"), (lower, "Scale factor")):
                ax.tick_params(axis="y", labelleft=first)
                ax.set_ylabel(label if first else "", loc="center")
                ax.yaxis.set_label_coords(-0.145, 0.5)
            if position == 0:
                upper.legend(handles=_legend(), loc="lower right", fontsize="x-small", ncols=2, columnspacing=1.0)
            drawn.append({"range": text} | _numbers(result, index))
    return figure, {"name": result.name, "axis": binning.label, "edges": binning.edges.tolist(), "slices": drawn}


def _slices(axes: Mapping[str, Axis], labels: Mapping[str, str]) -> Iterator[tuple[tuple[slice | int, ...], str]]:
    """Index and text of each combination of bins of the axes behind the first one."""
    others = [(labels.get(name, name), axis) for name, axis in list(axes.items())[1:]]
    for bins in itertools.product(*(range(length(axis)) for _, axis in others)):
        texts = (_bin_text(label, axis, i) for i, (label, axis) in zip(bins, others, strict=True))
        yield (slice(None), *bins), ", ".join(texts)


def drawn_axis(axis: Axis, label: str) -> Binning:
    """An axis of a scale factor as it is drawn: with its edges, or a tick for each category."""
    if isinstance(axis, Categories):
        return Binning(range(len(axis.values) + 1), label, tuple(map(str, axis.values)))
    return Binning(axis, label)


def _bin_text(label: str, axis: Axis, index: int) -> str:
    if isinstance(axis, Categories):
        return f"{label} {axis.values[index]}"
    return range_text(label, axis[index], axis[index + 1])


def range_text(label: str, low: float, high: float) -> str:
    """A bin in words, e.g. ``20 < $p_T$ < 25 GeV`` for the label ``$p_T$ [GeV]``."""
    symbol, _, unit = label.partition(" [")
    if math.isinf(high):
        text = symbol if math.isinf(low) else f"{symbol} > {low:g}"
    else:
        text = f"{symbol} < {high:g}" if math.isinf(low) else f"{low:g} < {symbol} < {high:g}"
    return f"{text} {unit.rstrip(']')}".rstrip()


def _masked(measurement: Measurement, valid: BoolArray) -> Points:
    """Values and interval ends where the measurement is valid, NaN elsewhere."""
    value = np.where(valid, measurement.value, np.nan)
    return Points(value, value - measurement.down, value + measurement.up)


def _draw_efficiencies(
    ax: Axes, binning: Binning, result: ScaleFactorResult, index: tuple[slice | int, ...], valid: BoolArray
) -> None:
    styles = {"mc": MC_STYLE, "data": DATA_STYLE}
    measured = [(_masked(result.efficiencies[of], valid), styles[of]) for of in styles if of in result.efficiencies]
    for points, style in measured:
        _draw_bins(ax, binning, points, index, style)
    low, high = _span(*(end for points, _ in measured for end in (points.low, points.high)))
    # room for the legend below and the text above
    ax.set_ylim(low - 0.4 * (high - low), high + 0.35 * (high - low))
    _grey(ax, binning, valid[index])


def _draw_scale_factor(
    ax: Axes, binning: Binning, result: ScaleFactorResult, index: tuple[slice | int, ...], valid: BoolArray
) -> None:
    points = _masked(result.scale_factor, valid)
    low, high = points.values - result.total_down, points.values + result.total_up
    draw_band(ax, binning, low[index], high[index], **TOTAL_STYLE)
    _draw_bins(ax, binning, points, index, DATA_STYLE)
    ax.axhline(1.0, color="black", linewidth=1.0, linestyle="--", zorder=1)
    bottom, top = _span(low, high, np.ones(1))
    ax.set_ylim(bottom - 0.2 * (top - bottom), top + 0.2 * (top - bottom))
    _grey(ax, binning, valid[index])


def _draw_bins(
    ax: Axes, binning: Binning, points: Points, index: tuple[slice | int, ...], style: Mapping[str, Any]
) -> None:
    """Points of a slice, with horizontal bars over the bins."""
    shown = Points(points.values[index], points.low[index], points.high[index])
    draw_points(ax, binning, shown, xerr=np.diff(binning.edges) / 2, **style)


def _grey(ax: Axes, binning: Binning, valid: BoolArray) -> None:
    for bin_ in np.flatnonzero(~valid):
        ax.axvspan(binning.edges[bin_], binning.edges[bin_ + 1], **INVALID_STYLE)


def _span(*arrays: FloatArray) -> tuple[float, float]:
    """Lowest and highest finite value, apart from each other."""
    values = np.concatenate([np.zeros(0), *(array.ravel() for array in arrays)])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low > 1e-6 else (low - 0.01, high + 0.01)


def _legend() -> list[Artist]:
    def point(text: str, style: Mapping[str, Any]) -> Line2D:
        return Line2D([], [], linewidth=1.5, markersize=7, label=text, **style)

    return [
        point("Data (stat.)", DATA_STYLE),
        point("MC (stat.)", MC_STYLE),
        Patch(**TOTAL_STYLE, label=r"SF (stat. $\oplus$ syst.)"),
    ]


def _numbers(result: ScaleFactorResult, index: tuple[slice | int, ...]) -> dict[str, Any]:
    parts = {
        name: {"value": as_list(part.value[index]), "up": as_list(part.up[index]), "down": as_list(part.down[index])}
        for name, part in (
            *((f"efficiency_{of}", efficiency) for of, efficiency in result.efficiencies.items()),
            ("scale_factor", result.scale_factor),
        )
    }
    return {**parts, "total_up": as_list(result.total_up[index]), "total_down": as_list(result.total_down[index])}
