"""Likelihood of discriminant distributions in pass and fail, with a tagger's scale factors as parameters.

A flavour's passing template is multiplied by its scale factor SF, its failing one by 1 + (1 − SF) R with R the ratio of
its passing to its failing nominal yield: SF moves jets from one region to the other and preserves the flavour's yield
(up to second order if a shape nuisance changes that ratio).
Nuisances change rates and shapes as in HistFactory (Cranmer et al., CERN-OPEN-2012-016): κ^θ for rates (``code1`` of
pyhf); for shapes each bin is interpolated by a polynomial within |θ| < 1 and linear beyond (``code4p``).

MC statistics follow Barlow and Beeston (Comput. Phys. Commun. 77 (1993) 219) in the form of Conway (arXiv:1103.0354):
one factor β per region and bin for the sum of all processes, normally distributed around 1 with the relative error of
the nominal sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.methods.pass_fail_template.inputs import (
    LOG_NORMALISATION,
    Nuisance,
    TemplateInputs,
    scale_factor_name,
)
from pocket.scale_factors.methods.tag_and_probe.mass_model import poisson_chi2

#: smallest expected yield of a bin in the likelihood, since there is no logarithm below zero
LEAST_YIELD = 1e-9
#: largest distance of nuisances from their initial values, as in combine; yields would overflow far beyond
REACH = 7.0


class Expectation(NamedTuple):
    """Expected yields and their factors, for some values of the parameters.

    Args:
        scale_factors: scale factor per process; 1 if it has none.
        rates: factor of both regions per process.
        factors: factor per process and region, shape (processes, 2).
        templates: templates with the shape nuisances, shape (processes, 2, bins).
        total: sum over processes, shape (2, bins).
    """

    scale_factors: Floats
    rates: Floats
    factors: Floats
    templates: Floats
    total: Floats


class TemplateModel:
    """Twice the negative logarithm of the likelihood ratio to the saturated model, with its derivatives.

    The parameters are the scale factors of the floating flavours, the logarithm of the free normalisation if there is
    one, and the nuisances.

    Args:
        betas: fixed factors for MC statistics, shape (2, bins); profiled by default.
    """

    def __init__(self, templates: TemplateInputs, betas: Floats | None = None) -> None:
        self.templates = templates
        self.processes = processes = tuple(templates.nominal)
        self.scale_factors = tuple(map(scale_factor_name, templates.floating))
        self._data = np.asarray(templates.data, dtype=float)
        statistics = 1.0 if betas is None else betas
        nominal = np.array([templates.nominal[process] for process in processes], dtype=float)
        self._nominal = nominal * statistics

        # The free normalisation is a rate of all processes without constraint.
        everything = {LOG_NORMALISATION: Nuisance(rate=dict.fromkeys(processes, np.e))}
        nuisances = {**(everything if templates.free_normalisation else {}), **templates.nuisances}
        self.names = (*self.scale_factors, *nuisances)
        self._constrained = np.array([name in templates.nuisances for name in self.names], dtype=float)
        # The shape is (parameters, processes).
        self._log_rates, self._log_scales = np.zeros((2, len(self.names), len(processes)))
        shaped, steps = [], []
        for i, nuisance in enumerate(nuisances.values(), len(self.scale_factors)):
            self._log_rates[i] = [np.log(nuisance.rate.get(process, 1.0)) for process in processes]
            self._log_scales[i] = [np.log(nuisance.scale.get(process, 1.0)) for process in processes]
            if nuisance.shape:
                pairs = [nuisance.shape.get(process, (nominal[p],) * 2) for p, process in enumerate(processes)]
                shaped.append(i)
                steps.append([(up - nominal[p], nominal[p] - down) for p, (up, down) in enumerate(pairs)])
        self._shaped = np.array(shaped, dtype=int)
        # The shape is (2, shape nuisances, processes, 2, bins): the step added at θ = 1, and the one removed at θ = −1.
        self._steps = np.moveaxis(np.reshape(steps, (len(shaped), len(processes), 2, *self._data.shape)), 2, 0)
        self._steps = self._steps * statistics * templates.filled

        # A scale factor s multiplies the regions by offset + slope · s.
        self._offset, self._slope = np.ones((len(processes), 2)), np.zeros((len(processes), 2))
        self._frozen = np.ones(len(processes))
        for flavour, value in templates.flavours.items():
            passing, failing = templates.nominal[flavour].sum(axis=1)
            p, ratio = processes.index(flavour), passing / failing
            self._offset[p], self._slope[p] = (0.0, 1.0 + ratio), (1.0, -ratio)
            self._frozen[p] = 1.0 if value is None else value
        self._floating = np.array([processes.index(flavour) for flavour in templates.floating])
        self._of_scale_factors = np.zeros((len(self.names), len(processes)))
        self._of_scale_factors[np.arange(self._floating.size), self._floating] = 1.0

        self.variance = np.zeros_like(self._data)
        if templates.barlow_beeston and betas is None:
            total, sumw2 = templates.total, np.sum(list(templates.sumw2.values()), axis=0)
            np.divide(sumw2, total**2, out=self.variance, where=total > 0)
        self._precision = np.zeros_like(self._data)
        np.divide(1.0, self.variance, out=self._precision, where=self.variance > 0)

    def start(self) -> Floats:
        """Return initial values: scale factors of 1, simulation scaled to data, and nuisances at 0."""
        values = np.zeros(len(self.names))
        values[: self._floating.size] = 1.0
        if self.templates.free_normalisation:
            values[self._floating.size] = np.log(self._data.sum() / self._nominal.sum())
        return values

    def limits(self) -> list[tuple[float, float]]:
        """Return the range of each parameter; for a scale factor, from no passing entries to no failing entries."""
        ends = (1 - 1 / self._slope[self._floating, 1]).tolist()
        others = self.start()[len(ends) :].tolist()
        return [*((0.0, end) for end in ends), *((value - REACH, value + REACH) for value in others)]

    def __call__(self, values: Floats) -> float:
        total = np.maximum(self._expectation(values).total, LEAST_YIELD)
        betas = self._profiled(total)
        held = np.sum((betas - 1) ** 2 * self._precision) + np.sum(self._constrained * values**2)
        return poisson_chi2(self._data, betas * total) + float(held)

    def gradient(self, values: Floats) -> Floats:
        """Return the first derivatives by all parameters; those by β vanish at the profiled values."""
        expectation = self._expectation(values)
        by_total, _ = self._derivatives(expectation.total)
        slopes = self._template_slopes(values)
        _, by_values = self._linear(expectation, slopes)
        return np.asarray(by_values @ by_total.ravel() + 2 * self._constrained * values)

    def hessian(self, values: Floats) -> Floats:
        """Return the second derivatives by all parameters, with β profiled."""
        expectation = self._expectation(values)
        scale_factors, rates, factors, templates, total = expectation
        by_total, twice_by_total = self._derivatives(total)
        slopes = self._template_slopes(values)
        of_factors, by_values = self._linear(expectation, slopes)
        matrix = (by_values * twice_by_total.ravel()) @ by_values.T + 2 * np.diag(self._constrained)

        # These are the contributions of the yields' curvature: of the factors, of both together, of the templates.
        by_factors = np.einsum("ri,pri->pr", by_total, templates)
        by_scale_factors = rates * np.sum(self._slope * by_factors, axis=1)
        of_scale_factors = self._of_scale_factors + self._log_scales * scale_factors
        mixed = (self._log_rates * by_scale_factors) @ of_scale_factors.T
        matrix += (self._log_rates * np.sum(factors * by_factors, axis=1)) @ self._log_rates.T + mixed + mixed.T
        matrix += (self._log_scales * scale_factors * by_scale_factors) @ self._log_scales.T
        mixed = np.einsum("apr,kpr->ak", of_factors, np.einsum("ri,kpri->kpr", by_total, slopes))
        matrix[:, self._shaped] += mixed
        matrix[self._shaped] += mixed.T
        bends = np.einsum("ri,pr,skpri->sk", by_total, factors, self._steps)
        matrix[self._shaped, self._shaped] += np.sum(code4p(values[self._shaped])[2] * bends, axis=0)
        return np.asarray(matrix)

    def yields(self, values: Floats) -> dict[str, Floats]:
        """Return the expected yields per process, each of shape (2, bins), including MC statistics."""
        expectation = self._expectation(values)
        found = expectation.factors[:, :, np.newaxis] * expectation.templates * self.betas(values)
        return dict(zip(self.processes, found, strict=True))

    def betas(self, values: Floats) -> Floats:
        """Return the profiled factors for MC statistics, shape (2, bins)."""
        return self._profiled(np.maximum(self._expectation(values).total, LEAST_YIELD))

    def _profiled(self, total: Floats) -> Floats:
        """Return the positive solution of β² + (ν σ² − 1) β − n σ² = 0, where the derivative by β vanishes."""
        half = (1 - total * self.variance) / 2
        return np.asarray(half + np.sqrt(half**2 + self._data * self.variance))

    def _derivatives(self, expected: Floats) -> tuple[Floats, Floats]:
        """Return first and second derivatives by the expected yields, zero below the smallest yield."""
        total = np.maximum(expected, LEAST_YIELD)
        betas = self._profiled(total)
        # This is the derivative of β from its equation; the denominator only vanishes for n = 0 and ν σ² = 1.
        of_betas = -self.variance * betas / np.maximum(2 * betas + total * self.variance - 1, 1e-12)
        first, second = 2 * (betas - self._data / total), 2 * (of_betas + self._data / total**2)
        return np.where(expected > LEAST_YIELD, first, 0.0), np.where(expected > LEAST_YIELD, second, 0.0)

    def _expectation(self, values: Floats) -> Expectation:
        scale_factors = self._frozen * np.exp(values @ self._log_scales)
        scale_factors[self._floating] = values[: self._floating.size]
        rates = np.exp(values @ self._log_rates)
        factors = (self._offset + self._slope * scale_factors[:, np.newaxis]) * rates[:, np.newaxis]
        along = code4p(values[self._shaped])[0]
        templates = self._nominal + np.tensordot(along, self._steps, 2)
        return Expectation(scale_factors, rates, factors, templates, np.einsum("pr,pri->ri", factors, templates))

    def _template_slopes(self, values: Floats) -> Floats:
        """Return the derivatives of the templates, shape (shape nuisances, processes, 2, bins)."""
        return np.asarray(np.einsum("sk,skpri->kpri", code4p(values[self._shaped])[1], self._steps))

    def _linear(self, expectation: Expectation, slopes: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives of the factors and of the sum of all processes.

        Returns:
            Arrays of shapes (parameters, processes, 2) and (parameters, 2 · bins).
        """
        scale_factors, rates, factors, templates, _ = expectation
        of_scale_factors = self._of_scale_factors + self._log_scales * scale_factors
        of_factors = (
            self._log_rates[:, :, np.newaxis] * factors + (of_scale_factors * rates)[:, :, np.newaxis] * self._slope
        )
        by_values = np.einsum("apr,pri->ari", of_factors, templates)
        by_values[self._shaped] += np.einsum("pr,kpri->kri", factors, slopes)
        return of_factors, by_values.reshape(len(self.names), -1)


def code4p(theta: Floats) -> Floats:
    """Return the fractions of a template's steps from θ = 0 to 1 and from −1 to 0.

    Within |θ| < 1 a polynomial of sixth degree joins the two straight lines with a continuous second derivative.

    Returns:
        Value, first and second derivatives for both steps, shape (3, 2, nuisances).
    """
    inner = np.clip(theta, -1, 1)
    square = inner**2
    even = square * (15 - 10 * square + 3 * square**2) / 16
    slope = inner * (30 - 40 * square + 18 * square**2) / 16
    curvature = (30 - 120 * square + 90 * square**2) / 16
    return np.array(
        [
            [inner / 2 + even + np.maximum(theta - 1, 0), inner / 2 - even + np.minimum(theta + 1, 0)],
            [0.5 + slope, 0.5 - slope],
            [curvature, -curvature],
        ]
    )
