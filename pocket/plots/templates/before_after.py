"""Plots of data over simulation before and after scale factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.errors import HistogramError
from pocket.plots.axes import Binning, fit_legend, label_x, label_y
from pocket.plots.canvas import cms_label, cms_style, new_figure
from pocket.plots.statistics import Comparison, Prediction, chi2_data_mc, total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import (
    Points,
    as_list,
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
    scale_ratio,
    shared_binning,
)
from pocket.plots.templates.processes import drawn_processes

if TYPE_CHECKING:
    from hist import Hist

    from pocket.plots.templates.figures import PlotContext

#: relative difference up to which sums of squares count as equal
ROUNDING = 1e-9

COLORS = {"before": "#e42536", "after": "#5790fc"}
#: styles of the two bands, one hatched and one filled, since they overlap
BANDS: dict[str, dict[str, Any]] = {
    "before": {"facecolor": "none", "edgecolor": COLORS["before"], "hatch": "////", "linewidth": 0.0},
    "after": {"facecolor": COLORS["after"], "alpha": 0.35, "linewidth": 0.0},
}
POINTS: dict[str, dict[str, Any]] = {
    "before": {"color": COLORS["before"], "markerfacecolor": "white"},
    "after": {"color": COLORS["after"]},
}


def draw(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw data over the sum of MC before and after scale factors, the ratios data / MC, and MC after / before.

    Nothing is drawn if data or one of them is missing. If a calibrator changes data, too, both data are drawn, each
    compared with its own simulation.

    Bands are statistics and systematics in quadrature, as in :mod:`pocket.plots.templates.stack`. Both sums
    use the same events, so their errors are correlated: the statistical error of after / before is drawn only if
    ``covariance`` is given.
    """
    data, before, after, covariance = context.data, context.before, context.mc, context.covariance
    style, histogram = context.style, context.histogram
    if data is None or not (after and before):
        return None
    totals = {name: _total(mc, style) for name, mc in (("before", before), ("after", after))}
    observed = {"before": data if context.data_before is None else context.data_before, "after": data}
    compared = [*before.items(), *after.items(), *(covariance or {}).items(), *observed.items()]
    binning = shared_binning(compared, histogram)
    hidden = style.blind_hists.hidden(context.category, histogram, binning.bounds)
    comparisons = {name: chi2_data_mc(observed[name], total, keep=~hidden) for name, total in totals.items()}
    points = {name: Points.from_data(counts, hidden) for name, counts in observed.items()}
    calibrated = not np.array_equal(observed["before"].values(flow=True), data.values(flow=True))
    error = None
    if covariance is not None:
        if not before.keys() == after.keys() == covariance.keys():
            raise HistogramError(f"{histogram}: before, after and their covariance have different samples")
        error = ratio_error(totals["before"], totals["after"], _total(covariance, style).variances, histogram)
    change = _change(totals, error)
    numbers = {
        **head(histogram, context.category, binning),
        "data": points_numbers(points["after"]),
        **({"data_before": points_numbers(points["before"])} if calibrated else {}),
        "after_over_before": {
            "values": as_list(change.values),
            "error": None if error is None else as_list(error),
        },
        **{
            name: prediction_numbers(total) | {"comparison": comparisons[name].as_dict()}
            for name, total in totals.items()
        },
    }
    with cms_style():
        figure = new_figure(10.0, 11.5, style.dpi)
        main = figure.add_axes((0.15, 0.405, 0.81, 0.54))
        middle = figure.add_axes((0.15, 0.25, 0.81, 0.145))
        lower = figure.add_axes((0.15, 0.095, 0.81, 0.145))
        cms_label(main, style.label, data=True, period=context.period)
        panels = (main, middle, lower)
        label_x(panels, binning, context.xlim)

        entries = []
        if calibrated:
            drawn = draw_points(main, binning, points["before"], **POINTS["before"])
            entries.append((drawn, f"Data before: {comparisons['before'].data_yield:.0f}"))
        name_of_data = "Data after" if calibrated else "Data"
        drawn = draw_points(main, binning, points["after"])
        entries.append((drawn, f"{name_of_data}: {comparisons['after'].data_yield:.0f}"))
        ratios = {name: points[name].over(total.values) for name, total in totals.items()}
        scale_ratio(middle, ratio_range(*ratios.values()), "Data / MC")
        for name, total in totals.items():
            _draw_total(main, middle, binning, total, name)
            draw_ratio(middle, binning, ratios[name], **POINTS[name])
            line = Line2D([], [], color=COLORS[name], linewidth=2.5)
            text = _legend_text(name if calibrated else f"{name} SF", comparisons[name])
            entries.append(((Patch(**BANDS[name]), line), text))
        floor = log_floor(totals.values(), points["after"]) if style.is_log(histogram) else None
        tops = [*(each.high for each in points.values()), *(total.values + total.total[0] for total in totals.values())]
        fit_legend(main, binning.edges, tops, entries, caption(context.category, hidden), floor)
        label_y(main, binning.events_label)
        _draw_change(lower, binning, change, known=error is not None)
    return figure, numbers


def ratio_error(before: Prediction, after: Prediction, covariance: Floats, name: str) -> Floats:
    """Return the statistical error of after / before, sums of weights over the same events; NaN where none is expected.

    With R = Σ w s / Σ w, Var R = Σ (w s − R w)² / (Σ w)² = [Σ w² s² − 2R Σ w² s + R² Σ w²] / (Σ w)², where before has
    Σ w and Σ w², after has Σ w s and Σ w² s², and the covariance is Σ w² s.
    """
    if (covariance**2 > before.variances * after.variances * (1 + ROUNDING)).any():
        raise HistogramError(
            f"{name}: the sums of squares of before, after and their covariance aren't of the same events"
        )
    expected = np.where(before.values > 0, before.values, np.nan)
    ratio = after.values / expected
    squares = after.variances - 2 * ratio * covariance + ratio**2 * before.variances
    # If all events have the same weight, rounding may make the sum negative.
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)) / expected)


def _total(mc: Mapping[str, Hist[Any]], style: PlotStyle) -> Prediction:
    return total_of(process.prediction for process in drawn_processes(mc, style))


def _change(totals: Mapping[str, Prediction], error: Floats | None) -> Points:
    """Return after over before, with errors if they are known."""
    before = totals["before"].values
    expected = np.where(before > 0, before, np.nan)
    values = totals["after"].values / expected
    spread = np.zeros_like(values) if error is None else error
    return Points(values, values - spread, values + spread)


def _draw_total(main: Axes, ratio: Axes, binning: Binning, total: Prediction, name: str) -> None:
    up, down = total.total
    main.stairs(total.values, binning.edges, baseline=None, color=COLORS[name], linewidth=2.5)
    draw_band(main, binning, total.values - down, total.values + up, **BANDS[name])
    draw_band(ratio, binning, *relative_band((up, down), total.values), **BANDS[name])


def _legend_text(name: str, comparison: Comparison) -> str:
    error = math.hypot(comparison.mc_stat, comparison.mc_syst)
    return rf"MC {name}: {comparison.mc_yield:.0f} $\pm$ {error:.0f}" + "\n" + chi2_text(comparison)


def _draw_change(ax: Axes, binning: Binning, change: Points, *, known: bool) -> None:
    scale_ratio(ax, ratio_range(change), "After / before")
    ax.stairs(change.values, binning.edges, baseline=None, color=COLORS["after"], linewidth=2.5)
    if known:
        draw_band(ax, binning, change.low, change.high, **BANDS["after"])
    else:
        note = "same events: no independent error"
        ax.text(0.98, 0.92, note, transform=ax.transAxes, ha="right", va="top", fontsize=14, color="#555555")
