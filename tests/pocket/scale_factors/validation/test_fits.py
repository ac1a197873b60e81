"""Quality of fits: those that describe the data pass, a wrong shape fails, and bad alternatives are marked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from pocket.errors import UnknownNameError
from pocket.scale_factors import TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import FitDiagnostics, Region
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.fits import check_fits, deviance_moments, p_value
from tests.pocket.scale_factors import tagging_toys, toys

DECLARATION = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
WRONG = dataclasses.replace(DECLARATION, signal="breit_wigner", alternative_signal="template")
BIN = "pt [20, 30), abseta [0, 1.2)"


def check(declaration: TagAndProbeFit, accept: dict[str, str] | None = None) -> Check:
    """Return the check of a measurement of electrons, which radiate."""
    (found,) = check_fits(measure("sf", declaration, toys.electrons(1)), accept or {})
    return found


def test_fits_that_describe_the_data_pass() -> None:
    (found,) = check_fits(measure("sf", DECLARATION, toys.tag_and_probe(3)), {})
    assert found.passed, found.outcome
    assert "6 fits, smallest p-value" in found.outcome
    (found,) = check_fits(measure("sf", tagging_toys.declaration(), tagging_toys.histograms(1)[0]), {})
    assert found.passed, found.outcome


def test_a_wrong_spectrum_of_the_signal_fails() -> None:
    found = check(WRONG)
    assert found.passed is False
    assert f"'{BIN}' isn't described (χ²/ndf 522/112)" in found.outcome
    assert found.outcome.count("isn't described") == 6


def test_a_fit_is_accepted_with_a_reason() -> None:
    found = check(WRONG, {BIN: "few pairs"})
    assert found.passed is False
    assert found.outcome.count("isn't described") == 5
    assert f"accepted in {BIN}: few pairs" in found.outcome
    with pytest.raises(UnknownNameError, match=r"unknown bin 'pt \[20, 30\)' in accept of the closure of 'sf'"):
        check(WRONG, {"pt [20, 30)": "few pairs"})


def test_bad_alternatives_are_marked_with_their_part_of_the_variance() -> None:
    right = dataclasses.replace(DECLARATION, alternative_fits=("signal",))
    result = measure("sf", right, toys.electrons(1, losses=(0.3, 0.3), shape=toys.exponential_mass))
    (found,) = check_fits(result, {})
    assert found.passed, found.outcome
    assert "the alternative signal doesn't describe 6 of them, where it is up to " in found.outcome
    shares = (result.systematics["signal"][0] / np.maximum(result.total_up, result.total_down)) ** 2
    assert f"up to {100 * shares.max():.0f} % of the variance" in found.outcome


@pytest.mark.parametrize("expected", [0.02, 0.3, 1.0, 5.0, 30.0, 200.0])
def test_moments_are_those_of_random_numbers(expected: float) -> None:
    numbers = np.random.default_rng(1).poisson(expected, 400_000)
    logarithm = np.where(numbers > 0, numbers * np.log(np.maximum(numbers, 1) / expected), 0)
    deviances = 2 * (expected - numbers + logarithm)
    mean, variance = deviance_moments(np.array([expected]))
    assert mean[0] == pytest.approx(deviances.mean(), rel=0.02)
    assert variance[0] == pytest.approx(deviances.var(), rel=0.04)


def test_p_values_of_few_entries_are_flat() -> None:
    """Entries of steeply falling spectra, of which many bins expect less than one."""
    expected = np.geomspace(30, 0.1, 40)
    rng, found = np.random.default_rng(1), []
    for _ in range(2000):
        data = rng.poisson(expected).astype(float)
        logarithm = np.where(data > 0, data * np.log(np.maximum(data, 1) / expected), 0)
        region = Region(data, data, expected, 0 * expected, expected, 0 * expected)
        chi2 = float(2 * (expected - data + logarithm).sum())
        found.append(
            p_value(FitDiagnostics("", "nominal", np.arange(41.0), {"pass": region}, chi2, 40, {}, "valid", 1))
        )
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert np.mean(np.array(found) < 0.01) == pytest.approx(0.01, abs=0.008)
