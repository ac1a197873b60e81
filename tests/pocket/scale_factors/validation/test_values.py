from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from pocket.scale_factors import EfficiencyMap, EfficiencyRatio, TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import JOINED, ScaleFactorResult
from pocket.scale_factors.validation.values import check_values
from tests.pocket.scale_factors import toys

RATIO = EfficiencyRatio(**toys.DECLARED)
RESULT = measure("sf", RATIO, toys.counting(seed=1))
FIRST = "pt [20, 30), abseta [0, 1.2)"


def changed(**arrays: float) -> ScaleFactorResult:
    """The measurement with another value or error in the first bin."""
    values = {key: getattr(RESULT.scale_factor, key).copy() for key in ("value", "up", "down")}
    for key, number in arrays.items():
        values[key][0, 0] = number
    return dataclasses.replace(RESULT, scale_factor=type(RESULT.scale_factor)(**values))


def test_good_values() -> None:
    check = check_values(RATIO, RESULT)
    assert check.passed is True
    relative = np.maximum(RESULT.total_up, RESULT.total_down) / RESULT.scale_factor.value
    assert check.outcome.startswith(f"6 bins valid; relative total errors up to {relative.max():.2g} (in pt [")


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"value": math.nan}, "the value isn't finite and positive"),
        ({"value": -1.0}, "the value isn't finite and positive"),
        ({"up": math.inf}, "the total error isn't finite and positive"),
        ({"up": 0.0, "down": 0.0}, "the total error isn't finite and positive"),
        ({"up": 2.0}, "the total error is larger than the value"),
    ],
)
def test_impossible_numbers(arrays: dict[str, float], text: str) -> None:
    check = check_values(RATIO, changed(**arrays))
    assert check.passed is False
    assert f"{FIRST}: {text}" in check.outcome
    assert "abseta [1.2, 2.4)" not in check.outcome


def test_bin_without_a_measurement() -> None:
    check = check_values(RATIO, dataclasses.replace(RESULT, status=("no minimum found", *RESULT.status[1:])))
    assert (check.passed, check.outcome) == (False, f"{FIRST}: the status is 'no minimum found'")


def test_joined_bins_have_to_be_declared() -> None:
    result = dataclasses.replace(RESULT, status=(JOINED, *RESULT.status[1:]))
    check = check_values(RATIO, result)
    assert (check.passed, check.outcome) == (False, f"{FIRST}: joined with others, which min_n_eff=0 doesn't declare")
    check = check_values(dataclasses.replace(RATIO, min_n_eff=10.0), result)
    assert check.passed is True
    assert "6 bins valid, 1 of them joined with neighbours" in check.outcome


def test_fits() -> None:
    declaration = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
    result = measure("sf", declaration, toys.tag_and_probe(seed=3))
    assert "; 6 fits converged; " in check_values(declaration, result).outcome
    first, *others = result.diagnostics
    failed = dataclasses.replace(result, diagnostics=(dataclasses.replace(first, status="no interval"), *others))
    check = check_values(declaration, failed)
    assert (check.passed, check.outcome) == (False, f"{FIRST}: the fit (nominal) failed, no interval")


def test_efficiencies_may_be_zero_but_not_above_one() -> None:
    simulated: dict[str, Any] = {key: value for key, value in toys.DECLARED.items() if key != "data"}
    declaration = EfficiencyMap(**simulated)
    histograms = toys.counting(seed=1)
    for sums in ("value", "variance"):
        histograms["dy"].view()[sums][:, :, 1, 0, 0] = 0
    result = measure("sf", declaration, histograms)
    assert result.scale_factor.value[0, 0] == 0
    assert check_values(declaration, result).passed is True
    values = dataclasses.replace(result.scale_factor, value=result.scale_factor.value + 0.5)
    check = check_values(declaration, dataclasses.replace(result, scale_factor=values))
    assert check.passed is False
    assert "the efficiency isn't between 0 and 1" in check.outcome
