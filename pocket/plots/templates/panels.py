"""Parts of a data/MC plot: data points, uncertainty bands, ratio panel, chi-square text, numbers for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from pocket.base.probabilities import short_probability
from pocket.base.typing import Floats, Mask
from pocket.errors import HistogramError
from pocket.plots.axes import Binning, label_y
from pocket.plots.statistics import Comparison, Prediction, contents, garwood_interval

if TYPE_CHECKING:
    from hist import Hist

    from pocket.scale_factors.files.comparison import PublishedComparison

STAT_BAND: dict[str, Any] = {"facecolor": "none", "edgecolor": "#3a3a3a", "hatch": "\\\\\\\\", "linewidth": 0.0}
TOTAL_BAND: dict[str, Any] = {"facecolor": "none", "edgecolor": "#8a8a8a", "hatch": "////", "linewidth": 0.0}
#: allowed half widths of a ratio panel
RATIO_RANGES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True)
class Points:
    """Heights of data points and the ends of their error bars, shape (bins,); NaN in bins without a point."""

    values: Floats
    low: Floats
    high: Floats

    @classmethod
    def from_data(cls, data: Hist[Any], hidden: Mask) -> Points:
        """Return data with their Garwood intervals, without the ``hidden`` bins."""
        values, variances = contents(data, "data")
        low, high = garwood_interval(values, variances)
        return cls(*(np.where(hidden, np.nan, part) for part in (values, low, high)))

    def over(self, prediction: Floats) -> Points:
        """Return the points divided by ``prediction``, without the bins where it isn't positive.

        Empty bins are also left out if their interval includes the prediction, since they are no surprise.
        """
        shown = (prediction > 0) & ((self.values > 0) | (self.high < prediction))
        expected = np.where(shown, prediction, np.nan)
        return Points(self.values / expected, self.low / expected, self.high / expected)


def relative_errors(prediction: Prediction) -> Points:
    """Return the prediction over itself, with its total uncertainty as error bars."""
    low, high = relative_band(prediction.total, prediction.values)
    return Points(np.ones_like(low), low, high)


def shared_binning(histograms: Iterable[tuple[str, Hist[Any]]], variable: str) -> Binning:
    """Return the dense axis that all histograms share."""
    binnings = {}
    for name, h in histograms:
        dense = [axis for axis in h.axes if axis.name != "variation"]
        if len(dense) != 1:
            axes = ", ".join(axis.name for axis in dense) or "none"
            raise HistogramError(f"{variable} of {name}: a plot shows one axis, not {axes}; use projections()")
        binnings[name] = Binning.from_axis(dense[0])
    (first, binning), *others = binnings.items()
    for name, other in others:
        if not np.array_equal(other.bounds, binning.bounds) or other.names != binning.names:
            raise HistogramError(f"{variable}: {name} and {first} have different bins")
    return binning


def log_floor(predictions: Iterable[Prediction], points: Points | None = None) -> float:
    """Return the start of a logarithmic axis that shows the smallest prediction and all data, over seven decades."""
    values = np.array([prediction.values for prediction in predictions])
    positive = values[values > 0]
    data = np.zeros(0) if points is None else points.values[points.values > 0]
    if not positive.size:
        return 0.5 * float(data.min(initial=0.2))
    floor = 0.5 * min(float(np.quantile(positive, 0.05)), float(data.min(initial=np.inf)))
    return max(floor, 1e-7 * float(positive.max()))


def draw_points(ax: Axes, binning: Binning, points: Points, **style: Any) -> Any:
    """Draw data points with error bars, and return the artist for the legend."""
    errors = np.array([points.values - points.low, points.high - points.values])
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": "black", "markersize": 7, "zorder": 5}
    return ax.errorbar(binning.centers, points.values, yerr=errors, **{"elinewidth": 1.5, **look, **style})


def draw_band(ax: Axes, binning: Binning, low: Floats, high: Floats, **style: Any) -> StepPatch:
    """Fill the area between two step functions; bins that are not finite stay empty."""
    baseline: Any = low  # The annotation in matplotlib knows numbers only.
    band = StepPatch(high, binning.edges, baseline=baseline, fill=True, **{"linewidth": 0, **style})
    # Axes.stairs would also extend the limits of the axes, which takes long, and which plots set themselves.
    ax.add_artist(band)
    return band


def relative_band(errors: tuple[Floats, Floats], prediction: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the band 1 - down/prediction to 1 + up/prediction, NaN where the prediction isn't positive."""
    expected = np.where(prediction > 0, prediction, np.nan)
    return 1 - errors[1] / expected, 1 + errors[0] / expected


def ratio_range(*ratios: Points) -> tuple[float, float]:
    """Return a range around 1 that shows nearly all well measured points with their error bars.

    Error bars longer than 0.6 are ignored if there are shorter ones; 5 % of the others may reach outside.
    """
    low, high = (np.concatenate(ends) for ends in zip(*((ratio.low, ratio.high) for ratio in ratios), strict=True))
    length = high - low
    counts = length < 0.6 if (length < 0.6).any() else np.isfinite(length)
    reach = np.quantile(np.maximum(high - 1, 1 - low)[counts], 0.95) if counts.any() else 0.0
    half = next((half for half in RATIO_RANGES if half > 1.1 * reach), RATIO_RANGES[-1])
    return 1 - half, 1 + half


def scale_ratio(ax: Axes, limits: tuple[float, float], label: str) -> None:
    """Set range, ticks and label of a ratio panel, and draw a line at 1."""
    ax.axhline(1.0, color="black", linewidth=1.0, zorder=1)
    ax.set_ylim(*limits)
    # There are no ticks at the ends, where their labels would overlap with the panel above.
    quarter = (limits[1] - limits[0]) / 4
    ax.set_yticks([1 - quarter, 1, 1 + quarter])
    label_y(ax, label, panel=True)


def draw_ratio(ax: Axes, binning: Binning, ratio: Points, **style: Any) -> None:
    """Draw ratio points in a panel with its final range, and an arrow for each point outside of it."""
    draw_points(ax, binning, ratio, **style)
    bottom, top = ax.get_ylim()
    margin = 0.05 * (top - bottom)
    arrows = {"linestyle": "none", "markersize": 8, "color": style.get("color", "black"), "zorder": 6}
    for outside, marker, height in (
        (ratio.values > top, "^", top - margin),
        (ratio.values < bottom, "v", bottom + margin),
    ):
        centers = binning.centers[outside]
        ax.plot(centers, np.full(centers.size, height), marker=marker, **arrows)


def caption(title: str, hidden: Mask, *, blind: bool = False) -> list[str]:
    """Return the lines of text above a plot, which say whether all data (``blind``) or some bins are hidden."""
    if blind:
        return [title, "data blinded"]
    return [title, "data partly blinded"] if hidden.any() else [title]


def chi2_text(comparison: Comparison | PublishedComparison) -> str:
    """Return chi-square and p-value as text for a plot."""
    if comparison.ndf == 0:
        return r"$\chi^2$: too few events"
    return rf"$\chi^2$/ndf = {comparison.chi2:.1f}/{comparison.ndf}, {_p_text(comparison.p_value)}"


def _p_text(p_value: float) -> str:
    if p_value < 1e-300:
        return "p < $10^{-300}$"
    if p_value < 1e-3:
        exponent = math.floor(math.log10(p_value))
        return rf"p = ${p_value / 10.0**exponent:.1f} \times 10^{{{exponent}}}$"
    return f"p = {short_probability(p_value)}"


def head(histogram: str, category: str, binning: Binning) -> dict[str, Any]:
    """Return what the numbers of a figure begin with, for JSON."""
    return {"histogram": histogram, "category": category, "axis": binning.label, "edges": binning.edges.tolist()}


def as_list(array: Floats) -> list[float | None]:
    """Return an array for JSON, with None for non-finite values."""
    return [float(value) if math.isfinite(value) else None for value in array.ravel()]


def prediction_numbers(prediction: Prediction) -> dict[str, Any]:
    """Return contents, errors and systematic shifts of a prediction for JSON."""
    up, down = prediction.syst
    return {
        "values": as_list(prediction.values),
        "stat": as_list(prediction.stat),
        "syst_up": as_list(up),
        "syst_down": as_list(down),
        "shifts": {
            source: {"up": as_list(shift_up), "down": as_list(shift_down)}
            for source, (shift_up, shift_down) in prediction.shifts.items()
        },
    }


def points_numbers(points: Points) -> dict[str, Any]:
    """Return data points for JSON."""
    return {"values": as_list(points.values), "low": as_list(points.low), "high": as_list(points.high)}
