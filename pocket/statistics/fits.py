"""Fits: the minimum of the deviance within the ranges of the parameters, its covariance, and profiles around it.

Newton's method with exact second derivatives, damped where they don't lead down (D. W. Marquardt, J. SIAM 11 (1963)
431), and projected into the ranges (D. P. Bertsekas, SIAM J. Control Optim. 20 (1982) 221). MINUIT may find the minimum
instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from iminuit import Minuit
from scipy import linalg

from pocket.base.typing import Floats, Indices, Mask
from pocket.errors import FitError, check_known
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.results import FitResult, ParameterResult

#: estimated distance of the deviance from its minimum at which a fit ends, before its last step
TOLERANCE = 1e-6
MAX_ITERATIONS = 200
MAX_DAMPING = 1e12
#: longest step of a nuisance, in units of its error before the fit
LONGEST_STEP = 5.0
#: the same for steps with the second derivatives of another point, each of which gains less
STEP_TOLERANCE = 1e-7
MAX_STEPS = 12
#: smallest eigenvalue of the second derivatives, scaled to 1 on the diagonal, below which parameters are degenerate
LEAST_EIGENVALUE = 1e-9
MINIMISERS = ("newton", "minuit")


@dataclass(frozen=True, eq=False)
class Minimum:
    """The smallest deviance that a minimisation has found.

    Args:
        values: values of all parameters.
        deviance: the deviance there.
        distance: by how much it was estimated to fall with the last step.
        iterations: number of steps.
        converged: whether the distance became small enough.
    """

    values: Floats
    deviance: float
    distance: float
    iterations: int
    converged: bool


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
        factor = _factorise(self.hessian[np.ix_(free, free)])
        if factor is not None:
            predicted = start[free] - linalg.cho_solve(factor, self.hessian[np.ix_(free, held)] @ shift)
            start[free] = np.clip(predicted, parameters.low[free], parameters.high[free])
            found = _refine(self.likelihood, start, floating, free, factor)
            if found.converged:
                return found
            start = found.values
        found = minimise(self.likelihood, start, floating)
        _check_converged(self.likelihood, found)
        return found

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
    likelihood: Likelihood, minimiser: str = "newton", bounds_allowed: bool = False, start: Floats | None = None
) -> Fit:
    """Return the best fit.

    Args:
        likelihood: the likelihood, with values and ranges of its parameters.
        minimiser: ``"newton"`` or ``"minuit"``.
        bounds_allowed: whether parameters may end at a bound of their ranges; their errors are 0 then.
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
    check_known("minimiser", [minimiser], MINIMISERS, "the arguments")
    parameters = likelihood.parameters
    first = parameters.start if start is None else start
    find = minimise if minimiser == "newton" else _minuit
    found = find(likelihood, first, parameters.floating)
    hessian = likelihood.hessian(found.values)
    sides = _at_bounds(likelihood, found.values)
    free = np.flatnonzero(parameters.floating & (sides == 0))
    bounds = {parameters.names[i]: "lower" if sides[i] < 0 else "upper" for i in np.flatnonzero(sides)}
    if not bounds_allowed:
        for name, side in bounds.items():
            raise FitError(
                f"no minimum: parameter {name!r} is at its {side} bound, {found.values[parameters.index(name)]:g}: "
                "give it a wider range, or freeze it"
            )
    _check_determined(likelihood, hessian, free)
    _check_converged(likelihood, found)
    covariance = np.zeros_like(hessian)
    if len(free):
        covariance[np.ix_(free, free)] = 2 * np.linalg.inv(hessian[np.ix_(free, free)])
    return Fit(likelihood, found, hessian, covariance, bounds, minimiser)


def minimise(likelihood: Likelihood, start: Floats, floating: Mask) -> Minimum:
    """Return the minimum that Newton's method finds.

    Args:
        likelihood: the likelihood.
        start: values of all parameters where it starts, shape (parameters,).
        floating: which parameters it may change, shape (parameters,).
    """
    low, high = likelihood.parameters.low, likelihood.parameters.high
    constrained = np.isin(np.arange(len(start)), likelihood.constrained)
    values = np.where(floating, np.clip(start, low, high), start)
    deviance, impossible = likelihood.deviance(values), likelihood.impossible_bins(values)
    damping, distance = 0.0, np.inf
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient = likelihood.gradient(values)
        outwards = ((values <= low) & (gradient >= 0)) | ((values >= high) & (gradient <= 0))
        free = np.flatnonzero(floating & ~outwards)
        if not len(free):
            return Minimum(values, deviance, 0.0, iteration, True)
        hessian = likelihood.hessian(values)[np.ix_(free, free)]
        while True:
            factor = _factorise(hessian, damping)
            if factor is not None:
                step = -linalg.cho_solve(factor, gradient[free])
                distance = float(-gradient[free] @ step / 2)
                # Far from the minimum, a step may leave the region in which the derivatives say anything.
                step *= min(1.0, LONGEST_STEP / max(np.abs(step[constrained[free]]).max(initial=0.0), LONGEST_STEP))
                following = values.copy()
                following[free] = np.clip(values[free] + step, low[free], high[free])
                reached, left_out = likelihood.deviance(following), likelihood.impossible_bins(following)
                # Where data are impossible, the deviance is finite and flat, so that there may be a minimum.
                if reached <= deviance + 1e-11 * (1 + abs(deviance)) and left_out <= impossible:
                    break
            if damping >= MAX_DAMPING:
                return Minimum(values, deviance, distance, iteration, distance < TOLERANCE)
            damping = max(10 * damping, 1e-3)
        clipped = not np.allclose(following[free], values[free] + step, rtol=0, atol=1e-12)
        fall, values, deviance, impossible = deviance - reached, following, reached, left_out
        undamped = damping < 1e-6
        damping = 0.0 if damping < 1e-3 else damping / 20
        if not clipped and ((undamped and distance < TOLERANCE) or (distance < TOLERANCE**2 and fall < TOLERANCE)):
            return Minimum(values, deviance, distance, iteration, True)
    return Minimum(values, deviance, distance, MAX_ITERATIONS, False)


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


def _minuit(likelihood: Likelihood, start: Floats, floating: Mask) -> Minimum:
    """Return the minimum that MINUIT finds."""
    names, parameters = likelihood.parameters.names, likelihood.parameters
    minuit = Minuit(likelihood.deviance, start, grad=likelihood.gradient, name=names)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.tol = 1e-3
    for index, name in enumerate(names):
        minuit.limits[name] = (parameters.low[index], parameters.high[index])
        minuit.fixed[name] = not floating[index]
    minuit.migrad()
    values = np.array(minuit.values)
    # MINUIT approaches bounds, but never reaches them.
    span = np.where(np.isfinite(parameters.high - parameters.low), parameters.high - parameters.low, 0)
    for bound in (parameters.low, parameters.high):
        values = np.where(floating & (np.abs(values - bound) < 1e-5 * span), bound, values)
    minimum = minuit.fmin
    return Minimum(values, likelihood.deviance(values), float(minimum.edm), int(minimum.nfcn), bool(minimum.is_valid))


def _factorise(matrix: Floats, damping: float = 0.0) -> tuple[Floats, bool] | None:
    """Return the Cholesky factor of a matrix, its diagonal enlarged, or None if it isn't positive."""
    diagonal = np.abs(np.diag(matrix))
    floor = max(float(diagonal.max(initial=0.0)) * 1e-12, 1e-12)
    enlarged = matrix + np.diag(damping * np.maximum(diagonal, floor))
    try:
        factor, lower = linalg.cho_factor(enlarged, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    pivots = np.diag(factor) ** 2
    if not np.all(np.isfinite(pivots)) or np.any(pivots < 1e-11 * np.maximum(diagonal, floor)):
        return None
    return factor, lower


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


def _check_determined(likelihood: Likelihood, hessian: Floats, free: Indices) -> None:
    """Check that each floating parameter has a minimum of its own."""
    names = likelihood.parameters.names
    inner = hessian[np.ix_(free, free)]
    diagonal = np.diag(inner)
    for index in np.flatnonzero(diagonal <= 1e-12):
        raise FitError(f"parameter {names[free[index]]!r} isn't determined: the likelihood doesn't depend on it")
    if len(free) < 2:
        return
    scale = np.sqrt(diagonal)
    eigenvalues, vectors = np.linalg.eigh(inner / np.outer(scale, scale))
    if eigenvalues[0] < LEAST_EIGENVALUE:
        first, second = np.argsort(-np.abs(vectors[:, 0]), kind="stable")[:2]
        raise FitError(
            f"parameters {names[free[first]]!r} and {names[free[second]]!r} are degenerate: only a combination of them "
            "is determined"
        )
