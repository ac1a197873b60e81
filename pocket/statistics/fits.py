"""Fits: the best values of the parameters of a likelihood, their covariance, and profiles around them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import linalg

from pocket.base.typing import Floats, Indices, Mask
from pocket.errors import FitError, PocketError
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.minimisation import FLAT, LEAST_EIGENVALUE, Minimum, errors_alone, factorise, find_minimum
from pocket.statistics.parameter_options import MINIMISERS
from pocket.statistics.results import FitResult, ParameterResult

#: estimated distance of the deviance from its minimum at which steps with the second derivatives of another point end
STEP_TOLERANCE = 1e-7
MAX_STEPS = 12
#: by how much the deviance of a profile may be below that of the best fit
ROUNDING = 1e-4
#: how often what follows from a fit begins again at a lower minimum
RESTARTS = 5
T = TypeVar("T")


class LowerMinimumError(PocketError):
    """A profile with a deviance below that of the best fit, which is no best fit then, at values of all parameters."""

    def __init__(self, message: str, values: Floats) -> None:
        super().__init__(message)
        self.values = values


@dataclass(frozen=True, eq=False)
class Fit:
    """A best fit, from which profiles start.

    Args:
        likelihood: what was fitted.
        minimum: the best values.
        hessian: second derivatives of the deviance, shape (parameters, parameters).
        covariance: shape (parameters, parameters); 0 for parameters that didn't float or are at a bound.
        bounds: parameter → ``"lower"`` or ``"upper"`` if it is at that bound.
        minimiser: what found the minimum.
    """

    likelihood: Likelihood
    minimum: Minimum
    hessian: Floats
    covariance: Floats
    bounds: Mapping[str, str]
    minimiser: str

    @property
    def values(self) -> Floats:
        """Best values of all parameters."""
        return self.minimum.values

    @property
    def deviance(self) -> float:
        """Smallest deviance."""
        return self.minimum.deviance

    @property
    def errors(self) -> Floats:
        """Parabolic errors of all parameters; 0 for those that didn't float or are at a bound."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def value(self, name: str) -> float:
        """Return the best value of a parameter."""
        return float(self.values[self.likelihood.parameters.index(name)])

    def error(self, name: str) -> float:
        """Return the parabolic error of a parameter."""
        return float(self.errors[self.likelihood.parameters.index(name)])

    def width(self, index: int) -> float:
        """Return a scale of a parameter: its error, or the one it would have alone."""
        if self.covariance[index, index] > 0:
            return float(np.sqrt(self.covariance[index, index]))
        return float(np.sqrt(2 / max(self.hessian[index, index], 1e-12)))

    def profile(self, fixed: Mapping[int, float], near: Floats | None = None) -> Minimum:
        """Return the minimum with some parameters at given values.

        Args:
            fixed: position of the parameter → its value.
            near: a minimum for other values of these parameters, from which to start; by default the best fit.

        Raises:
            FitError: if there is no minimum.
        """
        start = self.values.copy() if near is None else near.copy()
        parameters = self.likelihood.parameters
        held = np.array(list(fixed), dtype=np.int64)
        floating = parameters.floating.copy()
        floating[held] = False
        shift = np.array(list(fixed.values())) - start[held]
        start[held] += shift
        free = np.flatnonzero(floating & ~_at_bounds(self.likelihood, start).astype(bool))
        factor = factorise(self.hessian[np.ix_(free, free)])
        if factor is not None:
            predicted = start[free] - linalg.cho_solve(factor, self.hessian[np.ix_(free, held)] @ shift)
            start[free] = np.clip(predicted, parameters.low[free], parameters.high[free])
            found = _refine(self.likelihood, start, floating, free, factor)
            if found.converged:
                return found
            start = found.values
        found, _ = find_minimum(self.likelihood, start, floating, MINIMISERS[0])
        _check_converged(self.likelihood, found)
        return found

    def rise(self, profile: Minimum) -> float:
        """Return by how much the deviance of a profile is above the smallest one.

        Raises:
            LowerMinimumError: if it is below.
        """
        difference = profile.deviance - self.deviance
        if difference < -ROUNDING:
            moved = np.argmax(np.abs(profile.values - self.values) / [self.width(i) for i in range(len(self.values))])
            raise LowerMinimumError(
                f"the fit isn't at the lowest minimum: one lower by {-difference:.2g} is at "
                f"{self.likelihood.parameters.names[moved]!r} = {profile.values[moved]:g}",
                profile.values,
            )
        return max(difference, 0.0)

    def result(self) -> FitResult:
        """Return the fit as a record."""
        likelihood, errors = self.likelihood, self.errors
        model, parameters = likelihood.model, likelihood.parameters
        records = {}
        for index, name in enumerate(parameters.names):
            kind = "poi" if name in model.pois else "free" if name in model.free else "nuisance"
            pull = None
            if kind == "nuisance":
                pull = float(self.values[index] - likelihood.observations.nuisances[model.nuisances.index(name)])
            records[name] = ParameterResult(
                name=name,
                kind=kind,
                value=float(self.values[index]),
                error=float(errors[index]),
                floating=bool(parameters.floating[index]),
                bound=self.bounds.get(name),
                pull=pull,
            )
        inside = np.flatnonzero(errors > 0)
        correlation = self.covariance[np.ix_(inside, inside)] / np.outer(errors[inside], errors[inside])
        return FitResult(
            parameters=records,
            correlation=(tuple(parameters.names[i] for i in inside), tuple(map(tuple, correlation.tolist()))),
            deviance=self.deviance,
            iterations=self.minimum.iterations,
            distance=self.minimum.distance,
            minimiser=self.minimiser,
        )


def fit(
    likelihood: Likelihood,
    minimiser: str = MINIMISERS[0],
    bounds_allowed: bool | None = None,
    start: Floats | None = None,
) -> Fit:
    """Return the best fit.

    Args:
        likelihood: the likelihood, with values and ranges of its parameters.
        minimiser: ``"newton"`` or ``"minuit"``; the other one is tried where this one finds no minimum.
        bounds_allowed: has no effect any more; parameters may end at a bound of their ranges, with an error of 0.
        start: values of all parameters where the minimisation starts, shape (parameters,).

    Raises:
        FitError: if there is no minimum, or parameters are degenerate; the message names them.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[5.0], [20.0]]), np.zeros((2, 1)),
    ...     data=np.array([35.0]), factors={"signal": ("r",)})
    >>> best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 10)})))
    >>> round(best.value("r"), 6), round(best.error("r"), 6)
    (3.0, 1.183216)
    """
    if bounds_allowed is not None:
        warnings.warn(
            "bounds_allowed has no effect: a parameter at a bound is a result, see Fit.bounds",
            DeprecationWarning,
            stacklevel=2,
        )
    parameters = likelihood.parameters
    first = parameters.start if start is None else start
    found, minimiser = find_minimum(likelihood, first, parameters.floating, minimiser)
    hessian = likelihood.hessian(found.values)
    sides = _at_bounds(likelihood, found.values)
    free = np.flatnonzero(parameters.floating & (sides == 0))
    bounds = {parameters.names[i]: "lower" if sides[i] < 0 else "upper" for i in np.flatnonzero(sides)}
    gradient = likelihood.gradient(found.values)
    if not found.converged:
        # Where the deviance is flat, parameters at a bound may be degenerate with others, too.
        is_flat = np.abs(gradient) * errors_alone(np.diag(hessian)) < FLAT
        free = np.flatnonzero(parameters.floating & ((sides == 0) | is_flat))
    _check_determined(likelihood, gradient, hessian, free)
    _check_converged(likelihood, found)
    covariance = np.zeros_like(hessian)
    if len(free):
        covariance[np.ix_(free, free)] = 2 * np.linalg.inv(hessian[np.ix_(free, free)])
    return Fit(likelihood, found, hessian, covariance, bounds, minimiser)


def at_lowest_minimum(best: Fit, find: Callable[[Fit], T]) -> tuple[Fit, T]:
    """Return what follows from a fit, begun again wherever a lower minimum is come across, and the fit it is from."""
    for _ in range(RESTARTS):
        try:
            return best, find(best)
        except LowerMinimumError as lower:
            reason = str(lower)
            best = fit(best.likelihood, best.minimiser, start=lower.values)
    raise FitError(f"{reason}, {RESTARTS} times in a row")


def _refine(
    likelihood: Likelihood, start: Floats, floating: Mask, free: Indices, factor: tuple[Floats, bool]
) -> Minimum:
    """Go down with the second derivatives of another point, as long as each step gains much."""
    low, high = likelihood.parameters.low, likelihood.parameters.high
    values, deviance, before = start, likelihood.deviance(start), np.inf
    for iteration in range(1, MAX_STEPS + 1):
        gradient = likelihood.gradient(values)
        others = floating.copy()
        others[free] = False
        inwards = others & (((values <= low) & (gradient < 0)) | ((values >= high) & (gradient > 0)))
        step = -linalg.cho_solve(factor, gradient[free])
        distance = float(-gradient[free] @ step / 2)
        following = values.copy()
        following[free] += step
        outside = np.any((following < low) | (following > high) & floating)
        if inwards.any() or outside or not distance < 0.3 * before:
            break
        reached = likelihood.deviance(following)
        if reached > deviance + 1e-11 * (1 + abs(deviance)):
            break
        values, deviance, before = following, reached, distance
        if distance < STEP_TOLERANCE:
            return Minimum(values, deviance, distance, iteration, True)
    return Minimum(values, deviance, float(before), MAX_STEPS, False)


def _at_bounds(likelihood: Likelihood, values: Floats) -> Indices:
    """Return −1, 1 or 0 for floating parameters at their lower bound, at the upper one, or inside."""
    parameters = likelihood.parameters
    sides = (values >= parameters.high).astype(np.int64) - (values <= parameters.low).astype(np.int64)
    return np.where(parameters.floating, sides, 0)


def _check_converged(likelihood: Likelihood, found: Minimum) -> None:
    if found.converged:
        return
    parameters = likelihood.parameters
    moved = np.abs(found.values - parameters.start) / (1 + np.abs(parameters.start))
    index = int(np.argmax(np.where(parameters.floating, moved, 0)))
    raise FitError(
        f"no minimum after {found.iterations} iterations: parameter {parameters.names[index]!r} went farthest, from "
        f"{parameters.start[index]:g} to {found.values[index]:g}: look at its effect on the templates, or freeze it"
    )


def _check_determined(likelihood: Likelihood, gradient: Floats, hessian: Floats, free: Indices) -> None:
    """Check that each floating parameter has a minimum of its own."""
    names = likelihood.parameters.names
    # At a bound, the deviance may be a straight line.
    is_flat = (np.diag(hessian) <= 1e-12) & (np.isin(np.arange(len(names)), free) | (gradient == 0))
    for index in np.flatnonzero(is_flat & likelihood.parameters.floating):
        raise FitError(f"parameter {names[index]!r} isn't determined: the likelihood doesn't depend on it")
    if len(free) < 2:
        return
    inner = hessian[np.ix_(free, free)]
    scale = np.sqrt(np.diag(inner))
    eigenvalues, vectors = np.linalg.eigh(inner / np.outer(scale, scale))
    if eigenvalues[0] < LEAST_EIGENVALUE:
        first, second = np.argsort(-np.abs(vectors[:, 0]), kind="stable")[:2]
        raise FitError(
            f"parameters {names[free[first]]!r} and {names[free[second]]!r} are degenerate: only a combination of them "
            "is determined"
        )
