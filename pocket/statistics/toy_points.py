"""Toys at points of a parameter of interest, and what follows from them: limits by CLs, p-values, Feldman–Cousins.

At each point the nuisances are where a fit to the data at that point puts them, and auxiliary measurements fluctuate
about them (the LHC statistic; CMS NOTE-2011/005). The statistic of limits is q̃, that of intervals the rise of the
deviance above its minimum within the range of the parameter (G. J. Feldman and R. D. Cousins, Phys. Rev. D 57 (1998)
3873).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pocket.base.typing import Floats
from pocket.errors import FitError, StatisticsError
from pocket.statistics.fits import Fit, at_lowest_minimum, fit
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.limits import find_upper_limit
from pocket.statistics.results import PointToys, ToyInterval, ToyLimit, ToySignificance
from pocket.statistics.toys import toy

#: error of an expected limit, relative to it, above which there are too few toys for it
LARGEST_ERROR = 0.2


def default_points(likelihood: Likelihood, poi: str, count: int, reach: float) -> tuple[float, ...]:
    """Return evenly spaced points from 0 to ``reach`` times the largest asymptotic limit, expected or observed."""
    limit = find_upper_limit(likelihood, poi)
    found = [value for value in (limit.observed, *limit.expected) if np.isfinite(value)]
    if not found:
        raise StatisticsError(f"{poi!r} has no asymptotic limits to choose points by: give them with --points")
    return tuple(float(value) for value in np.linspace(0.0, reach * max(found), count))


def joined(parts: Iterable[PointToys]) -> list[PointToys]:
    """Return toys with those of one point and kind together."""
    found: dict[tuple[float, float], list[PointToys]] = {}
    for part in parts:
        found.setdefault((part.at, part.tested), []).append(part)
    return [
        PointToys(
            poi=several[0].poi,
            at=at,
            tested=tested,
            best=tuple(value for part in several for value in part.best),
            rise=tuple(value for part in several for value in part.rise),
            failed=sum(part.failed for part in several),
        )
        for (at, tested), several in found.items()
    ]


def throw_at(
    likelihood: Likelihood,
    poi: str,
    at: float,
    tested: float,
    numbers: Iterable[int],
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> PointToys:
    """Return what fits of toys at a value of a parameter find, compared with fits at a tested value."""
    index = likelihood.parameters.index(poi)
    fixed = fit(likelihood.adjusted(freeze={poi: at})).values
    simulation = likelihood.simulation(fixed)
    best, rise, failed = [], [], 0
    for number in numbers:
        thrown = likelihood.observing(toy(likelihood, seed, number, fixed, simulation))
        try:
            found, height = at_lowest_minimum(
                fit(thrown, start=fixed), lambda found: found.rise(found.profile({index: tested}))
            )
            rise.append(height)
            best.append(found.value(poi))
        except FitError:
            failed += 1
        progress(1)
    return PointToys(poi=poi, at=at, tested=tested, best=tuple(best), rise=tuple(rise), failed=failed)


@dataclass(eq=False)
class PointStatistics:
    """The statistics of the data at points, and toys with the parameter at the point and, for limits, at 0."""

    best: Fit
    toys: Sequence[PointToys]

    def rise(self, poi: str, value: float) -> float:
        """Return the rise of the deviance of the data at a value."""
        index = self.best.likelihood.parameters.index(poi)
        return self.best.rise(self.best.profile({index: value}))

    def level(self, tested: float) -> tuple[float, float, float, float]:
        """Return the confidence levels of signal and background, of background, their ratio CLs, and its error."""
        both, background = (self.toys_at(at, tested) for at in (tested, 0.0))
        observed = 0.0 if tested < self.best.value(both.poi) else self.rise(both.poi, tested)
        return cls_of_toys(both, background, observed)

    def toys_at(self, at: float, tested: float) -> PointToys:
        """Return the toys with a value of the parameter in which another one is tested."""
        return next(one for one in self.toys if one.at == at and one.tested == tested)


def one_sided(toys: PointToys) -> Floats:
    """Return q̃ of toys: 0 where the best value is above the tested one."""
    return np.where(np.array(toys.best) > toys.tested, 0.0, np.array(toys.rise))


def cls_of_toys(both: PointToys, background: PointToys, observed: float) -> tuple[float, float, float, float]:
    """Return the levels of signal and background, of background alone, their ratio CLs, and the ratio's error.

    Observed is q̃ of the data, or of toys without signal for what is expected.
    """
    counts = []
    for toys in (both, background):
        if not toys.best:
            raise StatisticsError(f"no toy at {toys.poi} = {toys.at:g} has a minimum")
        # Toys with the value of the data count, as discrete data have them often.
        counts.append((int((one_sided(toys) >= observed - 1e-9 * (1 + observed)).sum()), len(toys.best)))
    (above, total), (above_b, total_b) = counts
    p_both, p_background = above / total, above_b / total_b
    if not above_b:
        return p_both, 0.0, 0.0, 0.0
    ratio = p_both / p_background
    # Without a toy above, one would be as likely.
    error_both = np.sqrt(max(above, 1) * (1 - above / total)) / total
    error_background = np.sqrt(p_background * (1 - p_background) / total_b)
    return p_both, p_background, ratio, float(np.hypot(error_both, ratio * error_background) / p_background)


def find_toy_limit(statistics: PointStatistics, poi: str, level: float = 0.95) -> ToyLimit:
    """Return the upper limit by CLs of toys, observed and expected, between points on a straight line of ln CLs."""
    points = sorted({one.tested for one in statistics.toys if one.at == one.tested and one.tested > 0})
    found = {point: statistics.level(point) for point in points}
    observed, error = _crossing(points, [found[point][2:] for point in points], 1 - level, poi)
    expected = []
    for deviations in (-2.0, -1.0, 0.0, 1.0, 2.0):
        # With more data than expected, q̃ is smaller.
        quantile = float(stats.norm.cdf(-deviations))
        levels = []
        for point in points:
            both, background = statistics.toys_at(point, point), statistics.toys_at(0.0, point)
            value = float(np.quantile(one_sided(background), quantile))
            levels.append(cls_of_toys(both, background, value)[2:])
        try:
            value, spread = _crossing(points, levels, 1 - level, poi)
        except StatisticsError:
            value, spread = np.nan, np.nan
        # In the tails a single toy may decide.
        expected.append(value if spread <= LARGEST_ERROR * value else np.nan)
    return ToyLimit(
        poi=poi,
        level=level,
        observed=observed,
        error=error,
        expected=tuple(expected),
        points=tuple(points),
        cls=tuple(found[point][2] for point in points),
        errors=tuple(found[point][3] for point in points),
    )


def find_toy_significance(statistics: PointStatistics, poi: str) -> ToySignificance:
    """Return the p-value of no signal, as the share of toys without signal that look at least as much like one."""
    toys = statistics.toys_at(0.0, 0.0)
    observed = statistics.rise(poi, 0.0) if statistics.best.value(poi) > 0 else 0.0
    q0 = np.where(np.array(toys.best) > 0, np.array(toys.rise), 0.0)
    above, total = int((q0 >= observed - 1e-9 * (1 + observed)).sum()), len(q0)
    p_value = above / total
    # Without a toy above, the p-value is below about 3/N at 95 % CL.
    error = float(np.sqrt(p_value * (1 - p_value) / total)) if above else 3.0 / total
    significance = float(stats.norm.isf(p_value)) if above else float(stats.norm.isf(3.0 / total))
    return ToySignificance(poi=poi, p_value=p_value, error=error, significance=significance, toys=total, above=above)


def find_toy_interval(statistics: PointStatistics, poi: str, level: float) -> ToyInterval:
    """Return the interval of Feldman and Cousins: the values that the data don't exclude."""
    toys = sorted((one for one in statistics.toys if one.at == one.tested), key=lambda one: one.at)
    heights = np.array([critical_value(one, level) for one in toys])
    rises = np.array([statistics.rise(poi, one.at) for one in toys])
    points = np.array([one.at for one in toys])
    low, high = accepted(points, rises - heights)
    parameters = statistics.best.likelihood.parameters
    index, value = parameters.index(poi), statistics.best.value(poi)
    for end, point, side in ((low, points[0], "begin"), (high, points[-1], "end")):
        if end == point and parameters.low[index] < point < parameters.high[index]:
            raise StatisticsError(
                f"the points {side} inside of the interval, at {point:g}: ask for others with --points"
            )
    # Between points, the best value is inside, too.
    low, high = min(low, value), max(high, value)
    return ToyInterval(
        poi=poi,
        level=level,
        value=value,
        low=low,
        high=high,
        bounded=(bool(low <= max(parameters.low[index], points[0])), bool(high >= points[-1])),
        points=tuple(points.tolist()),
        rise=tuple(rises.tolist()),
        critical=tuple(heights.tolist()),
    )


def critical_value(toys: PointToys, level: float) -> float:
    """Return the rise that a share of toys at their own value doesn't exceed; with few events it covers more."""
    rises = np.sort(np.array(toys.rise))
    if not len(rises):
        raise StatisticsError(f"no toy at {toys.poi} = {toys.at:g} has a minimum")
    return float(rises[min(int(np.ceil(level * len(rises))), len(rises)) - 1]) + 1e-9


def accepted(points: Floats, excess: Floats) -> tuple[float, float]:
    """Return the ends of the points at which a function isn't positive, on straight lines between points.

    >>> accepted(np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, -1.0, -1.0, 3.0]))
    (0.5, 2.25)
    """
    inside = np.flatnonzero(excess <= 0)
    if not len(inside):
        raise StatisticsError("no point is inside of the interval: give more points, or others, with --points")
    first, last = int(inside[0]), int(inside[-1])
    low, high = float(points[first]), float(points[last])
    if first > 0:
        low = float(np.interp(0.0, -excess[first - 1 : first + 1], points[first - 1 : first + 1]))
    if last < len(points) - 1:
        high = float(np.interp(0.0, excess[last : last + 2], points[last : last + 2]))
    return low, high


def _crossing(
    points: Sequence[float], levels: Sequence[tuple[float, ...]], target: float, poi: str
) -> tuple[float, float]:
    """Return where CLs falls to a value, on a straight line of its logarithm, and the error from the toys."""
    values = np.array([level[0] for level in levels])
    errors = np.array([level[1] for level in levels])
    below = np.flatnonzero(values < target)
    if not len(below) or below[0] == 0:
        side = "below" if len(below) else "above"
        raise StatisticsError(f"CLs is {side} {target:g} at all points of {poi!r}: ask for others with --points")
    at = int(below[0])
    # A level of 0 stands for less than one toy, whose level is the error.
    pair, spread = np.array([values[at - 1], values[at] or errors[at]]), errors[at - 1 : at + 1]
    if not 0 < pair[1] < target:
        raise StatisticsError(
            f"too few toys to tell whether CLs is below {target:g} at {poi} = {points[at]:g}: "
            "ask for more with --toys-per-point"
        )
    slope = np.log(pair[1] / pair[0]) / (points[at] - points[at - 1])
    crossing = points[at - 1] + np.log(target / pair[0]) / slope
    weight = (crossing - points[at - 1]) / (points[at] - points[at - 1])
    relative = np.hypot((1 - weight) * spread[0] / pair[0], weight * spread[1] / pair[1])
    return float(crossing), float(abs(relative / slope))
