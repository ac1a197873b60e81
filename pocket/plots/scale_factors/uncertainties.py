"""Uncertainties of a scale factor: their sources, and the correlations of its bins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocket.base.typing import Floats
from pocket.plots.canvas import Period, cms_style, new_page
from pocket.plots.palettes import PETROFF_10
from pocket.plots.scale_factors.pages import label_first, set_ranges, slice_page
from pocket.plots.scale_factors.slices import bins_text, slice_pages
from pocket.plots.scale_factors.values import grey
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import as_list
from pocket.scale_factors.measurement.binning import Axis
from pocket.scale_factors.measurement.result import ScaleFactorResult

LOOK: dict[str, Any] = {"linewidth": 2.0}
STAT_COLOR = "#717581"
#: colours of the sources; after the last one they start again, with other dashes
COLORS = tuple(color for color in PETROFF_10 if color != STAT_COLOR)
DASHES = ("-", ":", "-.", "--")


@dataclass(frozen=True, eq=False)
class Line:
    """A line that is drawn in all slices: percent of the scale factor, one dimension per axis; NaN in invalid bins."""

    name: str
    values: Floats
    look: Mapping[str, Any]


def breakdown_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw the relative uncertainty from each source, in the slices of the scale factor.

    For a source it is the larger one of the up and down shifts; for statistics and the total it is the mean of both
    sides.
    """
    stat = result.scale_factor
    lines = [
        Line("Total", (result.total_up + result.total_down) / 2, {"color": "black", "linewidth": 2.5}),
        Line("Statistics", (stat.up + stat.down) / 2, {"color": STAT_COLOR, "linewidth": 2.5, "linestyle": "--"}),
    ]
    for number, (source, (up, down)) in enumerate(result.systematics.items()):
        look = {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number // len(COLORS) % len(DASHES)]}
        lines.append(Line(source, np.maximum(np.abs(up), np.abs(down)), look))
    yield from _line_pages(result, lines, "Uncertainty [%]", labels or {}, style, period)


def coupled_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw the relative change of the scale factor in each variation of the weight that it belongs to."""
    lines = []
    for number, (name, shifts) in enumerate(result.coupled.items()):
        color, repeated = COLORS[number % len(COLORS)], number // len(COLORS) % 2
        for side, shift, dashes in zip(("up", "down"), shifts, (("-", "-."), ("--", ":")), strict=True):
            lines.append(Line(f"{name} {side}", shift, {"color": color, "linestyle": dashes[repeated]}))
    yield from _line_pages(result, lines, "Change [%]", labels or {}, style, period)


def _line_pages(
    result: ScaleFactorResult,
    absolute: Sequence[Line],
    label: str,
    labels: Mapping[str, str],
    style: PlotStyle,
    period: Period,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw lines in the slices of a scale factor, relative to it; the vertical axes include 0."""
    value = np.where(result.valid & (result.scale_factor.value != 0), np.abs(result.scale_factor.value), np.nan)
    lines = [replace(line, values=100 * line.values / value) for line in absolute]
    legend: list[Artist] = [Line2D([], [], label=line.name, **{**LOOK, **line.look}) for line in lines]
    for page in slice_pages(result, labels, style):
        with cms_style(22.0):
            figure, found = slice_page(page, result.name, (4.8,), legend, style=style, period=period)
            drawn = [[panels.slice.pick(line.values) for line in lines] for panels in found]
            set_ranges(found, 0, [[np.zeros(1), *heights] for heights in drawn])
            for panels, heights in zip(found, drawn, strict=True):
                (ax,) = panels.axes
                # The first line must be on top, so it is drawn last.
                for line, height in reversed(list(zip(lines, heights, strict=True))):
                    ax.stairs(height, panels.slice.binning.edges, baseline=None, **{**LOOK, **line.look})
                ax.axhline(0.0, color="black", linewidth=0.8, zorder=1)
                grey(ax, panels.slice, result.valid)
            label_first(found, (label,))
        slices = [
            {
                **panels.slice.numbers(),
                "percent": [
                    {"name": line.name, "values": as_list(height)} for line, height in zip(lines, heights, strict=True)
                ],
            }
            for panels, heights in zip(found, drawn, strict=True)
        ]
        yield page.stem, figure, {"name": result.name, "slices": slices}


def correlation_page(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
) -> tuple[Figure, dict[str, Any]]:
    """Draw the correlations of all bins, from statistics and systematic uncertainties together.

    Bins that were measured together are drawn as one. Bins without a valid measurement are grey.
    """
    valid = np.zeros(result.binning.size, dtype=np.bool_)
    valid[result.groups[result.valid]] = True
    matrix = np.where(np.outer(valid, valid), correlation(result.covariance), np.nan)
    texts = group_texts(result, labels or {}, style)
    size = min(16.0, max(7.0, 0.55 * len(texts)))
    # A letter is at most 0.105 inches wide.
    margin = 0.6 + 0.105 * max(len(text.replace("$", "")) for text in texts)
    width, height = margin + size + 2.0, margin + size + 1.5
    span = {"left": margin / width, "right": (margin + size) / width}
    span |= {"bottom": margin / height, "top": (margin + size) / height}
    with cms_style(20.0):
        frame = span | {"top": 1 - 0.8 / height, "left": 0.4 / width, "right": 1 - 0.3 / width}
        figure = new_page((width, height), frame, style, period=period)
        heading = f"{result.name}: correlation of the bins"
        figure.text(0.4 / width, 1 - 0.95 / height, heading, va="top", fontweight="bold")
        ax = figure.add_subplot(figure.add_gridspec(1, 1, **span)[0])
        mesh = draw_correlation(ax, matrix, texts, size)
        bar = figure.add_axes(((margin + size + 0.25) / width, span["bottom"], 0.35 / width, size / height))
        figure.colorbar(mesh, cax=bar).set_label("Correlation")
    return figure, {"name": result.name, "bins": texts, "correlation": [as_list(row) for row in matrix]}


def group_texts(result: ScaleFactorResult, labels: Mapping[str, str], style: PlotStyle) -> list[str]:
    """Return a description of each bin, where bins that were measured together are one."""
    texts = []
    for group in range(result.binning.size):
        members = np.argwhere(result.groups == group)
        parts = [
            _text(axis, labels.get(name, name), sorted(set(bins.tolist())), style)
            for (name, axis), bins in zip(result.axes.items(), members.T, strict=True)
        ]
        texts.append(", ".join(parts))
    return texts


def _text(axis: Axis, label: str, bins: list[int], style: PlotStyle) -> str:
    """Return the description of a bin without its unit, which is the same for all."""
    return bins_text(axis, label.partition(" [")[0], bins, style)


#: largest number of rows whose cells show numbers
NUMBERS = 16
#: largest number of rows that are all labelled
LABELS = 48


def draw_correlation(ax: Axes, matrix: Floats, labels: Sequence[str], size: float) -> QuadMesh:
    """Draw a correlation matrix in a panel of a size in inches, from the top down; undefined entries are grey."""
    n = len(matrix)
    ax.set_facecolor("#cccccc")
    mesh = ax.pcolormesh(np.ma.masked_invalid(matrix), cmap="RdBu_r", vmin=-1, vmax=1, rasterized=n > LABELS)
    ax.set_ylim(n, 0)
    step = math.ceil(n / LABELS)
    # The font size follows from the points per row, less the space between lines.
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


def correlation(covariance: Floats) -> Floats:
    """Return the correlations of a covariance matrix, NaN for rows without variance."""
    error = np.sqrt(np.diag(covariance))
    error = np.where(error > 0, error, np.nan)
    return np.asarray(covariance / np.outer(error, error))
