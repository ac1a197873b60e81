"""The profile over the statistical errors of simulation, bin by bin.

Gaussian parameters of a bin add ``x·√V`` to its expectation λ, where V is the sum of the squares of the processes'
errors, which follow their yields. Poisson parameters of ``n`` effective events multiply the expectation A of one
process by ``x``. The deviance of d observed events is smallest where, with ``t = 1 − d/m`` for the total expectation m,

    x = x₀ − √V·t                    (Gaussian, measured as x₀)
    x = n₀ / (n + A·t)               (Poisson, measured as n₀ events)

Without Poisson parameters m solves ``m² + (V − λ)·m − d·V = 0``, else one equation in m, which is monotonic. Sources:
R. Barlow and C. Beeston, Comp. Phys. Comm. 77 (1993) 219; J. S. Conway, arXiv:1103.0354; arXiv:2404.06614, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats, Indices, Mask

#: smallest total expectation of a bin
FLOOR = 1e-9
#: events below 0 over which the deviance of a bin without events becomes flat, since no fit converges at a kink
BAND = 1e-2
#: data of bins without events, where Poisson parameters are found by an equation that needs some
NEARLY_NO_EVENTS = 1e-12
#: smallest solution of that equation
TINY = 1e-16
MAX_ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class Profile:
    """The deviance of each bin at its smallest, and what its derivatives are made of.

    Args:
        deviance: −2·ln of the ratio to the saturated likelihood, with the constraints, shape (B,).
        total: total expectation m, shape (B,).
        multiplier: half of the derivative by the expectation at fixed parameters, t, shape (B,).
        curvature: W, half of the second derivative by that expectation, shape (B,).
        scale: values x of the Poisson parameters, shape (P, few bins); 1 where there is none.
        response: decrease of x with A·t, n₀/(n + A·t)², shape (P, few bins); 0 where there is none.
        held: Poisson parameters measured as no events that aren't 0, by which ``t = −n/A``, shape (P, few bins).
        stiffness: increase of m²/d and of the decrease of m with t, by t, shape (few bins,).
    """

    deviance: Floats
    total: Floats
    multiplier: Floats
    curvature: Floats
    scale: Floats
    response: Floats
    held: Mask
    stiffness: Floats


@dataclass(frozen=True, eq=False)
class PoissonTerms:
    """Poisson parameters of the bins with few effective events.

    Args:
        bins: their positions, shape (few bins,).
        varied: which processes have one there, shape (P, few bins).
        events: effective events n, shape (P, few bins).
        measured: events n₀ measured in their place, shape (P, few bins).
    """

    bins: Indices
    varied: Mask
    events: Floats
    measured: Floats


def profile(expected: Floats, variance: Floats, data: Floats, terms: PoissonTerms, contents: Floats) -> Profile:
    """Return the deviance of each bin, profiled over the statistical errors of simulation.

    Args:
        expected: expectation λ of each bin with Poisson parameters at 1 and Gaussian ones as measured, shape (B,).
        contents: expectation A of each process in their bins, shape (P, few bins).
    """
    total = _gaussian_total(expected, variance, data)
    multiplier = _multiplier(expected, variance, data, total)
    scale, response, held = np.ones(contents.shape), np.zeros(contents.shape), np.zeros(contents.shape, dtype=bool)
    deviance, stiffness, alone = np.zeros(len(data)), variance.copy(), expected
    if len(terms.bins):
        few = terms.bins
        counts = np.maximum(data[few], NEARLY_NO_EVENTS)
        found, held = _poisson_total(expected[few], variance[few], counts, terms, contents)
        t = multiplier[few] = np.where(found > TINY, 1 - counts / found, 0)
        total[few] = np.maximum(found, FLOOR)
        positive = np.where(terms.varied, np.maximum(contents, 0), 0)
        inside = np.where(terms.varied & ~held & (terms.measured > 0), terms.events + positive * t, 1)
        scale = np.where(terms.varied, terms.measured / inside, 1)
        response = np.where(terms.varied & (contents > 0), terms.measured / inside**2, 0)
        left = found - expected[few] + variance[few] * t - ((scale - 1) * contents).sum(axis=0)
        scale = np.where(held, np.maximum(left, 0) / np.where(held, contents, 1), scale)
        deviance[few] += np.where(terms.varied, _poisson_deviance(terms.events * scale, terms.measured), 0).sum(axis=0)
        stiffness[few] += (positive**2 * response).sum(axis=0)
        alone = expected.copy()
        alone[few] += ((scale - 1) * contents).sum(axis=0)
    deviance += _poisson_deviance(total, data) + variance * multiplier**2
    # W = 1/(m²/d + …), where without events either m or t stays at its bound.
    empty = (data == 0) & (total > FLOOR)
    floored = (total <= FLOOR) & (stiffness == 0)
    below = np.where(data > 0, total**2 + data * stiffness, stiffness)
    curvature = np.divide(np.where(data > 0, data, 1), below, out=np.zeros(len(data)), where=~empty & ~floored)
    curvature[terms.bins[held.any(axis=0)]] = 0
    nothing = (data == 0) & (stiffness == 0)
    deviance[nothing], multiplier[nothing], curvature[nothing] = _without_events(alone[nothing])
    square = np.divide(total**2, data, out=np.zeros(len(data)), where=data > 0)
    return Profile(deviance, total, multiplier, curvature, scale, response, held, (square + stiffness)[terms.bins])


def fixed(expected: Floats, data: Floats, scale: Floats) -> Profile:
    """Return the deviance of each bin if the parameters of the statistical errors of simulation don't float.

    Expectations (B,) are those with these parameters, of which the Poisson ones are ``scale`` (P, few bins).
    """
    total = np.maximum(expected, FLOOR)
    inside, nothing = expected > FLOOR, data == 0
    deviance, multiplier = _poisson_deviance(total, data), np.where(inside, 1 - data / total, 0)
    curvature = np.where(inside, data / total**2, 0)
    deviance[nothing], multiplier[nothing], curvature[nothing] = _without_events(expected[nothing])
    return Profile(
        deviance=deviance,
        total=total,
        multiplier=multiplier,
        curvature=curvature,
        scale=scale,
        response=np.zeros(scale.shape),
        held=np.zeros(scale.shape, dtype=bool),
        stiffness=np.zeros(scale.shape[1]),
    )


def _without_events(expected: Floats) -> tuple[Floats, Floats, Floats]:
    """Return deviance, multiplier and curvature of bins without events and without errors of simulation."""
    below = np.clip(expected, -BAND, 0)
    deviance = 2 * (np.maximum(expected, 0) + below + below**2 / (2 * BAND))
    return deviance, 1 + below / BAND, np.where((below < 0) & (below > -BAND), 1 / BAND, 0)


def _poisson_deviance(expected: Floats, counts: Floats) -> Floats:
    """Return −2·ln of the ratio of Poisson probabilities to the largest."""
    some = counts > 0
    logs = np.log(np.divide(counts, expected, out=np.ones(np.shape(counts)), where=some & (expected > 0)))
    return np.asarray(2 * (expected - counts + np.where(some, counts, 0) * logs))


def _gaussian_total(expected: Floats, variance: Floats, data: Floats) -> Floats:
    half = (expected - variance) / 2
    product = data * variance
    root = np.sqrt(half * half + product)
    # The sum of a negative half and a root of about its size would lose all digits.
    other = np.divide(product, root - half, out=np.zeros(len(data)), where=root > half)
    return np.maximum(np.where(half > 0, half + root, other), np.where((variance > 0) & (data == 0), 0, FLOOR))


def _multiplier(expected: Floats, variance: Floats, data: Floats, total: Floats) -> Floats:
    with_events = np.where(total > FLOOR, 1 - data / np.maximum(total, FLOOR), 0)
    bound = np.divide(expected, variance, out=np.ones(len(data)), where=variance > 0)
    without = np.where(variance > 0, np.minimum(bound, 1), np.where(total > FLOOR, 1, 0))
    return np.where(data > 0, with_events, without)


def _poisson_total(
    expected: Floats, variance: Floats, data: Floats, terms: PoissonTerms, contents: Floats
) -> tuple[Floats, Mask]:
    """Return m, and which parameters measured as no events aren't 0.

    Such a parameter costs ``2·n·x``. It is 0 unless t would be below −n/A, where it keeps t.
    """
    varied = np.where(terms.varied, contents, 0)
    counted = (varied > 0) & (terms.measured > 0)
    events = np.where(terms.varied, terms.events, 1)
    # A negative expectation doesn't change its parameter, which stays as measured.
    others = expected - varied.sum(axis=0) + (np.minimum(varied, 0) * terms.measured / events).sum(axis=0)
    total = _solve(others, variance, data, (varied * counted, events, terms.measured * counted))
    none = (varied > 0) & (terms.measured == 0)
    ratio = np.where(none, varied / events, 0)
    bound = data * ratio.max(axis=0) / (1 + ratio.max(axis=0))
    held = none & (np.arange(len(none))[:, None] == ratio.argmax(axis=0)) & (total < bound)
    return np.where(held.any(axis=0), bound, total), held


def _solve(others: Floats, variance: Floats, data: Floats, terms: tuple[Floats, Floats, Floats]) -> Floats:
    """Solve m = others − V·t + Σ A·n₀/(n + A·t) with t = 1 − d/m, whose sides cross once."""
    contents, events, measured = terms
    at_zero = others + (contents * measured / events).sum(axis=0)
    low = np.max(data * contents / (events + contents), axis=0)
    high = np.maximum(np.maximum(data, at_zero), TINY)
    total = np.maximum(high, low)
    for _ in range(MAX_ITERATIONS):
        t = 1 - data / total
        inside = events + contents * t
        # Below the lower bound a denominator is negative, and the difference counts as negative.
        valid = (inside > 0).all(axis=0)
        inside = np.where(inside > 0, inside, 1)
        difference = total - others + variance * t - (contents * measured / inside).sum(axis=0)
        slope = 1 + data / total**2 * (variance + (contents**2 * measured / inside**2).sum(axis=0))
        above = valid & (difference > 0)
        high, low = np.where(above, total, high), np.where(above, low, total)
        step = total - difference / slope
        following = np.where(valid & (step > low) & (step < high), step, (low + high) / 2)
        # A Newton step from the side of the root may stop at the end of the interval itself.
        done = valid & (np.abs(difference) <= 1e-13 * (np.abs(others) + total))
        following = np.where(done, total, following)
        if np.all(np.abs(following - total) <= 4e-16 * total):
            break
        total = following
    return np.asarray(np.maximum(total, TINY))
