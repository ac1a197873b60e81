"""Limits, p-values and intervals by toys, against exact sums over the events of one bin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import optimize, stats

from pocket.errors import StatisticsError
from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, find_upper_limit, fit
from pocket.statistics.analyses import Choice, choose_likelihood, fit_toys
from pocket.statistics.results import PointToys, from_json, to_json
from pocket.statistics.toy_points import (
    PointStatistics,
    accepted,
    cls_of_toys,
    critical_value,
    default_points,
    find_toy_interval,
    find_toy_limit,
    find_toy_significance,
    joined,
    throw_at,
)
from pocket.statistics.toys import toy
from tests.pocket.statistics import models

SIGNAL, BACKGROUND, TOYS = 1.0, 3.0, 600


def counting(data: float) -> Likelihood:
    """Return the likelihood of one bin with a known background."""
    region = RegionModel(
        "sr",
        ("s", "b"),
        np.array([[SIGNAL], [BACKGROUND]]),
        np.zeros((2, 1)),
        data=np.array([data]),
        factors={"s": ("r",)},
    )
    return Likelihood(Model((region,), {"r": FreeParameter(0, 30)}))


def toys_at(likelihood: Likelihood, points: tuple[float, ...], toys: int = TOYS) -> list[PointToys]:
    """Return toys at points and, for limits, without signal."""
    both = [throw_at(likelihood, "r", point, point, range(toys), seed=1) for point in points]
    return both + [throw_at(likelihood, "r", 0.0, point, range(toys), seed=2) for point in points if point]


@pytest.mark.parametrize("data", [0.0, 5.0])
def test_limits_of_one_bin_are_exact(data: float) -> None:
    """q̃ orders as the number of events, so CLs is a ratio of Poisson sums (A. L. Read, J. Phys. G 28 (2002) 2693)."""

    def cls(r: float) -> float:
        return float(stats.poisson.cdf(data, r * SIGNAL + BACKGROUND) / stats.poisson.cdf(data, BACKGROUND))

    expected = optimize.brentq(lambda r: cls(r) - 0.05, 0.1, 25)
    likelihood = counting(data)
    points = tuple(float(expected * factor) for factor in (0.7, 0.9, 1.1, 1.4))
    statistics = PointStatistics(fit(likelihood), toys_at(likelihood, points))
    found = find_toy_limit(statistics, "r")
    assert 0 < found.error < 0.2 * expected
    assert abs(found.observed - expected) < 3.5 * found.error
    for point, level, error in zip(found.points, found.cls, found.errors, strict=True):
        assert abs(level - cls(point)) < 4 * error
    bands = np.array(found.expected)
    assert (np.diff(bands[np.isfinite(bands)]) >= 0).all()
    np.testing.assert_equal(dataclasses.astuple(from_json(to_json(found))), dataclasses.astuple(found))


def cls_toys(above: dict[float, int], toys: int) -> PointStatistics:
    """Return toys at points, all without signal and a given number with it above data that have no event."""
    likelihood = counting(0.0)
    both = [
        PointToys("r", at, at, (0.0,) * toys, (90.0,) * count + (0.0,) * (toys - count)) for at, count in above.items()
    ]
    background = [PointToys("r", 0.0, at, (0.0,) * toys, (90.0,) * toys) for at in above]
    return PointStatistics(fit(likelihood), both + background)


@pytest.mark.parametrize("data", ["two toys above", "one toy above", "no toy above"])
def test_a_level_below_the_target_is_used_though_its_error_is_above(data: str) -> None:
    """ln CLs is a straight line between points, whatever the errors are."""
    toys, above = {"two toys above": (60, 2), "one toy above": (30, 1), "no toy above": (30, 0)}[data]
    found = find_toy_limit(cls_toys({2.0: toys, 4.0: toys // 2, 6.0: above}, toys), "r")
    expected = 4 + 2 * np.log(0.05 / 0.5) / np.log(max(above, 1) / toys / 0.5)
    assert found.observed == pytest.approx(expected)
    assert 0.1 < found.error < 1


def test_toys_that_do_not_decide_give_no_limit() -> None:
    # One toy of 19 would be a level above 0.05, so none of 19 may be more or less than it.
    with pytest.raises(
        StatisticsError, match=r"too few toys to tell whether CLs is below 0\.05 at r = 6: ask for more"
    ):
        find_toy_limit(cls_toys({2.0: 19, 4.0: 10, 6.0: 0}, 19), "r")


def test_p_values_of_one_bin_are_exact() -> None:
    likelihood = counting(8.0)
    statistics = PointStatistics(fit(likelihood), toys_at(likelihood, (0.0,), 2000))
    found = find_toy_significance(statistics, "r")
    expected = stats.poisson.sf(7, BACKGROUND)
    assert abs(found.p_value - expected) < 4 * found.error
    assert found.significance == pytest.approx(stats.norm.isf(found.p_value))
    assert (found.toys, found.above) == (2000, round(found.p_value * 2000))


def test_a_p_value_without_a_toy_above_is_a_limit() -> None:
    toys = [PointToys("r", 0.0, 0.0, (0.1,) * 100, (0.5,) * 100)]
    found = find_toy_significance(PointStatistics(fit(counting(30.0)), toys), "r")
    assert (found.above, found.p_value) == (0, 0.0)
    assert (found.error, found.significance) == (pytest.approx(0.03), pytest.approx(stats.norm.isf(0.03)))


def feldman_cousins(data: int, level: float, points: np.ndarray) -> tuple[float, float]:
    """Return the interval of one bin by sums over counts, ordered by the ratio of likelihoods."""
    counts = np.arange(60)
    inside = []
    for r in points:
        expected, best = r * SIGNAL + BACKGROUND, np.maximum(counts, BACKGROUND)
        probability = stats.poisson.pmf(counts, expected)
        order = np.argsort(-probability / stats.poisson.pmf(counts, best), kind="stable")
        accepted_counts = order[: np.searchsorted(np.cumsum(probability[order]), level) + 1]
        if data in accepted_counts:
            inside.append(r)
    return min(inside), max(inside)


@pytest.mark.parametrize(("data", "level"), [(0, 0.9), (7, 0.6827)])
def test_intervals_of_one_bin_are_those_of_feldman_and_cousins(data: int, level: float) -> None:
    points = np.arange(0, 13, 1.0)
    low, high = feldman_cousins(data, level, np.arange(0, 13, 0.02))
    likelihood = counting(float(data))
    toys = [throw_at(likelihood, "r", float(point), float(point), range(300), seed=3) for point in points]
    found = find_toy_interval(PointStatistics(fit(likelihood), toys), "r", level)
    # Ends jump by discreteness, and are known to about the distance of two points.
    assert found.low == pytest.approx(low, abs=1.1)
    assert found.high == pytest.approx(high, abs=1.1)
    assert found.bounded == (low == 0, False)


def test_critical_values_cover_at_least_their_level() -> None:
    toys = PointToys("r", 1.0, 1.0, (0.0,) * 10, tuple(map(float, range(10))))
    assert critical_value(toys, 0.68) == pytest.approx(6.0)
    covered = np.mean(np.array(toys.rise) <= critical_value(toys, 0.68))
    assert covered >= 0.68


def test_points_and_toys_that_give_nothing_are_said() -> None:
    with pytest.raises(StatisticsError, match="no point is inside of the interval: give more points"):
        accepted(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    none = PointToys("r", 1.0, 1.0, (), (), failed=5)
    with pytest.raises(StatisticsError, match="no toy at r = 1 has a minimum"):
        cls_of_toys(none, none, 0.0)
    likelihood = counting(3.0)
    statistics = PointStatistics(fit(likelihood), toys_at(likelihood, (0.5, 1.0), 50))
    with pytest.raises(StatisticsError, match=r"CLs is above 0\.05 at all points of 'r': ask for others with --points"):
        find_toy_limit(statistics, "r")


def test_points_reach_beyond_the_limits() -> None:
    likelihood = counting(9.0)
    limit = find_upper_limit(likelihood, "r")
    points = default_points(likelihood, "r", 5, 1.3)
    assert points[0] == 0
    assert points[-1] == pytest.approx(1.3 * max(limit.observed, limit.expected[4]))
    np.testing.assert_allclose(np.diff(points), points[1])


def test_toys_of_branches_are_joined() -> None:
    one = throw_at(counting(3.0), "r", 1.0, 1.0, range(10), seed=1)
    parts = [throw_at(counting(3.0), "r", 1.0, 1.0, numbers, seed=1) for numbers in (range(4), range(4, 10))]
    assert joined(parts) == [one]


@pytest.mark.parametrize("toys", [100, 600])
def test_expected_limits_that_few_toys_give_are_in_order(toys: int) -> None:
    likelihood = counting(3.0)
    points = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0)
    found = find_toy_limit(PointStatistics(fit(likelihood), toys_at(likelihood, points, toys)), "r")
    known = [value for value in found.expected if np.isfinite(value)]
    assert known == sorted(known)
    assert len(known) >= {100: 1, 600: 3}[toys]


@pytest.mark.parametrize(("points", "side"), [((3.0, 4.0, 6.0, 9.0), "begin"), ((0.0, 1.0, 2.0), "end")])
def test_points_that_lie_within_an_interval_are_said(points: tuple[float, ...], side: str) -> None:
    likelihood = counting(5.0)
    statistics = PointStatistics(fit(likelihood), toys_at(likelihood, points, 200))
    with pytest.raises(StatisticsError, match=f"the points {side} inside of the interval, at .*: ask for others with"):
        find_toy_interval(statistics, "r", 0.95)


@pytest.mark.parametrize("model", [models.few_events(), models.realistic(), models.simple(0)])
def test_each_toy_has_a_best_fit_and_intervals(model: Model) -> None:
    found = fit_toys(model, range(50), Choice(values=dict.fromkeys(model.pois, 1.0)))
    assert {poi: len(results["number"]) for poi, results in found.items()} == dict.fromkeys(model.pois, 50)


@pytest.mark.slow
def test_intervals_and_limits_cover_with_few_events() -> None:
    """The belt has 1000 toys, so shares of 200 pseudo-experiments may be off by three of both errors."""
    likelihood = choose_likelihood(models.few_events(), Choice())
    both, none = (throw_at(likelihood, "r", at, 1.0, range(1000), seed) for at, seed in ((1.0, 1), (0.0, 2)))
    assert both.failed == none.failed == 0
    index, heights = likelihood.parameters.index("r"), [critical_value(both, level) for level in (0.6827, 0.95)]
    rises, levels = [], []
    for number in range(200):
        best = fit(likelihood.observing(toy(likelihood, 3, number)))
        rises.append(max(best.profile({index: 1.0}).deviance - best.deviance, 0.0))
        levels.append(cls_of_toys(both, none, 0.0 if best.value("r") > 1 else rises[-1])[2])
    for height, level in zip(heights, (0.6827, 0.95), strict=True):
        error = np.sqrt(level * (1 - level) * (1 / 200 + 1 / 1000))
        assert np.mean(np.array(rises) <= height) > level - 3 * error
    assert np.mean(np.array(levels) > 0.05) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)
