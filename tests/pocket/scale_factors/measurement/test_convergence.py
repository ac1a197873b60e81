from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.convergence import Change, changes, largest_changes, report_json
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import FROZEN, JOINED, VALID, Measurement, ScaleFactorResult
from tests.pocket.plots.results import PT, result_of
from tests.pocket.scale_factors import tagging_toys

FIRST = result_of({"pt": PT}, groups=[0, 1, 1])


def moved(result: ScaleFactorResult, by: list[float]) -> ScaleFactorResult:
    """The same with other values, by group, and errors of 0.01 up and 0.03 down."""
    value = result.scale_factor.value + np.array(by)[result.groups]
    errors = np.full(3, 0.01), np.full(3, 0.03)
    return dataclasses.replace(result, scale_factor=Measurement(value, *errors))


def test_changes_in_statistical_errors() -> None:
    second = moved(FIRST, [0.04, -0.02])
    assert changes([FIRST, second, moved(second, [0.0, 0.001])]) == pytest.approx(np.array([[2, 1], [0, 0.05]]))


def test_errors_are_those_of_the_covariance() -> None:
    second = dataclasses.replace(moved(FIRST, [0.04, -0.02]), stat_covariance=np.array([[0.04, 0.01], [0.01, 0.01]]))
    assert changes([FIRST, second]) == pytest.approx(np.array([[0.2, 0.2]]))


def frozen(result: ScaleFactorResult) -> ScaleFactorResult:
    """The same with the first bin taken over from elsewhere, where a fit has no statistical error."""
    covariance = result.statistical_covariance * [[0, 0], [0, 1]]
    return dataclasses.replace(result, status=(FROZEN, JOINED, JOINED), stat_covariance=covariance)


def test_what_is_frozen_does_not_count() -> None:
    first = frozen(FIRST)
    second, third = (frozen(moved(FIRST, [0.0, by])) for by in (-0.02, -0.021))
    np.testing.assert_allclose(changes([first, second, third]), [[np.nan, 1.0], [np.nan, 0.05]])
    found = largest_changes({"btag": [first, second, third]})
    assert [(change.size, change.bin) for change in found] == [
        (pytest.approx(size), FIRST.binning.labels[1]) for size in (1.0, 0.05)
    ]
    assert json.loads(report_json(found, 0.1))["converged"] is True
    with pytest.raises(ScaleFactorError, match="sf: other bins are frozen from one iteration to the next"):
        changes([first, FIRST])


def test_fits_with_a_frozen_flavour() -> None:
    declared = tagging_toys.declaration()
    first, second = (measure("btag", declared, tagging_toys.histograms(seed)[0]) for seed in (1, 2))
    (moves,) = changes([first, second])
    assert first.status == (VALID,) * 4 + (FROZEN,) * 2
    expected = np.abs(second.scale_factor.value - first.scale_factor.value)[:2].ravel()
    np.testing.assert_allclose(moves, [*expected / np.sqrt(np.diag(second.statistical_covariance)[:4]), *[np.nan] * 2])
    (largest,) = largest_changes({"btag": [first, second]})
    assert largest.size == np.nanmax(moves)
    assert "flavor 0" not in largest.bin


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([FIRST], "a change needs two iterations, not 1"),
        ([FIRST, result_of({"pt": PT})], "sf: the bins differ between iterations"),
        ([FIRST, result_of({"eta": PT}, groups=[0, 1, 1])], "sf: the bins differ between iterations"),
        (
            [FIRST, dataclasses.replace(FIRST, status=("failed", "joined", "joined"))],
            "sf: a bin has no valid measurement",
        ),
        (
            [FIRST, dataclasses.replace(FIRST, stat_covariance=np.diag([0.1, 0.0]))],
            "sf: a bin has no statistical error",
        ),
    ],
)
def test_refused(history: list[ScaleFactorResult], message: str) -> None:
    with pytest.raises(ScaleFactorError, match=message):
        changes(history)


def test_largest_changes_of_several() -> None:
    second = moved(FIRST, [0.04, -0.02])
    other = [FIRST, moved(FIRST, [0.0, 0.05]), moved(FIRST, [0.0, 0.05])]
    found = largest_changes({"id": [FIRST, second, moved(second, [0.001, 0.0])], "trigger": other})
    labels = FIRST.binning.labels
    assert found == [
        Change(1, pytest.approx(2.5), "trigger", labels[1]),
        Change(2, pytest.approx(0.05), "id", labels[0]),
    ]
    assert found[1].text == f"0.05 σ of 'id' in {labels[0]}"
    content = json.loads(report_json(found, 0.1))
    assert (content["converged"], content["tolerance"]) == (True, 0.1)
    assert [change["iteration"] for change in content["iterations"]] == [1, 2]
    assert json.loads(report_json(found[:1], 0.1))["converged"] is False


def test_one_iteration_is_no_change() -> None:
    assert largest_changes({"id": [FIRST], "trigger": [FIRST]}) == []


def test_two_that_push_each_other_never_converge() -> None:
    """Two normalisations r / (the other one) swap between r and 1 for ever."""
    there, back = moved(FIRST, [0.0, 0.0]), moved(FIRST, [0.2, 0.2])
    found = largest_changes({name: [there, back, there, back] for name in "xy"})
    assert [change.size for change in found] == pytest.approx([10, 10, 10])
