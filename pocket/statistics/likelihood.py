"""The likelihood of a model, with exact first and second derivatives.

The deviance of expectations λ (see :mod:`pocket.statistics.expectation`) and d observed events is

    −2·ln(L/L_saturated) = Σ 2·(m − d + d·ln(d/m)) + Σ (θ − θ₀)² + constraints of MC statistics

over bins and nuisances, where m is λ with the statistical errors of simulation, which are profiled (see
:mod:`pocket.statistics.mc_statistics`).
Sources: arXiv:2404.06614; S. Baker and R. D. Cousins, Nucl. Instrum. Meth. 221 (1984) 437.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pocket.base.typing import Floats, Indices, Mask
from pocket.errors import StatisticsError, check_known
from pocket.statistics.expectation import Expectation
from pocket.statistics.mc_statistics import FLOOR, PoissonTerms, Profile, fixed, profile
from pocket.statistics.model import Model
from pocket.statistics.tensors import Tensors, poisson_processes, tensors


@dataclass(frozen=True, eq=False)
class Observations:
    """All that a likelihood takes as measured.

    Args:
        data: events in the B bins of all regions, shape (B,); Asimov data needn't be whole. A bin whose data are NaN
            has no part in the likelihood.
        nuisances: measured values θ₀ of the nuisances, shape (nuisances,).
        gaussian: measured values x₀ of the Gaussian parameters for statistical errors of simulation, shape (B,).
        poisson: measured events n₀ of the Poisson ones, shape (P, B).
    """

    data: Floats
    nuisances: Floats
    gaussian: Floats
    poisson: Floats


@dataclass(frozen=True, eq=False)
class Parameters:
    """Values at which parameters of interest, free ones and nuisances start, their ranges, and which ones float."""

    names: tuple[str, ...]
    start: Floats
    low: Floats
    high: Floats
    floating: Mask

    def index(self, name: str) -> int:
        """Return the position of a parameter."""
        check_known("parameter", [name], self.names, "the model")
        return self.names.index(name)


@dataclass(eq=False)
class _Point:
    """What the deviance and its derivatives need at a point: expectations, V of shape (B,), and the profile.

    The derivatives are kept, since a minimiser and the fit both ask for them at the minimum.
    """

    expectation: Expectation
    variance: Floats
    profile: Profile
    gradient: Floats | None = None
    hessian: Floats | None = None


class Likelihood:
    """The likelihood of a model, given observations.

    Args:
        model: the model.
        observations: what was measured; by default the data of the model, and auxiliary measurements as expected.

    Attributes:
        has_gaussian: bins that have a Gaussian parameter for statistical errors of simulation, shape (B,).
        simulation_events: effective events of the processes that have a Poisson parameter, shape (P, B); 0 elsewhere.

    Raises:
        StatisticsError: if a region has no data, and no observations are given.

    >>> from pocket.statistics.model import FreeParameter, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[5.0]]), np.array([[0.0]]), data=np.array([7.0]),
    ...     factors={"signal": ("r",)})
    >>> likelihood = Likelihood(Model((region,), pois={"r": FreeParameter(0, 10)}))
    >>> round(likelihood.deviance(np.array([1.4])), 12), likelihood.gradient(np.array([1.0])).tolist()
    (0.0, [-3.999999999999999])
    """

    def __init__(self, model: Model, observations: Observations | None = None) -> None:
        if observations is None and model.blind:
            raise StatisticsError(
                f"region {model.blind[0]!r} is blind, so its data can't be used: fit Asimov data or toys"
            )
        self.model = model
        self.arrays: Tensors = tensors(model)
        gaussian, poisson, self.simulation_events = poisson_processes(model, self.arrays)
        self.has_gaussian: Mask = np.asarray(gaussian.any(axis=0))
        self._sumw2 = self.arrays.sumw2 * gaussian
        self._few: Indices = np.flatnonzero(poisson.any(axis=0))
        self._poisson = poisson[:, self._few]
        free = {**model.pois, **model.free}
        nuisances = len(model.nuisances)
        self.constrained: Indices = np.arange(len(free), len(free) + nuisances)
        self.parameters = Parameters(
            names=model.parameters,
            start=np.array([parameter.initial for parameter in free.values()] + [0.0] * nuisances, dtype=float),
            low=np.array([parameter.low for parameter in free.values()] + [-math.inf] * nuisances, dtype=float),
            high=np.array([parameter.high for parameter in free.values()] + [math.inf] * nuisances, dtype=float),
            floating=np.ones(len(free) + nuisances, dtype=bool),
        )
        self.observations = observations or self.expected_observations(
            np.concatenate([region.data for region in model.regions if region.data is not None])
        )
        self._frozen_simulation: Profile | None = None
        self._point: _Point | None = None
        self._set_terms()

    def _set_terms(self) -> None:
        """Set the Poisson parameters as measured, and the Gaussian ones at which the profile begins, or stays."""
        few, measured = self._few, self.observations.poisson
        self._terms = PoissonTerms(few, self._poisson, self.simulation_events[:, few], measured[:, few])
        if self._frozen_simulation is None:
            self._gaussian: Floats = self.observations.gaussian

    def expected_observations(self, data: Floats) -> Observations:
        """Return observations in which all auxiliary measurements are as expected before the fit.

        Args:
            data: events, shape (B,).
        """
        return Observations(
            data=np.asarray(data, dtype=float),
            nuisances=np.zeros(len(self.model.nuisances)),
            gaussian=np.zeros(len(data)),
            poisson=self.simulation_events,
        )

    # ------------------------------------------------------------------ other likelihoods of the same model

    def observing(self, observations: Observations) -> Likelihood:
        """Return the likelihood of the same model and parameters, given other observations."""
        other = copy.copy(self)
        other.observations, other._point = observations, None
        other._set_terms()
        return other

    def masked(self, regions: Iterable[str]) -> Likelihood:
        """Return the likelihood in which some regions have no part, but have expectations.

        Args:
            regions: names of the regions.

        Raises:
            UnknownNameError: if there is none of a name.
        """
        names = [region.name for region in self.model.regions]
        masked = {*regions}
        check_known("region", masked, names, "the model")
        data = self.observations.data.copy()
        for name, bins in zip(names, self.arrays.slices(), strict=True):
            if name in masked:
                data[bins] = np.nan
        return self.observing(replace(self.observations, data=data))

    def adjusted(
        self,
        freeze: Mapping[str, float | None] | Iterable[str] = (),
        start: Mapping[str, float] | None = None,
        ranges: Mapping[str, tuple[float, float]] | None = None,
    ) -> Likelihood:
        """Return the likelihood with other values and ranges of parameters.

        Args:
            freeze: parameters that don't float, with their values; without one, they stay where they start.
            start: values where parameters start.
            ranges: lowest and highest values.

        Raises:
            UnknownNameError: if a parameter is unknown.
            StatisticsError: if a range is empty or doesn't hold the value where the parameter starts.
        """
        values = self.parameters
        first, low, high = values.start.copy(), values.low.copy(), values.high.copy()
        floating = values.floating.copy()
        for name, (lowest, highest) in (ranges or {}).items():
            index = values.index(name)
            if not lowest < highest:
                raise StatisticsError(f"the range from {lowest:g} to {highest:g} of parameter {name!r} is empty")
            low[index], high[index] = lowest, highest
            first[index] = min(max(first[index], lowest), highest)
        for name, value in (start or {}).items():
            first[values.index(name)] = value
        fixed_values = freeze if isinstance(freeze, Mapping) else dict.fromkeys(freeze)
        for name, frozen in fixed_values.items():
            index = values.index(name)
            floating[index] = False
            if frozen is not None:
                first[index] = frozen
        for at in np.flatnonzero((first < low) | (first > high)):
            raise StatisticsError(
                f"the value {first[at]:g} of parameter {values.names[at]!r} is outside of its range from "
                f"{low[at]:g} to {high[at]:g}"
            )
        other = copy.copy(self)
        other.parameters = replace(values, start=first, low=low, high=high, floating=floating)
        return other

    def with_simulation_frozen(self, values: Floats) -> Likelihood:
        """Return the likelihood in which the statistical errors of simulation stay as they are at a point.

        Args:
            values: values of all parameters at that point.
        """
        other = copy.copy(self)
        other._frozen_simulation, other._point = self._evaluate(values).profile, None
        other._gaussian, _ = self.simulation(values)
        return other

    # ------------------------------------------------------------------ values

    def yields(self, values: Floats) -> Floats:
        """Return the expectation of each process, without statistical errors of simulation, shape (P, B)."""
        return self._evaluate(values).expectation.yields.copy()

    def expectation(self, values: Floats) -> Floats:
        """Return the total expectation λ without statistical errors of simulation, shape (B,)."""
        return np.asarray(self._evaluate(values).expectation.yields.sum(axis=0))

    def fitted_expectation(self, values: Floats) -> Floats:
        """Return the total expectation m with statistical errors of simulation as profiled, shape (B,)."""
        return self._evaluate(values).profile.total.copy()

    def simulation(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the profiled parameters of the statistical errors of simulation.

        Args:
            values: values of all parameters.

        Returns:
            The Gaussian ones, in units of their errors, shape (B,), and the Poisson factors, shape (P, B); where a bin
            has none, they are 0 and 1.
        """
        point = self._evaluate(values)
        gaussian = self._gaussian.copy()
        if self._frozen_simulation is None:
            gaussian -= np.sqrt(point.variance) * point.profile.multiplier
        return gaussian, self._poisson_factors(point)

    def simulated_expectation(self, values: Floats, gaussian: Floats, poisson: Floats) -> Floats:
        """Return the total expectation for given statistical errors of simulation.

        Args:
            values: values of all parameters.
            gaussian: Gaussian parameters, shape (B,).
            poisson: Poisson factors, shape (P, B).

        Returns:
            Expectations of shape (B,), at least 0.
        """
        point = self._evaluate(values)
        yields = (point.expectation.yields * poisson).sum(axis=0)
        return np.asarray(np.maximum(yields + gaussian * np.sqrt(point.variance), 0))

    @property
    def is_seen(self) -> Mask:
        """Bins that have a part in the likelihood, shape (B,)."""
        return np.isfinite(self.observations.data)

    @property
    def _events_seen(self) -> Floats:
        return np.where(self.is_seen, self.observations.data, 0.0)

    def deviance(self, values: Floats) -> float:
        """Return −2·ln of the ratio to the saturated likelihood.

        Args:
            values: values of all parameters, shape (parameters,).
        """
        pulls = values[self.constrained] - self.observations.nuisances
        return float(self._evaluate(values).profile.deviance.sum() + pulls @ pulls)

    def deviances(self, values: Floats) -> Floats:
        """Return the share of each bin in the deviance, without the constraints of nuisances, shape (B,)."""
        return self._evaluate(values).profile.deviance.copy()

    def impossible_bins(self, values: Floats) -> int:
        """Return the number of bins with data where nothing is expected.

        Args:
            values: values of all parameters, shape (parameters,).
        """
        return int(np.count_nonzero((self._evaluate(values).profile.total <= FLOOR) & (self.observations.data > 0)))

    def gradient(self, values: Floats) -> Floats:
        """Return the derivatives of the deviance, shape (parameters,).

        Args:
            values: values of all parameters, shape (parameters,).
        """
        point = self._evaluate(values)
        if point.gradient is None:
            found = point.expectation.sum_first_derivatives(*self._weights(point))
            found[self.constrained] += 2 * (values[self.constrained] - self.observations.nuisances)
            point.gradient = found
        return point.gradient.copy()

    def hessian(self, values: Floats) -> Floats:
        """Return the second derivatives of the deviance, shape (parameters, parameters).

        Args:
            values: values of all parameters, shape (parameters,).
        """
        point, arrays = self._evaluate(values), self.arrays
        if point.hessian is not None:
            return point.hessian.copy()
        expectation, shapes, count = point.expectation, arrays.shape_positions, len(self.parameters.names)
        found = expectation.sum_second_derivatives(*self._weights(point))
        by_factor, templates = expectation.factor_derivatives(), expectation.template_derivatives()
        scaled = self._poisson_factors(point)
        # changes of factors twice, in V, and changes of a factor and of its template
        inner = 2 * arrays.by_region(self._variance_weights(point)[0] * self._sumw2)
        found += (by_factor * inner).reshape(count, -1) @ by_factor.reshape(count, -1).T
        if len(shapes):
            mixed = arrays.by_region(templates * (2 * point.profile.multiplier * scaled)).reshape(len(shapes), -1)
            cross = by_factor.reshape(count, -1) @ mixed.T
            found[:, shapes] += cross
            found[shapes] += cross.T
        total = expectation.over_processes(by_factor, scaled * expectation.templates)
        total[shapes] += np.einsum("kpb,pb->kb", templates, scaled * expectation.factors_by_bin())
        few = self._few
        yields = by_factor[:, :, arrays.column[few]] * expectation.templates[:, few]
        yields[shapes] += templates[:, :, few] * expectation.factor[:, arrays.column[few]]
        found += self._along_expectation(point, self._slopes(point, total, by_factor, yields), yields)
        found[self.constrained, self.constrained] += 2
        point.hessian = found
        return found.copy()

    # ------------------------------------------------------------------ expectations and their derivatives

    def yield_derivatives(self, values: Floats) -> Floats:
        """Return the derivatives of the expectation of each process, shape (parameters, P, B)."""
        return self._evaluate(values).expectation.yield_derivatives()

    def simulation_variances(self, values: Floats) -> Floats:
        """Return the variance of each process from its simulated events, where they vary it, shape (P, B)."""
        expectation, events = self._evaluate(values).expectation, self.simulation_events
        relative = np.divide(1, events, out=np.zeros(events.shape), where=events > 0)
        return np.asarray(expectation.factors_by_bin() ** 2 * self._sumw2 + expectation.yields**2 * relative)

    def total_derivatives(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the total expectation as the data prefer it, its derivatives, and its variance at fixed parameters.

        Args:
            values: values of all parameters.

        Returns:
            Expectation m of shape (B,), derivatives of shape (parameters, B), and the variance of the errors of
            simulation that the data leave, shape (B,).
        """
        point, few = self._evaluate(values), self._few
        expectation, profiled = point.expectation, point.profile
        yields = expectation.yield_derivatives()
        total = (self._poisson_factors(point) * yields).sum(axis=1)
        slopes = self._slopes(point, total, expectation.factor_derivatives(), yields[:, :, few])
        stiffness = np.zeros(len(point.variance))
        if self._frozen_simulation is None:
            stiffness = point.variance.copy()
            stiffness[few] += (profiled.response * expectation.yields[:, few] ** 2).sum(axis=0)
        # Where simulated events are few, the total follows the data instead of λ.
        slopes *= 1 - stiffness * profiled.curvature
        information = self._events_seen / np.maximum(profiled.total, FLOOR) ** 2
        return profiled.total.copy(), slopes, stiffness / (1 + stiffness * information)

    def simulation_derivatives(self, values: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return how the parameters of simulation that the data prefer follow the others, and how far they are free.

        Args:
            values: values of all parameters.

        Returns:
            For the Gaussian parameters, their derivatives of shape (parameters, B) and their variances at fixed other
            parameters, of shape (B,); the same for the Poisson ones, of shapes (parameters, P, B) and (P, B).
        """
        point, few = self._evaluate(values), self._few
        expectation, profiled, errors = point.expectation, point.profile, np.sqrt(point.variance)
        by_factor, yields = expectation.factor_derivatives(), expectation.yield_derivatives()
        total = (self._poisson_factors(point) * yields).sum(axis=1)
        t = profiled.multiplier
        by_multiplier = profiled.curvature * self._slopes(point, total, by_factor, yields[:, :, few])
        inverse = np.divide(t, 2 * errors, out=np.zeros(len(t)), where=errors > 0)
        gaussian = -errors * by_multiplier - inverse * self._variance_derivatives(point, by_factor)
        poisson, free = np.zeros(yields.shape), np.zeros(expectation.yields.shape)
        contents = expectation.yields[:, few]
        poisson[:, :, few] = -profiled.response * (yields[:, :, few] * t[few] + contents * by_multiplier[:, None, few])
        free[:, few] = profiled.response
        # All of a bin share what its data say about their sum (the formula of Sherman and Morrison).
        stiffness = point.variance + (expectation.yields**2 * free).sum(axis=0)
        information = self._events_seen / np.maximum(profiled.total, FLOOR) ** 2
        shared = information / (1 + stiffness * information)
        free_poisson = free - free**2 * expectation.yields**2 * shared
        return (gaussian, self.has_gaussian - point.variance * shared), (poisson, free_poisson)

    # ------------------------------------------------------------------ one point

    def _evaluate(self, values: Floats) -> _Point:
        if self._point is not None and np.array_equal(self._point.expectation.values, values):
            return self._point
        expectation = Expectation(self.arrays, values)
        variance = (expectation.factors_by_bin() ** 2 * self._sumw2).sum(axis=0)
        few, data = expectation.yields[:, self._few], self.observations.data
        total = expectation.yields.sum(axis=0) + self._gaussian * np.sqrt(variance)
        unseen = ~self.is_seen
        if self._frozen_simulation is not None:
            total[self._few] += ((self._frozen_simulation.scale - 1) * few).sum(axis=0)
            found = fixed(total, np.where(unseen, total, data), self._frozen_simulation.scale)
        else:
            found = profile(total, variance, np.where(unseen, np.maximum(total, 0), data), self._terms, few)
        if unseen.any():
            deviance, multiplier, curvature = found.deviance, found.multiplier, found.curvature
            deviance[unseen] = multiplier[unseen] = curvature[unseen] = 0.0
        self._point = _Point(expectation, variance, found)
        return self._point

    def _poisson_factors(self, point: _Point) -> Floats:
        """Return the Poisson parameters, 1 where there is none, shape (P, B)."""
        factors = np.ones(point.expectation.yields.shape)
        factors[:, self._few] = point.profile.scale
        return factors

    def _weights(self, point: _Point) -> tuple[Floats, Floats]:
        """Return the derivatives of the deviance by S·Πκ, shape (P, C), and by the templates, shape (P, B)."""
        expectation = point.expectation
        by_yield = 2 * point.profile.multiplier * self._poisson_factors(point)
        in_variance = self.arrays.by_region(self._variance_weights(point)[0] * self._sumw2)
        by_factor = self.arrays.by_region(by_yield * expectation.templates) + 2 * expectation.factor * in_variance
        return by_factor, by_yield * expectation.factors_by_bin()

    def _variance_weights(self, point: _Point) -> tuple[Floats, Floats]:
        """Return the derivative of the deviance by V, and the second one beyond W, each of shape (B,)."""
        t, measured = point.profile.multiplier, self._gaussian
        first, second = (-(t**2) if self._frozen_simulation is None else np.zeros(len(t))), np.zeros(len(t))
        if measured.any():
            errors = np.sqrt(point.variance)
            some = errors > 0
            first = first + np.divide(t * measured, errors, out=np.zeros(len(t)), where=some)
            second = np.divide(-t * measured, 2 * errors**3, out=np.zeros(len(t)), where=some)
        return first, second

    def _slopes(self, point: _Point, total: Floats, by_factor: Floats, yields: Floats) -> Floats:
        """Return the derivatives of what the simulation's parameters are fitted to, shape (parameters, B).

        They are made of those of λ at fixed parameters of simulation, of S·Πκ, and of the yields in the few bins.
        """
        variance = self._variance_derivatives(point, by_factor)
        frozen, t, measured = self._frozen_simulation is not None, point.profile.multiplier, self._gaussian
        found = total.copy() if frozen else total - t * variance
        if measured.any():
            errors = np.sqrt(point.variance)
            found += variance * np.divide(measured, 2 * errors, out=np.zeros(len(t)), where=errors > 0)
        if len(self._few) and not frozen:
            response = t[self._few] * point.profile.response * point.expectation.yields[:, self._few]
            found[:, self._few] -= (yields * response).sum(axis=1)
        return found

    def _variance_derivatives(self, point: _Point, by_factor: Floats) -> Floats:
        """Return the derivatives of V, shape (parameters, B)."""
        return point.expectation.over_processes(2 * point.expectation.factor * by_factor, self._sumw2)

    def _along_expectation(self, point: _Point, along: Floats, yields: Floats) -> Floats:
        """Return the part of the Hessian that comes from first derivatives, of :meth:`_slopes` and in the few bins."""
        profiled, few = point.profile, self._few
        found = (2 * along * profiled.curvature) @ along.T
        if len(few) and self._frozen_simulation is None:
            if profiled.held.any():
                contents = point.expectation.yields[:, few]
                ratio = np.divide(self._terms.events, contents**2, out=np.zeros(contents.shape), where=profiled.held)
                slopes = (yields * ratio).sum(axis=1)
                mixed = along[:, few] @ slopes.T
                found += 2 * (mixed + mixed.T - (slopes * profiled.stiffness) @ slopes.T)
            flat = yields.reshape(len(along), -1)
            found -= (2 * flat * (profiled.multiplier[few] ** 2 * profiled.response).ravel()) @ flat.T
        _, second = self._variance_weights(point)
        if second.any():
            variance = self._variance_derivatives(point, point.expectation.factor_derivatives())
            found += (variance * second) @ variance.T
        return found
