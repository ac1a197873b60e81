"""Results of a grid of signals: where limits cross a theory curve, and the significance of the largest excess.

The global p-value is from E. Gross, O. Vitells, Eur. Phys. J. C 70 (2010) 525 (arXiv:1005.1891).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pocket.errors import StatisticsError

#: q₀ whose up-crossings are counted: that of 0.5 σ, since a low one is crossed more often
LEVEL = 0.25


@dataclass(frozen=True)
class Crossing:
    """A point at which a limit crosses a theory curve.

    Args:
        point: the point, in the unit of the grid.
        excludes_below: whether the points below it are excluded: the limit rises above the curve there.
        ends: where a varied limit or curve crosses, the lower point first; ``None`` if it doesn't in the grid.
    """

    point: float
    excludes_below: bool
    ends: tuple[float | None, float | None]


@dataclass(frozen=True)
class Excess:
    """The largest excess of a grid.

    Args:
        point: the point with the largest q₀, in the unit of the grid.
        p_local: probability of a larger q₀ at this point without signal.
        crossings: number of up-crossings.
        p_global: probability of a larger q₀ at any point.
        p_range: the same for the ends of the 68 % interval of the mean number of up-crossings.
    """

    point: float
    p_local: float
    crossings: int
    p_global: float
    p_range: tuple[float, float]


def find_crossings(
    points: Sequence[float], ratio: Sequence[float], higher: Sequence[float], lower: Sequence[float]
) -> tuple[Crossing, ...]:
    """Return where limits cross a theory curve, interpolated linearly in the point and logarithmically in both.

    Args:
        ratio: limit over theory, by point; those that aren't positive and finite are left out.
        higher, lower: the same with theory and error varied, or with the ends of an expected band, which may not cross.

    Returns:
        The crossings; ends of one are the nearest crossings of the varied ratios in the same direction.

    >>> find_crossings((100, 200, 300), (0.01, 1, 100), (0.1, 10, 1000), (0.001, 0.1, 10))
    (Crossing(point=200.0, excludes_below=True, ends=(150.0, 250.0)),)
    """
    above, below = _crossings(points, higher), _crossings(points, lower)
    found = []
    for point, rises in _crossings(points, ratio):
        # A higher limit crosses at a lower point where the limit rises, and at a higher one where it falls.
        low, high = (
            min((at for at, other in side if other == rises), key=lambda at: abs(at - point), default=None)
            for side in ((above, below) if rises else (below, above))
        )
        found.append(Crossing(point, rises, (low, high)))
    return tuple(found)


def _crossings(points: Sequence[float], ratio: Sequence[float]) -> list[tuple[float, bool]]:
    """Return where ratios cross 1, and whether they rise there."""
    x, y = np.asarray(points, dtype=float), np.asarray(ratio, dtype=float)
    if x.shape != y.shape or (np.diff(x) <= 0).any():
        raise StatisticsError(f"crossings need rising points and a ratio for each, not {x.tolist()} and {y.tolist()}")
    used = np.isfinite(y) & (y > 0)
    x, y = x[used], np.log(y[used])
    (before,) = np.nonzero((y[:-1] >= 0) != (y[1:] >= 0))
    at = x[before] + np.diff(x)[before] * y[before] / (y[before] - y[before + 1])
    return [(float(point), bool(rises)) for point, rises in zip(at, y[before] < 0, strict=True)]


def find_excess(statistics: Mapping[float, float], level: float = LEVEL) -> Excess:
    """Return the largest excess of a grid, and the p-value of one as large anywhere in it.

    The probability of a q₀ above u is at most p(u) + N exp(−(u − c)/2), and nearly that if it is small, with the local
    p-value p and the mean number N of rises through a level c. N is counted in the data, so points must be close.

    Args:
        statistics: point → q₀ of a signal of one parameter, 0 where its yield isn't positive.

    >>> excess = find_excess({100: 0.0, 110: 1.0, 120: 9.0, 130: 0.1, 140: 0.5})
    >>> excess.crossings, round(excess.p_local, 5), round(excess.p_global, 5)  # 2 exp(−(9 − 0.25)/2) more
    (2, 0.00135, 0.02653)
    """
    values = np.array([statistics[point] for point in sorted(statistics)])
    if not (values > level).any():
        raise StatisticsError(f"no local significance is above {math.sqrt(level):g} σ, so there is no excess")
    largest, count = float(values.max()), int(((values[:-1] <= level) & (values[1:] > level)).sum())
    # the central interval of a Poisson mean (F. Garwood, Biometrika 28 (1936) 437)
    low, high = (
        float(stats.gamma.ppf(stats.norm.cdf(-1), count or 1)),
        float(stats.gamma.ppf(stats.norm.cdf(1), count + 1)),
    )
    p_local = float(stats.norm.sf(math.sqrt(largest)))
    means = (count, low if count else 0.0, high)
    p_global, p_low, p_high = (min(1.0, p_local + mean * math.exp((level - largest) / 2)) for mean in means)
    return Excess(
        float(max(statistics, key=lambda point: statistics[point])), p_local, count, p_global, (p_low, p_high)
    )
