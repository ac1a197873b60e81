"""The likelihood of a model, with exact first and second derivatives.

The expectation of a bin is ``λ = Σ S·Πκ(θ)·(n + Σδ(θ))`` over processes, where S is a product of parameters, κ the
factors and δ the changes of the template at fixed yield of each nuisance (see :mod:`pocket.statistics.interpolation`).
The deviance is

    −2·ln(L/L_saturated) = Σ 2·(m − d + d·ln(d/m)) + Σ (θ − θ₀)² + constraints of MC statistics

over bins and nuisances, where m is λ with the statistical errors of simulation, which are profiled (see
:mod:`pocket.statistics.mc_statistics`).
Sources: arXiv:2404.06614; S. Baker and R. D. Cousins, Nucl. Instrum. Meth. 221 (1984) 437.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pocket.base.typing import Floats, Indices, Mask
from pocket.errors import StatisticsError, check_known
from pocket.statistics.interpolation import morphing_weights, norm_weights
from pocket.statistics.mc_statistics import FLOOR, PoissonTerms, Profile, fixed, profile
from pocket.statistics.model import Model
from pocket.statistics.tensors import Tensors, poisson_processes, tensors

#: where logarithms of factors end, so that steps too long of a minimisation give numbers
LARGEST_LOG = 50.0


@dataclass(frozen=True, eq=False)
class Observations:
    """All that a likelihood takes as measured.

    Args:
        data: events in the B bins of all regions, shape (B,); Asimov data needn't be whole.
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
    """Values at which parameters start, their ranges, and which ones float.

    Args:
        names: names of all parameters: those of interest, free ones, nuisances.
        start: initial values, shape (parameters,).
        low, high: ranges, shape (parameters,).
        floating: which parameters float, shape (parameters,).
    """

    names: tuple[str, ...]
    start: Floats
    low: Floats
    high: Floats
    floating: Mask

    def index(self, name: str) -> int:
        """Return the position of a parameter.

        Raises:
            UnknownNameError: if there is none of that name.
        """
        check_known("parameter", [name], self.names, "the model")
        return self.names.index(name)


@dataclass(eq=False)
class _State:
    """What a point needs for the deviance and its derivatives."""

    values: Floats
    norm: Floats  # Πκ, (P, C)
    scale: Floats  # S, (P, C)
    templates: Floats  # n + Σδ, (P, B)
    inside: Mask  # where templates aren't cut off at 0, (P, B)
    yields: Floats  # (P, B)
    variance: Floats  # (B,)
    profile: Profile
    products: list[tuple[Indices, Floats, Floats]] = field(default_factory=list)


class Likelihood:
    """The likelihood of a model, given observations.

    Args:
        model: the model.
        observations: what was measured; by default the data of the model, and auxiliary measurements as expected.

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
            raise StatisticsError(f"region {model.blind[0]!r} is blind, so its data can't be used")
        self.model = model
        self.arrays: Tensors = tensors(model)
        gaussian, poisson, events = poisson_processes(model, self.arrays)
        few = np.flatnonzero(poisson.any(axis=0))
        self._sumw2 = self.arrays.sumw2 * gaussian
        self._gaussian: Mask = np.asarray(gaussian.any(axis=0))
        self._events = events
        self._few: Indices = few
        self._poisson = poisson[:, few]
        free = {**model.pois, **model.free}
        nuisances = len(model.nuisances)
        self.constrained: Indices = np.arange(len(free), len(free) + nuisances)
        self.parameters = Parameters(
            names=model.parameters,
            start=np.array([parameter.initial for parameter in free.values()] + [0.0] * nuisances),
            low=np.array([parameter.low for parameter in free.values()] + [-math.inf] * nuisances),
            high=np.array([parameter.high for parameter in free.values()] + [math.inf] * nuisances),
            floating=np.ones(len(free) + nuisances, dtype=bool),
        )
        self.observations = observations or self.expected_observations(
            np.concatenate([region.data for region in model.regions if region.data is not None])
        )
        self._frozen_simulation: Profile | None = None
        self._starting_simulation: Floats = np.zeros(0)
        self._set_terms()
        self._state: _State | None = None

    def _set_terms(self) -> None:
        few = self._few
        self._terms = PoissonTerms(few, self._poisson, self._events[:, few], self.observations.poisson[:, few])

    def expected_observations(self, data: Floats) -> Observations:
        """Return observations in which all auxiliary measurements are as expected before the fit.

        Args:
            data: events, shape (B,).
        """
        return Observations(
            data=np.asarray(data, dtype=float),
            nuisances=np.zeros(len(self.model.nuisances)),
            gaussian=np.zeros(len(data)),
            poisson=self._events,
        )

    # ------------------------------------------------------------------ other likelihoods of the same model

    def observing(self, observations: Observations) -> Likelihood:
        """Return the likelihood of the same model and parameters, given other observations."""
        other = copy.copy(self)
        other.observations, other._state = observations, None
        other._set_terms()
        return other

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
        other._frozen_simulation, other._state = self._evaluate(values).profile, None
        gaussian, _ = self.simulation(values)
        other._starting_simulation = gaussian
        return other

    # ------------------------------------------------------------------ values

    def yields(self, values: Floats) -> Floats:
        """Return the expectation of each process, without statistical errors of simulation, shape (P, B)."""
        return self._evaluate(values).yields.copy()

    def expectation(self, values: Floats) -> Floats:
        """Return the total expectation λ without statistical errors of simulation, shape (B,)."""
        return np.asarray(self._evaluate(values).yields.sum(axis=0))

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
        state = self._evaluate(values)
        poisson = np.ones(state.yields.shape)
        poisson[:, self._few] = state.profile.scale
        if self._frozen_simulation is not None:
            return self._starting_simulation.copy(), poisson
        return self.observations.gaussian - np.sqrt(state.variance) * state.profile.multiplier, poisson

    def simulated_expectation(self, values: Floats, gaussian: Floats, poisson: Floats) -> Floats:
        """Return the total expectation for given statistical errors of simulation.

        Args:
            values: values of all parameters.
            gaussian: Gaussian parameters, shape (B,).
            poisson: Poisson factors, shape (P, B).

        Returns:
            Expectations of shape (B,), at least 0.
        """
        state = self._evaluate(values)
        return np.asarray(np.maximum((state.yields * poisson).sum(axis=0) + gaussian * np.sqrt(state.variance), 0))

    @property
    def simulation_events(self) -> Floats:
        """Effective events of the processes that have a Poisson parameter, shape (P, B); 0 elsewhere."""
        return self._events

    @property
    def has_gaussian(self) -> Mask:
        """Bins that have a Gaussian parameter for statistical errors of simulation, shape (B,)."""
        return self._gaussian

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

    def gradient(self, values: Floats) -> Floats:
        """Return the derivatives of the deviance, shape (parameters,).

        Args:
            values: values of all parameters, shape (parameters,).
        """
        state = self._evaluate(values)
        found = self._norm_gradient(state, self._factor_weights(state))
        weights = 2 * self._scaled(state, np.ones(state.yields.shape)) * state.profile.multiplier
        weights *= (state.scale * state.norm)[:, self.arrays.column] * state.inside
        found[self.arrays.shape_positions] += self._along_shapes(values, weights)
        found[self.constrained] += 2 * (values[self.constrained] - self.observations.nuisances)
        return found

    def hessian(self, values: Floats) -> Floats:
        """Return the second derivatives of the deviance, shape (parameters, parameters).

        Args:
            values: values of all parameters, shape (parameters,).
        """
        state = self._evaluate(values)
        arrays = self.arrays
        factor = state.scale * state.norm
        by_factor, logs, second_logs = self._factor_derivatives(state)
        count = len(by_factor)
        scaled = self._scaled(state, factor[:, arrays.column])
        weights = 2 * state.profile.multiplier * self._scaled(state, np.ones(state.yields.shape))
        templates = self._template_derivatives(state)
        shapes = arrays.shape_positions

        total = self._over_processes(by_factor, self._scaled(state, state.templates.copy()))
        total[shapes] += np.einsum("kpb,pb->kb", templates, scaled)
        variance = self._over_processes(2 * factor * by_factor, self._sumw2)
        found = self._along_expectation(state, total, variance, by_factor, templates)

        factor_weights = self._factor_weights(state)
        found += self._second_factors(state, factor_weights, logs, second_logs)
        first, _ = self._variance_weights(state)
        inner = 2 * arrays.by_region(first * self._sumw2)
        found += (by_factor * inner).reshape(count, -1) @ by_factor.reshape(count, -1).T
        if len(shapes):
            mixed = arrays.by_region(templates * weights).reshape(len(shapes), -1)
            cross = by_factor.reshape(count, -1) @ mixed.T
            found[:, shapes] += cross
            found[shapes] += cross.T
            even = arrays.morphing[len(shapes) :].reshape(len(shapes), -1)
            bent = even @ (weights * factor[:, arrays.column] * state.inside).ravel()
            found[shapes, shapes] += morphing_weights(state.values[shapes])[2] * bent
        found[self.constrained, self.constrained] += 2
        return found

    # ------------------------------------------------------------------ expectations and their derivatives

    def yield_derivatives(self, values: Floats) -> Floats:
        """Return the derivatives of the expectation of each process, shape (parameters, P, B)."""
        state = self._evaluate(values)
        found = self._factor_derivatives(state)[0][:, :, self.arrays.column] * state.templates
        factor = (state.scale * state.norm)[:, self.arrays.column]
        found[self.arrays.shape_positions] += self._template_derivatives(state) * factor
        return found

    def simulation_variances(self, values: Floats) -> Floats:
        """Return the variance of each process from its simulated events, where they vary it, shape (P, B)."""
        state = self._evaluate(values)
        factor = (state.scale * state.norm)[:, self.arrays.column]
        relative = np.divide(1, self._events, out=np.zeros(self._events.shape), where=self._events > 0)
        return np.asarray(factor**2 * self._sumw2 + state.yields**2 * relative)

    def total_derivatives(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the total expectation as the data prefer it, its derivatives, and its variance at fixed parameters.

        Args:
            values: values of all parameters.

        Returns:
            Expectation m of shape (B,), derivatives of shape (parameters, B), and the variance of the errors of
            simulation that the data leave, shape (B,).
        """
        state, few = self._evaluate(values), self._few
        profiled, yields = state.profile, self.yield_derivatives(values)
        by_factor = self._factor_derivatives(state)[0]
        variance = self._over_processes(2 * by_factor * state.scale * state.norm, self._sumw2)
        total = self._scaled(state, np.ones(state.yields.shape)) * yields
        slopes = self._slopes(state, total.sum(axis=1), variance, yields[:, :, few])
        stiffness = np.zeros(len(state.variance))
        if self._frozen_simulation is None:
            stiffness = state.variance.copy()
            stiffness[few] += (profiled.response * state.yields[:, few] ** 2).sum(axis=0)
        # Where simulated events are few, the total follows the data instead of λ.
        slopes *= 1 - stiffness * profiled.curvature
        information = self.observations.data / np.maximum(profiled.total, FLOOR) ** 2
        return profiled.total.copy(), slopes, stiffness / (1 + stiffness * information)

    # ------------------------------------------------------------------ one point

    def _evaluate(self, values: Floats) -> _State:
        if self._state is not None and np.array_equal(self._state.values, values):
            return self._state
        arrays = self.arrays
        values = np.array(values, dtype=float)
        norm = np.ones((len(arrays.nominal), len(arrays.starts)))
        if len(arrays.norm_positions):
            theta = values[arrays.norm_positions]
            logs = np.tensordot(theta, arrays.odd_norm, 1) + np.tensordot(norm_weights(theta)[0], arrays.even_norm, 1)
            norm = np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG))
        scale = np.ones_like(norm)
        products = []
        for factor in arrays.factors:
            positions, value, gradient, second = factor.evaluate(values)
            scale[factor.rows, factor.columns] = value
            products.append((positions, gradient, second))
        templates = arrays.nominal
        if len(arrays.shape_positions):
            theta = values[arrays.shape_positions]
            weights = np.concatenate([theta, morphing_weights(theta)[0]])
            templates = templates + (weights @ arrays.morphing.reshape(len(weights), -1)).reshape(templates.shape)
        inside = templates >= 0
        templates = np.where(inside, templates, 0)
        total = scale * norm
        yields = total[:, arrays.column] * templates
        variance = ((total**2)[:, arrays.column] * self._sumw2).sum(axis=0)
        expected = yields.sum(axis=0)
        data = self.observations.data
        if self._frozen_simulation is not None:
            frozen = self._frozen_simulation
            expected = expected + self._starting_simulation * np.sqrt(variance)
            expected[self._few] += ((frozen.scale - 1) * yields[:, self._few]).sum(axis=0)
            found = fixed(expected, data, frozen.scale)
        else:
            expected = expected + self.observations.gaussian * np.sqrt(variance)
            found = profile(expected, variance, data, self._terms, yields[:, self._few])
        self._state = _State(values, norm, scale, templates, inside, yields, variance, found, products)
        return self._state

    def _scaled(self, state: _State, values: Floats) -> Floats:
        """Return values of shape (P, B) with the Poisson parameters multiplied in; changes ``values``."""
        if len(self._few):
            values[:, self._few] *= state.profile.scale
        return values

    def _variance_weights(self, state: _State) -> tuple[Floats, Floats]:
        """Return the derivative of the deviance by V, and the second one beyond W, each of shape (B,)."""
        t = state.profile.multiplier
        measured = self.observations.gaussian
        first = -(t**2)
        if self._frozen_simulation is not None:
            measured, first = self._starting_simulation, np.zeros(len(t))
        second = np.zeros(len(t))
        if measured.any():
            errors = np.sqrt(state.variance)
            some = errors > 0
            first = first + np.divide(t * measured, errors, out=np.zeros(len(t)), where=some)
            second = np.divide(-t * measured, 2 * errors**3, out=np.zeros(len(t)), where=some)
        return first, second

    def _factor_weights(self, state: _State) -> Floats:
        """Return the derivatives of the deviance by the factors of processes in regions, S·Πκ, shape (P, C)."""
        weights = 2 * state.profile.multiplier * self._scaled(state, state.templates.copy())
        found = self.arrays.by_region(weights)
        first, _ = self._variance_weights(state)
        return np.asarray(found + 2 * state.scale * state.norm * self.arrays.by_region(first * self._sumw2))

    def _norm_gradient(self, state: _State, weights: Floats) -> Floats:
        """Return the sums of weights times the derivatives of factors, shape (parameters,)."""
        found = np.zeros(len(self.parameters.names))
        arrays = self.arrays
        if len(arrays.norm_positions):
            derivative = norm_weights(state.values[arrays.norm_positions])[1]
            inner = weights * state.scale * state.norm
            found[arrays.norm_positions] += np.tensordot(arrays.odd_norm, inner, 2)
            found[arrays.norm_positions] += derivative * np.tensordot(arrays.even_norm, inner, 2)
        for factor, (positions, gradient, _) in zip(arrays.factors, state.products, strict=True):
            found[positions] += gradient * (weights * state.norm)[factor.rows, factor.columns].sum()
        return found

    def _along_shapes(self, values: Floats, weights: Floats) -> Floats:
        """Return the sums of weights, shape (P, B), times the derivatives of templates, shape (K,)."""
        arrays = self.arrays
        count = len(arrays.shape_positions)
        if not count:
            return np.zeros(0)
        sums = arrays.morphing.reshape(2 * count, -1) @ weights.ravel()
        return np.asarray(sums[:count] + morphing_weights(values[arrays.shape_positions])[1] * sums[count:])

    def _factor_derivatives(self, state: _State) -> tuple[Floats, Floats, Floats]:
        """Return the derivatives of S·Πκ, (parameters, P, C), and the first and second ones of ln κ, (L, P, C)."""
        arrays = self.arrays
        found = np.zeros((len(self.parameters.names), *state.norm.shape))
        _, first, second = norm_weights(state.values[arrays.norm_positions])
        logs = arrays.odd_norm + first[:, None, None] * arrays.even_norm
        found[arrays.norm_positions] = logs * (state.scale * state.norm)
        for factor, (positions, gradient, _) in zip(arrays.factors, state.products, strict=True):
            norm = state.norm[factor.rows, factor.columns]
            for position, slope in zip(positions, gradient, strict=True):
                found[position, factor.rows, factor.columns] += slope * norm
        return found, logs, second[:, None, None] * arrays.even_norm

    def _template_derivatives(self, state: _State) -> Floats:
        """Return the derivatives of the templates by the nuisances of shapes, shape (K, P, B)."""
        arrays = self.arrays
        count = len(arrays.shape_positions)
        weights = morphing_weights(state.values[arrays.shape_positions])[1]
        found = arrays.morphing[count:] * weights[:, None, None]
        found += arrays.morphing[:count]
        if not state.inside.all():
            found *= state.inside
        return found

    def _over_processes(self, by_factor: Floats, values: Floats) -> Floats:
        """Return the sums over processes of derivatives of shape (parameters, P, C) times values of shape (P, B)."""
        parts = [by_factor[:, :, column] @ values[:, bins] for column, bins in enumerate(self.arrays.slices())]
        return np.concatenate(parts, axis=1)

    def _along_expectation(
        self, state: _State, total: Floats, variance: Floats, by_factor: Floats, templates: Floats
    ) -> Floats:
        """Return the part of the Hessian that comes from first derivatives of λ, of V and of the Poisson terms.

        Args:
            state: the point.
            total: derivatives of λ at fixed parameters of simulation, shape (parameters, B).
            variance: derivatives of V, shape (parameters, B).
            by_factor: derivatives of S·Πκ, shape (parameters, P, C).
            templates: derivatives of templates, shape (K, P, B).
        """
        profiled, few = state.profile, self._few
        yields = by_factor[:, :, self.arrays.column[few]] * state.templates[:, few]
        yields[self.arrays.shape_positions] += (
            templates[:, :, few] * (state.scale * state.norm)[:, self.arrays.column[few]]
        )
        along = self._slopes(state, total, variance, yields)
        found = np.zeros((len(total), len(total)))
        if len(few) and self._frozen_simulation is None:
            if profiled.held.any():
                slopes = (yields * (profiled.held * self._terms.events / self._few_yields(state) ** 2)).sum(axis=1)
                mixed = along[:, few] @ slopes.T
                found += 2 * (mixed + mixed.T - (slopes * profiled.stiffness) @ slopes.T)
            flat = yields.reshape(len(total), -1)
            found -= (2 * flat * (profiled.multiplier[few] ** 2 * profiled.response).ravel()) @ flat.T
        found += (2 * along * profiled.curvature) @ along.T
        _, second = self._variance_weights(state)
        if second.any():
            found += (variance * second) @ variance.T
        return found

    def _slopes(self, state: _State, total: Floats, variance: Floats, yields: Floats) -> Floats:
        """Return the derivatives of the expectation that the simulation's parameters are fitted to, (parameters, B).

        Args:
            state: the point.
            total: derivatives of λ at fixed parameters of simulation, shape (parameters, B).
            variance: derivatives of V, shape (parameters, B).
            yields: derivatives of the yields in bins with Poisson parameters, shape (parameters, P, few bins).
        """
        frozen, t = self._frozen_simulation is not None, state.profile.multiplier
        measured = self._starting_simulation if frozen else self.observations.gaussian
        found = total.copy() if frozen else total - t * variance
        if measured.any():
            errors = np.sqrt(state.variance)
            found += variance * np.divide(measured, 2 * errors, out=np.zeros(len(t)), where=errors > 0)
        if len(self._few) and not frozen:
            response = t[self._few] * state.profile.response * state.yields[:, self._few]
            found[:, self._few] -= (yields * response).sum(axis=1)
        return found

    def _few_yields(self, state: _State) -> Floats:
        """Return the expectations of processes in the bins of Poisson parameters, or 1 where they are 0."""
        yields = state.yields[:, self._few]
        return np.where(yields > 0, yields, 1)

    def _second_factors(self, state: _State, weights: Floats, logs: Floats, second_logs: Floats) -> Floats:
        """Return the sums of weights, shape (P, C), times the second derivatives of S·Πκ."""
        arrays = self.arrays
        count, norms = len(self.parameters.names), arrays.norm_positions
        found = np.zeros((count, count))
        inner = weights * state.scale * state.norm
        flat = logs.reshape(len(norms), weights.size)
        if len(norms):
            found[np.ix_(norms, norms)] += (flat * inner.ravel()) @ flat.T
            found[norms, norms] += np.tensordot(second_logs, inner, 2)
        for factor, (positions, gradient, second) in zip(arrays.factors, state.products, strict=True):
            norm = (weights * state.norm)[factor.rows, factor.columns]
            found[np.ix_(positions, positions)] += norm.sum() * second
            mixed = np.outer(logs[:, factor.rows, factor.columns] @ norm, gradient)
            found[np.ix_(norms, positions)] += mixed
            found[np.ix_(positions, norms)] += mixed.T
        return found
