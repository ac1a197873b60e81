"""Double-sided Crystal Ball function, the shape of the momentum resolution of muons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from pocket.base.typing import Floats

#: π as the muon group's programs have it, which decides the seventh digit of their numbers.
PI = 3.14159


class CrystalBall:
    """Normalised Gaussian whose tails are power laws on both sides, for objects with parameters of shape (n objects,).

    The formulas are those of this class in the muon group's RoccoR.h and MuonScaRe.cc
    (https://gitlab.cern.ch/akhukhun/roccor, https://gitlab.cern.ch/cms-muonPOG/muonscarekit); ``tail`` is in widths.
    Parameters that describe no distribution give NaN.

    Examples:
        >>> ball = CrystalBall(np.zeros(1), np.ones(1), np.full(1, 2.0), np.full(1, 5.0))
        >>> ball.inverse(np.array([0.5])).round(6).tolist()
        [0.0]
        >>> ball.cumulative(ball.inverse(np.array([0.01]))).round(6).tolist()
        [0.01]
    """

    def __init__(
        self,
        mean: Floats,
        width: Floats,
        tail: Floats,
        power: Floats,
        pi: float = PI,
        inverse_erf: Callable[[Floats], Floats] = special.erfinv,
    ) -> None:
        self.mean, self.width, self.tail = mean, width, tail
        self._inverse_erf, self._root = inverse_erf, np.sqrt(pi / 2)
        with np.errstate(all="ignore"):
            size = np.abs(tail)
            in_tail = power / size / (power - 1) * np.exp(-size * size / 2)
            core = 2 * self._root * special.erf(size / np.sqrt(2))
            self._power = power
            self._whole, self._half = (core + 2 * in_tail) / in_tail, (core + 2 * in_tail) / 2
            self._norm = 1 / (core + 2 * in_tail)
            self._tail_norm = self._norm * in_tail
            self._offset, self._slope = 1 - size * size / power, width * power / size
            self._low, self._high = (self.cumulative(mean + sign * tail * width) for sign in (-1, 1))

    def cumulative(self, x: Floats) -> Floats:
        """Return the probability of a value below ``x``, shape (n objects,)."""
        with np.errstate(all="ignore"):
            distance = (x - self.mean) / self.width
            low = self._offset - self.width * distance / self._slope
            high = self._offset + self.width * distance / self._slope
            below = np.where(low > 0, self._tail_norm / low ** (self._power - 1), self._tail_norm)
            above = np.where(
                high > 0,
                self._tail_norm * (self._whole - high ** (1 - self._power)),
                self._tail_norm * self._whole,
            )
            core = self._norm * (self._half - self._root * special.erf(-distance / np.sqrt(2)))
            result: Floats = np.where(distance < -self.tail, below, np.where(distance > self.tail, above, core))
            return result

    def inverse(self, probability: Floats) -> Floats:
        """Return the value that a variable of this distribution is below with a probability, shape (n objects,)."""
        with np.errstate(all="ignore"):
            exponent = 1 / (self._power - 1)
            low = self._tail_norm / probability
            high = self._whole - probability / self._tail_norm
            below = self.mean + self._slope * (self._offset - np.where(low > 0, low, 0) ** exponent)
            # Beyond the end of the tail, the muon group's programs have its middle.
            above = self.mean - self._slope * np.where(high > 0, self._offset - high**-exponent, self._offset)
            argument = (self._half - probability / self._norm) / self._root
            core = self.mean - np.sqrt(2) * self.width * self._inverse_erf(argument)
            result: Floats = np.where(probability < self._low, below, np.where(probability > self._high, above, core))
            return result
