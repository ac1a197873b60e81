"""Values of scale factors bin by bin: efficiencies and their ratio, in slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats, Mask
from pocket.plots.axes import Binning
from pocket.plots.canvas import Period, cms_style
from pocket.plots.scale_factors.pages import label_first, set_ranges, slice_page
from pocket.plots.scale_factors.slices import Slice, slice_pages
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import Points, as_list, draw_band, draw_points
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult

DATA_STYLE: dict[str, Any] = {"color": "black", "marker": "o"}
MC_STYLE: dict[str, Any] = {"color": "#e42536", "marker": "s", "markerfacecolor": "white"}
EFFICIENCIES = {"mc": ("Efficiency in MC (stat.)", MC_STYLE), "data": ("Efficiency in data (stat.)", DATA_STYLE)}
SYST_STYLE: dict[str, Any] = {"facecolor": "#fbd7a3", "edgecolor": "#f89c20", "linewidth": 1.0}
TOTAL_STYLE: dict[str, Any] = {"facecolor": "#bcd4fc", "edgecolor": "#5790fc", "linewidth": 1.0}
#: style of bins without a valid measurement
INVALID_STYLE: dict[str, Any] = {"facecolor": "#dddddd", "linewidth": 0.0}
#: style of points that were measured together with bins of another panel
SHARED_STYLE: dict[str, Any] = {"markerfacecolor": "white"}


def scale_factor_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
    notes: Mapping[str, bool] = MappingProxyType({}),
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw the scale factor and, if there are any, efficiencies in data and MC above it, in slices.

    Horizontal bars span the bins, vertical bars are statistical errors; boxes are systematic uncertainties, and both in
    quadrature. Bins that were measured together are drawn as one; their points are open if they appear in several
    panels. Bins without a valid measurement are grey. An efficiency map shows efficiencies instead of the scale factor.
    """
    weight = result.quantity == "weight"
    efficiencies = {of: EFFICIENCIES[of] for of in EFFICIENCIES if weight and of in result.efficiencies}
    what = {"weight": "Scale factor", "efficiency": "Efficiency"}.get(result.quantity, "Calibration")
    for page in slice_pages(result, labels or {}, style):
        shared = any(one.shared.any() for one in page.slices)
        with cms_style(22.0):
            figure, found = slice_page(
                page,
                result.name,
                (4.4, 3.4) if efficiencies else (4.8,),
                _legend(result, efficiencies, what, shared),
                style=style,
                period=period,
                notes=notes,
            )
            if efficiencies:
                drawn = [_draw_efficiencies(panels.axes[0], panels.slice, result, efficiencies) for panels in found]
                set_ranges(found, 0, drawn)
            set_ranges(found, -1, [_draw_scale_factor(panels.axes[-1], panels.slice, result) for panels in found])
            label_first(found, ("Efficiency", what) if efficiencies else (what,))
        slices = [_numbers(result, panels.slice) for panels in found]
        yield (
            page.stem,
            figure,
            {"name": result.name, "quantity": result.quantity, "notes": list(notes), "slices": slices},
        )


def masked(measurement: Measurement, one: Slice, valid: Mask) -> Points:
    """Return the values and interval ends of a slice where the measurement is valid, NaN elsewhere."""
    value = np.where(one.pick(valid), one.pick(measurement.value), np.nan)
    return Points(value, value - one.pick(measurement.down), value + one.pick(measurement.up))


def draw_bins(ax: Axes, one: Slice, points: Points, style: Mapping[str, Any]) -> None:
    """Draw points with horizontal bars over their bins; points that are also in other slices are open."""
    style = {"capsize": 3.0, **style}
    for chosen, look in ((~one.shared, style), (one.shared, {**style, **SHARED_STYLE})):
        if chosen.any():
            parts = (np.where(chosen, part, np.nan) for part in (points.values, points.low, points.high))
            draw_points(ax, one.binning, Points(*parts), xerr=half_widths(one.binning), **look)


def half_widths(binning: Binning) -> Floats:
    """Return the distances from the points to the edges of their bins, shape (2, bins)."""
    return np.array([binning.centers - binning.edges[:-1], binning.edges[1:] - binning.centers])


def grey(ax: Axes, one: Slice, valid: Mask) -> None:
    """Shade the invalid bins."""
    for bin_ in np.flatnonzero(~one.pick(valid).astype(bool)):
        ax.axvspan(one.binning.edges[bin_], one.binning.edges[bin_ + 1], **INVALID_STYLE)


def _draw_efficiencies(
    ax: Axes, one: Slice, result: ScaleFactorResult, styles: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> list[Floats]:
    """Draw the efficiencies of a slice, and return the heights that the vertical axis must include."""
    ends = []
    for of, (_, style) in styles.items():
        points = masked(result.efficiencies[of], one, result.valid)
        draw_bins(ax, one, points, style)
        ends += [points.low, points.high]
    grey(ax, one, result.valid)
    return ends


def _draw_scale_factor(ax: Axes, one: Slice, result: ScaleFactorResult) -> list[Floats]:
    """Draw the scale factors of a slice, and return the heights that the vertical axis must include."""
    points = masked(result.scale_factor, one, result.valid)
    low, high = points.values - one.pick(result.total_down), points.values + one.pick(result.total_up)
    if result.systematics:
        up, down = (one.pick(part) for part in systematic(result))
        draw_band(ax, one.binning, low, high, **TOTAL_STYLE)
        draw_band(ax, one.binning, points.values - down, points.values + up, **SYST_STYLE)
    draw_bins(ax, one, points, DATA_STYLE)
    grey(ax, one, result.valid)
    if result.quantity != "weight":
        return [low, high]
    ax.axhline(1.0, color="black", linewidth=1.0, linestyle="--", zorder=1)
    return [low, high, np.ones(1)]


def systematic(result: ScaleFactorResult) -> tuple[Floats, Floats]:
    """Return all systematic sources in quadrature, up and down, one dimension per axis."""
    stat = result.scale_factor
    return (
        np.sqrt(np.maximum(result.total_up**2 - stat.up**2, 0.0)),
        np.sqrt(np.maximum(result.total_down**2 - stat.down**2, 0.0)),
    )


def _legend(
    result: ScaleFactorResult, efficiencies: Mapping[str, tuple[str, Mapping[str, Any]]], what: str, shared: bool
) -> list[Artist]:
    def point(text: str, style: Mapping[str, Any]) -> Line2D:
        return Line2D([], [], linewidth=1.5, markersize=7, label=text, **style)

    entries: list[Artist] = [point(text, style) for text, style in efficiencies.values()]
    entries.append(point(f"{what} (stat.)", DATA_STYLE))
    if result.systematics:
        entries += [Patch(**SYST_STYLE, label="syst."), Patch(**TOTAL_STYLE, label=r"stat. $\oplus$ syst.")]
    if shared:
        entries.append(point("same in several panels", {**DATA_STYLE, **SHARED_STYLE}))
    return entries


def _numbers(result: ScaleFactorResult, one: Slice) -> dict[str, Any]:
    def listed(measurement: Measurement) -> dict[str, Any]:
        points = masked(measurement, one, result.valid)
        ends = {"up": points.high - points.values, "down": points.values - points.low}
        return {"value": as_list(points.values), **{name: as_list(end) for name, end in ends.items()}}

    of = {f"efficiency_{of}": listed(efficiency) for of, efficiency in result.efficiencies.items()}
    syst = dict(zip(("syst_up", "syst_down"), systematic(result), strict=True))
    errors = {**syst, "total_up": result.total_up, "total_down": result.total_down}
    return {
        **one.numbers(),
        **of,
        "scale_factor": listed(result.scale_factor),
        **{name: as_list(one.pick(error)) for name, error in errors.items()},
    }
