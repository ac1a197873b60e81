"""Crossings against numbers by hand, and global p-values against Rice's formula and toys of a Gaussian process."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.grids import LEVEL, find_crossings, find_excess

#: length of the range in units of the process' correlation length, points in one, and number of toys
LENGTH, DENSITY, TOYS = 50, 10, 8_000


def crossing_points(*ratio: float, points: tuple[float, ...] = (100, 200, 300, 400)) -> list[tuple[float, bool]]:
    return [(one.point, one.excludes_below) for one in find_crossings(points, ratio, ratio, ratio)]


def test_limits_cross_where_logarithms_do() -> None:
    # limits of 2, 1 and 0.5 pb, theory of 8, 1.5 and 0.1 pb: ln 1.5 / (ln 1.5 + ln 5) of the way from 200 to 300
    points, limit, theory = (100, 200, 300), np.array([2, 1, 0.5]), np.array([8, 1.5, 0.1])
    (found,) = find_crossings(points, limit / theory, limit / (0.8 * theory), limit / (1.25 * theory))
    assert found.point == pytest.approx(200 + 100 * math.log(1.5) / math.log(7.5))
    assert found.excludes_below
    expected = [200 + 100 * math.log(factor * 1.5) / math.log(7.5) for factor in (0.8, 1.25)]
    assert found.ends == pytest.approx(expected)


def test_each_direction_is_a_crossing_with_its_own_ends() -> None:
    points, ratio = (0, 1, 2, 3, 4), np.array([0.1, 10, 10, 0.1, 0.1])
    up, down = find_crossings(points, ratio, 2 * ratio, ratio / 2)
    assert (up.point, up.excludes_below) == (pytest.approx(0.5), True)
    assert (down.point, down.excludes_below) == (pytest.approx(2.5), False)
    shift = math.log(2) / math.log(100)
    assert up.ends == pytest.approx((0.5 - shift, 0.5 + shift))
    assert down.ends == pytest.approx((2.5 - shift, 2.5 + shift))


def test_an_end_beyond_the_grid_is_none() -> None:
    (found,) = find_crossings((0, 1), (0.5, 2.0), (1.5, 6.0), (0.4, 1.6))
    assert found.ends == (None, pytest.approx(math.log(2.5) / math.log(4)))


def test_what_touches_does_not_cross_and_what_is_not_found_is_left_out() -> None:
    assert crossing_points(0.5, 1.0, 2.0, 3.0) == [(200, True)]
    assert crossing_points(2.0, 1.0, 2.0, 3.0) == []
    assert crossing_points(2.0, 3.0, 4.0, 5.0) == []
    assert crossing_points(0.1, math.nan, 10.0, 20.0) == [(200, True)]
    assert crossing_points(0.1, math.inf, 10.0, 20.0) == [(200, True)]
    assert crossing_points(math.nan, math.nan, math.nan, math.nan) == []


def test_points_that_cannot_be_interpolated_are_refused() -> None:
    for points in ((100, 300, 200, 400), (100, 100, 200, 300), (100, 200, 300)):
        with pytest.raises(StatisticsError, match="crossings need rising points and a ratio for each"):
            crossing_points(1.0, 2.0, 3.0, 4.0, points=points)


def test_the_global_p_value_is_that_of_the_formula() -> None:
    values = (0.0, 1.0, 0.2, 6.0, 2.0, 0.1, 0.3)
    excess = find_excess(dict(zip(range(7), values, strict=True)))
    assert (excess.point, excess.crossings) == (3, 3)
    local = stats.norm.sf(math.sqrt(6))
    assert excess.p_local == pytest.approx(local)
    assert excess.p_global == pytest.approx(local + 3 * math.exp(-(6 - 0.25) / 2))
    # Means of which 3 or more, and 3 or fewer, have 15.87 %.
    means = [(p_value - local) / math.exp(-(6 - 0.25) / 2) for p_value in excess.p_range]
    assert stats.poisson.sf(2, means[0]) == pytest.approx(stats.norm.sf(1))
    assert stats.poisson.cdf(3, means[1]) == pytest.approx(stats.norm.sf(1))
    # The order of a dictionary isn't that of points.
    assert find_excess({6 - number: value for number, value in enumerate(reversed(values))}) == excess


def test_a_scan_that_never_rises_through_the_level_has_an_upper_end() -> None:
    excess = find_excess({100: 9.0, 110: 4.0, 120: 0.0})
    assert excess.crossings == 0
    assert excess.p_global == excess.p_local == excess.p_range[0]
    assert excess.p_range[1] == pytest.approx(excess.p_local - math.log(stats.norm.sf(1)) * math.exp(-8.75 / 2))


def test_probabilities_end_at_one_and_an_unbounded_excess_is_one() -> None:
    assert find_excess({0: 0.0, 1: 0.3, 2: 0.0, 3: 0.3}).p_global == 1
    unbounded = find_excess({0: 0.0, 1: math.inf, 2: 0.0})
    assert (unbounded.point, unbounded.p_local, unbounded.p_global) == (1, 0.0, 0.0)


@pytest.mark.parametrize("values", [{}, {100: 0.0, 200: 0.0}, {100: 0.25}])
def test_no_excess(values: dict[float, float]) -> None:
    with pytest.raises(StatisticsError, match=r"^no local significance is above 0.5 σ, so there is no excess$"):
        find_excess(values)


def gaussian_process(seed: int) -> Floats:
    """Return toys of a stationary process with the correlation exp(−d²/2), of shape (toys, points)."""
    at = np.arange(LENGTH * DENSITY) / DENSITY
    # white noise smeared with exp(−x²), whose convolution with itself is exp(−d²/2)
    reach = np.arange(-4 * DENSITY, 4 * DENSITY + 1) / DENSITY
    kernel = np.exp(-(reach**2))
    noise = np.random.default_rng(seed).normal(size=(TOYS, at.size + reach.size - 1))
    transformed = np.fft.irfft(np.fft.rfft(noise) * np.fft.rfft(kernel, noise.shape[1]), noise.shape[1])
    return np.asarray(transformed[:, reach.size - 1 :] / math.sqrt((kernel**2).sum()))


def test_up_crossings_and_global_p_values_are_those_of_a_gaussian_process() -> None:
    significance = gaussian_process(seed=1)
    statistics = np.where(significance > 0, significance, 0.0) ** 2
    points = range(statistics.shape[1])
    found = [find_excess(dict(zip(points, each, strict=True))) for each in statistics[:400]]
    # Rice: a process with this correlation rises through u exp(−u²/2)/2π times in each correlation length.
    expected = LENGTH / (2 * math.pi) * math.exp(-LEVEL / 2)
    counts = [one.crossings for one in found]
    assert np.mean(counts) == pytest.approx(expected, abs=4 * np.std(counts) / math.sqrt(len(counts)) + 0.02 * expected)
    # The formula is the mean number of excesses, so a share of exp(−mean) of the toys has none.
    for local in (2.5, 3.0, 3.5):
        share = float((statistics.max(axis=1) > local**2).mean())
        formula = stats.norm.sf(local) + float(np.mean(counts)) * math.exp(-(local**2 - LEVEL) / 2)
        assert share == pytest.approx(1 - math.exp(-formula), rel=0.05, abs=3 * math.sqrt(share / TOYS))
    # The interval of one scan has the mean number as often as it says, or more.
    ends = np.array([[(end - one.p_local) / math.exp((LEVEL - each.max()) / 2) for end in one.p_range]
                     for one, each in zip(found, statistics, strict=False) if one.p_range[1] < 1])  # fmt: skip
    assert ((ends[:, 0] <= expected) & (expected <= ends[:, 1])).mean() > 0.66
