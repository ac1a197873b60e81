"""Plots of profiles, limits and the goodness of fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.probabilities import short_probability
from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.plots.axes import label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.fits.rows import CHARACTER
from pocket.plots.palettes import PETROFF_6
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot
from pocket.plots.templates.panels import as_list
from pocket.statistics.results import GoodnessOfFit, Scan, ToyLimit, UpperLimit

#: rise of the deviance at one and two standard deviations of one parameter, and at 68 and 95 % CL of two
ONE = ((1.0, r"1$\sigma$"), (4.0, r"2$\sigma$"))
TWO = tuple((-2 * math.log(1 - level / 100), f"{level} % CL") for level in (68, 95))
#: points between those of a scan, for smooth contours
FINER = 8
#: colours of the bands of limits, which CMS recommends (green and yellow can't be told apart by some)
INNER, OUTER = "#607641", "#F5BB54"


def draw_scan(scan: Scan, style: PlotStyle, period: Period, *, data: bool = True) -> Plot:
    """Draw the profile of one parameter as a curve, or of two, on a grid, as a map with contours of 68 and 95 % CL."""
    numbers: dict[str, Any] = {
        "parameters": list(scan.names),
        "points": [list(point) for point in scan.points],
        "rise": list(scan.rise),
        "best": list(scan.best),
    }
    with cms_style(style.fontsize):
        if len(scan.names) == 1:
            figure = _curve(scan, style, period, data)
        elif len(scan.names) == 2:
            figure = _map(scan, style, period, data)
        else:
            raise StatisticsError(f"a scan of {len(scan.names)} parameters can't be drawn, only of one or two")
    return f"scan_{'_'.join(scan.names)}", figure, numbers


def _axes(style: PlotStyle, period: Period, data: bool, right: float = 0.05) -> tuple[Figure, Axes]:
    figure = new_figure(10, 10, style.dpi)
    ax = figure.add_axes((0.15, 0.11, 0.85 - right, 0.825))
    cms_label(ax, style.label, data=data, period=period)
    return figure, ax


def _curve(scan: Scan, style: PlotStyle, period: Period, data: bool) -> Figure:
    figure, ax = _axes(style, period, data)
    values = np.array([point[0] for point in scan.points])
    order = np.argsort(values)
    ax.plot(values[order], np.array(scan.rise)[order], color=PETROFF_6[0], linewidth=3)
    ax.set_xlim(values.min(), values.max())
    top = max(1.1 * max(scan.rise), 5.0)
    ax.set_ylim(0, top)
    for height, text in ONE:
        ax.axhline(height, color="#717581", linewidth=1.5, linestyle="--")
        ax.text(0.98, height / top + 0.005, text, transform=ax.transAxes, ha="right", va="bottom", fontsize="x-small")
    best = scan.best[0]
    ax.axvline(best, color="black", linewidth=1.5, linestyle=":")
    if best in (values.min(), values.max()):
        # The profile ends here because the range does.
        is_low = best == values.min()
        x, side, text = (
            (0.02, "left", r"$\leftarrow$ at its bound") if is_low else (0.98, "right", r"at its bound $\rightarrow$")
        )
        ax.text(x, 0.97, text, transform=ax.transAxes, ha=side, va="top", fontsize="small")
    ax.set_xlabel(scan.names[0])
    label_y(ax, r"$-2\,\Delta\ln L$")
    return figure


def _map(scan: Scan, style: PlotStyle, period: Period, data: bool) -> Figure:
    figure, ax = _axes(style, period, data, right=0.14)
    first, second = (np.unique([point[number] for point in scan.points]) for number in (0, 1))
    if len(scan.points) != first.size * second.size:
        raise StatisticsError(f"the scan of {' and '.join(scan.names)} isn't on a grid, so it can't be drawn as a map")
    heights = np.full((second.size, first.size), np.nan)
    for (x, y), rise in zip(scan.points, scan.rise, strict=True):
        heights[np.searchsorted(second, y), np.searchsorted(first, x)] = rise
    shown = np.minimum(heights, 12.0)
    image = ax.pcolormesh(first, second, shown, cmap="viridis_r", shading="nearest", rasterized=True)
    levels = [height for height, _ in TWO if np.nanmin(heights) < height < np.nanmax(heights)]
    if levels and min(heights.shape) > 1:
        looks = ["solid", "dashed"][-len(levels) :] if heights.min() > TWO[0][0] else ["solid", "dashed"]
        ax.contour(*_finer(first, second, heights), levels=levels, colors="black", linewidths=2.5, linestyles=looks)
    ax.plot([scan.best[0]], [scan.best[1]], marker="P", color="black", markersize=12, linestyle="none")
    entries = [
        Line2D([], [], color="black", marker="P", linestyle="none", markersize=12),
        *(Line2D([], [], color="black", linewidth=2.5, linestyle=look) for look in ("solid", "dashed")),
    ]
    names = ["Best fit", *(text for _, text in TWO)]
    ax.legend(entries, names, fontsize=style.fontsize_legend, loc="upper right", frameon=True, framealpha=0.85)
    bar = figure.add_axes((0.88, 0.11, 0.025, 0.825))
    figure.colorbar(image, cax=bar)
    bar.set_ylabel(r"$-2\,\Delta\ln L$", fontsize="small", loc="center")
    ax.set_xlabel(scan.names[0])
    label_y(ax, scan.names[1])
    return figure


def _finer(first: Floats, second: Floats, heights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a grid with points in between, interpolated by cubic splines if there are enough."""
    from scipy.interpolate import RectBivariateSpline

    if min(heights.shape) < 4:
        return first, second, heights
    x, y = (np.linspace(each[0], each[-1], FINER * each.size) for each in (first, second))
    return x, y, np.asarray(RectBivariateSpline(second, first, heights)(y, x))


def draw_limits(
    limits: Mapping[str, UpperLimit | ToyLimit], style: PlotStyle, period: Period, *, data: bool = True
) -> Plot:
    """Draw upper limits with their expected bands, and of data, a row for each; some number of each is found."""
    rows = list(limits.values())
    level = 100 * rows[0].level
    room = max(1.2, 0.4 + CHARACTER * 1.3 * max(map(len, limits)))
    width, height = room + 8.0, 3.2 + 0.9 * len(rows)
    ends = [*(limit.expected[-1] for limit in rows), *(limit.observed for limit in rows if data)]
    with cms_style(style.fontsize):
        figure = new_figure(width, height, style.dpi)
        ax = figure.add_axes((room / width, 1.1 / height, 1 - (room + 0.4) / width, (height - 1.8) / height))
        cms_label(ax, style.label, data=data, period=period)
        for row, limit in enumerate(rows):
            low, inner_low, median, inner_high, high = limit.expected
            ax.fill_betweenx([row - 0.35, row + 0.35], low, high, color=OUTER, linewidth=0)
            ax.fill_betweenx([row - 0.35, row + 0.35], inner_low, inner_high, color=INNER, linewidth=0)
            ax.plot([median, median], [row - 0.35, row + 0.35], color="black", linestyle="--", linewidth=2.5)
            if data:
                ax.plot([limit.observed, limit.observed], [row - 0.35, row + 0.35], color="black", linewidth=3)
        ax.set_yticks(range(len(rows)), list(limits), fontsize="small")
        ax.tick_params(axis="y", which="both", length=0, pad=12)
        ax.set_ylim(len(rows) - 0.5, -1.6)
        ax.set_xlim(0, 1.15 * float(np.nanmax(ends)))
        pois = dict.fromkeys(limit.poi for limit in rows)
        # The power of ten goes left of the axis, because the label is below its other end.
        ax.xaxis.get_offset_text().set(x=-0.02, ha="right")
        ax.set_xlabel(f"{level:g} % CL upper limit on {', '.join(pois)}")
        entries = [
            (Line2D([], [], color="black", linestyle="--", linewidth=2.5), "Median expected"),
            (Patch(facecolor=INNER), "68 % expected"),
            (Patch(facecolor=OUTER), "95 % expected"),
        ]
        if data:
            entries.insert(0, (Line2D([], [], color="black", linewidth=3), "Observed"))
        handles, labels = zip(*entries, strict=True)
        ax.legend(handles, labels, ncols=2, loc="upper right", fontsize=style.fontsize_legend)
    numbers = {
        name: {
            "poi": limit.poi,
            "level": limit.level,
            "expected": as_list(np.array(limit.expected)),
            "observed": as_list(np.array(limit.observed))[0] if data else None,
        }
        for name, limit in limits.items()
    }
    return "limits", figure, {"limits": numbers}


def draw_goodness(goodness: GoodnessOfFit, style: PlotStyle, period: Period, *, data: bool = True) -> Plot:
    """Draw the deviances of toys and that of the data."""
    if not goodness.toys:
        raise StatisticsError("the goodness of fit has no toys to draw")
    toys = np.array(goodness.toys)
    low, high = min(toys.min(), goodness.deviance), max(toys.max(), goodness.deviance)
    margin = 0.05 * (high - low) or 1.0
    counts, edges = np.histogram(toys, bins=40, range=(low - margin, high + margin))
    with cms_style(style.fontsize):
        figure, ax = _axes(style, period, data)
        ax.stairs(counts, edges, fill=True, color=PETROFF_6[0], label=f"{len(toys):,} toys")
        ax.axvline(goodness.deviance, color=PETROFF_6[2], linewidth=4, label="Data" if data else "Asimov data")
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(0, 1.35 * max(counts.max(), 1))
        ax.set_xlabel(r"Saturated $-2\ln\lambda$")
        label_y(ax, "Toys")
        p_value = goodness.p_value if goodness.p_toys is None else goodness.p_toys
        ax.legend(loc="upper right", fontsize=style.fontsize_legend, title=f"p = {short_probability(p_value, 3)}")
    numbers = {
        "deviance": goodness.deviance,
        "degrees": goodness.degrees,
        "p_value": goodness.p_value,
        "p_toys": goodness.p_toys,
        "toys": toys.tolist(),
    }
    return "goodness_of_fit", figure, numbers
