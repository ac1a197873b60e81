"""Plots of data and stacked simulation, with their ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.plots.axes import Binning, fit_legend, label_x, label_y
from pocket.plots.canvas import cms_label, cms_style, new_figure
from pocket.plots.statistics import Prediction, chi2_data_mc, total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import (
    STAT_BAND,
    TOTAL_BAND,
    Points,
    caption,
    chi2_text,
    draw_band,
    draw_points,
    draw_ratio,
    head,
    log_floor,
    points_numbers,
    prediction_numbers,
    ratio_range,
    relative_band,
    relative_errors,
    scale_ratio,
    shared_binning,
)
from pocket.plots.templates.processes import Process, drawn_processes

if TYPE_CHECKING:
    from pocket.plots.templates.figures import PlotContext


def draw(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw data over the stacked MC, and below it their ratio with the MC uncertainties around 1; nothing without MC.

    Data have Garwood intervals. The hatched bands are the MC statistics, and statistics and systematics in quadrature;
    each source is fully correlated between samples. Underflow and overflow are neither drawn nor counted.
    """
    data, mc, style = context.data, context.mc, context.style
    if not mc:
        return None
    processes = drawn_processes(mc, style)
    binning = shared_binning([*mc.items(), *([] if data is None else [("data", data)])], context.histogram)
    total = total_of(process.prediction for process in processes)
    hidden = style.blind_hists.hidden(context.category, context.histogram, binning.bounds)
    numbers = {
        **head(context.histogram, context.category, binning),
        "processes": {process.name: prediction_numbers(process.prediction) for process in processes},
        "mc": prediction_numbers(total),
    }
    lines = caption(context.category, hidden, blind=context.blind)
    points = None
    if data is not None:
        points = Points.from_data(data, hidden)
        comparison = chi2_data_mc(data, total, keep=~hidden)
        numbers["data"] = points_numbers(points)
        numbers["comparison"] = comparison.as_dict()
        lines.append(chi2_text(comparison))

    with cms_style(style.fontsize):
        figure = new_figure(*style.figure_size, style.dpi)
        main, lower = _panels(figure, style)
        cms_label(main, style.label, data=data is not None, period=context.period)

        label = style.opts_data.get("label", "Data")
        entries = [] if points is None else [(draw_points(main, binning, points, **style.points_look), label)]
        entries += (_draw_stack if style.is_stacked else _draw_lines)(main, binning, processes)
        tops = [total.values + total.total[0]] if points is None else [total.values + total.total[0], points.high]
        for process in processes:
            if process.name in style.signal_samples:
                factor = style.signal_samples[process.name]
                signal = process.prediction.values * factor
                look: dict[str, Any] = {"color": process.color, "linewidth": 3, **style.opts_sig}
                main.stairs(signal, binning.edges, baseline=None, zorder=4, **look)
                tops.append(signal)
                line = Line2D([], [], **look)
                entries.append((line, rf"{process.label} $\times$ {factor:g}"))
        entries += _draw_bands(main, lower, binning, total, style)

        label_x((main, lower), binning, context.xlim)
        low, high = style.log_limits
        drawn = [process.prediction for process in processes]
        floor = (low or log_floor(drawn, points)) if style.is_log(context.histogram) else None
        fit_legend(main, binning.edges, tops, entries, lines, floor, high, style.fontsize_legend)
        label_y(main, binning.events_label)
        if points is None:
            scale_ratio(lower, ratio_range(relative_errors(total)), "Rel. unc.")
        else:
            ratio = points.over(total.values)
            scale_ratio(lower, ratio_range(ratio), "Data / MC")
            draw_ratio(lower, binning, ratio, **style.points_look)
    return figure, numbers


def _panels(figure: Figure, style: PlotStyle) -> tuple[Axes, Axes]:
    """Return the panels of a figure, from the top down."""
    bottom, gap, top = 0.1, 0.015, 0.935
    upper, lower = style.height_ratios
    height = (top - gap - bottom) * lower / (upper + lower)
    # Rounded, so that the usual panels have the same edges on every machine.
    edge, rest = round(bottom + height + gap, 6), round(top - gap - bottom - height, 6)
    above = figure.add_axes((0.15, edge, 0.81, rest))
    return above, figure.add_axes((0.15, bottom, 0.81, round(height, 6)))


def _draw_lines(ax: Axes, binning: Binning, processes: Sequence[Process]) -> list[tuple[Any, str]]:
    """Draw the processes beside each other as lines, and return the legend entries."""
    entries = []
    for process in processes:
        look: dict[str, Any] = {"color": process.color, "linewidth": 2.5}
        ax.stairs(process.prediction.values, binning.edges, baseline=None, **look)
        entries.append((Line2D([], [], **look), process.label))
    return entries


def _draw_stack(ax: Axes, binning: Binning, processes: Sequence[Process]) -> list[tuple[Any, str]]:
    """Fill the processes on top of each other, and return the legend entries from the top down."""
    base = np.zeros(binning.centers.size)
    for process in reversed(processes):
        top = base + process.prediction.values
        draw_band(ax, binning, base, top, facecolor=process.color)
        base = top
    return [(Patch(facecolor=process.color), process.label) for process in processes]


def _draw_bands(
    main: Axes, lower: Axes, binning: Binning, total: Prediction, style: PlotStyle
) -> list[tuple[Any, str]]:
    """Hatch the uncertainties of the sum in both panels, and return the legend entries."""
    entries = []
    for errors, band, label in (
        ((total.stat, total.stat), STAT_BAND, "MC stat."),
        (total.total, {**TOTAL_BAND, **style.band_look}, r"MC stat. $\oplus$ syst."),
    ):
        up, down = errors
        draw_band(main, binning, total.values - down, total.values + up, **band)
        draw_band(lower, binning, *relative_band(errors, total.values), **band)
        entries.append((Patch(**band), label))
    return entries
