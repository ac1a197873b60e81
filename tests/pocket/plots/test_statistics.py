from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pocket.errors import HistogramError
from pocket.histograms.files import read_templates, write_sums_and_histograms
from pocket.plots.statistics import MIN_EVENTS, Prediction, chi2_data_mc, garwood_interval, total_of
from tests.pocket.plots.zmumu import counts, template

DY = template(
    [100.0, 200.0, 50.0], [10.0, 20.0, 5.0], pu=([3.0, -2.0, 1.0], [-1.0, 2.0, 4.0]), id=([2.0] * 3, [-2.0] * 3)
)
TT = template([20.0, 30.0, 40.0], [1.0, 2.0, 3.0], pu=([-1.0, 1.0, 1.0], [1.0, -1.0, -1.0]))


def test_a_source_is_summed_over_processes_before_it_is_combined() -> None:
    total = total_of([Prediction.from_hist(DY), Prediction.from_hist(TT)])
    up, down = total.syst
    # pu: 3 - 1 up, -1 + 1 = 0 down; the lack of id in the second process leaves it at nominal
    assert up[0] == pytest.approx(math.hypot(3.0 - 1.0, 2.0))
    assert down[0] == pytest.approx(math.hypot(0.0, 2.0))
    # up moves the second bin down: the envelope takes each side of what the source does
    assert up[1] == pytest.approx(math.hypot(2.0 - 1.0, 2.0))
    assert down[1] == pytest.approx(math.hypot(-2.0 + 1.0, 2.0))
    # both sides move the third bin up: nothing but id moves it down
    assert up[2] == pytest.approx(math.hypot(4.0 - 1.0, 2.0))
    assert down[2] == pytest.approx(2.0)


def test_statistics_of_processes_add_in_quadrature_and_total_joins_both() -> None:
    total = total_of([Prediction.from_hist(DY), Prediction.from_hist(TT)])
    assert total.stat == pytest.approx(np.sqrt([11.0, 22.0, 8.0]))
    assert total.total[0] == pytest.approx(np.sqrt([11.0, 22.0, 8.0] + total.syst[0] ** 2))


def test_scaling_multiplies_weights() -> None:
    scaled = Prediction.from_hist(DY).scaled(2.0)
    assert scaled.values == pytest.approx([200.0, 400.0, 100.0])
    assert scaled.variances == pytest.approx([40.0, 80.0, 20.0])
    assert scaled.shifts["pu"][0] == pytest.approx([6.0, -4.0, 2.0])


def test_chi2_against_an_explicit_covariance_matrix() -> None:
    observed = np.array([130.0, 210.0, 95.0])
    comparison = chi2_data_mc(counts(observed), {"DY": DY, "TT": TT})
    expected = np.array([120.0, 230.0, 90.0])
    matrix = np.diag(expected) + np.diag([11.0, 22.0, 8.0])
    for source in (
        np.array([(3 - 1 + 1 - 1) / 2, (-2 + 1 - 2 + 1) / 2, (1 + 1 - 4 + 1) / 2]),
        np.array([2.0, 2.0, 2.0]),
    ):
        for i in range(3):
            for j in range(3):
                matrix[i, j] += source[i] * source[j]
    residual = observed - expected
    chi2 = residual @ np.linalg.inv(matrix) @ residual
    assert comparison.chi2 == pytest.approx(chi2)
    assert comparison.ndf == 3
    assert comparison.p_value == pytest.approx(1 - stats.chi2.cdf(chi2, 3))


def test_a_common_scale_is_forgiven_only_if_correlated() -> None:
    shift = 0.1 * np.full(20, 10000.0)
    correlated = template(np.full(20, 10000.0), np.full(20, 1.0), norm=(shift, -shift))
    data = counts(np.full(20, 11000.0))
    assert chi2_data_mc(data, {"A": correlated}).p_value > 0.5
    alternating = counts(10000.0 + 1000.0 * (-1.0) ** np.arange(20))
    assert chi2_data_mc(alternating, {"A": correlated}).p_value < 1e-6


def test_yields_by_hand() -> None:
    comparison = chi2_data_mc(counts([130.0, 210.0, 95.0]), {"DY": DY, "TT": TT}, keep=np.array([True, False, True]))
    assert comparison.data_yield == 225.0
    assert comparison.data_error == pytest.approx(15.0)
    assert comparison.mc_yield == pytest.approx(210.0)
    assert comparison.mc_stat == pytest.approx(math.sqrt(19.0))
    assert comparison.mc_syst == pytest.approx(math.hypot((2 - 0) / 2 + (2 - 3) / 2, 4.0))
    assert comparison.ndf == 2


def test_sparse_bins_are_merged_and_too_few_events_give_no_chi2() -> None:
    sparse = template(np.full(10, 0.3 * MIN_EVENTS), np.full(10, 0.1))
    assert chi2_data_mc(counts(np.full(10, 3.0)), {"A": sparse}).ndf == 2
    single_events = template(np.full(10, MIN_EVENTS), np.full(10, MIN_EVENTS**2))
    assert chi2_data_mc(counts(np.full(10, 10.0)), {"A": single_events}).ndf == 1
    few = chi2_data_mc(counts([1.0, 0.0]), {"A": template([0.5, 0.2], [0.1, 0.1])})
    assert (few.ndf, few.as_dict()["chi2"], few.as_dict()["p_value"]) == (0, None, None)


def test_a_negative_tail_does_not_spoil_the_last_bin() -> None:
    falling = template([100.0, 12.0, -8.0], [1.0, 1.0, 1.0])
    comparison = chi2_data_mc(counts([100.0, 5.0, 1.0]), {"A": falling})
    assert comparison.ndf == 1
    assert comparison.chi2 == pytest.approx((106 - 104) ** 2 / (104 + 3))


def test_p_values_are_flat_when_data_follow_the_prediction() -> None:
    rng = np.random.default_rng(7)
    expected = 2000 * np.exp(-np.arange(40) / 6)
    norm = 0.05 * expected
    tilt = expected * np.linspace(-0.1, 0.1, 40)
    p_values = []
    for _ in range(300):
        simulated = 0.5 * rng.poisson(expected / 0.5)
        truth = expected + rng.normal() * norm + rng.normal() * tilt
        mc = template(simulated, 0.5 * simulated, norm=(norm, -norm), tilt=(tilt, -tilt))
        p_values.append(chi2_data_mc(counts(rng.poisson(np.maximum(truth, 0))), {"A": mc}).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


@given(st.lists(st.integers(0, 100000), min_size=1, max_size=5))
@settings(max_examples=30)
def test_garwood_interval_against_quantiles(observed: list[int]) -> None:
    values = np.array(observed, dtype=float)
    low, high = garwood_interval(values, values)
    tail = stats.norm.sf(1)
    for n, lower, upper in zip(observed, low, high, strict=True):
        assert lower == pytest.approx(0.5 * stats.chi2.ppf(tail, 2 * n) if n else 0.0)
        assert upper == pytest.approx(0.5 * stats.chi2.isf(tail, 2 * n + 2))


def test_garwood_interval_covers() -> None:
    n = np.arange(60.0)
    low, high = garwood_interval(n, n)
    for mean in (0.7, 3.0, 11.0):
        covered = stats.poisson.pmf(n, mean)[(low <= mean) & (mean <= high)].sum()
        assert covered > 0.68


def test_weighted_data_have_scaled_intervals() -> None:
    low, high = garwood_interval(np.array([8.0]), np.array([16.0]))
    plain = garwood_interval(np.array([4.0]), np.array([4.0]))
    assert (low[0], high[0]) == pytest.approx((2 * plain[0][0], 2 * plain[1][0]))


def with_variations(*names: str) -> hist.Hist[Any]:
    return hist.Hist(
        hist.axis.StrCategory(names, name="variation"), hist.axis.Regular(2, 0, 1, name="x"), storage="weight"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("nominal", "pu"), "A: names of variations end with Up or Down, unlike pu"),
        (("puUp", "puDown"), "A: the variation axis has no 'nominal', only puUp, puDown"),
    ],
)
def test_variations_must_be_complete(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(HistogramError, match=message):
        Prediction.from_hist(with_variations(*names), "A")


@pytest.mark.parametrize(("stored", "sign"), [("puUp", 1), ("puDown", -1)])
def test_a_side_that_is_not_stored_is_the_mirror_image(stored: str, sign: int) -> None:
    h = with_variations("nominal", stored)
    h.view().value[...] = [[10.0, 20.0], [11.0, 17.0]]
    up, down = Prediction.from_hist(h, "A").shifts["pu"]
    assert (sign * up).tolist() == [1.0, -3.0]
    assert (sign * down).tolist() == [-1.0, 3.0]


@pytest.mark.parametrize("storage", ["double", "int64"])
def test_only_counts_need_no_sum_of_squares(tmp_path: Path, storage: str) -> None:
    counted = hist.Hist(hist.axis.Regular(2, 0, 1, name="x"), storage=storage)
    counted.fill([0.2, 0.2, 0.7])
    weighted = hist.Hist(hist.axis.Regular(2, 0, 1, name="x"), storage="double")
    weighted.fill([0.2, 0.7], weight=[0.5, 0.25])
    output = {"variables": {"x": {"counted": {"one": counted}, "weighted": {"one": weighted}}}}
    write_sums_and_histograms(tmp_path, output)
    read = read_templates(tmp_path, "x")
    assert Prediction.from_hist(read["counted"]).variances.tolist() == [2.0, 1.0]
    with pytest.raises(
        HistogramError, match=r"^DY: the histogram has no sum of squared weights, fill it with storage='weight'$"
    ):
        Prediction.from_hist(read["weighted"], "DY")


def test_unusable_histograms_are_refused() -> None:
    weighted = hist.Hist(hist.axis.Regular(2, 0, 1, name="x"), storage="double")
    weighted.fill([0.2], weight=0.5)
    with pytest.raises(HistogramError, match="A: the histogram has no sum of squared weights"):
        Prediction.from_hist(weighted, "A")
    with pytest.raises(HistogramError, match="A: the histogram has contents that are not finite"):
        Prediction.from_hist(template([math.nan, 1.0], [1.0, 1.0]), "A")
    with pytest.raises(HistogramError, match="binnings differ"):
        total_of([Prediction.from_hist(DY), Prediction.from_hist(template([1.0], [1.0]))])
    with pytest.raises(HistogramError, match="no MC sample"):
        total_of([])
    with pytest.raises(HistogramError, match="bins"):
        chi2_data_mc(counts([1.0]), {"A": DY})
