"""Plots of a measured scale factor over a published one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.plots.canvas import Period, cms_style
from pocket.plots.scale_factors.pages import Panels, label_first, set_ranges, slice_page
from pocket.plots.scale_factors.slices import Slice, slice_pages
from pocket.plots.scale_factors.values import DATA_STYLE, draw_bins, grey, masked
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import Points, as_list, chi2_text, draw_band, points_numbers
from pocket.scale_factors.files.comparison import PublishedComparison
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult

LINE: dict[str, Any] = {"color": "#3f90da", "linewidth": 2.0}
BAND: dict[str, Any] = {"facecolor": "#bcd4fc", "linewidth": 0.0}
#: style of the total error; the statistical error is drawn over it, with caps
WHOLE: dict[str, Any] = {**DATA_STYLE, "capsize": 0.0}


def published_pages(
    result: ScaleFactorResult,
    comparison: PublishedComparison,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw a scale factor over a published one, and their ratio below, in slices.

    Points are measured, with statistical errors up to the caps and total errors beyond; lines with bands are published.
    The points of the ratio have the errors of the measurement, its band the errors of the published scale factor.
    """
    what = "Scale factor" if result.quantity == "weight" else "Efficiency"
    legend: list[Artist] = [
        Line2D([], [], linewidth=1.5, markersize=7, label=r"Measured (stat., stat. $\oplus$ syst.)", **DATA_STYLE),
        Patch(**BAND, label=f"Published: {comparison.correction}"),
    ]
    heading = f"{result.name}: {chi2_text(comparison)}"
    for page in slice_pages(result, labels or {}, style):
        with cms_style(22.0):
            figure, found = slice_page(page, heading, (4.6, 2.8), legend, style=style, period=period)
            drawn = [_draw(panels, result, comparison) for panels in found]
            set_ranges(found, 0, [ends for ends, _ in drawn])
            set_ranges(found, 1, [ends for _, ends in drawn])
            label_first(found, (what, "Measured / publ."))
        numbers = {
            "name": result.name,
            "published": comparison.correction,
            "inputs": comparison.inputs,
            "chi2": comparison.chi2,
            "ndf": comparison.ndf,
            "p_value": comparison.p_value,
            "slices": [_numbers(panels.slice, result, comparison) for panels in found],
        }
        yield page.stem, figure, numbers


def _draw(
    panels: Panels, result: ScaleFactorResult, comparison: PublishedComparison
) -> tuple[list[Floats], list[Floats]]:
    """Draw a slice, and return the heights that the vertical axes of both panels must include."""
    one, (upper, lower) = panels.slice, panels.axes
    measured, total, published = _points(one, result, comparison)
    ratio = _inverse(published.values)
    reached = []
    for ax, factor in ((upper, np.ones_like(ratio)), (lower, ratio)):
        band = _scaled(published, factor)
        draw_band(ax, one.binning, band.low, band.high, **BAND)
        ax.stairs(band.values, one.binning.edges, baseline=None, **LINE)
        ends = _scaled(total, factor)
        draw_bins(ax, one, ends, WHOLE)
        draw_bins(ax, one, _scaled(measured, factor), DATA_STYLE)
        grey(ax, one, result.valid)
        reached.append([ends.low, ends.high, band.low, band.high])
    lower.axhline(1.0, color="black", linewidth=1.0, linestyle="--", zorder=1)
    return reached[0], reached[1]


def _points(one: Slice, result: ScaleFactorResult, comparison: PublishedComparison) -> tuple[Points, Points, Points]:
    """Return the measurement with statistical and with total errors, and the published values, in a slice."""
    whole = Measurement(result.scale_factor.value, result.total_up, result.total_down)
    everywhere = np.ones_like(result.valid)
    return (
        masked(result.scale_factor, one, result.valid),
        masked(whole, one, result.valid),
        masked(comparison.published, one, everywhere),
    )


def _inverse(values: Floats) -> Floats:
    return 1 / np.where(values > 0, values, np.nan)


def _scaled(points: Points, factor: Floats) -> Points:
    return Points(points.values * factor, points.low * factor, points.high * factor)


def _numbers(one: Slice, result: ScaleFactorResult, comparison: PublishedComparison) -> dict[str, Any]:
    measured, total, published = _points(one, result, comparison)
    return {
        **one.numbers(),
        "measured": points_numbers(measured),
        "measured_total": points_numbers(total),
        "published": points_numbers(published),
        "ratio": as_list(measured.values * _inverse(published.values)),
        "pull": as_list(np.where(one.pick(result.valid), one.pick(comparison.pulls), np.nan)),
    }
