"""Analytic spectrum of the signal: a Breit–Wigner convolved with a Gaussian that has power-law tails on both sides.

The tails describe radiation and badly measured leptons (double-sided Crystal Ball function; J. Gaiser, SLAC-R-255
(1982), for the tail on one side). They are those of simulation; a fit to data has only a shift and a width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from iminuit import Minuit

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.methods.tag_and_probe.declaration import Z_WIDTH
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import (
    SHIFT_MAX,
    SIGMA_MAX,
    SIGMA_MIN,
    SmearedSpectrum,
    breit_wigner,
)

#: largest displacement of a mass [GeV], for which the tails count
TAIL_REACH = 50.0
#: smallest fraction in a bin, in logarithms
LEAST = 1e-12


@dataclass(frozen=True)
class Tails:
    """Tails of a double-sided Crystal Ball function.

    Args:
        alpha_low: where the tail begins below the peak, in widths of the Gaussian.
    """

    alpha_low: float
    n_low: float
    alpha_high: float
    n_high: float


def crystal_ball(t: Floats, tails: Tails) -> tuple[Floats, Floats]:
    """Return the function, which is 1 at the peak, and its derivative.

    With α and n of one side it is exp(−t²/2) for |t| < α, and exp(−α²/2) [1 + α (|t| − α) / n]^−n beyond.

    Args:
        t: distances from the peak, in widths of the Gaussian.
    """
    alpha = np.where(t < 0, tails.alpha_low, tails.alpha_high)
    n = np.where(t < 0, tails.n_low, tails.n_high)
    beyond = np.maximum(np.abs(t) - alpha, 0)
    growth = 1 + alpha * beyond / n
    values = np.exp(-0.5 * np.minimum(np.abs(t), alpha) ** 2) * growth**-n
    slopes = -np.sign(t) * values * np.where(beyond > 0, alpha / growth, np.abs(t))
    return values, slopes


class CrystalBallSpectrum(SmearedSpectrum):
    """Breit–Wigner spectrum with the mass of the Z boson, convolved with a double-sided Crystal Ball function."""

    def __init__(self, edges: Floats, tails: Tails, sigma: float, width: float = Z_WIDTH) -> None:
        super().__init__(breit_wigner(width), edges, np.inf, sigma, reach=TAIL_REACH)
        self.tails = tails

    def __call__(self, shift: float, sigma: float) -> Floats:
        """Return the spectrum per bin, up to a factor."""
        return self.with_tails(shift, sigma, self.tails)

    def with_tails(self, shift: float, sigma: float, tails: Tails) -> Floats:
        """Return the spectrum per bin with other tails, up to a factor."""
        values, _ = crystal_ball((self._displacements - shift) / sigma, tails)
        return np.asarray(self._displaced @ values)

    def gradient(self, shift: float, sigma: float) -> Floats:
        """Return the derivatives of the spectrum by shift and width, shape (2, bins)."""
        away = (self._displacements - shift) / sigma
        _, slopes = crystal_ball(away, self.tails)
        return np.asarray((self._displaced @ np.stack([-slopes / sigma, -slopes * away / sigma], axis=1)).T)


def crystal_ball_spectrum(
    contents: Floats, weight: float, edges: Floats, width: float = Z_WIDTH
) -> CrystalBallSpectrum:
    """Return the spectrum whose tails are fitted to simulation.

    Args:
        contents: sums of weights of simulated signal per mass bin; their sum must be positive.
    """
    first = CrystalBallSpectrum(edges, Tails(1.5, 3.0, 1.5, 5.0), sigma=1.5, width=width)

    def cost(shift: float, sigma: float, alpha_low: float, n_low: float, alpha_high: float, n_high: float) -> float:
        """Return twice the negative logarithm of the likelihood, in which weights may be negative."""
        spectrum = first.with_tails(shift, sigma, Tails(alpha_low, n_low, alpha_high, n_high))
        return float(-2 / weight * (contents @ np.log(np.maximum(spectrum / spectrum.sum(), LEAST))))

    minuit = Minuit(cost, 0.0, 1.5, 1.5, 3.0, 1.5, 5.0)
    minuit.limits = [(-SHIFT_MAX, SHIFT_MAX), (SIGMA_MIN, SIGMA_MAX), *((0.3, 5.0), (1.05, 50.0)) * 2]
    minuit.migrad()
    if not np.isfinite(minuit.fval):
        raise ScaleFactorError("the fit of the Crystal Ball function to simulation fails")
    _, sigma, *tails = minuit.values
    return CrystalBallSpectrum(edges, Tails(*tails), sigma, width)
