"""Plots that compare shapes: data and the processes of simulation, each scaled to the same area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocket.plots.axes import fit_legend, label_x, label_y
from pocket.plots.canvas import cms_label, cms_style, new_figure
from pocket.plots.templates.panels import (
    Points,
    as_list,
    caption,
    draw_points,
    log_floor,
    points_numbers,
    shared_binning,
)
from pocket.plots.templates.processes import drawn_processes

if TYPE_CHECKING:
    from pocket.plots.templates.figures import PlotContext


def draw(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw the shape of each process, and of the data, as fractions of their events per bin width.

    Error bars of processes are the statistics of simulation. Underflow and overflow don't count. Blinded bins of data
    are hidden; if there are some, data have no area of their own and aren't drawn.

    Args:
        context: the templates, as :class:`pocket.plots.templates.figures.PlotContext` has them.

    Returns:
        The figure and its numbers; nothing if there is no simulation.
    """
    if not context.mc:
        return None
    style = context.style
    processes = [each for each in drawn_processes(context.mc, style) if each.prediction.values.sum() > 0]
    if not processes:
        return None
    histograms = [*context.mc.items(), *([] if context.data is None else [("data", context.data)])]
    binning = shared_binning(histograms, context.histogram)
    widths = np.ones(binning.centers.size) if binning.names else np.diff(binning.edges)
    hidden = style.blind_hists.hidden(context.category, context.histogram, binning.edges)
    numbers: dict[str, Any] = {
        "histogram": context.histogram,
        "category": context.category,
        "axis": binning.label,
        "edges": binning.edges.tolist(),
        "processes": {},
    }
    with cms_style(style.fontsize):
        figure = new_figure(10, 10, style.dpi)
        ax = figure.add_axes((0.15, 0.11, 0.81, 0.825))
        entries, tops, scaled = [], [], []
        points = None
        if context.data is not None and not hidden.any() and context.data.values().sum() > 0:
            data = Points.from_data(context.data, hidden)
            area = data.values.sum() * widths
            points = Points(data.values / area, data.low / area, data.high / area)
            numbers["data"] = points_numbers(points)
            label = style.opts_data.get("label", "Data")
            entries.append((draw_points(ax, binning, points, **style.points_look), label))
            tops.append(points.high)
        cms_label(ax, style.label, data=points is not None, period=context.period)
        for process in processes:
            area = process.prediction.values.sum() * widths
            values, errors = process.prediction.values / area, process.prediction.stat / area
            look: dict[str, Any] = {"color": process.color, "linewidth": 2.5}
            ax.stairs(values, binning.edges, baseline=None, **look)
            ax.errorbar(binning.centers, values, yerr=errors, linestyle="none", color=process.color, elinewidth=1.5)
            entries.append((Line2D([], [], **look), process.label))
            tops.append(values + errors)
            scaled.append(process.prediction.scaled(1 / process.prediction.values.sum()))
            numbers["processes"][process.name] = {"values": as_list(values), "stat": as_list(errors)}
        label_x((ax,), binning, context.xlim)
        floor = log_floor(scaled) if style.is_log(context.histogram) else None
        lines = caption(context.category, hidden, blind=context.blind)
        fit_legend(ax, binning.edges, tops, entries, lines, floor, font_size=style.fontsize_legend)
        label_y(ax, "Fraction of events" if binning.names else f"Fraction of events / {binning.unit or 'width'}")
    return figure, numbers
