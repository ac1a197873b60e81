"""Mass spectra of pairs, folded with scales and smearings of the energies of both leptons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from pocket.base.typing import Floats, Indices

#: smearing function → shares of its Gaussians, and their widths relative to its standard deviation
FUNCTIONS = {"gaussian": ((1.0, 1.0),), "tails": ((0.9, float(np.sqrt(2 / 3))), (0.1, 2.0))}
#: smallest widths of a Gaussian, in simulated bins and relative to the mass; without any, the likelihood is rough, as
#: fluctuations of simulation move with the scale
NARROWEST, NARROWEST_OF_MASS = 0.5, 0.003
#: distance, in widths of a Gaussian, from which the share beyond it is lost in rounding
FARTHEST = 8.5


@dataclass(frozen=True, eq=False)
class Folded:
    """Sums of weights in bins of the mass.

    Args:
        matrix: share of each simulated bin in each bin, shape (pairs, simulated bins, bins).
        differentiate: function that returns ``by_scale`` and ``by_width``, which few steps of a fit ask for.
    """

    matrix: Floats
    differentiate: Callable[[], tuple[Floats, Floats]]

    @property
    def by_scale(self) -> Floats:
        """Derivatives of the matrix by the logarithm of √(s s'), where s and s' are the scales."""
        return self._derivatives[0]

    @property
    def by_width(self) -> Floats:
        """Derivatives of the matrix by the square q + q' of the relative smearings."""
        return self._derivatives[1]

    @cached_property
    def _derivatives(self) -> tuple[Floats, Floats]:
        return self.differentiate()


def fold(simulated: Floats, edges: Floats, scale: Floats, square: Floats, function: str = "gaussian") -> Folded:
    """Return what becomes of simulated masses.

    A mass m becomes m (1 + δ n − δ² / 2) / √(s s'), with a random number n of mean 0 and width 1 and δ² = (q + q') / 4,
    since m² is the product of the energies, and the mean of a square root is smaller. Within a simulated bin of
    width h masses are distributed evenly, which makes a smooth spectrum wider by h² / 6; the Gaussian is narrower by as
    much.

    Args:
        simulated: edges of the simulated bins in GeV, shape (simulated bins + 1,).
        edges: edges of the bins in GeV, shape (bins + 1,).
        scale: √(s s') of each pair, factors on the energies in data, shape (pairs,).
        square: q + q' of each pair, the sum of the squares of the relative smearings, shape (pairs,).

    >>> edges = np.array([60.0, 89.0, 90.0, 91.0, 92.0, 120.0])
    >>> fold(np.array([90.0, 91.0]), edges, np.ones(1), np.array([2 * 0.02**2])).matrix.round(1).tolist()
    [[[0.1, 0.2, 0.3, 0.2, 0.1]]]
    """
    delta = np.sqrt(square)[:, None, None] / 2
    low, high = simulated[:-1, None], simulated[1:, None]
    middle = (low + high) / 2
    # Shape (pairs, 1, edges): a mass is below an edge if it was below it before data were scaled.
    mean = (1 - delta**2 / 2).reshape(-1, 1)
    at = (edges * (scale[:, None] / mean))[:, None, :]
    below = np.zeros((len(scale), len(middle), len(edges)))
    parts = []
    for share, relative in FUNCTIONS[function]:
        smeared = (relative * delta * middle) ** 2 - (high - low) ** 2 / 6
        # It changes smoothly, so that a fit finds its way back from where there is no smearing.
        least = np.maximum(NARROWEST * (high - low), NARROWEST_OF_MASS * middle)
        root = np.sqrt(smeared**2 + 4 * least**4)
        width = np.sqrt((smeared + root) / 2)
        (inside_low, slope_low), (inside_high, slope_high) = (_integral((at - edge) / width) for edge in (low, high))
        density = share / (high - low)
        below += density * width * (inside_low - inside_high)
        # The square of the width changes by a fourth of the square of the mass for q + q'.
        by_width = (1 + smeared / root) / 2 * (relative * middle) ** 2 / (8 * width)
        parts.append((density, by_width, slope_low, slope_high))

    def differentiate() -> tuple[Floats, Floats]:
        by_edge, by_square = np.zeros((2, *below.shape))
        for density, by_width, slope_low, slope_high in parts:
            by_edge += density * (slope_low[0] - slope_high[0])
            by_square += density * (slope_low[1] - slope_high[1]) * by_width
        by_edge *= at
        by_square += by_edge / (8 * mean[:, :, None])
        return np.diff(by_edge, axis=-1), np.diff(by_square, axis=-1)

    return Folded(np.diff(below, axis=-1), differentiate)


def _integral(x: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return the integral of the normal distribution function up to x, the function itself, and the density."""
    near = np.abs(x) < FARTHEST
    cumulative, density = np.where(x > 0, 1.0, 0.0), np.zeros_like(x)
    cumulative[near] = special.ndtr(x[near])
    density[near] = np.exp(-(x[near] ** 2) / 2) / np.sqrt(2 * np.pi)
    return x * cumulative + density, (cumulative, density)


def pairs_of(groups: int) -> tuple[Indices, Indices]:
    """Return the groups of the first and the second lepton of all pairs, both of shape (pairs,).

    >>> pairs_of(2)
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    first, second = np.triu_indices(groups)
    return first, second
