"""Shapes of the mass spectra of passing and failing pairs, and their derivatives by the parameters of a fit.

Signal: one spectrum of all pairs, shifted and smeared like the detector's momentum scale and resolution; an efficiency
that depends weakly on the mass divides it into passing and failing pairs. Background: a smooth shape.

Failing templates have few simulated entries. Used bin by bin they would bias the efficiency, and bin-by-bin errors on
them (Barlow–Beeston) would include the fluctuation of their sum, which the efficiency doesn't depend on. A smooth
function that divides the common spectrum has only two numbers with a statistical error, which the fit treats as
nuisances.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize
from scipy.special import binom, expit

from pocket.base.typing import Floats
from pocket.scale_factors.methods.tag_and_probe.declaration import BACKGROUNDS, Z_MASS, Z_WIDTH

#: spacing of the displacements that the smearing sums over, and the largest displacement [GeV]
STEP, REACH = 0.2, 20.0
#: distance in smearings beyond which Gaussian weights, below 2e-22, don't change sums, and are slow if they underflow
FAR = 10.0
#: smallest smearing [GeV], below which the sum over displacements isn't a good approximation of a Gaussian integral
SIGMA_MIN = 0.15
#: largest smearing and shift [GeV], within the range of the displacements
SIGMA_MAX, SHIFT_MAX = 4.0, 3.0
#: width [1/GeV] of the normal distribution that constrains the slope of the exponential
SLOPE_WIDTH = 0.05
#: widths of the normal distributions that constrain the exponent of a power law, and logarithms of coefficients
POWER_WIDTH, COEFFICIENT_WIDTH = 5.0, 2.0
#: centre and width of the constraint on a parameter that has none
FREE = (0.0, np.inf)


class MassDependence:
    """Odds of passing as a smooth function of the mass: log odds = constant + quadratic polynomial.

    The polynomial is fitted to simulation (logistic regression on weighted bins, where Σw/Σw² turns weights into
    effective entries; a normal distribution of unit width constrains both coefficients, so that few entries suffice).

    Args:
        passing: sums of weights of passing simulation per mass bin in the fit; their sum must be positive.
        failing: the same for failing simulation.
        weight: mean weight Σw²/Σw in these bins.
    """

    def __init__(self, passing: Floats, failing: Floats, weight: float) -> None:
        basis = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, passing.size), 2)
        held = np.diag([0.0, 1.0, 1.0])
        total, passing = (passing + failing) / weight, passing / weight

        def cost(c: Floats) -> tuple[float, Floats]:
            log_odds = basis @ c
            value = np.sum(total * np.logaddexp(0, log_odds) - passing * log_odds) + c @ held @ c / 2
            return float(value), basis.T @ (total * expit(log_odds) - passing) + held @ c

        def hessian(c: Floats) -> Floats:
            efficiency = expit(basis @ c)
            return np.asarray((basis.T * (total * efficiency * (1 - efficiency))) @ basis + held)

        start = np.array([np.log(passing.sum() / (total - passing).sum()), 0, 0])
        best: Floats = minimize(cost, start, jac=True, hess=hessian, method="trust-exact").x
        self._log_odds = basis @ best
        # This is the step of each nuisance, shape (2, bins).
        self._moves = (basis[:, 1:] @ np.linalg.cholesky(np.linalg.inv(hessian(best))[1:, 1:])).T

    def __call__(self, linear: float, quadratic: float) -> Floats:
        """Return the probabilities to pass and to fail in simulation per mass bin, shape (2, bins).

        Args:
            linear: first nuisance; with ``quadratic`` it spans the errors of the polynomial, in units of these errors.
            quadratic: second nuisance.
        """
        both = np.empty_like(self._moves)
        both[0] = self._log_odds + linear * self._moves[0] + quadratic * self._moves[1]
        np.negative(both[0], out=both[1])
        return np.asarray(expit(both, out=both))

    def gradient(self, linear: float, quadratic: float) -> Floats:
        """Return the derivatives of the probability to pass by the two nuisances, shape (2, bins)."""
        passing, failing = self(linear, quadratic)
        return np.asarray(passing * failing * self._moves)


class SmearedSpectrum:
    """A mass spectrum after a shift and a Gaussian smearing.

    The content of a bin, displaced by u, is F(high − u) − F(low − u) with the cumulative spectrum F. It is computed
    once for a grid of u, so that a smearing is one product of a matrix with the Gaussian weights of u.

    Args:
        cumulative: the cumulative spectrum, a function of the mass [GeV].
        entries: effective number of simulated entries (Σw)²/Σw² within ``edges``; infinite if analytic.
        sigma: initial value of the smearing in a fit [GeV].
    """

    def __init__(
        self,
        cumulative: Callable[[Floats], Floats],
        edges: Floats,
        entries: float,
        sigma: float,
        reach: float = REACH,
    ) -> None:
        self.entries = entries
        self.sigma = sigma
        self._width = edges[1] - edges[0]
        self._displacements = np.arange(-reach, reach + STEP / 2, STEP)
        self._displaced = np.diff(cumulative(edges[:, np.newaxis] - self._displacements), axis=0)

    def __call__(self, shift: float, sigma: float) -> Floats:
        """Return the spectrum per bin, up to a factor."""
        near, away = self._near(shift, sigma)
        return np.maximum(self._displaced[:, near] @ np.exp(-0.5 * away**2), 0.0)

    def gradient(self, shift: float, sigma: float) -> Floats:
        """Return the derivatives of the spectrum by shift and smearing, shape (2, bins)."""
        near, away = self._near(shift, sigma)
        weights = np.exp(-0.5 * away**2)
        slopes = np.stack([weights, weights * away / sigma, weights * away**2 / sigma]) @ self._displaced[:, near].T
        return np.where(slopes[0] > 0, slopes[1:], 0.0)

    def _near(self, shift: float, sigma: float) -> tuple[slice, Floats]:
        """Return which displacements have a weight, and their distances from the shift in units of the smearing."""
        reach = (shift - FAR * sigma, shift + FAR * sigma)
        # MINOS may ask for values that are no numbers, with which the spectrum is none either.
        first, last = (0, None) if np.isnan(reach[1]) else np.searchsorted(self._displacements, reach).tolist()
        return slice(first, last), (self._displacements[first:last] - shift) / sigma

    def averaging(self, sigma: float) -> float:
        """Return the factor by which smearing reduces the variance of a bin: it averages over 2√π σ/width bins."""
        return float(min(1.0, self._width / (2 * np.sqrt(np.pi) * sigma)))


def template_spectrum(contents: Floats, weight: float, axis_edges: Floats, edges: Floats) -> SmearedSpectrum:
    """Return the spectrum of simulation.

    The cumulative spectrum is interpolated between the bin edges, which preserves the contents of the bins; outside of
    the axis the spectrum continues with the content of the last bin, so that smearing loses nothing at the edges.

    Args:
        contents: sums of weights per bin of the mass axis.
        edges: edges of the bins in the fit [GeV], some of ``axis_edges``.
    """
    first, last = contents[[0, -1]] * REACH / np.diff(axis_edges)[[0, -1]]
    masses = np.concatenate([[axis_edges[0] - REACH], axis_edges, [axis_edges[-1] + REACH]])
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([[first], contents, [last]]))])
    fitted = contents[(axis_edges[:-1] >= edges[0]) & (axis_edges[1:] <= edges[-1])]
    return SmearedSpectrum(PchipInterpolator(masses, sums), edges, fitted.sum() / weight, sigma=0.5)


def breit_wigner(width: float) -> Callable[[Floats], Floats]:
    """Return the cumulative Breit–Wigner spectrum at the mass of the Z boson, up to a factor.

    That of a narrow resonance would jump between the displacements. So it is averaged over two steps of them with a
    triangular weight, which interpolates the smearing linearly.
    """
    half = width / 2
    if width >= STEP:
        return lambda mass: np.arctan((mass - Z_MASS) / half)

    def integral(x: Floats) -> Floats:
        """Return the arc tangent of x/half, integrated twice."""
        return np.asarray(((x**2 - half**2) * np.arctan(x / half) + half * x * (1 - np.log1p((x / half) ** 2))) / 2)

    def averaged(mass: Floats) -> Floats:
        low, middle, high = (integral(mass - Z_MASS + side * STEP) for side in (-1, 0, 1))
        return np.asarray((low - 2 * middle + high) / STEP**2)

    return averaged


def breit_wigner_spectrum(edges: Floats, width: float = Z_WIDTH) -> SmearedSpectrum:
    """Return the Breit–Wigner spectrum of a resonance with the mass of the Z boson."""
    return SmearedSpectrum(breit_wigner(width), edges, np.inf, sigma=1.5)


class Background(ABC):
    """A shape of the background in one region, with its own parameters.

    Its yields may become negative, within the signal: cut off at zero, bins with hardly any background would be biased
    to a high efficiency. If they are positive, the background is positive everywhere.
    """

    names: tuple[str, ...]
    yields: tuple[str, ...] = ("background",)
    #: lowest and highest values of parameters
    limits: Mapping[str, tuple[float, float]] = MappingProxyType({})
    #: centre and width of the normal distribution that constrains each parameter, if the data may leave it free
    constraints: Sequence[tuple[float, float]]
    #: number of parameters with a constraint that counts as a measurement
    constrained = 0

    @abstractmethod
    def start(self, total: float, slope: float) -> tuple[float, ...]:
        """Return initial values for ``total`` pairs with a distribution like exp(−``slope`` · mass)."""

    @abstractmethod
    def __call__(self, *values: Any) -> Floats:
        """Return the background per region and mass bin, for values of shape (regions, 1)."""

    @abstractmethod
    def gradient(self, *values: Any) -> Floats:
        """Return the derivatives of the background by the values, shape (values, regions, bins)."""


class Exponential(Background):
    """Exponentially falling background, whose slope is loosely constrained to zero for bins without background."""

    names: tuple[str, ...] = BACKGROUNDS["exponential"]
    constraints = (FREE, (0.0, SLOPE_WIDTH))

    def __init__(self, edges: Floats) -> None:
        # The mass is relative to the middle, so that the largest value has the largest exponent.
        self._mass = (edges[:-1] + edges[1:]) / 2 - (edges[0] + edges[-1]) / 2
        self._largest = self._mass[-1]

    def start(self, total: float, slope: float) -> tuple[float, ...]:
        return total, slope

    def __call__(self, *values: Any) -> Floats:
        total, slope = values
        falling = np.exp(-slope * self._mass - np.abs(slope) * self._largest)
        return np.asarray(falling * (total / falling.sum(axis=-1, keepdims=True)))

    def gradient(self, *values: Any) -> Floats:
        total, slope = values
        shape = self(np.ones_like(slope), slope)
        return np.stack([shape, total * shape * ((shape @ self._mass)[..., np.newaxis] - self._mass)])


class Quadratic(Background):
    """Background with a quadratic polynomial, the sum of the three Bernstein polynomials of second degree."""

    names: tuple[str, ...] = BACKGROUNDS["quadratic"]
    yields = names
    constraints = (FREE,) * 3

    def __init__(self, edges: Floats) -> None:
        self._range = edges[-1] - edges[0]
        x = ((edges[:-1] + edges[1:]) / 2 - edges[0]) / self._range
        polynomials = np.stack([(1 - x) ** 2, 2 * x * (1 - x), x**2])
        self._polynomials = polynomials / polynomials.sum(axis=1, keepdims=True)

    def start(self, total: float, slope: float) -> tuple[float, ...]:
        ratio = np.exp(slope * self._range / 2)
        parts = np.array([ratio, 1, 1 / ratio])
        return tuple(total * parts / parts.sum())

    def __call__(self, *values: Any) -> Floats:
        low, middle, high = self._polynomials
        return np.asarray(values[0] * low + values[1] * middle + values[2] * high)

    def gradient(self, *values: Any) -> Floats:
        return np.stack([np.ones_like(value) * part for value, part in zip(values, self._polynomials, strict=True)])


class PowerLaw(Exponential):
    """Background m^−p, an exponential in the logarithm of the mass."""

    names: tuple[str, ...] = BACKGROUNDS["power_law"]
    constraints = (FREE, (0.0, POWER_WIDTH))

    def __init__(self, edges: Floats) -> None:
        self._middle = (edges[0] + edges[-1]) / 2
        self._mass = np.log((edges[:-1] + edges[1:]) / 2 / self._middle)
        self._largest = np.abs(self._mass).max()

    def start(self, total: float, slope: float) -> tuple[float, ...]:
        return total, slope * self._middle


class Bernstein(Background):
    """Background with a polynomial of third degree, whose Bernstein coefficients are 1 and three exponentials."""

    names: tuple[str, ...] = BACKGROUNDS["bernstein"]
    limits: Mapping[str, tuple[float, float]] = MappingProxyType(dict.fromkeys(names[1:], (-10.0, 10.0)))
    constraints = (FREE, *((0.0, COEFFICIENT_WIDTH),) * 3)
    constrained = 3

    def __init__(self, edges: Floats) -> None:
        self._range = edges[-1] - edges[0]
        x = ((edges[:-1] + edges[1:]) / 2 - edges[0]) / self._range
        self._polynomials = np.stack([binom(3, k) * x**k * (1 - x) ** (3 - k) for k in range(4)])

    def start(self, total: float, slope: float) -> tuple[float, ...]:
        return total, *np.clip(-slope * self._range * np.arange(1, 4) / 3, -4, 4).tolist()

    def __call__(self, *values: Any) -> Floats:
        shape = self._parts(values).sum(axis=0)
        return np.asarray(shape * (values[0] / shape.sum(axis=-1, keepdims=True)))

    def gradient(self, *values: Any) -> Floats:
        parts = self._parts(values)
        fractions = parts / parts.sum(axis=(0, -1), keepdims=True)
        fraction = fractions.sum(axis=0)
        moved = fractions[1:] - fractions[1:].sum(axis=-1, keepdims=True) * fraction
        return np.concatenate([fraction[np.newaxis], values[0] * moved])

    def _parts(self, values: Sequence[Floats]) -> Floats:
        """Return the polynomials times their coefficients, shape (4, regions, bins)."""
        first, *others = self._polynomials
        scaled = (np.exp(value) * part for value, part in zip(values[1:], others, strict=True))
        return np.stack([first + 0 * values[0], *scaled])
