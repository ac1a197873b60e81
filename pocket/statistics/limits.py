"""Significances and upper limits from asymptotic formulas.

Numbers of equations are those of G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554
(arXiv:1007.1727); CLs is from A. L. Read, J. Phys. G 28 (2002) 2693. The statistic of limits is q̃, with a parameter
of interest that isn't negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from pocket.errors import FitError, StatisticsError, check_known
from pocket.statistics.fits import Fit, Minimum, fit
from pocket.statistics.intervals import find_crossing
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.results import Significance, UpperLimit
from pocket.statistics.toys import asimov

#: precision of limits, relative to them
PRECISION = 1e-4
MAX_STEPS = 60
#: largest root of q̃, relative to the one that is sought, from which the search begins
FARTHEST = 3.0
#: root of q̃ of the Asimov data from which CLs is the level of signal and background alone
SURE = 10.0
#: standard deviations of the data at which limits are expected
BANDS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def find_significance(likelihood: Likelihood, poi: str) -> Significance:
    """Return by how many standard deviations the data disagree with no signal.

    Args:
        likelihood: the likelihood; with Asimov data, the significance is the expected one.
        poi: the parameter of interest, 0 without signal; others float.

    Raises:
        StatisticsError: if the range of the parameter doesn't hold 0.
        FitError: if a fit has no minimum.

    The statistic is q₀ (equation 12), its significance √q₀ (equation 53).

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[5.0], [10.0]]), np.zeros((2, 1)),
    ...     data=np.array([20.0]), factors={"signal": ("r",)})
    >>> found = find_significance(Likelihood(Model((region,), pois={"r": FreeParameter(0, 20)})), "r")
    >>> round(found.significance, 4)  # √(2 (20 ln(20/10) − 10))
    2.7795
    """
    index = _position(likelihood, poi)
    best = fit(likelihood)
    statistic = 0.0
    if best.values[index] > 0:
        statistic = max(best.profile({index: 0.0}).deviance - best.deviance, 0.0)
    root = float(np.sqrt(statistic))
    return Significance(poi=poi, statistic=statistic, significance=root, p_value=float(stats.norm.sf(root)))


def cls(statistic: float, asimov_statistic: float) -> tuple[float, float, float]:
    """Return the confidence levels of signal and background, of background alone, and their ratio CLs.

    Args:
        statistic: q̃ of the data.
        asimov_statistic: q̃ of Asimov data without signal.

    Equations 65 and 66.

    >>> [round(level, 4) for level in cls(4.0, 4.0)]
    [0.0228, 0.5, 0.0455]
    """
    root, root_asimov = np.sqrt(statistic), np.sqrt(asimov_statistic)
    if statistic <= asimov_statistic:
        distance = root - root_asimov
    else:
        distance = (statistic - asimov_statistic) / (2 * root_asimov) if root_asimov > 0 else np.inf
    both, background = stats.norm.sf(distance + root_asimov), stats.norm.sf(distance)
    return float(both), float(background), float(both / background) if background > 0 else 0.0


def expected_cls(asimov_statistic: float, deviations: float) -> float:
    """Return CLs if the data are some standard deviations above those expected without signal.

    Args:
        asimov_statistic: q̃ of Asimov data without signal.
        deviations: standard deviations.

    >>> round(expected_cls(4.0, 0.0), 4)
    0.0455
    """
    return float(stats.norm.sf(np.sqrt(asimov_statistic) - deviations) / stats.norm.cdf(deviations))


@dataclass(eq=False)
class LimitStatistic:
    """The statistic q̃ of a likelihood and of its Asimov data without signal, at values of a parameter of interest.

    Args:
        observed: best fit with a parameter of interest that isn't negative.
        background: the same of Asimov data without signal.
        index: position of the parameter.
    """

    observed: Fit
    background: Fit
    index: int
    _known: dict[tuple[int, float], float] = field(default_factory=dict)
    _near: dict[int, Minimum] = field(default_factory=dict)

    @classmethod
    def of(cls, likelihood: Likelihood, poi: str) -> LimitStatistic:
        """Return the statistic of a likelihood.

        Args:
            likelihood: the likelihood.
            poi: the parameter of interest; others float.

        Raises:
            StatisticsError: if the range of the parameter doesn't hold 0.
            FitError: if a fit has no minimum.
        """
        index = _position(likelihood, poi)
        positive = likelihood.adjusted(ranges={poi: (0.0, float(likelihood.parameters.high[index]))})
        observed = fit(positive)
        values = observed.profile({index: 0.0}).values
        expected = asimov(positive, values, positive.simulation(values))
        background = fit(positive.observing(expected), start=values)
        return cls(observed, background, index)

    def observed_at(self, value: float) -> float:
        """Return q̃ of the data: 0 below the best value (equation 16)."""
        return self._at(0, self.observed, value)

    def background_at(self, value: float) -> float:
        """Return q̃ of Asimov data without signal, or of a smaller value if CLs doesn't depend on it any more.

        Far above the limits no nuisance is where its templates mean anything, so there may be no minimum.
        """
        below = max((known for which, known in self._known if which == 1 and known < value), default=0.0)
        while below and self._at(1, self.background, below) < SURE**2 and below < value / 4:
            below *= 4
        if below and (found := self._at(1, self.background, below)) >= SURE**2:
            return found
        return self._at(1, self.background, value)

    def first_value(self, root: float, high: float) -> float:
        """Return about where the root of q̃ of the Asimov data without signal has a value, or some way below.

        Args:
            root: the value.
            high: upper end of the range.
        """
        best, index = self.background, self.index
        values = best.values.copy()
        values[index] = min(best.width(index) * root, high)
        # With hardly any background, the deviance is no parabola but a straight line, so that one is far too wide.
        while best.likelihood.deviance(values) - best.deviance > (FARTHEST * root) ** 2:
            values[index] /= 2
        return float(values[index])

    def _at(self, which: int, best: Fit, value: float) -> float:
        if value <= best.values[self.index]:
            return 0.0
        if (which, value) not in self._known:
            near = self._near.get(which, best.minimum)
            found = best.profile({self.index: value}, near.values)
            self._near[which] = found
            self._known[which, value] = max(found.deviance - best.deviance, 0.0)
        return self._known[which, value]


def find_upper_limit(likelihood: Likelihood, poi: str, level: float = 0.95) -> UpperLimit:
    """Return the observed and the expected upper limits by CLs.

    Args:
        likelihood: the likelihood.
        poi: the parameter of interest; others float.
        level: confidence level.

    Raises:
        StatisticsError: if the level isn't between 0 and 1, or a limit is beyond the range of the parameter.
        FitError: if a fit has no minimum.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[1.0], [1000.0]]), np.zeros((2, 1)),
    ...     data=np.array([1000.0]), factors={"signal": ("r",)})
    >>> found = find_upper_limit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 500)})), "r")
    >>> round(found.observed, 1), round(found.expected[2], 1)  # near 1.96 √1000
    (63.3, 63.3)
    """
    if not 0 < level < 1:
        raise StatisticsError(f"the level of a limit is {level:g}, but must be between 0 and 1")
    statistic = LimitStatistic.of(likelihood, poi)
    best, high = float(statistic.observed.values[statistic.index]), float(likelihood.parameters.high[statistic.index])
    width, expected = 0.0, dict[float, float]()
    for deviations in sorted(BANDS, key=abs):
        # CLs is 1 − level where q̃ of the Asimov data is the square of this.
        root = float(deviations + stats.norm.isf((1 - level) * stats.norm.cdf(deviations)))
        first = width * root if width else statistic.first_value(root, high)
        value, beyond = find_crossing(
            lambda x: float(np.sqrt(statistic.background_at(x))), min(first, high), high, root, PRECISION
        )
        if beyond:
            raise StatisticsError(f"the limit of {poi!r} is beyond the upper end of its range, {high:g}")
        expected[deviations], width = value, value / root
    # This is the limit if the profile is a parabola.
    first = best + width * float(stats.norm.isf((1 - level) * stats.norm.cdf(best / width)))
    observed = _solve(
        lambda x: cls(statistic.observed_at(x), statistic.background_at(x))[2], 1 - level, first, high, poi
    )
    low2, low1, middle, high1, high2 = (expected[deviations] for deviations in BANDS)
    return UpperLimit(poi=poi, level=level, observed=observed, expected=(low2, low1, middle, high1, high2))


def _position(likelihood: Likelihood, poi: str) -> int:
    check_known("parameter of interest", [poi], likelihood.model.pois, "the model")
    parameters = likelihood.parameters
    index = parameters.index(poi)
    if not parameters.floating[index]:
        raise StatisticsError(f"parameter {poi!r} is frozen, so it has no limit and no significance")
    if not parameters.low[index] <= 0 < parameters.high[index]:
        raise StatisticsError(
            f"the range of {poi!r} from {parameters.low[index]:g} to {parameters.high[index]:g} doesn't hold 0"
        )
    return index


def _solve(levels: Callable[[float], float], target: float, first: float, high: float, poi: str) -> float:
    """Return where a falling function reaches a target, by secants of its normal quantile, which is nearly straight."""

    def height(value: float) -> float:
        return float(stats.norm.isf(np.clip(levels(value), 1e-300, 1 - 1e-16))) - float(stats.norm.isf(target))

    below, above = 0.0, high
    below_height = above_height = np.nan
    value, before = min(first, high), None
    for step in range(MAX_STEPS):
        found = height(value)
        if found < 0:
            if value >= high:
                raise StatisticsError(f"the limit of {poi!r} is beyond the upper end of its range, {high:g}")
            below, below_height = value, found
        else:
            above, above_height = value, found
        if before is not None and found != before[1]:
            following = value - found * (value - before[0]) / (found - before[1])
        elif found < 0:
            following = value * 1.3
        else:
            following = value * 0.8
        before = (value, found)
        if not np.isnan(above_height) and (not below < following < above or step % 5 == 4):
            following = (below + above) / 2
            if not np.isnan(below_height):
                following = below - below_height * (above - below) / (above_height - below_height)
        elif np.isnan(above_height):
            following = min(max(following, value * 1.05), value * 4, high)
        if abs(following - value) <= PRECISION * value or above - below <= PRECISION * value:
            return float(following)
        value = following
    raise FitError(f"no limit of {poi!r} after {MAX_STEPS} steps, between {below:g} and {above:g}")
