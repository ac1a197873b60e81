"""Uncertainties of a scale factor: what they are made of, and how they correlate its bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocket.plots.canvas import cms_style, new_page
from pocket.plots.compare import FloatArray
from pocket.plots.matrices import correlation, draw_correlation
from pocket.plots.pages import label_first, set_ranges, slice_page
from pocket.plots.panels import as_list
from pocket.plots.processes import PETROFF_10
from pocket.plots.scale_factors import grey
from pocket.plots.slices import Slice, bins_text, slice_pages
from pocket.plots.style import PlotStyle
from pocket.scale_factors.binning import Axis
from pocket.scale_factors.result import ScaleFactorResult

TOTAL: dict[str, Any] = {"color": "black", "linewidth": 2.5}
STAT: dict[str, Any] = {"color": "#717581", "linewidth": 2.5, "linestyle": "--"}
#: of the sources; after the last one they start again, with other dashes
COLORS = tuple(color for color in PETROFF_10 if color != STAT["color"])
DASHES = ("-", ":", "-.", "--")


def breakdown_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    lumi: float,
    com: float,
    year: str,
    labels: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw the relative uncertainty from each source, in the slices of the scale factor.

    Of a source it is the larger one of the shifts up and down; of statistics and of the total the mean of both sides.

    Args:
        result: the measurement.
        style: label, resolution and names of samples.
        lumi: integrated luminosity in 1/pb.
        com: centre-of-mass energy in TeV.
        year: data-taking period.
        labels: text for axes, with the unit in brackets; default their names.

    Yields:
        End of the file's name, the figure, and what it shows as numbers for JSON.
    """
    relative = relative_uncertainties(result)
    looks = {"total": TOTAL, "stat": STAT} | {
        source: {
            "color": COLORS[number % len(COLORS)],
            "linestyle": DASHES[number // len(COLORS) % len(DASHES)],
            "linewidth": 2.0,
        }
        for number, source in enumerate(result.systematics)
    }
    texts = {"total": "Total", "stat": "Statistics"}
    legend: list[Artist] = [Line2D([], [], label=texts.get(name, name), **look) for name, look in looks.items()]
    what = "scale factor" if result.quantity == "weight" else "efficiency"
    for page in slice_pages(result, labels or {}, style):
        with cms_style(22.0):
            figure, found = slice_page(
                page, result.name, (4.8,), legend, style=style, lumi=lumi, com=com, year=year
            )  # fmt: skip
            drawn = [
                _draw_sources(panels.axes[0], panels.slice, {name: relative[name] for name in looks}, looks)
                for panels in found
            ]
            set_ranges(found, 0, [[np.zeros(1), *lines] for lines in drawn])
            for panels in found:
                panels.axes[0].set_ylim(bottom=0.0)
                grey(panels.axes[0], panels.slice, result.valid)
            label_first(found, (f"Uncertainty of the {what} [%]",))
        slices = [
            {
                "range": panels.slice.part.title,
                "axis": panels.slice.binning.label,
                "edges": as_list(panels.slice.binning.edges),
                "percent": {name: as_list(line) for name, line in zip(looks, lines, strict=True)},
            }
            for panels, lines in zip(found, drawn, strict=True)
        ]
        yield page.stem, figure, {"name": result.name, "slices": slices}


def relative_uncertainties(result: ScaleFactorResult) -> dict[str, FloatArray]:
    """Return the uncertainty in percent from each source, of ``stat`` and ``total``, NaN in bins that aren't valid."""
    absolute = {
        "total": (result.total_up + result.total_down) / 2,
        "stat": (result.scale_factor.up + result.scale_factor.down) / 2,
        **{source: np.maximum(np.abs(up), np.abs(down)) for source, (up, down) in result.systematics.items()},
    }
    value = np.where(result.valid & (result.scale_factor.value != 0), np.abs(result.scale_factor.value), np.nan)
    return {name: 100 * error / value for name, error in absolute.items()}


def _draw_sources(
    ax: Axes, one: Slice, sources: Mapping[str, FloatArray], looks: Mapping[str, Mapping[str, Any]]
) -> list[FloatArray]:
    """Draw a line for each source; returns their heights."""
    lines = [one.pick(values) for values in sources.values()]
    for line, look in reversed(list(zip(lines, looks.values(), strict=True))):
        ax.stairs(line, one.binning.edges, baseline=None, **look)
    return lines


def correlation_page(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    lumi: float,
    com: float,
    year: str,
    labels: Mapping[str, str] | None = None,
) -> tuple[Figure, dict[str, Any]]:
    """Draw the correlations of all bins, from statistics and systematic uncertainties together.

    Bins that were measured together are one. Bins without a valid measurement are grey.

    Args:
        result: the measurement.
        style: label, resolution and names of samples.
        lumi: integrated luminosity in 1/pb.
        com: centre-of-mass energy in TeV.
        year: data-taking period.
        labels: text for axes, with the unit in brackets; default their names.

    Returns:
        The figure, and what it shows as numbers for JSON.
    """
    valid = np.zeros(result.binning.size, dtype=np.bool_)
    valid[result.groups[result.valid]] = True
    matrix = np.where(np.outer(valid, valid), correlation(result.covariance), np.nan)
    texts = group_texts(result, labels or {}, style)
    size = min(16.0, max(7.0, 0.55 * len(texts)))
    # a letter is 0.105 inches wide at most
    margin = 0.6 + 0.105 * max(len(text.replace("$", "")) for text in texts)
    width, height = margin + size + 2.0, margin + size + 1.5
    span = {"left": margin / width, "right": (margin + size) / width}
    span |= {"bottom": margin / height, "top": (margin + size) / height}
    with cms_style(20.0):
        frame = span | {"top": 1 - 0.8 / height, "left": 0.4 / width, "right": 1 - 0.3 / width}
        figure = new_page((width, height), frame, style, lumi=lumi, year=year, com=com)
        heading = f"{result.name}: correlation of the bins"
        figure.text(0.4 / width, 1 - 0.95 / height, heading, va="top", fontweight="bold")
        ax = figure.add_subplot(figure.add_gridspec(1, 1, **span)[0])
        mesh = draw_correlation(ax, matrix, texts, size)
        bar = figure.add_axes(((margin + size + 0.25) / width, span["bottom"], 0.35 / width, size / height))
        figure.colorbar(mesh, cax=bar).set_label("Correlation")
    return figure, {"name": result.name, "bins": texts, "correlation": [as_list(row) for row in matrix]}


def group_texts(result: ScaleFactorResult, labels: Mapping[str, str], style: PlotStyle) -> list[str]:
    """Return each bin in words, those that were measured together as one."""
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
    """A bin in words without its unit, which all share."""
    return bins_text(axis, label.partition(" [")[0], bins, style)
