"""Confidence intervals from profiles, and scans of profiles over one parameter or two.

The ends of an interval are where the deviance, minimised over all other parameters, has risen by the quantile of a χ²
distribution of one degree of freedom (MINOS; F. James, MINUIT reference manual, section 1.3; S. S. Wilks, Ann. Math.
Statist. 9 (1938) 60).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize, stats

from pocket.base.typing import Floats
from pocket.errors import FitError, StatisticsError
from pocket.statistics.fits import Fit
from pocket.statistics.minimisation import Minimum
from pocket.statistics.results import Interval, Scan

#: level of an interval of one standard deviation
ONE_SIGMA = 0.6826894921370859
#: precision of the ends of intervals, in units of the distance from the best value
PRECISION = 1e-4
MAX_STEPS = 60


def find_interval(fit: Fit, name: str, level: float = ONE_SIGMA, precision: float = PRECISION) -> Interval:
    """Return the confidence interval of a parameter.

    Args:
        fit: the best fit.
        name: the parameter.
        level: confidence level.
        precision: precision of the ends, relative to their distance from the best value.

    Raises:
        FitError: if a profile has no minimum; LowerMinimumError if it has one below that of the fit.
        StatisticsError: if the parameter doesn't float, or the level isn't between 0 and 1.

    >>> from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, fit
    >>> region = RegionModel("sr", ("signal",), np.array([[1.0]]), np.zeros((1, 1)), data=np.array([9.0]),
    ...     factors={"signal": ("r",)})
    >>> found = find_interval(fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 50)}))), "r")
    >>> round(found.low, 2), round(found.high, 2)
    (6.32, 12.34)
    """
    if not 0 < level < 1:
        raise StatisticsError(f"the level of an interval is {level:g}, but must be between 0 and 1")
    index = _floating_index(fit, name)
    height = float(np.sqrt(stats.chi2.ppf(level, 1)))
    ends = [crossing(fit, index, side, height, precision) for side in (-1, 1)]
    return Interval(
        name=name,
        value=float(fit.values[index]),
        low=float(ends[0][0].values[index]),
        high=float(ends[1][0].values[index]),
        level=level,
        bounded=(ends[0][1], ends[1][1]),
    )


def _floating_index(fit: Fit, name: str) -> int:
    """Return the position of a parameter, which must float."""
    index = fit.likelihood.parameters.index(name)
    if not fit.likelihood.parameters.floating[index]:
        raise StatisticsError(f"parameter {name!r} is frozen, so it has no profile")
    return index


def crossing(fit: Fit, index: int, side: int, height: float, precision: float) -> tuple[Minimum, bool]:
    """Return the profile's minimum where the root of its rise reaches a height on a side (−1 or 1).

    Second is whether a bound was reached before. The precision is relative to the distance from the best value.
    """
    parameters = fit.likelihood.parameters
    bound = parameters.high[index] if side > 0 else parameters.low[index]
    best = fit.values[index]
    reach = abs(bound - best)
    found: dict[float, Minimum] = {0.0: fit.minimum}

    def rise(distance: float) -> float:
        value = bound if distance >= reach else best + side * distance
        # Far from the best fit the nearest profile is the better start.
        is_far = distance > fit.width(index) * height * 1.5
        near = found[min(found, key=lambda other: abs(other - distance))].values if is_far else None
        found[distance] = fit.profile({index: value}, near)
        return float(np.sqrt(fit.rise(found[distance])))

    if reach == 0:
        return fit.minimum, True
    distance, bounded = find_crossing(rise, min(height * fit.width(index), reach), reach, height, precision)
    return found[distance], bounded


def find_crossing(
    rise: Callable[[float], float], first: float, reach: float, height: float, precision: float
) -> tuple[float, bool]:
    """Return the distance at which a function that begins at 0 and increases reaches a height.

    The function is evaluated at the distance that is returned. The precision is that of height and distance, relative
    to them. Second is whether the height isn't reached up to ``reach``, which is returned then and may be infinite.
    """

    @functools.cache
    def excess(distance: float) -> float:
        above = rise(distance) - height if distance else -height
        return 0.0 if abs(above) <= precision * height / 4 else above

    low, high = 0.0, first
    for _ in range(MAX_STEPS):
        if excess(high) >= 0:
            return float(optimize.brentq(excess, low, high, xtol=precision * high * 1e-3, rtol=precision)), False
        if high >= reach:
            return reach, True
        # A straight line from the best value leads near to the crossing.
        guess = high * height / max(excess(high) + height, 1e-12)
        low, high = high, min(max(1.02 * guess, 1.05 * high), 3 * high, reach)
    raise FitError(f"no crossing up to {high:g} from the best value")


def scan(fit: Fit, points: dict[str, Sequence[float] | Floats]) -> Scan:
    """Return the profile over the values of one parameter, or of all pairs of values of two.

    Args:
        fit: the best fit.
        points: parameter → values; those of the second parameter change first.

    Raises:
        FitError: if a profile has no minimum; LowerMinimumError if it has one below that of the fit.
        StatisticsError: if a parameter doesn't float, a value is outside of its range, or there are more than two.

    >>> from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, fit
    >>> region = RegionModel("sr", ("signal",), np.array([[1.0]]), np.zeros((1, 1)), data=np.array([9.0]),
    ...     factors={"signal": ("r",)})
    >>> best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 50)})))
    >>> [round(rise, 3) for rise in scan(best, {"r": [8, 10]}).rise]
    [0.12, 0.104]
    """
    if not 1 <= len(points) <= 2:
        raise StatisticsError(f"a scan is over one parameter or two, not over {len(points)}")
    indices = [_floating_index(fit, name) for name in points]
    parameters = fit.likelihood.parameters
    for index, values in zip(indices, points.values(), strict=True):
        low, high = parameters.low[index], parameters.high[index]
        for value in values:
            if not low <= value <= high:
                raise StatisticsError(
                    f"the value {value:g} of parameter {parameters.names[index]!r} is outside of its range from "
                    f"{low:g} to {high:g}"
                )
    grid = [tuple(map(float, values)) for values in itertools.product(*points.values())]
    rises, near = [], None
    for values in grid:
        found = fit.profile(dict(zip(indices, values, strict=True)), near)
        near = found.values
        rises.append(fit.rise(found))
    best = tuple(float(fit.values[index]) for index in indices)
    return Scan(tuple(points), tuple(grid), tuple(rises), best)
