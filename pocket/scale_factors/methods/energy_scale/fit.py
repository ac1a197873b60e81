"""Fit of the energy scale and the smearing of each category of leptons to the spectra of all pairs of categories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from iminuit import Minuit
from scipy import special

from pocket.base.typing import Floats, Mask
from pocket.scale_factors.methods.energy_scale.folding import Folded, fold, pairs_of

#: range of the logarithm of a scale, and of the square of a smearing
SCALES, SQUARES = (-0.1, 0.1), (0.0, 0.01)
#: square of the smearing from which a fit begins
START = 1e-4
#: largest number of minimisations
MOST_ATTEMPTS = 3
#: entries of a spectrum that count as none
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Spectra:
    """Spectra of pairs, in the order of :func:`~pocket.scale_factors.methods.energy_scale.folding.pairs_of`.

    Args:
        data: counts in the range of the fit, shape (pairs, bins).
        background: expected background, shape (pairs, bins).
        signal: simulation, shape (pairs, simulated bins).
        edges: edges of the bins in GeV.
        simulated: edges of the simulated bins, which reach beyond the range of the fit.
    """

    data: Floats
    background: Floats
    signal: Floats
    variances: Floats
    background_variances: Floats
    edges: Floats
    simulated: Floats
    groups: int
    function: str
    has_smearing: bool

    @property
    def used(self) -> Mask:
        """Which pairs of categories have entries, shape (pairs,)."""
        return np.asarray((self.entries[:, 0] > 0) & (self.signal.sum(axis=1) > 0))

    @cached_property
    def entries(self) -> Floats:
        """Entries of the signal in data, shape (pairs, 1)."""
        return np.asarray(np.maximum(self.data.sum(axis=1) - self.background.sum(axis=1), 0)[:, None])

    @cached_property
    def leptons(self) -> Floats:
        """Derivatives of log √(s s') and q + q' of pairs by the parameters, shape (parameters, 2, pairs)."""
        first, second = (np.eye(self.groups)[:, side] for side in pairs_of(self.groups))
        leptons = np.zeros((2 * self.groups, 2, first.shape[1]))
        leptons[: self.groups, 0], leptons[self.groups :, 1] = (first + second) / 2, first + second
        return leptons if self.has_smearing else leptons[: self.groups]

    def folded(self, scales: Floats, squares: Floats) -> Folded:
        """Return what becomes of simulated masses."""
        first, second = pairs_of(self.groups)
        at = np.exp((scales[first] + scales[second]) / 2)
        return fold(self.simulated, self.edges, at, squares[first] + squares[second], self.function)


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected spectra, at the number of entries in data.

    Args:
        parameters: logarithms of scales, followed by the squares of smearings if there are any.
    """

    spectra: Spectra
    parameters: Floats

    @cached_property
    def values(self) -> Floats:
        """Expected entries, shape (pairs, bins)."""
        return np.maximum(self._signal + self.spectra.background, NOTHING)

    @cached_property
    def variances(self) -> Floats:
        """Variances of simulation, shape (pairs, bins)."""
        of_signal = np.einsum("pk,pkb->pb", self.spectra.variances, self._folded.matrix**2)
        return np.asarray(self._rate**2 * of_signal + self.spectra.background_variances)

    @cached_property
    def slopes(self) -> Floats:
        """Derivatives of the values by the parameters, shape (parameters, pairs, bins)."""
        parts = (self._folded.by_scale, self._folded.by_width)
        changes = (np.einsum("pk,pkb->pb", self.spectra.signal, part) for part in parts)
        return self._by_parameter(*(self._at_fixed_number(change) for change in changes))

    @cached_property
    def variance_slopes(self) -> Floats:
        """Derivatives of the variances by the parameters, shape (parameters, pairs, bins)."""
        matrix, variances = self._folded.matrix, self.spectra.variances
        changes = (
            2 * self._rate**2 * np.einsum("pk,pkb,pkb->pb", variances, matrix, part)
            for part in (self._folded.by_scale, self._folded.by_width)
        )
        return self._by_parameter(*changes)

    @cached_property
    def by_simulation(self) -> Floats:
        """Derivatives of the values by the contents of simulation, shape (pairs, simulated bins, bins)."""
        return self._at_fixed_number(self._folded.matrix)

    @cached_property
    def noise(self) -> Floats:
        """What simulation's fluctuations add, on average, to products of slopes, shape (parameters, parameters)."""
        slopes = [self._at_fixed_number(part) for part in (self._folded.by_scale, self._folded.by_width)]
        weights = self.spectra.variances[:, :, None] / (self.values + self.variances)[:, None]
        of_pairs = np.array([[(one * other * weights).sum(axis=(1, 2)) for one in slopes] for other in slopes])
        used = self.spectra.used
        leptons = self.spectra.leptons[..., used]
        return np.asarray(np.einsum("iap,acp,jcp->ij", leptons, of_pairs[..., used], leptons))

    @cached_property
    def _folded(self) -> Folded:
        groups = self.spectra.groups
        squares = self.parameters[groups:] if self.spectra.has_smearing else np.zeros(groups)
        return self.spectra.folded(self.parameters[:groups], squares)

    @cached_property
    def _shape(self) -> Floats:
        return np.asarray(np.einsum("pk,pkb->pb", self.spectra.signal, self._folded.matrix))

    @cached_property
    def _total(self) -> Floats:
        return np.asarray(np.maximum(self._shape.sum(axis=1), NOTHING)[:, None])

    @cached_property
    def _signal(self) -> Floats:
        return np.asarray(self.spectra.entries * self._shape / self._total)

    @cached_property
    def _rate(self) -> Floats:
        return np.asarray(self.spectra.entries / self._total)

    def _at_fixed_number(self, change: Floats) -> Floats:
        """Return the change of expected spectra for one of the folded signal, both of shape (pairs, …, bins)."""
        further = tuple(range(1, change.ndim - 1))
        rate, signal, total = (np.expand_dims(part, further) for part in (self._rate, self._signal, self._total))
        return np.asarray(rate * change - signal * change.sum(axis=-1, keepdims=True) / total)

    def _by_parameter(self, *by_pair: Floats) -> Floats:
        """Return derivatives by the parameters, for those by the scale and the width of pairs."""
        return np.asarray(np.einsum("iap,apb->ipb", self.spectra.leptons, by_pair))


@dataclass(frozen=True, eq=False)
class EnergyFit:
    """Result of a fit.

    Args:
        scales: logarithms of the scales, shape (groups,).
        squares: squares of the smearings, shape (groups,); 0 without smearing.
        covariance: of scales and squares, of data and simulation, shape (parameters, parameters).
        prefit, postfit: expected spectra of the signal and background, shape (pairs, bins).
        chi2: of each pair of categories, with the statistics of data and simulation, shape (pairs,).
    """

    scales: Floats
    squares: Floats
    covariance: Floats
    prefit: Floats
    postfit: Floats
    chi2: Floats
    is_valid: bool
    attempts: int


def fit(spectra: Spectra) -> EnergyFit:
    """Return scales and smearings with the largest likelihood of the data.

    The data of each pair are Poisson numbers about simulation that is folded, and normalised to data less background.
    Each bin has a factor for the statistics of simulation, whose best value is known (H. Dembinski, A. Abdelmottaleb,
    Eur. Phys. J. C 82 (2022) 1043). Without it smearing would be too large, since it makes simulation smoother. The
    covariance is that of the data and of the bins of simulation, propagated to the maximum of the likelihood.
    """
    used = spectra.used
    data = spectra.data[used]

    def expected(parameters: Floats) -> tuple[Expected, Floats, Floats, Floats]:
        """Return what is expected, effective numbers of simulated entries, and their factors."""
        found = Expected(spectra, parameters)
        values, variances = found.values[used], np.maximum(found.variances[used], NOTHING)
        entries = values**2 / variances
        return found, values, entries, (data + entries) / (values + entries)

    def likelihood(parameters: Floats) -> float:
        _, values, entries, factor = expected(parameters)
        mean = values * factor
        return float((mean - special.xlogy(data, mean) + entries * (factor - 1 - np.log(factor))).sum())

    def gradient(parameters: Floats) -> Floats:
        found, values, entries, factor = expected(parameters)
        slopes = found.slopes[:, used]
        variances = np.maximum(found.variances[used], NOTHING)
        of_entries = entries * (2 * slopes / values - found.variance_slopes[:, used] / variances)
        change = slopes * (factor - data / values) + of_entries * (factor - 1 - np.log(factor))
        return np.asarray(change.sum(axis=(1, 2)))

    start = np.zeros(spectra.groups)
    if spectra.has_smearing:
        start = np.concatenate([start, np.full(spectra.groups, START)])
    minuit = Minuit(likelihood, start, grad=gradient)
    minuit.errordef, minuit.strategy, minuit.print_level = Minuit.LIKELIHOOD, 0, 0
    minuit.limits = [SCALES] * spectra.groups + [SQUARES] * (len(start) - spectra.groups)
    attempts = 0
    while attempts < MOST_ATTEMPTS and not (attempts and minuit.valid):
        minuit.migrad()
        attempts += 1
    best = np.array(minuit.values)
    found = Expected(spectra, best)
    values, slopes = found.values[used], found.slopes[:, used]
    weighted = slopes / (values + found.variances[used])
    # Products of slopes contain noise, which tells nothing of the parameters. A series is the inverse of the
    # difference, since the difference may vanish for a width of almost 0.
    inverse = np.linalg.pinv(np.einsum("ipb,jpb->ij", weighted, slopes))
    share = inverse @ found.noise
    inverse = inverse + share @ inverse + share @ share @ inverse
    moved = np.einsum("ipb,pkb->ipk", weighted, found.by_simulation[used])
    spread = np.einsum("ipk,pk,jpk->ij", moved, spectra.variances[used], moved)
    spread += np.einsum("ipb,pb,jpb->ij", weighted, values + spectra.background_variances[used], weighted)
    covariance = inverse @ spread @ inverse
    difference = (spectra.data - found.values) ** 2 / (found.values + found.variances)
    return EnergyFit(
        scales=best[: spectra.groups],
        squares=best[spectra.groups :] if spectra.has_smearing else np.zeros(spectra.groups),
        covariance=covariance,
        prefit=Expected(spectra, np.zeros_like(best)).values,
        postfit=found.values,
        chi2=np.where(used, difference.sum(axis=1), 0.0),
        is_valid=bool(minuit.valid and np.isfinite(covariance).all()),
        attempts=attempts,
    )
