from __future__ import annotations

import numpy as np
import pytest

from pocket.errors import FitError
from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, analyses
from pocket.statistics.analyses import Choice, find_results
from tasks.statistics.fitting import result_lines


@pytest.mark.parametrize(
    ("function", "result", "line"),
    [
        ("find_significance", "significance", "no significance of r: no minimum"),
        ("find_upper_limit", "limits", "no limit on r: no minimum"),
    ],
)
def test_a_result_that_is_not_found_leaves_the_fit(
    monkeypatch: pytest.MonkeyPatch, function: str, result: str, line: str
) -> None:
    def fail(likelihood: Likelihood, poi: str) -> None:
        raise FitError("no minimum")

    monkeypatch.setattr(analyses, function, fail)
    region = RegionModel("sr", ("signal",), np.array([[100.0]]), np.zeros((1, 1)), factors={"signal": ("r",)})
    model = Model((region,), pois={"r": FreeParameter(0, 10)})
    results = find_results(model, Choice(results=("significance", "limits")))
    assert results.fit.value("r") == pytest.approx(1)
    assert results.others[result] == [{"poi": "r", "error": "no minimum"}]
    assert line in result_lines(results, "asimov")


def counting(pois: int) -> Model:
    """Return a model in which each parameter of interest multiplies the process of a region of its own."""
    names = [f"r{number}" for number in range(pois)]
    regions = tuple(
        RegionModel(f"sr{name}", ("z",), np.array([[1e6]]), np.zeros((1, 1)), factors={"z": (name,)}) for name in names
    )
    return Model(regions, pois=dict.fromkeys(names, FreeParameter(0, 5)))


def test_two_parameters_of_interest_are_scanned_together() -> None:
    """Counts are independent and their errors Gaussian, so the deviance rises by the sum of squares of pulls."""
    results = find_results(counting(2), Choice(results=("scan",)))
    first, second, both = results.others["scan"]
    assert [one.names for one in (first, second, both)] == [("r0",), ("r1",), ("r0", "r1")]
    assert len(both.points) == analyses.GRID**2
    pulls = (np.array(both.points) - 1) / 1e-3
    np.testing.assert_allclose(both.rise, (pulls**2).sum(axis=1), atol=0.05)
    assert pulls.max() == pytest.approx(analyses.REACH, rel=1e-2)


@pytest.mark.parametrize(("pois", "scans"), [(1, 1), (3, 6), (4, 4)])
def test_many_parameters_of_interest_are_scanned_alone(monkeypatch: pytest.MonkeyPatch, pois: int, scans: int) -> None:
    monkeypatch.setattr(analyses, "GRID", 3)
    assert len(find_results(counting(pois), Choice(results=("scan",))).others["scan"]) == scans
