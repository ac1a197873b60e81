"""Model of the mass spectra of passing and failing pairs, and its likelihood.

Passing and failing pairs share one signal spectrum; the background has separate parameters for passing and failing
pairs, see :mod:`pocket.scale_factors.methods.tag_and_probe.mass_shapes`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.methods.tag_and_probe.declaration import PARAMETERS
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import Background, MassDependence, SmearedSpectrum

#: smallest expectation per bin
LEAST = 1e-9
#: replacement for zero in a logarithm that is multiplied by zero
TINY = 1e-300


class PassFailModel:
    """Likelihood of the passing and failing mass spectra.

    Args:
        counts: data per region (pass, fail) and mass bin, shape (2, bins).
    """

    def __init__(
        self,
        counts: Floats,
        edges: Floats,
        spectrum: SmearedSpectrum,
        dependence: MassDependence,
        background: Background,
    ) -> None:
        self.counts = counts
        self.edges = edges
        regions = ("pass", "fail")
        self.names = (*PARAMETERS, *(f"{name}_{region}" for region in regions for name in background.names))
        self.background_yields = tuple(f"{name}_{region}" for region in regions for name in background.yields)
        self.limits = {f"{name}_{region}": bounds for region in regions for name, bounds in background.limits.items()}
        # Each of the two nuisances and of the constrained parameters comes with a measurement.
        self.ndf = counts.size - len(self.names) + 2 + 2 * background.constrained
        self._spectrum = spectrum
        self._dependence = dependence
        self._background = background
        constraints = [(0.0, np.inf)] * 4 + [(0.0, 1.0)] * 2 + 2 * [*background.constraints]
        self._centres, self._widths = np.array(constraints).T
        # Most steps of HESSE and MIGRAD change one or two parameters, so half of these calls have the last arguments.
        self._spectrum_at = lru_cache(maxsize=4)(spectrum)
        self._probabilities_at = lru_cache(maxsize=4)(dependence)
        self._background_at = lru_cache(maxsize=4)(lambda *values: background(*self._by_region(values)))
        self._shapes_at = lru_cache(maxsize=4)(self._shapes)
        self._derivatives_at = lru_cache(maxsize=1)(self._derivatives)

    def start(self) -> tuple[float, ...]:
        """Return initial values: the background from the outer tenths of the mass range, the signal from the rest."""
        tenth = max(1, self.counts.shape[1] // 10)
        low, high = self.counts[:, :tenth].sum(axis=1) + 1, self.counts[:, -tenth:].sum(axis=1) + 1
        slope = np.log(low / high) / (0.9 * (self.edges[-1] - self.edges[0]))
        # The outer tenths also contain signal, so half of their entries is closer to the background.
        total = np.sqrt(low * high) * self.counts.shape[1] / tenth / 2
        signal = np.maximum(self.counts.sum(axis=1) - total, 1)
        background = [self._background.start(*values) for values in zip(total, slope, strict=True)]
        return (signal.sum(), signal[0] / signal.sum(), 0.0, self._spectrum.sigma, 0.0, 0.0, *sum(background, ()))

    def components(self, *values: float) -> tuple[Floats, Floats]:
        """Return signal and background, each of shape (2, bins), for values in the order of ``names``."""
        return self._signal(*values[:6]), self._background_at(*values[6:]).copy()

    def _signal(
        self, total: float, efficiency: float, shift: float, sigma: float, linear: float, quadratic: float
    ) -> Floats:
        shapes, sums = self._shapes_at(shift, sigma, linear, quadratic)
        return np.asarray(shapes * ((total * efficiency, total * (1 - efficiency)) / sums)[:, np.newaxis])

    def _shapes(self, shift: float, sigma: float, linear: float, quadratic: float) -> tuple[Floats, Floats]:
        """Return the spectra of passing and failing signal up to a factor, shape (2, bins), and their sums."""
        shapes = self._spectrum_at(shift, sigma) * self._probabilities_at(linear, quadratic)
        return shapes, shapes.sum(axis=1)

    def __call__(self, *values: float) -> float:
        """Return twice the negative logarithm of the likelihood, including constraints."""
        expected = self._signal(*values[:6])
        expected += self._background_at(*values[6:])
        away = (values - self._centres) / self._widths
        return poisson_chi2(self.counts, expected) + float(away @ away)

    def gradient(self, *values: float) -> Floats:
        """Return the derivatives of twice the negative logarithm by the values."""
        return self._derivatives_at(*values)[0]

    def curvature(self, *values: float) -> Floats:
        """Return about the second derivatives by each value at the minimum, which spares MINUIT to look for them."""
        return self._derivatives_at(*values)[1]

    def _derivatives(self, *values: float) -> tuple[Floats, Floats]:
        total, efficiency, shift, sigma, linear, quadratic = values[:6]
        signal, background = self.components(*values)
        mu = signal + background
        ratio = np.divide(self.counts, mu, out=np.ones_like(mu), where=mu > LEAST)
        spectrum, probabilities = self._spectrum_at(shift, sigma), self._probabilities_at(linear, quadratic)
        shapes, sums = self._shapes_at(shift, sigma, linear, quadratic)
        sums = sums[:, np.newaxis]
        fractions, shares = shapes / sums, np.array([[efficiency], [1 - efficiency]])
        # This is the change of the shape in each bin, which is divided by its sum.
        changes = np.empty((4, *mu.shape))
        changes[:2] = self._spectrum.gradient(shift, sigma)[:, np.newaxis] * probabilities
        changes[2:, 0] = self._dependence.gradient(linear, quadratic) * spectrum
        changes[2:, 1] = -changes[2:, 0]
        # These are the derivatives of the expectation, shape (values, 2, bins).
        slopes = np.zeros((len(values), *mu.shape))
        slopes[0], slopes[1] = fractions * shares, fractions * ((total,), (-total,))
        slopes[2:6] = (changes - fractions * changes.sum(axis=2, keepdims=True)) * (total * shares / sums)
        of_background, middle = self._background.gradient(*self._by_region(values[6:])), (6 + len(values)) // 2
        slopes[6:middle, 0], slopes[middle:, 1] = of_background[:, 0], of_background[:, 1]
        slopes = slopes.reshape(len(values), -1)
        held = 2 / self._widths**2
        first = slopes @ (2 - 2 * ratio).ravel() + held * (values - self._centres)
        weights = np.divide(ratio, mu, out=np.zeros_like(mu), where=mu > LEAST)
        # Far from the minimum this is too small for the first step of MIGRAD, which shall not leave the constraints.
        return first, slopes**2 @ (2 * weights).ravel() + held + np.abs(first) / self._widths

    def chi2(self, *values: float) -> float:
        """Return the χ² of model and data, with the statistics of the simulated spectrum in each mass bin."""
        signal, background = self.components(*values)
        share = np.maximum(signal.sum(axis=0) / signal.sum(), 1e-12)
        variance = signal**2 / (self._spectrum.entries * share) * self._spectrum.averaging(values[3])
        return template_chi2(self.counts, signal + background, variance)

    @staticmethod
    def _by_region(values: tuple[float, ...]) -> Floats:
        """Return parameters of the background in shape (parameters of a region, 2, 1)."""
        return np.array(values).reshape(2, -1).T[..., np.newaxis]


def poisson_chi2(n: Floats, mu: Floats) -> float:
    """Return twice the logarithm of the likelihood ratio of Poisson counts to the saturated model.

    See Baker, Cousins, Nucl. Instrum. Meth. 221 (1984) 437. The function in ``iminuit.cost`` isn't used, because its
    compilation takes seconds on the first call.

    Args:
        mu: expectation; smaller values than 1e-9 are replaced by it.
    """
    mu = np.maximum(mu, LEAST)
    terms = np.log(np.maximum(n, TINY) / mu)
    terms *= n
    terms += mu
    terms -= n
    return float(2 * terms.sum())


def template_chi2(n: Floats, mu: Floats, variance: Floats) -> float:
    """Return the same for an expectation with its own variance.

    See Dembinski, Abdelmotteleb, Eur. Phys. J. C 82 (2022) 1043, and ``iminuit.cost.template_chi2_da``.

    Args:
        variance: variance of the expectation; smaller relative variances than 1e-10 are replaced by it.
    """
    mu = np.maximum(mu, LEAST)
    k = mu**2 / np.maximum(variance, 1e-10 * mu**2)
    beta = (n + k) / (mu + k)
    return poisson_chi2(n, mu * beta) + poisson_chi2(k, k * beta)
