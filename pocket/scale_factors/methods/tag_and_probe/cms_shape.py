"""Background that rises where the requirements on tag and probe leave pairs, and falls exponentially above.

f(m) = erfc((α − m) β) exp(−γ m), the shape of RooCMSShape in CMS' fits of tag and probe: α is where it has risen to a
half, 1/β the width of this turn-on, and γ the slope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import erfc

from pocket.base.typing import Floats
from pocket.scale_factors.methods.tag_and_probe.declaration import BACKGROUNDS
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import FREE, SLOPE_WIDTH, Background

#: centre above the lowest mass, and width of the normal distribution that constrains the turn-on [GeV]
TURN_ON, TURN_ON_WIDTH = 5.0, 15.0
#: centre and width of the normal distribution that constrains the inverse width of the turn-on [1/GeV]
STEEPNESS, STEEPNESS_WIDTH = 0.05, 0.03


class CMSShape(Background):
    """Background with a turn-on and an exponential fall.

    The turn-on often begins below the fitted masses, and bins may have hardly any background. So its parameters are
    loosely constrained to values that are usual for pairs above 60 GeV.
    """

    names: tuple[str, ...] = BACKGROUNDS["cms_shape"]
    constrained = 2

    def __init__(self, edges: Floats) -> None:
        # Three nodes of a Gauss–Legendre quadrature integrate such a smooth function over a bin.
        nodes, self._weights = np.polynomial.legendre.leggauss(3)
        middle, half = (edges[:-1] + edges[1:]) / 2, np.diff(edges) / 2
        self._mass = (middle[:, np.newaxis] + half[:, np.newaxis] * nodes).ravel()
        self._middle = (edges[0] + edges[-1]) / 2
        self._turn_on = edges[0] + TURN_ON
        self.constraints = (
            FREE,
            (self._turn_on, TURN_ON_WIDTH),
            (STEEPNESS, STEEPNESS_WIDTH),
            (0.0, SLOPE_WIDTH),
        )
        span = edges[-1] - edges[0]
        self.limits: Mapping[str, tuple[float, float]] = {
            "alpha": (edges[0] - span / 2, edges[0] + 2 * span / 3),
            "beta": (0.01, 0.3),
            "gamma": (-0.3, 0.3),
        }

    def start(self, total: float, slope: float) -> tuple[float, ...]:
        low, high = self.limits["gamma"]
        return total, self._turn_on, STEEPNESS, float(np.clip(slope, low / 2, high / 2))

    def __call__(self, *values: Any) -> Floats:
        shape, _ = self._shape(*values[1:])
        return np.asarray(shape * (values[0] / shape.sum(axis=-1, keepdims=True)))

    def gradient(self, *values: Any) -> Floats:
        total, alpha, beta, _ = values
        shape, falling = self._shape(*values[1:])
        away = alpha - self._mass
        # These are derivatives of the complementary error function by its argument, times the exponential.
        slopes = -2 / np.sqrt(np.pi) * np.exp(-((away * beta) ** 2)) * falling
        by_gamma = -erfc(away * beta) * falling * (self._mass - self._middle)
        by_shape = self._integrated(np.stack([slopes * beta, slopes * away, by_gamma]))
        size = shape.sum(axis=-1, keepdims=True)
        fraction = shape / size
        moved = (by_shape - by_shape.sum(axis=-1, keepdims=True) * fraction) / size
        return np.concatenate([fraction[np.newaxis], total * moved])

    def _shape(self, alpha: Floats, beta: Floats, gamma: Floats) -> tuple[Floats, Floats]:
        """Return the function in each bin, up to a factor, and the exponential at the nodes."""
        falling = np.exp(-gamma * (self._mass - self._middle))
        return self._integrated(erfc((alpha - self._mass) * beta) * falling), falling

    def _integrated(self, at_nodes: Floats) -> Floats:
        """Return integrals over the bins, up to a factor."""
        return np.asarray(at_nodes.reshape(*at_nodes.shape[:-1], -1, len(self._weights)) @ self._weights)
