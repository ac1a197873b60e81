"""Checks of a scale factor's closure: what was compared, what would pass, and by how much it is off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from pocket.scale_factors.binning import Array

#: largest relative difference of numbers that are the same up to rounding
EXACT = 1e-9
#: largest difference in standard deviations
PULL = 4.0
#: smallest p-value of all bins together
LEAST_P = 1e-3
#: largest p-value, where the numbers are independent: errors that are too large show like that
LARGEST_P = 0.999


@dataclass(frozen=True)
class Number:
    """Two numbers that are compared.

    Args:
        label: the bin, sample or dataset.
        found: what there is.
        expected: what there should be.
        error: standard deviation of the difference; ``None`` if there is none.
        off: the difference: relative to the expected number or, with an error, in standard deviations.
    """

    label: str
    found: float
    expected: float
    error: float | None
    off: float


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: name of the check.
        passed: whether the closure is good; ``None`` if the check wasn't made.
        compared: what was compared with what, and how correlations are treated.
        outcome: where the largest difference is and what would pass, or why the check wasn't made.
        p_value: p-value of all bins together, for differences with errors.
        numbers: everything that was compared.
    """

    name: str
    passed: bool | None
    compared: str
    outcome: str
    p_value: float | None = None
    numbers: tuple[Number, ...] = ()


def not_made(name: str, compared: str, reason: str) -> Check:
    """Return a check that wasn't made, and why."""
    return Check(name, None, compared, reason)


def exactly(
    name: str, compared: str, labels: Sequence[str], found: Iterable[float], expected: Iterable[float]
) -> Check:
    """Compare numbers that are the same up to rounding.

    Args:
        name: name of the check.
        compared: what is compared.
        labels: what each number is of; at least one.
        found: what there is.
        expected: what there should be.
    """
    numbers = tuple(
        Number(label, float(one), float(other), None, _relative(float(one), float(other)))
        for label, one, other in zip(labels, found, expected, strict=True)
    )
    worst = max(numbers, key=_size)
    passed = _size(worst) <= EXACT
    outcome = (
        f"{worst.found:.10g} instead of {worst.expected:.10g} in {worst.label}, a relative difference of "
        f"{worst.off:.2g}, at most {EXACT:g} is allowed"
    )
    return Check(name, passed, compared, outcome, numbers=numbers)


def within_errors(
    name: str,
    compared: str,
    labels: Sequence[str],
    found: Array,
    expected: Array,
    covariance: Array,
    *,
    independent: bool,
) -> Check:
    """Compare numbers with errors: every |pull| below :data:`PULL`, and the p-value of χ² neither too small.

    Args:
        name: name of the check.
        compared: what is compared.
        labels: what each number is of; at least one.
        found: what there is, shape (n,).
        expected: what there should be, shape (n,).
        covariance: covariance of the differences, shape (n, n).
        independent: whether this covariance is right and not only an upper limit, as for numbers from the same events;
            then the p-value must not be too large either.
    """
    errors = np.sqrt(np.diag(covariance))
    difference = found - expected
    # numbers without an error are the same up to rounding
    rounding = np.abs(difference) <= EXACT * np.abs(expected)
    pulls = np.divide(difference, errors, out=np.where(rounding, 0.0, np.inf), where=errors > 0)
    numbers = tuple(
        Number(*values)
        for values in zip(labels, *(part.tolist() for part in (found, expected, errors, pulls)), strict=True)
    )
    p_value = chi2_probability(difference, covariance)
    worst = max(numbers, key=_size)
    largest = LARGEST_P if independent else 1.0
    allowed = f"at most {PULL:g} is allowed"
    outcome = (
        f"{worst.found:.5g} ± {worst.error:.2g} instead of {worst.expected:.5g} in {worst.label}, a pull of "
        f"{worst.off:.2g}, {allowed}"
    )
    passed = _size(worst) < PULL and LEAST_P <= p_value <= largest
    if _size(worst) < PULL and not passed:
        meaning = "bins are off together" if p_value < LEAST_P else "too good for independent numbers"
        outcome = (
            f"the p-value of all {len(numbers)} numbers is {p_value:.6g}, outside of [{LEAST_P:g}, {largest:g}]: "
            f"{meaning}; largest pull {worst.off:.2g} in {worst.label}"
        )
    return Check(name, passed, compared, outcome, p_value, numbers)


def chi2_probability(difference: Array, covariance: Array) -> float:
    """Return the probability of a larger χ² = dᵀ C⁻¹ d.

    Directions without an error, as of sums that are kept, don't count.

    Args:
        difference: shape (n,).
        covariance: shape (n, n).
    """
    if not (np.isfinite(difference).all() and np.isfinite(covariance).all()):
        return 0.0
    errors = np.sqrt(np.diag(covariance))
    some = errors > 0
    pulls = difference[some] / errors[some]
    # of the correlations, as errors of bins may differ by orders of magnitude
    variances, directions = np.linalg.eigh(covariance[np.ix_(some, some)] / np.outer(errors[some], errors[some]))
    kept = variances > 1e-10
    chi2 = np.sum((directions.T @ pulls)[kept] ** 2 / variances[kept])
    return float(chdtrc(np.count_nonzero(kept), chi2)) if kept.any() else 1.0


def _relative(found: float, expected: float) -> float:
    if found == expected:
        return 0.0
    return (found - expected) / expected if expected else np.inf


def _size(number: Number) -> float:
    """Return how large a difference is; one that isn't a number is the largest."""
    return float(np.nan_to_num(abs(number.off), nan=np.inf))
