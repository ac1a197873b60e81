"""Checks of a scale factor's closure: what was compared, the criterion, and the size of differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chdtri

from pocket.base.probabilities import short_probability
from pocket.base.typing import Floats

#: largest relative difference of numbers that are equal up to rounding
EXACT = 1e-9
#: largest difference in standard deviations
PULL = 4.0
#: smallest p-value of all bins together
LEAST_P = 1e-3
#: largest p-value of independent numbers; larger ones show that errors are too large
LARGEST_P = 0.999


@dataclass(frozen=True)
class Number:
    """Two numbers that are compared.

    Args:
        error: standard deviation of the difference; ``None`` if there is none.
        off: the difference, relative to the expected number or, if there is an error, in standard deviations.
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
    """

    value: float
    ndf: int
    p_value: float

    def __str__(self) -> str:
        return f"χ²/ndf {self.value:.3g}/{self.ndf}, p-value {short_probability(self.p_value, 3)}"


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        passed: whether the closure is good; ``None`` if the check wasn't made.
        compared: description of the compared numbers, and of the treatment of correlations.
        outcome: the largest difference and its place, or why the check wasn't made.
        chi2: agreement of all numbers together, for differences with errors.
        noticed: relative difference of all numbers that would fail in every second case, if that is known.
        accepted: bins whose fits are accepted although they don't describe the data.
    """

    name: str
    passed: bool | None
    compared: str
    outcome: str
    chi2: Chi2 | None = None
    numbers: tuple[Number, ...] = ()
    noticed: float | None = None
    accepted: tuple[str, ...] = ()


def not_made(name: str, compared: str, lacking: str) -> Check:
    """Return a check that wasn't made because the declaration doesn't name a place for it."""
    return Check(name, None, compared, f"not made: the declaration's closure has no {lacking}")


def problems_in(labels: Sequence[str], problems: Mapping[str, npt.NDArray[np.bool_]]) -> list[str]:
    """Return each problem with the bin that has it."""
    return [
        f"{label}: {problem}"
        for problem, where in problems.items()
        for label, bad in zip(labels, where.ravel(), strict=True)
        if bad
    ]


def exactly(
    name: str, compared: str, labels: Sequence[str], found: Iterable[float], expected: Iterable[float]
) -> Check:
    """Return the check of numbers that must be equal up to rounding."""
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
    found: Floats,
    expected: Floats,
    covariance: Floats,
    *,
    independent: bool,
    together: Sequence[str] = (),
) -> Check:
    """Return the check of numbers with errors: every |pull| below :data:`PULL`, and a reasonable p-value.

    Args:
        covariance: covariance of the differences, shape (n, n).
        independent: whether this covariance is exact, and not only an upper limit as for numbers from the same events;
            only then is a large p-value a failure.
        together: what it means if numbers without correlations are too large on average, and if they are too small; it
            is a failure where it is given.
    """
    variances, difference = np.diag(covariance), found - expected
    bad = [label for label, good in zip(labels, np.isfinite(difference) & (variances >= 0), strict=True) if not good]
    if bad:
        return Check(name, False, compared, f"numbers or errors that are none in {'; '.join(bad)}")
    errors = np.sqrt(variances)
    # Numbers without an error must be equal up to rounding.
    same = np.abs(difference) <= EXACT * np.abs(expected)
    pulls = np.divide(difference, errors, out=np.where(same, 0.0, np.inf), where=errors > 0)
    numbers = tuple(
        Number(*values)
        for values in zip(labels, *(part.tolist() for part in (found, expected, errors, pulls)), strict=True)
    )
    chi2 = agreement(difference, covariance)
    worst = max(numbers, key=_size)
    shift, smallest = common_shift(difference, expected, variances) if together else (0.0, math.inf)
    on_average = ""
    if abs(shift) >= smallest:
        count = np.count_nonzero(difference * shift > 0)
        on_average = (
            f"{together[shift < 0]}, in {count} of {len(numbers)} bins and by {100 * abs(shift):.2g} % on average"
        )
    if _size(worst) >= PULL:
        outcome = (
            f"{worst.found:.5g} ± {worst.error:.2g} instead of {worst.expected:.5g} in {worst.label}, a pull of "
            f"{worst.off:.2g}, not below {PULL:g}"
        )
        return Check(name, False, compared, f"{outcome}: {on_average}".removesuffix(": "), chi2, numbers)
    if on_average:
        return Check(name, False, compared, f"{on_average}, not below {100 * smallest:.2g} %", chi2, numbers)
    noticed = _noticed(expected, covariance)
    noticed = min(noticed, smallest) if noticed is not None else None
    outcome = f"{len(numbers)} compared, pulls up to {_size(worst):.2g} (in {worst.label}), {chi2}"
    if chi2.p_value < LEAST_P:
        return Check(name, False, compared, f"{outcome}, below {LEAST_P:g}: they are off together", chi2, numbers)
    if independent and chi2.p_value > LARGEST_P:
        outcome += f", above {LARGEST_P:g}: too good for independent numbers, the errors are too large"
        return Check(name, False, compared, outcome, chi2, numbers)
    outcome += f"; would notice {100 * noticed:.2g} %" if noticed is not None else ""
    return Check(name, True, compared, outcome, chi2, numbers, noticed)


def common_shift(difference: Floats, expected: Floats, variances: Floats) -> tuple[float, float]:
    """Return the mean relative difference of independent numbers, and the smallest one that isn't by chance.

    The weights are inverse variances; chance exceeds the smallest one with a probability of :data:`LEAST_P`.

    >>> shift, smallest = common_shift(np.array([0.02, 0.06]), np.array([1.0, 2.0]), np.array([1e-4, 4e-4]))
    >>> print(f"{shift:.4f} {smallest:.4f}")
    0.0250 0.0233
    """
    some = (variances > 0) & (expected != 0)
    weights = expected[some] ** 2 / variances[some]
    total = float(weights.sum())
    if not total:
        return 0.0, math.inf
    return float(weights @ (difference[some] / expected[some])) / total, math.sqrt(chdtri(1, LEAST_P) / total)


def _noticed(expected: Floats, covariance: Floats) -> float | None:
    """Return the common relative difference of all numbers that fails in every second case, None if all are equal."""
    unit = agreement(expected, covariance)
    if not unit.value:
        return None
    errors = np.sqrt(np.diag(covariance))
    of_one = PULL * np.min(errors[errors > 0] / np.abs(expected[errors > 0]))
    # The χ² is larger by that of the differences.
    return float(min(of_one, np.sqrt((chdtri(unit.ndf, LEAST_P) - unit.ndf) / unit.value)))


def agreement(difference: Floats, covariance: Floats) -> Chi2:
    """Return the agreement of differences with zero.

    Directions without an error, such as preserved sums, are ignored.
    """
    errors = np.sqrt(np.diag(covariance))
    some = errors > 0
    pulls = difference[some] / errors[some]
    # The correlations are diagonalised, because errors of bins may differ by orders of magnitude.
    variances, directions = np.linalg.eigh(covariance[np.ix_(some, some)] / np.outer(errors[some], errors[some]))
    kept = variances > 1e-10
    value, ndf = float(np.sum((directions.T @ pulls)[kept] ** 2 / variances[kept])), int(np.count_nonzero(kept))
    return Chi2(value, ndf, float(chdtrc(ndf, value)) if ndf else 1.0)


def _relative(found: float, expected: float) -> float:
    if found == expected:
        return 0.0
    return (found - expected) / expected if expected else np.inf


def _size(number: Number) -> float:
    """Return the absolute size of a difference; NaN counts as the largest."""
    return float(np.nan_to_num(abs(number.off), nan=np.inf))
