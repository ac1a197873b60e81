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
        edges: edges of the mass bins [GeV].
        dependence: dependence of the efficiency on the mass.
        background: shape of the background.
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
        self.names = (
            *PARAMETERS,
            *(f"{name}_{region}" for region in ("pass", "fail") for name in background.names),
        )
        self.background_yields = tuple(f"{name}_{region}" for region in ("pass", "fail") for name in background.yields)
        self.limits = {
            f"{name}_{region}": bounds for region in ("pass", "fail") for name, bounds in background.limits.items()
        }
        # Each of the two nuisances and of the constrained parameters comes with a measurement.
        self.ndf = counts.size - len(self.names) + 2 + 2 * background.constrained
        self._spectrum = spectrum
        self._dependence = dependence
        self._background = background
        # Most steps of HESSE and MIGRAD change one or two parameters, so half of these calls have the last arguments.
        self._spectrum_at = lru_cache(maxsize=4)(spectrum)
        self._probabilities_at = lru_cache(maxsize=4)(dependence)
        self._background_at = lru_cache(maxsize=8)(background)

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
        total, efficiency, shift, sigma, linear, quadratic = values[:6]
        signal = self._spectrum_at(shift, sigma) * self._probabilities_at(linear, quadratic)
        signal *= ((total * efficiency, total * (1 - efficiency)) / signal.sum(axis=1))[:, np.newaxis]
        background = np.empty_like(signal)
        of_passing, of_failing = self._split(values)
        background[0], background[1] = self._background_at(*of_passing), self._background_at(*of_failing)
        return signal, background

    def __call__(self, *values: float) -> float:
        """Return twice the negative logarithm of the likelihood, including constraints."""
        signal, background = self.components(*values)
        signal += background
        held = values[4] ** 2 + values[5] ** 2 + sum(self._background.penalty(*part) for part in self._split(values))
        return poisson_chi2(self.counts, signal) + held

    def gradient(self, *values: float) -> Floats:
        """Return the derivatives of twice the negative logarithm by the values."""
        total, efficiency, shift, sigma, linear, quadratic = values[:6]
        signal, background = self.components(*values)
        mu = signal + background
        # These are derivatives by the expectation in each bin.
        slopes = np.where(mu > LEAST, 2 - 2 * self.counts / np.maximum(mu, LEAST), 0.0)
        spectrum, probabilities = self._spectrum_at(shift, sigma), self._probabilities_at(linear, quadratic)
        shapes = spectrum * probabilities
        sums = shapes.sum(axis=1)
        means = (slopes * shapes).sum(axis=1) / sums
        # These are derivatives by the shape in each bin, which is divided by its sum.
        yields = (total * efficiency, total * (1 - efficiency)) / sums
        by_shape = yields[:, np.newaxis] * (slopes - means[:, np.newaxis])
        by_spectrum = self._spectrum.gradient(shift, sigma) @ (by_shape * probabilities).sum(axis=0)
        by_odds = self._dependence.gradient(linear, quadratic) @ (spectrum * (by_shape[0] - by_shape[1]))
        by_background = [
            self._background.gradient(*part) @ of_region + self._background.penalty_gradient(*part)
            for part, of_region in zip(self._split(values), slopes, strict=True)
        ]
        return np.concatenate(
            [
                [means @ (efficiency, 1 - efficiency), total * (means[0] - means[1])],
                by_spectrum,
                (by_odds[0] + 2 * linear, by_odds[1] + 2 * quadratic),
                *by_background,
            ]
        )

    def chi2(self, *values: float) -> float:
        """Return the χ² of model and data, with the statistics of the simulated spectrum in each mass bin."""
        signal, background = self.components(*values)
        share = np.maximum(signal.sum(axis=0) / signal.sum(), 1e-12)
        variance = signal**2 / (self._spectrum.entries * share) * self._spectrum.averaging(values[3])
        return template_chi2(self.counts, signal + background, variance)

    def _split(self, values: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        middle = (6 + len(values)) // 2
        return values[6:middle], values[middle:]


def poisson_chi2(n: Floats, mu: Floats) -> float:
    """Return twice the logarithm of the likelihood ratio of Poisson counts to the saturated model.

    See Baker, Cousins, Nucl. Instrum. Meth. 221 (1984) 437. The function in ``iminuit.cost`` isn't used, because its
    compilation takes seconds on the first call.

    Args:
        mu: expectation; smaller values than 1e-9 are replaced by it.
    """
    mu = np.maximum(mu, LEAST)
    return float(2 * (n * np.log(np.maximum(n, TINY) / mu) + mu - n).sum())


def template_chi2(n: Floats, mu: Floats, variance: Floats) -> float:
    """Return the same for an expectation with its own variance.

    See Dembinski, Abdelmotteleb, Eur. Phys. J. C 82 (2022) 1043, and ``iminuit.cost.template_chi2_da``.

    Args:
        mu: expectation; smaller values than 1e-9 are replaced by it.
        variance: variance of the expectation; smaller relative variances than 1e-10 are replaced by it.
    """
    mu = np.maximum(mu, LEAST)
    k = mu**2 / np.maximum(variance, 1e-10 * mu**2)
    beta = (n + k) / (mu + k)
    return poisson_chi2(n, mu * beta) + poisson_chi2(k, k * beta)
