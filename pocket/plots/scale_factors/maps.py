"""Two-dimensional maps of a scale factor and of its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pocket.base.typing import Floats, Indices
from pocket.errors import ScaleFactorError
from pocket.plots.canvas import Period, cms_style, new_page
from pocket.plots.scale_factors.pages import NOTE, write_heading
from pocket.plots.scale_factors.slices import Part, intervals, split
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import as_list
from pocket.scale_factors.measurement.result import ScaleFactorResult

EMPTY = "#cccccc"
#: sizes in inches
CELL_WIDTH, CELL_HEIGHT, LEAST_WIDTH, LEAST_HEIGHT = 1.25, 0.8, 6.0, 5.0
LEFT, COLORBAR, BOTTOM, TOP, HEADING = 1.5, 2.3, 1.2, 0.8, 0.7
#: two maps up to this width are drawn side by side, wider ones below each other
BESIDE = 11.0


@dataclass(frozen=True, eq=False)
class Map:
    """A quantity in two dimensions, with numbers below the values; NaN for empty bins.

    ``template`` is the format of the texts, with fields for value, error and decimal places.
    """

    label: str
    values: Floats
    errors: Floats
    template: str
    digits: int
    colors: str
    norm: Normalize


def scale_factor_maps(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
    notes: Mapping[str, bool] = MappingProxyType({}),
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw the scale factor with its total uncertainty, and the uncertainty with its statistical part, per bin.

    The first two axes that have edges span the maps; there is a page for each bin of the other axes. All bins have the
    same size, and bins that were measured together are drawn as one. The colours of scale factors are centred at 1;
    bins without a valid measurement are grey.
    """
    labels = labels or {}
    spanned = list(intervals(result.axes))[:2]
    if len(spanned) < 2:
        raise ScaleFactorError(f"{result.name}: a map needs two axes with edges, not {', '.join(result.axes)}")
    parts = list(split(result, [name for name in result.axes if name not in spanned], labels, style))
    edges = [(labels.get(name, name), intervals(result.axes)[name]) for name in spanned]
    for number, part in enumerate(parts, 1):
        maps = _maps(result, part)
        with cms_style(20.0):
            heading = f"{result.name}: {part.title}" if part.title else result.name
            figure, panels = _new_page(maps[0].values.shape, heading, notes, style, period=period)
            for ax, one in zip(panels, maps, strict=True):
                mesh = _draw_map(ax, one, edges, result.groups[part.index])
                _add_colorbar(figure, ax, mesh, one.label)
        numbers = {
            "name": result.name,
            "quantity": result.quantity,
            "range": part.title,
            "axes": [label for label, _ in edges],
            "edges": [[str(edge) for edge in axis] for _, axis in edges],
        }
        value, total = maps
        shown = {"value": value.values, "total": total.values, "stat": total.errors}
        unique = len({one.stem for one in parts}) == len(parts)
        stem = part.stem if unique else f"{part.stem}_{number:02d}".lstrip("_")
        yield stem, figure, numbers | {name: as_list(values) for name, values in shown.items()}


def _maps(result: ScaleFactorResult, part: Part) -> tuple[Map, Map]:
    valid = result.valid[part.index]

    def chosen(values: Floats) -> Floats:
        return np.where(valid, values[part.index], np.nan)

    values = chosen(result.scale_factor.value)
    total = chosen((result.total_up + result.total_down) / 2)
    stat = chosen((result.scale_factor.up + result.scale_factor.down) / 2)
    digits = _digits(total)
    # Text is hard to read on the darkest colours, so the range is wider than the values.
    if result.quantity == "weight":
        label, colors = "Scale factor", "RdBu_r"
        distance = 1.5 * np.nanmax(np.abs(values - 1), initial=0.01)
        norm = Normalize(1 - distance, 1 + distance)
    else:
        label, colors = "Efficiency", "YlGn"
        norm = Normalize(0.0, 1.5 * np.nanmax(values, initial=1e-4))
    return (
        Map(label, values, total, "{0:.{2}f}\n$\\pm$ {1:.{2}f}", digits, colors, norm),
        Map(
            "Total (statistical) uncertainty",
            total,
            stat,
            "{0:.{2}f}\n({1:.{2}f})",
            digits + 1,
            "YlOrBr",
            Normalize(0.0, 1.5 * np.nanmax(total, initial=1e-4)),
        ),
    )


def _new_page(
    shape: tuple[int, ...], heading: str, notes: Mapping[str, bool], style: PlotStyle, *, period: Period
) -> tuple[Figure, list[Axes]]:
    """Return a figure with two panels that are large enough for the text in their cells."""
    size = max(LEAST_WIDTH, CELL_WIDTH * shape[0]), max(LEAST_HEIGHT, CELL_HEIGHT * shape[1])
    columns, rows = (2, 1) if size[0] <= BESIDE else (1, 2)
    head = TOP + HEADING + NOTE * len(notes)
    width, height = columns * (LEFT + size[0] + COLORBAR), head + rows * (size[1] + BOTTOM)
    span = {"left": LEFT / width, "right": 1 - 0.3 / width, "bottom": BOTTOM / height, "top": 1 - TOP / height}
    figure = new_page((width, height), span, style, period=period)
    write_heading(figure, LEFT, TOP + 0.15, heading, notes)
    panels = []
    for number in range(2):
        row, column = divmod(number, columns)
        left, top = LEFT + column * (LEFT + size[0] + COLORBAR), head + row * (size[1] + BOTTOM)
        box = left / width, 1 - (top + size[1]) / height, size[0] / width, size[1] / height
        panels.append(figure.add_axes(box))
    return figure, panels


def _draw_map(ax: Axes, one: Map, edges: Sequence[tuple[str, Sequence[float]]], groups: Indices) -> QuadMesh:
    """Draw a map as equal cells with text, and lines between bins that weren't measured together."""
    ax.set_facecolor(EMPTY)
    mesh = ax.pcolormesh(np.ma.masked_invalid(one.values.T), cmap=one.colors, norm=one.norm)
    _separate(ax, groups)
    for group in np.unique(groups):
        members = np.argwhere(groups == group)
        first = tuple(members[0])
        if math.isfinite(one.values[first]):
            text = one.template.format(one.values[first], one.errors[first], one.digits)
            x, y = members.mean(axis=0) + 0.5
            ax.text(x, y, text, ha="center", va="center", fontsize=16)
    (x_label, x_edges), (y_label, y_edges) = edges
    ax.set_xticks(range(len(x_edges)), map(_edge_text, x_edges), fontsize=16)
    ax.set_yticks(range(len(y_edges)), map(_edge_text, y_edges), fontsize=16)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.tick_params(which="both", direction="out", top=False, right=False)
    ax.minorticks_off()
    return mesh


def _separate(ax: Axes, groups: Indices) -> None:
    """Draw white lines between neighbours of different groups."""
    style: dict[str, Any] = {"colors": "white", "linewidth": 1.5}
    for i, j in np.argwhere(groups[1:] != groups[:-1]):
        ax.vlines(i + 1, j, j + 1, **style)
    for i, j in np.argwhere(groups[:, 1:] != groups[:, :-1]):
        ax.hlines(j + 1, i, i + 1, **style)


def _digits(errors: Floats) -> int:
    """Return the number of decimal places that shows two digits of a typical error."""
    typical = np.nanmedian(errors) if np.isfinite(errors).any() else 0.0
    return max(2, 1 - math.floor(math.log10(typical))) if typical > 0 else 3


def _edge_text(edge: float) -> str:
    return f"{edge:g}" if math.isfinite(edge) else "$\\infty$" if edge > 0 else "$-\\infty$"


def _add_colorbar(figure: Figure, ax: Axes, mesh: QuadMesh, label: str) -> None:
    box, width = ax.get_position(), figure.get_figwidth()
    bar = figure.add_axes((box.x1 + 0.25 / width, box.y0, 0.35 / width, box.height))
    figure.colorbar(mesh, cax=bar).set_label(label, fontsize=18)
    bar.tick_params(labelsize=16)
