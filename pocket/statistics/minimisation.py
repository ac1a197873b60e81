"""The minimum of the deviance within the ranges of the parameters, by a trust region or by MINUIT.

The trust region is that of scipy, with exact second derivatives (J. J. Moré and D. C. Sorensen, SIAM J. Sci. Stat.
Comput. 4 (1983) 553). Parameters at a bound are held there as long as their gradient points out of the range
(D. P. Bertsekas, SIAM J. Control Optim. 20 (1982) 221).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from iminuit import Minuit
from scipy import linalg, optimize

from pocket.base.typing import Floats, Indices, Mask
from pocket.errors import check_known
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.parameter_options import MINIMISERS

#: estimated distance of the deviance from its minimum below which a minimisation has converged
TOLERANCE = 1e-4
#: the same at which steps end: the last one makes it much smaller
CLOSE = 1e-6
#: share of the estimated fall of the deviance that a step must have
LEAST_SHARE = 0.2
#: size of the gradient at which the trust region ends, in units of the errors that parameters would have alone
GRADIENT = 1e-3
#: size of the gradient below which the deviance counts as flat, in the same units
FLAT = 1e-2
#: first radius of the trust region, in the same units
RADIUS = 5.0
#: estimated fall of the deviance below which a step that doesn't lead down has crossed a kink, and the steps along it
NEAR, STEPS_ALONG = 0.3, 30
MAX_ITERATIONS = 200
#: number of steps in a row that don't lead down after which there are no more: the deviance has a kink there
MAX_REFUSED = 6
#: smallest curvature of the deviance along kinks, in units of that of single parameters
LEAST_CURVATURE = 0.1
#: lengths of the steps that look for a lower deviance, in the errors that parameters would have alone
PROBES = (0.01, 0.03, 0.1, 0.3, 1.0)
#: smallest eigenvalue of the second derivatives, scaled to 1 on the diagonal, below which parameters are degenerate
LEAST_EIGENVALUE = 1e-9
#: how often a step along kinks is halved, and how many gradients are kept
STEPS_BACK, MAX_BUNDLE = 12, 20
#: share of an error within which a parameter of MINUIT counts as at its bound, which MINUIT only approaches
AT_BOUND = 1e-2


@dataclass(frozen=True, eq=False)
class Minimum:
    """The smallest deviance that a minimisation has found.

    Args:
        values: values of all parameters.
        distance: by how much it was estimated to fall with the last step; 0 where it is flat.
        iterations: number of steps.
        converged: whether the distance is small, and the second derivatives of parameters inside their ranges positive.
        moved: whether the last step was taken.
    """

    values: Floats
    deviance: float
    distance: float
    iterations: int
    converged: bool
    moved: bool = False


def minimise(likelihood: Likelihood, start: Floats, floating: Mask, minimiser: str = MINIMISERS[0]) -> Minimum:
    """Return the minimum that ``"newton"``, the trust region, or ``"minuit"`` finds from a start."""
    check_known("minimiser", [minimiser], MINIMISERS, "the arguments")
    low, high = likelihood.parameters.low, likelihood.parameters.high
    values = np.where(floating, np.clip(start, low, high), start)
    return (_trust_region if minimiser == "newton" else _minuit)(likelihood, values, floating)


def find_minimum(likelihood: Likelihood, start: Floats, floating: Mask, minimiser: str) -> tuple[Minimum, str]:
    """Return the minimum that a minimiser finds, or else the one that the other finds, and which of them did."""
    found = minimise(likelihood, start, floating, minimiser)
    # Where the deviance is flat, parameters aren't determined, which the other doesn't change.
    if not found.converged and found.distance > 0:
        (other,) = (name for name in MINIMISERS if name != minimiser)
        # Near the minimum the other has less to do; far from it, it may find the way from the start.
        for first in (found.values, start):
            again = minimise(likelihood, first, floating, other)
            if again.converged:
                return again, other
        if found.distance < TOLERANCE and _is_lowest(likelihood, found.values, found.deviance, floating):
            return replace(found, converged=True), minimiser
    return found, minimiser


def _movable(likelihood: Likelihood, values: Floats, gradient: Floats, floating: Mask) -> Indices:
    """Return the positions of floating parameters, without those at a bound out of which the deviance falls."""
    low, high = likelihood.parameters.low, likelihood.parameters.high
    is_held = ((values <= low) & (gradient >= 0)) | ((values >= high) & (gradient <= 0))
    return np.flatnonzero(floating & ~is_held)


def errors_alone(second: Floats) -> Floats:
    """Return the errors that parameters with these second derivatives would have alone; 1 where they are flat."""
    return np.asarray(np.sqrt(2 / np.where(second > 1e-12, second, 2.0)))


def factorise(matrix: Floats) -> tuple[Floats, bool] | None:
    """Return the lower Cholesky factor of a matrix, and that it is the lower one; None if the matrix isn't positive."""
    diagonal = np.diag(matrix)
    try:
        factor, _ = linalg.cho_factor(matrix, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    pivots = np.diag(factor) ** 2
    if not np.all(np.isfinite(pivots)) or np.any(pivots < 1e-11 * np.maximum(np.abs(diagonal), 1e-12)):
        return None
    return factor, True


class _OutsideError(Exception):
    """A step out of the range of a parameter."""

    def __init__(self, values: Floats) -> None:
        super().__init__()
        self.values = values


def _trust_region(likelihood: Likelihood, values: Floats, floating: Mask) -> Minimum:
    """Return the minimum by Newton's steps and, where these don't lead down, by those within a trust region."""
    found = _polish(likelihood, values, floating)
    for _ in range(MAX_ITERATIONS):
        if found.distance < CLOSE or not found.moved:
            break
        found = _polish(likelihood, found.values, floating, found.iterations)
    if not found.converged and 0 < found.distance < NEAR:
        found = _along_kinks(likelihood, found, floating, STEPS_ALONG)
    if found.converged:
        return found
    descent = _Descent(likelihood, found.values, likelihood.impossible_bins(found.values), iterations=found.iterations)
    while descent.iterations < MAX_ITERATIONS:
        gradient = likelihood.gradient(descent.values)
        free = _movable(likelihood, descent.values, gradient, floating)
        if not len(free):
            return Minimum(descent.values, likelihood.deviance(descent.values), 0.0, descent.iterations, True)
        if descent.go(free):
            break
    found = _polish(likelihood, descent.values, floating, descent.iterations)
    return found if found.converged else _along_kinks(likelihood, found, floating)


def _along_kinks(likelihood: Likelihood, at: Minimum, floating: Mask, steps: int = MAX_ITERATIONS) -> Minimum:
    """Return the minimum where the deviance has kinks, as where varied templates of a process become empty.

    Gradients of both sides of a kink are collected. Their shortest convex combination is the direction along the kink,
    and its length how far the minimum is (P. Wolfe, Math. Programming Study 3 (1975) 145).
    """
    low, high = likelihood.parameters.low, likelihood.parameters.high
    values, deviance, iterations = at.values, at.deviance, at.iterations
    bundle: list[Floats] = []
    distance, is_positive = np.inf, False

    def at_kink(distance: float) -> Minimum:
        return Minimum(values, deviance, distance, iterations, is_positive and distance < TOLERANCE)

    for iterations in range(at.iterations + 1, at.iterations + steps + 1):
        gradient, hessian = likelihood.gradient(values), likelihood.hessian(values)
        impossible = likelihood.impossible_bins(values)
        free = _movable(likelihood, values, gradient, floating)
        inner = hessian[np.ix_(free, free)]
        factor = factorise(inner) if len(free) else None
        is_positive = factor is not None
        if factor is None and len(free):
            # On one side of a kink, the deviance may be curved downwards: steps are shorter there.
            scale = errors_alone(np.diag(inner))
            lowest = float(np.linalg.eigvalsh(inner * np.outer(scale, scale))[0])
            factor = factorise(inner + np.diag((LEAST_CURVATURE - lowest) / scale**2))
        if factor is None:
            return Minimum(values, deviance, np.inf, iterations, False)
        bundle = bundle or [gradient]
        rows = np.array([linalg.solve_triangular(factor[0], each[free], lower=True) for each in bundle])
        shortest = _shortest(rows)
        distance = float(shortest @ shortest / 2)
        if distance < CLOSE:
            # Away from kinks a full step is much better still.
            is_smooth = len(bundle) == 1 and is_positive
            return _polish(likelihood, values, floating, iterations) if is_smooth else at_kink(distance)
        step = np.zeros(len(values))
        step[free] = -linalg.solve_triangular(factor[0].T, shortest, lower=False)
        for length in 0.5 ** np.arange(STEPS_BACK):
            following = np.clip(values + length * step, low, high)
            if likelihood.impossible_bins(following) > impossible:
                continue
            reached = likelihood.deviance(following)
            if reached < deviance - LEAST_SHARE * length * distance:
                values, deviance, bundle = following, reached, []
                break
        else:
            bundle = [*bundle[-MAX_BUNDLE:], likelihood.gradient(following)]
    return at_kink(distance)


def _shortest(rows: Floats) -> Floats:
    """Return the shortest convex combination of vectors, shape (vectors, components)."""
    # A large weight of the row of ones makes the sum of the shares one (C. L. Lawson and R. J. Hanson, Solving Least
    # Squares Problems, 1974, chapter 23).
    weight = 1e3 * float(np.abs(rows).max(initial=1.0))
    shares, _ = optimize.nnls(
        np.vstack([rows.T, np.full(len(rows), weight)]), np.append(np.zeros(rows.shape[1]), weight)
    )
    return np.asarray(shares @ rows / shares.sum())


@dataclass(eq=False)
class _Descent:
    """Steps of the trust region, until one leaves the ranges."""

    likelihood: Likelihood
    #: values of all parameters; changed by each accepted step
    values: Floats
    #: number of bins with data where nothing is expected, which mustn't grow: the deviance is flat there
    impossible: int
    #: radius of the trust region at the next start
    radius: float = RADIUS
    iterations: int = 0

    def go(self, free: Indices) -> bool:
        """Go down on some parameters, and return whether all steps stayed within the ranges."""
        parameters = self.likelihood.parameters
        low, high = parameters.low[free], parameters.high[free]
        scale = errors_alone(np.diag(self.likelihood.hessian(self.values))[free])

        # Steps begin at 0, since scaled values may be outside of a bound by their rounding.
        origin = self.values

        def at(x: Floats) -> Floats:
            values = origin.copy()
            values[free] += x * scale
            return values

        def deviance(x: Floats) -> float:
            values = at(x)
            if np.any(values[free] < low) or np.any(values[free] > high):
                raise _OutsideError(values)
            if self.likelihood.impossible_bins(values) > self.impossible:
                return np.inf
            return self.likelihood.deviance(values)

        refused = 0

        def accept(intermediate_result: optimize.OptimizeResult) -> None:
            nonlocal refused
            self.iterations += 1
            before, self.values = self.values, at(intermediate_result.x)
            refused = refused + 1 if np.array_equal(before, self.values) else 0
            if refused == MAX_REFUSED:
                raise StopIteration
            self.impossible = self.likelihood.impossible_bins(self.values)

        arguments: Any = {
            "jac": lambda x: self.likelihood.gradient(at(x))[free] * scale,
            "hess": lambda x: self.likelihood.hessian(at(x))[np.ix_(free, free)] * np.outer(scale, scale),
            "callback": accept,
            "options": {
                "gtol": GRADIENT,
                "initial_trust_radius": self.radius,
                "maxiter": MAX_ITERATIONS - self.iterations,
            },
        }
        try:
            optimize.minimize(deviance, np.zeros(len(free)), method="trust-exact", **arguments)
        except _OutsideError as outside:
            self.iterations += 1
            self._stop_at_bounds(outside.values, free, scale)
            return False
        self.radius = RADIUS
        return True

    def _stop_at_bounds(self, proposed: Floats, free: Indices, scale: Floats) -> None:
        """Take a step as far as the ranges allow if that leads down, else make the next ones shorter."""
        parameters = self.likelihood.parameters
        clipped = proposed.copy()
        clipped[free] = np.clip(proposed[free], parameters.low[free], parameters.high[free])
        impossible = self.likelihood.impossible_bins(clipped)
        if impossible <= self.impossible and self.likelihood.deviance(clipped) < self.likelihood.deviance(self.values):
            self.values, self.impossible = clipped, impossible
            self.radius = RADIUS
        else:
            self.radius = float(np.linalg.norm((proposed - self.values)[free] / scale)) / 4


def _polish(likelihood: Likelihood, values: Floats, floating: Mask, iterations: int = 0) -> Minimum:
    """Return where a full step of Newton's method leads, on the parameters that aren't held at a bound."""
    low, high = likelihood.parameters.low, likelihood.parameters.high
    deviance, gradient = likelihood.deviance(values), likelihood.gradient(values)
    free = _movable(likelihood, values, gradient, floating)
    if not len(free):
        return Minimum(values, deviance, 0.0, iterations, True)
    hessian = likelihood.hessian(values)[np.ix_(free, free)]
    factor = factorise(hessian)
    if factor is None:
        is_flat = np.all(np.abs(gradient[free]) * errors_alone(np.diag(hessian)) < FLAT)
        return Minimum(values, deviance, 0.0 if is_flat else np.inf, iterations, False)
    step = -linalg.cho_solve(factor, gradient[free])
    distance = float(-gradient[free] @ step / 2)
    following = values.copy()
    following[free] = np.clip(values[free] + step, low[free], high[free])
    # Far from the minimum, a step may leave the region in which the derivatives say anything.
    is_near = np.abs((following - values)[likelihood.constrained]).max(initial=0.0) <= RADIUS
    impossible = likelihood.impossible_bins(values)
    converged = distance < TOLERANCE
    if is_near and likelihood.impossible_bins(following) <= impossible:
        reached = likelihood.deviance(following)
        # Next to the minimum, the deviance is constant to its rounding.
        rounding = 1e-11 * (1 + abs(deviance))
        if reached <= deviance - LEAST_SHARE * distance or (converged and reached <= deviance + rounding):
            return Minimum(following, reached, distance, iterations + 1, converged, moved=True)
    return Minimum(values, deviance, distance, iterations + 1, converged)


def _minuit(likelihood: Likelihood, values: Floats, floating: Mask) -> Minimum:
    """Return the minimum that MINUIT finds, with parameters next to a bound at it."""
    parameters = likelihood.parameters
    minuit = Minuit(likelihood.deviance, values, grad=likelihood.gradient, name=parameters.names)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.tol = 1e-3
    minuit.limits = list(zip(parameters.low, parameters.high, strict=True))
    minuit.fixed = list(~floating)
    minuit.migrad()
    found = np.array(minuit.values)
    near = AT_BOUND * errors_alone(np.diag(likelihood.hessian(found)))
    gradient = likelihood.gradient(found)
    for bound, sign in ((parameters.low, 1), (parameters.high, -1)):
        reaches = floating & (np.abs(found - bound) < near) & (sign * gradient > 0)
        found = np.where(reaches, bound, found)
    polished = _polish(likelihood, found, floating, int(minuit.fmin.nfcn))
    if polished.converged:
        return polished
    # Where the deviance has a kink, as where a bin becomes empty, derivatives don't vanish at the minimum.
    distance = float(minuit.fmin.edm)
    converged = bool(minuit.fmin.is_valid) and distance < TOLERANCE
    is_positive = 0 < polished.distance < np.inf
    converged = converged and (is_positive or _is_lowest(likelihood, polished.values, polished.deviance, floating))
    return Minimum(polished.values, polished.deviance, distance, polished.iterations, converged)


def _is_lowest(likelihood: Likelihood, values: Floats, deviance: float, floating: Mask) -> bool:
    """Tell whether the deviance nowhere falls along the directions in which it is curved downwards.

    On one side of a kink, second derivatives may be negative at a minimum.
    """
    low, high = likelihood.parameters.low, likelihood.parameters.high
    free = _movable(likelihood, values, likelihood.gradient(values), floating)
    inner = likelihood.hessian(values)[np.ix_(free, free)]
    scale = errors_alone(np.diag(inner))
    curvatures, directions = np.linalg.eigh(inner * np.outer(scale, scale))
    if np.any(np.abs(curvatures) < LEAST_EIGENVALUE):
        return False
    for direction in directions.T[curvatures < 0]:
        for length in (*PROBES, *(-each for each in PROBES)):
            following = values.copy()
            following[free] = np.clip(values[free] + length * scale * direction, low[free], high[free])
            if likelihood.deviance(following) < deviance - TOLERANCE:
                return False
    return True
