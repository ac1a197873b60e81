"""Plots of regions before and after a fit: stacked processes with their error, data, and pulls of the bins below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.plots.axes import Binning, fit_legend, label_x, label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.statistics import Prediction as Stacked
from pocket.plots.statistics import garwood_interval
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot
from pocket.plots.templates.panels import (
    TOTAL_BAND,
    Points,
    as_list,
    draw_band,
    draw_points,
    log_floor,
    points_numbers,
    ratio_range,
    relative_band,
    scale_ratio,
)
from pocket.plots.templates.processes import colors_of
from pocket.statistics.predictions import Prediction

#: what the label of the band says
STAGES: Mapping[str, str] = {"prefit": "Before the fit", "postfit": "After the fit"}
#: largest pull that the lower panel shows
LARGEST_PULL = 3.5


def draw_region(
    prediction: Prediction,
    stage: str,
    style: PlotStyle,
    period: Period,
    axis: str = "",
    *,
    asimov: bool = False,
    colors: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
) -> Plot:
    """Draw the processes of a region with the error of their sum, and data if the region isn't blind.

    The panel below shows (data − expected) / √(expected + error²) of each bin, which is approximately of width 1.
    Without observed data, it shows the relative error of the sum. ``asimov`` data are the expectation itself; ``names``
    are those of bins that are categories.
    """
    edges = np.array([0.0, 1.0]) if prediction.edges is None else prediction.edges
    binning = region_binning(prediction.edges, axis or prediction.region, names)
    processes = sorted(prediction.processes, key=lambda name: -prediction.processes[name].sum())
    found = colors or dict(zip(processes, colors_of(processes, style), strict=True))
    total, error, data = prediction.total, prediction.total_errors, prediction.data
    numbers: dict[str, Any] = {
        "region": prediction.region,
        "stage": stage,
        "edges": edges.tolist(),
        "processes": {name: as_list(prediction.processes[name]) for name in processes},
        "total": as_list(total),
        "error": as_list(error),
        "covariance": prediction.covariance.tolist(),
    }
    lines = [prediction.region, STAGES[stage]]
    points = pulls = None
    if data is None and not asimov:
        lines.append("data blinded")
    if data is not None:
        points = Points(data, *garwood_interval(data, data))
        pulls = (data - total) / np.sqrt(np.maximum(total + error**2, 1e-12))
        numbers["data"], numbers["pulls"] = points_numbers(points), as_list(pulls)
    with cms_style(style.fontsize):
        figure = new_figure(*style.figure_size, style.dpi)
        main, lower = figure.add_axes((0.15, 0.315, 0.81, 0.62)), figure.add_axes((0.15, 0.11, 0.81, 0.19))
        cms_label(main, style.label, data=data is not None and not asimov, period=period)
        entries = [] if points is None else [
            (draw_points(main, binning, points, **style.points_look), "Asimov data" if asimov else "Data")
        ]  # fmt: skip
        base: Floats = np.zeros(len(total))
        for name in reversed(processes):
            top = base + prediction.processes[name]
            draw_band(main, binning, base, top, facecolor=found[name])
            base = top
        entries += [(Patch(facecolor=found[name]), style.label_of(name)) for name in processes]
        band = {**TOTAL_BAND, **style.band_look}
        draw_band(main, binning, total - error, total + error, **band)
        entries.append((Patch(**band), "Uncertainty"))
        label_x((main, lower), binning, None)
        tops = [total + error] if points is None else [total + error, points.high]
        contents = [Stacked(values, values) for values in prediction.processes.values()]
        floor = log_floor(contents, points) if style.is_log(prediction.region) else None
        fit_legend(main, binning.edges, tops, entries, lines, floor, font_size=style.fontsize_legend)
        label_y(main, binning.events_label)
        if pulls is not None and not asimov:
            _draw_pulls(lower, binning.edges, pulls)
        else:
            low, high = relative_band((error, error), total)
            scale_ratio(lower, ratio_range(Points(np.ones_like(low), low, high)), "Rel. unc.")
            draw_band(lower, binning, low, high, **band)
    return f"{prediction.region}_{stage}", figure, numbers


def region_binning(edges: Floats | None, label: str, names: Sequence[str] = ()) -> Binning:
    """Return the axis of a region as drawn, without edges that of counted events; names must be as many as bins."""
    if edges is None:
        return Binning(np.array([0.0, 1.0]), "", ("all events",))
    return Binning(edges, label, tuple(names) if len(names) == len(edges) - 1 else ())


def _draw_pulls(ax: Axes, edges: Floats, pulls: Floats) -> None:
    ax.set_ylim(-LARGEST_PULL, LARGEST_PULL)
    for height in (-2, 0, 2):
        ax.axhline(height, color="black", linewidth=1 if height == 0 else 0.5, zorder=1)
    ax.stairs(np.clip(pulls, -LARGEST_PULL, LARGEST_PULL), edges, fill=True, color="#9c9ca1", zorder=0.5)
    ax.set_yticks([-2, 0, 2])
    label_y(ax, "Pull", panel=True)
