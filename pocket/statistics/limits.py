"""Significances and upper limits from asymptotic formulas.

Numbers of equations are those of G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554
(arXiv:1007.1727); CLs is from A. L. Read, J. Phys. G 28 (2002) 2693. The statistic of limits is q̃, with a parameter
of interest that isn't negative.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import optimize, stats

from pocket.errors import FitError, StatisticsError, check_known
from pocket.statistics.fits import Fit, at_lowest_minimum, fit
from pocket.statistics.intervals import find_crossing
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.minimisation import Minimum
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

    The statistic is q₀ (equation 12), its significance √q₀ (equation 53). Both are infinite where there are data of
    which nothing is expected without signal.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[5.0], [10.0]]), np.zeros((2, 1)),
    ...     data=np.array([20.0]), factors={"signal": ("r",)})
    >>> found = find_significance(Likelihood(Model((region,), pois={"r": FreeParameter(0, 20)})), "r")
    >>> round(found.significance, 4)  # √(2 (20 ln(20/10) − 10))
    2.7795
    """
    index = _position(likelihood, poi)

    def rise(best: Fit) -> float:
        if best.values[index] <= 0:
            return 0.0
        without = best.profile({index: 0.0})
        return np.inf if likelihood.impossible_bins(without.values) else best.rise(without)

    _, statistic = at_lowest_minimum(fit(likelihood), rise)
    root = float(np.sqrt(statistic))
    return Significance(poi=poi, statistic=statistic, significance=root, p_value=float(stats.norm.sf(root)))


def sensitive_events(best: Fit, poi: str, *, interval: bool = False) -> tuple[float, float]:
    """Return how many expected and simulated events a result for a signal rests on.

    Events count by what they weigh in the statistic. A test against no signal weighs by w = ln(1 + s/b), for a signal s
    and a background b; an interval around the signal by w = s/λ, for the expectation λ = s + b. So these are
    (Σ w λ)²/Σ w² λ for the expectation, and (Σ w m)²/Σ w² σ² for simulation with the variance σ², where m is the
    background b for a test, and λ for an interval. Asymptotic formulas need some ten of both.

    Args:
        best: a fit, whose parameters other than ``poi`` are taken; the signal is that of ``poi`` = 1, or of its value.
        interval: whether the result is an interval.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[3.0], [4.0]]), np.array([[0.1], [2.0]]),
    ...     data=np.array([7.0]), factors={"signal": ("r",)})
    >>> best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 20)})))
    >>> [round(number, 3) for number in sensitive_events(best, "r")]
    [7.0, 8.0]
    >>> [round(number, 3) for number in sensitive_events(best, "r", interval=True)]
    [7.0, 23.333]
    """
    likelihood = best.likelihood
    index = likelihood.parameters.index(poi)
    values = best.values.copy()
    values[index] = values[index] if values[index] > 0 else 1.0
    without = values.copy()
    without[index] = 0.0
    both, background = likelihood.expectation(values), likelihood.expectation(without)
    used = likelihood.is_seen & (both > background) & (background > 0 if not interval else True)
    if not used.any():
        return 0.0, 0.0
    signal = (both - background)[used]
    weight = signal / both[used] if interval else np.log1p(signal / background[used])
    by_simulation = values if interval else without
    variance = np.asarray((likelihood.arrays.sumw2 * (likelihood.yields(by_simulation) > 0)).sum(axis=0))[used]
    contents = (both if interval else background)[used]
    expected = float((weight @ both[used]) ** 2 / (weight**2 @ both[used]))
    spread = float(weight**2 @ variance)
    return expected, float((weight @ contents) ** 2 / spread) if spread > 0 else np.inf


def cls(statistic: float, asimov_statistic: float) -> tuple[float, float, float]:
    """Return the confidence levels of signal and background, of background alone, and their ratio CLs.

    These are equations 65 and 66; the second statistic is q̃ of Asimov data without signal.

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


@dataclass(eq=False)
class LimitStatistic:
    """The statistic q̃ of a likelihood and of its Asimov data without signal, at values of a parameter of interest.

    Both are best fits with a parameter that isn't negative.
    """

    observed: Fit
    background: Fit
    index: int
    _known: dict[tuple[int, float], float] = field(default_factory=dict)
    _near: dict[int, Minimum] = field(default_factory=dict)

    @classmethod
    def of(cls, observed: Fit, index: int) -> LimitStatistic:
        """Return the statistic of a likelihood, from its best fit."""
        likelihood, values = observed.likelihood, observed.profile({index: 0.0}).values
        expected = asimov(likelihood, values, likelihood.simulation(values))
        background = fit(likelihood.observing(expected), start=values)
        return cls(observed, background, index)

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

    def find_root(self, root: float, width: float = 0.0) -> float:
        """Return where the root of q̃ of the Asimov data without signal has a value.

        It rises by about one over a ``width``, which is 0 if that isn't known.
        """
        first = width * root or self._first_value(root)
        value, _ = find_crossing(lambda x: float(np.sqrt(self.background_at(x))), first, np.inf, root, PRECISION)
        return value

    def find_level(self, level: float, width: float = 0.0) -> float:
        """Return where CLs of the data has a value; ``width`` and errors are those of :meth:`find_root`."""
        best = float(self.observed.values[self.index])
        width = width or self.observed.width(self.index)

        @functools.cache
        def excess(value: float) -> float:
            # The normal quantile of CLs is nearly a straight line.
            found = cls(self._at(0, self.observed, value), self.background_at(value))[2]
            return float(stats.norm.isf(np.clip(found, 1e-300, 1 - 1e-16)) - stats.norm.isf(level))

        # This is the limit if the profile is a parabola.
        low, high = best, best + width * float(stats.norm.isf(level * stats.norm.cdf(best / width)))
        for _ in range(MAX_STEPS):
            if excess(high) >= 0:
                return float(optimize.brentq(excess, low, high, xtol=1e-2 * PRECISION * high, rtol=PRECISION))
            low, high = high, best + 1.5 * (high - best)
        raise FitError(f"CLs is above {level:g} up to {high:g}")

    def _first_value(self, root: float) -> float:
        """Return about where the root of q̃ of the Asimov data without signal has a value, or some way below."""
        best, index = self.background, self.index
        values = best.values.copy()
        values[index] = best.width(index) * root
        # With hardly any background, the deviance is no parabola but a straight line, so that one is far too wide.
        while best.likelihood.deviance(values) - best.deviance > (FARTHEST * root) ** 2:
            values[index] /= 2
        return float(values[index])

    def _at(self, which: int, best: Fit, value: float) -> float:
        """Return q̃ of the data (0) or the Asimov data (1): 0 below the best value (equation 16)."""
        if value <= best.values[self.index]:
            return 0.0
        if (which, value) not in self._known:
            near = self._near.get(which, best.minimum)
            found = best.profile({self.index: value}, near.values)
            self._near[which] = found
            self._known[which, value] = best.rise(found)
        return self._known[which, value]


def find_upper_limit(likelihood: Likelihood, poi: str, level: float = 0.95) -> UpperLimit:
    """Return the observed and the expected upper limits by CLs.

    Args:
        likelihood: the likelihood; with Asimov data without signal, the observed limit is the expected one.
        poi: the parameter of interest, which may exceed its range; others float.
        level: confidence level.

    Returns:
        The limits. One that isn't found is NaN, and has its reason in ``missing``.

    Raises:
        StatisticsError: if the level isn't between 0 and 1, or the range of the parameter doesn't hold 0.
        FitError: if the best fit has no minimum.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[1.0], [1000.0]]), np.zeros((2, 1)),
    ...     data=np.array([1000.0]), factors={"signal": ("r",)})
    >>> found = find_upper_limit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 500)})), "r")
    >>> round(found.observed, 1), round(found.expected[2], 1)  # near 1.96 √1000
    (63.3, 63.3)
    """
    if not 0 < level < 1:
        raise StatisticsError(f"the level of a limit is {level:g}, but must be between 0 and 1")
    index = _position(likelihood, poi)
    positive = likelihood.adjusted(ranges={poi: (0.0, np.inf)})
    _, found = at_lowest_minimum(fit(positive), lambda best: _upper_limit(LimitStatistic.of(best, index), poi, level))
    end = float(likelihood.parameters.high[index])
    largest = np.nanmax([found.observed, *found.expected, 0.0])
    return replace(found, range_end=end if largest > end else None)


def _upper_limit(statistic: LimitStatistic, poi: str, level: float) -> UpperLimit:
    missing: dict[str, str] = {}
    width, expected = 0.0, dict.fromkeys(BANDS, np.nan)
    for deviations in sorted(BANDS, key=abs):
        # CLs is 1 − level where q̃ of the Asimov data is the square of this.
        root = float(deviations + stats.norm.isf((1 - level) * stats.norm.cdf(deviations)))
        try:
            expected[deviations] = statistic.find_root(root, width)
            width = expected[deviations] / root
        except FitError as error:
            missing[f"expected {deviations:+.0f}σ" if deviations else "expected"] = str(error)
    observed = np.nan
    try:
        observed = statistic.find_level(1 - level, width)
    except FitError as error:
        missing["observed"] = str(error)
    return UpperLimit(
        poi=poi,
        level=level,
        observed=observed,
        expected=tuple(expected[deviations] for deviations in BANDS),
        missing=missing,
    )


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
