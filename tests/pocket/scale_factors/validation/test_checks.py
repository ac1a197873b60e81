from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pocket.base.typing import Floats
from pocket.scale_factors.validation.checks import Check, agreement, exactly, not_made, problems_in, within_errors

PULLS = (-1.2, 0.3, 0.9, -0.4)


def errors(pulls: tuple[float, ...], independent: bool = False, covariance: float = 0.0) -> Check:
    """Compare 1 + 0.1 * pull with 1."""
    labels = [f"pt {number}" for number in range(len(pulls))]
    matrix = 0.01 * ((1 - covariance) * np.eye(len(pulls)) + covariance)
    found = 1 + 0.1 * np.array(pulls)
    return within_errors(
        "remeasured", "this and that", labels, found, np.ones(len(pulls)), matrix, independent=independent
    )


def test_numbers_that_are_the_same() -> None:
    check = exactly("same_events", "this and that", ["a", "b"], [1 + 5e-10, 0.0], [1.0, 0.0])
    assert check.passed is True
    assert check.outcome == "2 compared, relative differences up to 5e-10"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (1 + 2e-9, r"1.000000002 instead of 1 in b, a relative difference of 2e-09, above 1e-09"),
        (math.nan, "nan instead of 1 in b"),
        (-1.0, "a relative difference of -2"),
    ],
)
def test_numbers_that_differ(found: float, text: str) -> None:
    check = exactly("same_events", "this and that", ["a", "b"], [1.0, found], [1.0, 1.0])
    assert check.passed is False
    assert text in check.outcome


def test_something_instead_of_nothing() -> None:
    check = exactly("same_events", "this and that", ["a"], [1e-12], [0.0])
    assert check.passed is False
    assert "inf" in check.outcome


def test_pulls() -> None:
    check = errors(PULLS, independent=True)
    assert check.passed is True
    assert [number.off for number in check.numbers] == pytest.approx(PULLS)
    assert check.chi2 is not None
    assert check.chi2.value == pytest.approx(sum(pull**2 for pull in PULLS))
    assert check.chi2.p_value == pytest.approx(stats.chi2.sf(check.chi2.value, 4))
    assert "pulls up to 1.2 (in pt 0)" in check.outcome


def test_one_pull_is_too_large() -> None:
    check = errors((0.3, -4.1, 1.0))
    assert check.passed is False
    assert check.outcome == "0.59 ± 0.1 instead of 1 in pt 1, a pull of -4.1, not below 4"
    assert errors((0.3, -3.6, 1.0)).passed is True


def test_all_are_off_together() -> None:
    check = errors((2.0,) * 10)
    assert check.passed is False
    assert "below 0.001: they are off together" in check.outcome
    # one common shift
    assert errors((2.0,) * 10, covariance=0.99).passed is True


def test_together_on_average() -> None:
    """Numbers that are together too large, or too small, are named by what that means."""
    words = ("they are more", "they are less")
    labels, ones = list("abcdefghij"), np.ones(10)

    def shifted(shift: float) -> Check:
        found, covariance = ones + shift, 0.01 * np.eye(10)
        return within_errors("a", "this", labels, found, ones, covariance, independent=False, together=words)

    # The mean has an error of 0.1/√10, and p = 0.001 is 3.29 standard deviations.
    smallest = 0.1 / math.sqrt(10) * stats.norm.isf(0.0005)
    assert shifted(0.99 * smallest).passed is True
    assert shifted(0.99 * smallest).noticed == pytest.approx(smallest)
    assert shifted(1.01 * smallest).outcome == "they are more, in 10 of 10 bins and by 11 % on average, not below 10 %"
    assert shifted(-0.2).outcome.startswith("they are less, in 10 of 10 bins and by 20 % on average")
    assert shifted(0.5).outcome.endswith(": they are more, in 10 of 10 bins and by 50 % on average")
    assert within_errors("a", "this", labels, 1.01 * ones, ones, np.zeros((10, 10)), independent=False).passed is False
    nothing = within_errors("a", "this", ["x"], ones[:1], ones[:1], np.zeros((1, 1)), independent=False, together=words)
    assert nothing.passed is True


def test_too_good_only_where_numbers_are_independent() -> None:
    pulls = (0.05,) * 10
    assert errors(pulls).passed is True
    check = errors(pulls, independent=True)
    assert check.passed is False
    assert "above 0.999: too good for independent numbers" in check.outcome


def test_numbers_without_an_error() -> None:
    def one(found: float) -> Check:
        return within_errors("a", "b", ["x"], np.array([found]), np.ones(1), np.zeros((1, 1)), independent=False)

    assert one(1.0).passed is True
    check = one(1.1)
    assert check.passed is False
    assert "a pull of inf" in check.outcome


@pytest.mark.parametrize(("found", "variance"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, -1.0)])
def test_not_a_number(found: float, variance: float) -> None:
    numbers, covariance = np.array([1.0, found]), np.diag([1.0, variance])
    check = within_errors("a", "b", ["x", "y"], numbers, np.ones(2), covariance, independent=False)
    assert check.passed is False
    assert check.outcome == "numbers or errors that are none in y"


@given(seed=st.integers(0, 2**32), size=st.integers(1, 8), scale=st.floats(-6, 6))
def test_agreement_is_that_of_the_inverse(seed: int, size: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size)) + 3 * np.eye(size)
    units = 10 ** rng.uniform(-abs(scale), abs(scale), size)
    covariance = root @ root.T * np.outer(units, units)
    difference = rng.normal(size=size) * units
    chi2 = agreement(difference, covariance)
    assert chi2.ndf == size
    assert chi2.value == pytest.approx(
        (difference / units) @ np.linalg.solve(root @ root.T, difference / units), rel=1e-6
    )
    assert chi2.p_value == pytest.approx(stats.chi2.sf(chi2.value, size), rel=1e-9, abs=1e-300)


def test_kept_sums_do_not_count() -> None:
    shares = np.array([0.2, 0.3, 0.5])
    covariance = np.diag(shares) - np.outer(shares, shares)
    difference = np.array([0.5, -0.2, -0.3])
    chi2 = agreement(difference, covariance)
    assert chi2.ndf == 2
    # Pearson's
    assert chi2.value == pytest.approx(np.sum(difference**2 / shares))


def test_check_that_was_not_made() -> None:
    check = not_made("split", "halves of the events", "split=")
    assert check.passed is None
    assert check.outcome == "not made: the declaration's closure has no split="


def test_each_problem_has_its_bin() -> None:
    labels = ["low", "high", "higher", "highest"]
    problems = {"negative": np.array([[True, False], [False, True]]), "infinite": np.array([False] * 4)}
    assert problems_in(labels, problems) == ["low: negative", "highest: negative"]


@pytest.mark.parametrize("errors", [np.linspace(0.01, 0.03, 12), np.array([1e-3, 0.05, 0.05])])
def test_what_would_be_noticed_fails_in_every_second_case(errors: Floats) -> None:
    rng, expected = np.random.default_rng(1), np.linspace(0.8, 1.2, len(errors))
    labels, covariance = [str(number) for number in range(len(errors))], np.diag((errors * expected) ** 2)

    def check(bias: float) -> Check:
        found = expected * (1 + bias + errors * rng.normal(size=len(errors)))
        return within_errors("a", "this", labels, found, expected, covariance, independent=False)

    (noticed,) = {one.noticed for one in (check(0.0) for _ in range(5)) if one.passed}
    assert noticed is not None
    assert f"would notice {100 * noticed:.2g} %" in check(0.0).outcome
    assert np.mean([not check(noticed).passed for _ in range(800)]) == pytest.approx(0.5, abs=0.15)
    assert np.mean([not check(3 * noticed).passed for _ in range(200)]) == 1
