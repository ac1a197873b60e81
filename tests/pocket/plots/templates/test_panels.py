from __future__ import annotations

import math
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import HistogramError
from pocket.plots.axes import Binning
from pocket.plots.canvas import new_figure
from pocket.plots.statistics import Comparison, Prediction
from pocket.plots.templates.panels import (
    Points,
    chi2_text,
    draw_ratio,
    log_floor,
    ratio_range,
    relative_band,
    shared_binning,
)
from tests.pocket.plots.zmumu import counts, template


def points(values: list[float], error: float = 0.01) -> Points:
    array = np.array(values)
    return Points(array, array - error, array + error)


def test_ratio_leaves_out_bins_without_prediction_and_unsurprising_empty_ones() -> None:
    data = Points.from_data(counts([10.0, 5.0, 0.0, 0.0, 7.0]), np.array([False, False, False, False, True]))
    ratio = data.over(np.array([8.0, 0.0, 0.5, 20.0, 7.0]))
    # the interval of an empty bin reaches up to 1.84 events
    assert np.isnan(ratio.values).tolist() == [False, True, True, False, True]
    assert ratio.values[0] == pytest.approx(10 / 8)
    assert ratio.high[3] == pytest.approx(1.841 / 20, rel=1e-3)


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([1.01, 0.99], (0.95, 1.05)),
        ([1.15, 0.99], (0.8, 1.2)),
        ([3.0, 1.0], (0.0, 2.0)),
        ([math.nan], (0.95, 1.05)),
    ],
)
def test_ratio_range_shows_the_points(values: list[float], limits: tuple[float, float]) -> None:
    assert ratio_range(points(values)) == pytest.approx(limits)


def test_badly_measured_points_do_not_widen_the_ratio() -> None:
    good, bad = points([1.02, 0.98]), points([1.9, 0.2], error=0.5)
    assert ratio_range(good, bad) == pytest.approx((0.95, 1.05))
    assert ratio_range(bad) == pytest.approx((0.0, 2.0))


def test_points_outside_of_the_ratio_become_arrows() -> None:
    ax = new_figure(4, 4, 50).add_subplot()
    ax.set_ylim(0.8, 1.2)
    draw_ratio(ax, Binning(np.arange(5.0), "x"), points([1.0, 1.5, 0.5, math.nan]))
    arrows = {line.get_marker(): line.get_xydata() for line in ax.lines if line.get_marker() in ("^", "v")}
    assert np.asarray(arrows["^"]) == pytest.approx(np.array([[1.5, 1.18]]))
    assert np.asarray(arrows["v"]) == pytest.approx(np.array([[2.5, 0.82]]))


def test_relative_band() -> None:
    low, high = relative_band((np.array([2.0, 1.0]), np.array([1.0, 1.0])), np.array([10.0, 0.0]))
    assert (low[0], high[0]) == pytest.approx((0.9, 1.2))
    assert np.isnan([low[1], high[1]]).all()


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.4321, "p = 0.43"),
        (0.0123, "p = 0.012"),
        (2.5e-12, r"p = $2.5 \times 10^{-12}$"),
        (0.0, "p < $10^{-300}$"),
    ],
)
def test_p_values_are_readable(p_value: float, text: str) -> None:
    assert chi2_text(Comparison(12.34, 10, p_value, 1, 1, 1, 1, 1)) == rf"$\chi^2$/ndf = 12.3/10, {text}"


def test_without_enough_events_there_is_no_p_value() -> None:
    assert "too few events" in chi2_text(Comparison(math.nan, 0, math.nan, 1, 1, 1, 1, 1))


def test_logarithmic_axes_start_below_the_smallest_process() -> None:
    large, small = (Prediction(np.full(5, value), np.ones(5)) for value in (1e4, 2.0))
    assert log_floor([large, small]) == pytest.approx(1.0)
    assert log_floor([large, Prediction(np.full(5, 1e-9), np.ones(5))]) == pytest.approx(1e-3)
    assert log_floor([Prediction(np.array([-1.0, 0.0]), np.ones(2))]) == 0.1
    # Data where hardly anything is expected are shown, those that are hidden or not there have no effect.
    assert log_floor([large], points([0.0, 3.0, np.nan])) == pytest.approx(1.5)
    assert log_floor([large], points([1e6, np.nan])) == log_floor([large])


def test_a_plot_shows_one_axis() -> None:
    assert shared_binning([("A", template([1.0], [1.0])), ("data", counts([1.0]))], "m").label == "$x$ [GeV]"
    two = hist.Hist(
        hist.axis.StrCategory(["nominal"], name="variation"),
        hist.axis.Regular(2, 0, 1, name="x"),
        hist.axis.Regular(2, 0, 1, name="y"),
    )
    with pytest.raises(HistogramError, match=r"m of A: a plot shows one axis, not x, y; use projections\(\)"):
        shared_binning([("A", two)], "m")


@pytest.mark.parametrize(
    "other", [hist.axis.Regular(2, 0, 3, name="x"), hist.axis.StrCategory(["a", "b"], name="x")], ids=["edges", "kind"]
)
def test_histograms_of_a_plot_have_the_same_bins(other: Any) -> None:
    with pytest.raises(HistogramError, match="m: data and A have different bins"):
        shared_binning([("A", template([1.0, 2.0], [1.0, 1.0])), ("data", hist.Hist(other))], "m")
