"""Significances and limits of one bin against closed forms, and what can't have any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from pocket.errors import FitError, PocketError
from pocket.statistics.fits import fit
from pocket.statistics.likelihood import Likelihood, Observations
from pocket.statistics.limits import LimitStatistic, cls, find_significance, find_upper_limit
from pocket.statistics.model import FreeParameter, Model, RegionModel
from pocket.statistics.results import from_json, to_json
from pocket.statistics.toys import asimov
from tests.pocket.statistics import models


def one_bin(data: float, signal: float, background: float, low: float = 0.0, high: float = 100.0) -> Likelihood:
    """Return the likelihood of a signal on a known background; data needn't be whole."""
    region = RegionModel("sr", ("s", "b"), np.array([[signal], [background]]), np.zeros((2, 1)), factors={"s": ("r",)})
    observed = Observations(np.array([data]), np.zeros(0), np.zeros(1), np.zeros((2, 1)))
    return Likelihood(Model((region,), {"r": FreeParameter(low, high)}), observed)


def statistic(r: float, data: float, signal: float, background: float) -> float:
    """Return q̃ of one bin by hand."""
    best = max((data - background) / signal, 0)
    if r <= best:
        return 0.0

    def twice(at: float) -> float:
        expected = at * signal + background
        return 2 * (expected - data * np.log(expected))

    return float(twice(r) - twice(best))


@pytest.mark.parametrize(("signal", "background"), [(5.0, 10.0), (3.0, 1.0), (40.0, 1000.0)])
def test_expected_significance_of_one_bin(signal: float, background: float) -> None:
    """The Asimov significance is √(2((s + b) ln(1 + s/b) − s)), equation 97 of Cowan et al."""
    likelihood = one_bin(0.0, signal, background)
    found = find_significance(likelihood.observing(asimov(likelihood)), "r")
    expected = np.sqrt(2 * ((signal + background) * np.log(1 + signal / background) - signal))
    assert found.significance == pytest.approx(expected, rel=1e-5)
    assert found.p_value == pytest.approx(stats.norm.sf(expected), rel=1e-4)


@pytest.mark.parametrize("low", [0.0, -2.0])
def test_no_significance_of_a_deficit(low: float) -> None:
    found = find_significance(one_bin(6.0, 3.0, 10.0, low=low), "r")
    assert (found.statistic, found.significance, found.p_value) == (0.0, 0.0, 0.5)


@pytest.mark.parametrize("data", [4.0, 10.0, 19.0])
@pytest.mark.parametrize("low", [0.0, -3.0])
def test_limits_of_one_bin(data: float, low: float) -> None:
    signal, background = 2.0, 10.0
    found = find_upper_limit(one_bin(data, signal, background, low=low), "r")

    def asimov_root(r: float) -> float:
        return float(np.sqrt(statistic(r, background, signal, background)))

    def observed(r: float) -> float:
        return cls(statistic(r, data, signal, background), asimov_root(r) ** 2)[2] - 0.05

    assert found.observed == pytest.approx(optimize.brentq(observed, 0.01, 90), rel=1e-3)
    for deviations, value in zip((-2, -1, 0, 1, 2), found.expected, strict=True):
        root = deviations + stats.norm.isf(0.05 * stats.norm.cdf(deviations))
        expected = optimize.brentq(lambda r, root=root: asimov_root(r) - root, 0.01, 90)
        assert value == pytest.approx(expected, rel=1e-3)
        level = stats.norm.sf(asimov_root(value) - deviations) / stats.norm.cdf(deviations)
        assert level == pytest.approx(0.05, rel=2e-3)


def test_limits_of_many_events_are_those_of_a_gaussian() -> None:
    """The median of CLs limits is σ Φ⁻¹(1 − α/2), equation 89 with CLb of one half."""
    found = find_upper_limit(one_bin(1e8, 1.0, 1e8, high=1e6), "r", level=0.9)
    assert found.expected[2] == pytest.approx(1e4 * stats.norm.isf(0.05), rel=1e-3)
    assert found.observed == pytest.approx(found.expected[2], rel=1e-3)


def test_levels_at_the_ends() -> None:
    assert cls(0.0, 0.0) == (0.5, 0.5, 1.0)
    both, background, ratio = cls(9.0, 4.0)
    # Above the Asimov value, the distribution is another one (equation 65).
    assert both == pytest.approx(stats.norm.sf((9 + 4) / (2 * 2)))
    assert background == pytest.approx(stats.norm.sf((9 - 4) / (2 * 2)))
    assert ratio == both / background


def test_limits_with_other_parameters_of_interest() -> None:
    likelihood = Likelihood(models.simple(2))
    limit = find_upper_limit(likelihood, "r")
    # Frozen nuisances make a limit stronger.
    frozen = find_upper_limit(likelihood.adjusted(freeze=likelihood.model.nuisances), "r")
    assert frozen.expected[2] < limit.expected[2]
    assert list(limit.expected) == sorted(limit.expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 1.0}, "the range of 'r' from 1 to 100 doesn't hold 0"),
        ({"poi": "q"}, "unknown parameter of interest 'q' in the model; known: r"),
        ({"level": 1.5}, "the level of a limit is 1.5, but must be between 0 and 1"),
        ({"freeze": ["r"]}, "parameter 'r' is frozen, so it has no limit and no significance"),
    ],
)
def test_limits_that_can_not_be(arguments: dict[str, Any], message: str) -> None:
    ends = {key: value for key, value in arguments.items() if key in ("low", "high")}
    likelihood = one_bin(10.0, 1.0, 10.0, **ends).adjusted(freeze=arguments.get("freeze", ()))
    with pytest.raises(PocketError) as error:
        find_upper_limit(likelihood, arguments.get("poi", "r"), arguments.get("level", 0.95))
    assert message in str(error.value)


def test_limits_beyond_the_range_are_those_of_a_wider_range() -> None:
    narrow, wide = (find_upper_limit(one_bin(10.0, 1.0, 10.0, high=high), "r") for high in (8.0, 100.0))
    assert (narrow.range_end, wide.range_end) == (8.0, None)
    assert narrow.expected == pytest.approx(wide.expected, rel=1e-6)
    assert narrow.observed == pytest.approx(wide.observed, rel=1e-6)
    assert narrow.expected[2] < 8 < narrow.expected[4]


def test_a_band_that_is_not_found_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    likelihood = one_bin(10.0, 1.0, 10.0)
    whole = find_upper_limit(likelihood, "r")
    find_root = LimitStatistic.find_root

    def fail_far_away(statistic: LimitStatistic, root: float, width: float = 0.0) -> float:
        if root > 3:
            raise FitError("no minimum")
        return find_root(statistic, root, width)

    monkeypatch.setattr(LimitStatistic, "find_root", fail_far_away)
    found = find_upper_limit(likelihood, "r")
    assert found.missing == {"expected +2σ": "no minimum"}
    assert np.isnan(found.expected[4])
    assert found.expected[:4] == whole.expected[:4]
    assert found.observed == pytest.approx(whole.observed, rel=1e-4)
    assert from_json(to_json(found)).missing == found.missing


def test_data_of_which_nothing_is_expected_without_signal_have_no_finite_significance() -> None:
    region = RegionModel("sr", ("s",), np.array([[3.0]]), np.zeros((1, 1)), data=np.array([1.0]), factors={"s": ("r",)})
    found = find_significance(Likelihood(Model((region,), {"r": FreeParameter(0, 20)})), "r")
    assert (found.statistic, found.significance, found.p_value) == (np.inf, np.inf, 0.0)
    # with hardly any background it is finite: q₀ = 2 (n ln(n/b) − n + b)
    found = find_significance(one_bin(1.0, 3.0, 1e-4), "r")
    assert found.statistic == pytest.approx(2 * (np.log(1e4) - 1 + 1e-4), rel=1e-5)


def test_likelihood_of_asimov_data() -> None:
    """A fit to Asimov data finds the values again, with nothing left."""
    for seed in range(4):
        likelihood = Likelihood(models.random(seed))
        values = likelihood.parameters.start.copy()
        values[likelihood.constrained] = np.random.default_rng(seed).normal(size=len(likelihood.constrained))
        thrown = likelihood.observing(asimov(likelihood, values))
        assert thrown.deviance(values) == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(thrown.gradient(values), 0, atol=1e-6)
        # also with statistical errors of simulation as a fit has them
        fitted = likelihood.simulation(values)
        after = likelihood.observing(asimov(likelihood, values, fitted))
        np.testing.assert_allclose(after.fitted_expectation(values), likelihood.fitted_expectation(values), rtol=1e-8)
        np.testing.assert_allclose(after.gradient(values), 0, atol=1e-5)


#: signal of a Z peak, and its templates with more and with less pile-up, one bin of which would become negative
PEAK = np.array([5.7, 22.8, 41.6, 166.6, 195.7, 73.9, 20.6])
MORE, LESS = np.array([1, 1.06, 1.03, 0.95, 1, 1.33, 0.94]), np.array([1, 0.93, 1, 1.04, 1, 0.85, 1.03])


def peak(data: Any, background: float = 0.0) -> Likelihood:
    """Return the likelihood of a peak with hardly any background, and two nuisances."""
    names, nominal = ("z", "b"), np.array([PEAK, np.full(7, background)])
    region = RegionModel(
        "sr",
        names if background else names[:1],
        nominal if background else nominal[:1],
        np.zeros((2 if background else 1, 7)),
        data=np.asarray(data, float),
        edges=np.arange(8.0),
        factors={"z": ("r",)},
        shapes={"pileup": {"z": (PEAK * MORE, PEAK * LESS)}},
        log_normals={"lumi": {"z": (1 / 1.01, 1.01)}},
        weighted=True,
    )
    return Likelihood(Model((region,), {"r": FreeParameter(0, 2)}, nuisances=("pileup", "lumi")))


@pytest.mark.parametrize("background", [0.0, 1e-7, 1e-5])
def test_limits_without_background(background: float) -> None:
    """With neither background nor data, q̃ is 2 r s: the expected limits are root²/(2 s), and so is the observed one."""
    found = find_upper_limit(peak(np.zeros(7), background), "r")
    roots = [n + stats.norm.isf(0.05 * stats.norm.cdf(n)) for n in (-2, -1, 0, 1, 2)]
    # The nuisances have 1% of the yield.
    assert found.expected == pytest.approx(np.square(roots) / (2 * PEAK.sum()), rel=0.03)
    assert found.observed == pytest.approx(found.expected[2], rel=1e-3 + 100 * background)


@pytest.mark.parametrize("background", [0.0, 1e-3])
def test_limits_far_above_those_that_are_expected(background: float) -> None:
    """CLs is then that of signal and background alone, whose limit is 1.64 errors above the best value."""
    likelihood = peak(PEAK + background, background)
    found = find_upper_limit(likelihood, "r")
    best = fit(likelihood)
    assert best.value("r") == pytest.approx(1.0, rel=1e-6)
    low, high = (best.profile({0: found.observed * factor}).deviance - best.deviance for factor in (0.9999, 1.0001))
    assert low < stats.norm.isf(0.05) ** 2 < high
