"""Plots that compare shapes: data and the processes of simulation, each scaled to the same area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocket.base.typing import Floats
from pocket.plots.axes import fit_legend, label_x, label_y
from pocket.plots.canvas import cms_label, cms_style, new_figure
from pocket.plots.statistics import Prediction
from pocket.plots.templates.panels import (
    Points,
    as_list,
    caption,
    draw_points,
    head,
    log_floor,
    points_numbers,
    shared_binning,
)
from pocket.plots.templates.processes import drawn_processes

if TYPE_CHECKING:
    from pocket.plots.templates.figures import PlotContext

#: effective events of a bin that is known well enough to decide how high the axis is
KNOWN = 4.0
#: height up to which other bins are drawn, as a multiple of the highest of these
ABOVE = 1.5


@dataclass(frozen=True)
class _Curve:
    """The shape of a process: fractions of its events per width of each bin, shape (bins,)."""

    values: Floats
    errors: Floats

    @classmethod
    def of(cls, prediction: Prediction, widths: Floats) -> _Curve:
        """Return the shape of a prediction."""
        area = prediction.values.sum() * widths
        return cls(prediction.values / area, prediction.stat / area)


def _cap(curves: Sequence[_Curve], data: Sequence[Floats]) -> float:
    """Return the height up to which curves and upper ends of data are drawn, infinity if no bin is known well."""
    heights = [
        (curve.values + curve.errors)[curve.values**2 >= KNOWN * curve.errors**2]
        for curve in curves
        if curve.values.size
    ]
    highest = max((float(part.max()) for part in heights if part.size), default=0.0)
    if not highest:
        return float("inf")
    return max(ABOVE * highest, *(float(np.nanmax(part)) for part in data), 0.0)


def draw(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw the shape of each process, and of the data, as fractions of their events per bin width.

    Error bars of processes are the statistics of simulation. Bins with few events don't decide how high the axis is; an
    arrow marks those that reach beyond it. Underflow and overflow don't count. Blinded bins of data
    are hidden; if there are some, data have no area of their own and aren't drawn.
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
    hidden = style.blind_hists.hidden(context.category, context.histogram, binning.bounds)
    numbers: dict[str, Any] = {**head(context.histogram, context.category, binning), "processes": {}}
    with cms_style(style.fontsize):
        figure = new_figure(10, 10, style.dpi)
        ax = figure.add_axes((0.15, 0.11, 0.81, 0.825))
        entries, tops = [], []
        curves = [_Curve.of(process.prediction, widths) for process in processes]
        points, is_cut = None, False
        if context.data is not None and not hidden.any() and context.data.values().sum() > 0:
            data = Points.from_data(context.data, hidden)
            area = data.values.sum() * widths
            points = Points(data.values / area, data.low / area, data.high / area)
            numbers["data"] = points_numbers(points)
            label = style.opts_data.get("label", "Data")
            entries.append((draw_points(ax, binning, points, **style.points_look), label))
            tops.append(points.high)
        cms_label(ax, style.label, data=points is not None, period=context.period)
        cap = _cap(curves, tops)
        for process, curve in zip(processes, curves, strict=True):
            look: dict[str, Any] = {"color": process.color, "linewidth": 2.5}
            shown, above = np.minimum(curve.values, cap), np.minimum(curve.values + curve.errors, cap)
            ax.stairs(shown, binning.edges, baseline=None, **look)
            bars = np.clip([shown - (curve.values - curve.errors), above - shown], 0.0, None)
            ax.errorbar(binning.centers, shown, yerr=bars, linestyle="none", color=process.color, elinewidth=1.5)
            cut = curve.values + curve.errors > cap
            ax.plot(binning.centers[cut], above[cut], linestyle="none", marker="^", markersize=8, color=process.color)
            is_cut = is_cut or bool(cut.any())
            entries.append((Line2D([], [], **look), process.label))
            tops.append(above)
            numbers["processes"][process.name] = {"values": as_list(curve.values), "stat": as_list(curve.errors)}
        label_x((ax,), binning, context.xlim)
        drawn = [Prediction(curve.values, curve.errors**2) for curve in curves]
        floor = log_floor(drawn, points) if style.is_log(context.histogram) else None
        lines = caption(context.category, hidden, blind=context.blind)
        lines += ["arrows: few events, beyond the axis"] if is_cut else []
        fit_legend(ax, binning.edges, tops, entries, lines, floor, font_size=style.fontsize_legend)
        label_y(ax, "Fraction of events" if binning.names else f"Fraction of events / {binning.unit or 'width'}")
    return figure, numbers
