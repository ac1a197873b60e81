"""Checks of a scale factor's closure: what was compared, what would pass, and by how much it is off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from pocket.scale_factors.measurement.binning import Array

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
class Chi2:
    """Agreement of all numbers together.

    Args:
        value: dᵀ C⁻¹ d of the differences d with covariance C.
        ndf: number of degrees of freedom.
        p_value: probability of a larger value.
    """

    value: float
    ndf: int
    p_value: float

    def __str__(self) -> str:
        return f"χ²/ndf {self.value:.3g}/{self.ndf}, p-value {self.p_value:.3g}"


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: name of the check.
        passed: whether the closure is good; ``None`` if the check wasn't made.
        compared: what was compared with what, and how correlations are treated.
        outcome: the largest difference and where it is, or why the check wasn't made.
        chi2: agreement of all numbers together, for differences with errors.
        numbers: everything that was compared.
    """

    name: str
    passed: bool | None
    compared: str
    outcome: str
    chi2: Chi2 | None = None
    numbers: tuple[Number, ...] = ()


def not_made(name: str, compared: str, lacking: str) -> Check:
    """Return a check that wasn't made because the declaration doesn't say where."""
    return Check(name, None, compared, f"not made: the declaration's closure has no {lacking}")


def problems_in(labels: Sequence[str], problems: Mapping[str, npt.NDArray[np.bool_]]) -> list[str]:
    """Return each problem with the bin that has it.

    Args:
        labels: the bins, C order.
        problems: what may be wrong → where it is, one per bin.
    """
    return [
        f"{label}: {problem}"
        for problem, where in problems.items()
        for label, bad in zip(labels, where.ravel(), strict=True)
        if bad
    ]


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
    if _size(worst) <= EXACT:
        outcome = f"{len(numbers)} compared, relative differences up to {_size(worst):.1g}"
        return Check(name, True, compared, outcome, numbers=numbers)
    outcome = (
        f"{worst.found:.10g} instead of {worst.expected:.10g} in {worst.label}, a relative difference of "
        f"{worst.off:.2g}, above {EXACT:g}"
    )
    return Check(name, False, compared, outcome, numbers=numbers)


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
    """Compare numbers with errors: every |pull| below :data:`PULL`, and a p-value neither too small nor too large.

    Args:
        name: name of the check.
        compared: what is compared.
        labels: what each number is of; at least one.
        found: what there is, shape (n,).
        expected: what there should be, shape (n,).
        covariance: covariance of the differences, shape (n, n).
        independent: whether this covariance is right and not only an upper limit, as for numbers from the same events;
            only then may the p-value be too large.
    """
    variances, difference = np.diag(covariance), found - expected
    bad = [label for label, good in zip(labels, np.isfinite(difference) & (variances >= 0), strict=True) if not good]
    if bad:
        return Check(name, False, compared, f"numbers or errors that are none in {'; '.join(bad)}")
    errors = np.sqrt(variances)
    # numbers without an error are the same up to rounding
    same = np.abs(difference) <= EXACT * np.abs(expected)
    pulls = np.divide(difference, errors, out=np.where(same, 0.0, np.inf), where=errors > 0)
    numbers = tuple(
        Number(*values)
        for values in zip(labels, *(part.tolist() for part in (found, expected, errors, pulls)), strict=True)
    )
    chi2 = agreement(difference, covariance)
    worst = max(numbers, key=_size)
    if _size(worst) >= PULL:
        outcome = (
            f"{worst.found:.5g} ± {worst.error:.2g} instead of {worst.expected:.5g} in {worst.label}, a pull of "
            f"{worst.off:.2g}, not below {PULL:g}"
        )
        return Check(name, False, compared, outcome, chi2, numbers)
    outcome = f"{len(numbers)} compared, pulls up to {_size(worst):.2g} (in {worst.label}), {chi2}"
    if chi2.p_value < LEAST_P:
        return Check(name, False, compared, f"{outcome}, below {LEAST_P:g}: they are off together", chi2, numbers)
    if independent and chi2.p_value > LARGEST_P:
        outcome += f", above {LARGEST_P:g}: too good for independent numbers, the errors are too large"
        return Check(name, False, compared, outcome, chi2, numbers)
    return Check(name, True, compared, outcome, chi2, numbers)


def agreement(difference: Array, covariance: Array) -> Chi2:
    """Return how well differences agree with zero.

    Directions without an error, as of sums that are kept, don't count.

    Args:
        difference: shape (n,).
        covariance: shape (n, n).
    """
    errors = np.sqrt(np.diag(covariance))
    some = errors > 0
    pulls = difference[some] / errors[some]
    # of the correlations, as errors of bins may differ by orders of magnitude
    variances, directions = np.linalg.eigh(covariance[np.ix_(some, some)] / np.outer(errors[some], errors[some]))
    kept = variances > 1e-10
    value, ndf = float(np.sum((directions.T @ pulls)[kept] ** 2 / variances[kept])), int(np.count_nonzero(kept))
    return Chi2(value, ndf, float(chdtrc(ndf, value)) if ndf else 1.0)


def _relative(found: float, expected: float) -> float:
    if found == expected:
        return 0.0
    return (found - expected) / expected if expected else np.inf


def _size(number: Number) -> float:
    """Return how large a difference is; one that isn't a number is the largest."""
    return float(np.nan_to_num(abs(number.off), nan=np.inf))
