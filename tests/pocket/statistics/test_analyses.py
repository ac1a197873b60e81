from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pocket.errors import FitError
from pocket.plots.canvas import Period
from pocket.plots.fits.results import draw_fit
from pocket.plots.style import PlotStyle
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


def test_small_values_have_two_digits_of_their_errors() -> None:
    """The signal is far more than its background, whose scale is small."""
    factors = {"signal": ("r",), "other": ("tiny",)}
    events = np.array([[1e6, 0.0], [0.0, 1e7]])
    log_normals = {"lumi": {"signal": (1 / 1.0004, 1.0004)}}
    region = RegionModel(
        "sr", ("signal", "other"), events, 0 * events, edges=np.arange(3.0), factors=factors, log_normals=log_normals
    )
    model = Model((region,), {"r": FreeParameter(0, 5)}, ("lumi",), {"tiny": FreeParameter(0, 1, 0.001)})
    lines = result_lines(find_results(model, Choice(results=("impacts",))), "asimov")
    assert lines[0].startswith("r = 1.0000 −0.0011 +0.0011")
    assert "  1 lumi  −0.0004 +0.0004   pull 0.00 ± 1.00" in lines
    assert "  2 tiny  +0.0000 +0.0000   value 0.001000 ± 0.000010" in lines


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


def two_signals() -> Model:
    """Two signals in two bins each: r and s are measured apart from each other, with a known covariance."""
    nominal = np.array([[100.0, 50.0], [20.0, 80.0]])
    region = RegionModel(
        "sr",
        ("a", "b"),
        nominal,
        np.zeros((2, 2)),
        edges=np.arange(3.0),
        factors={"a": ("r",), "b": ("s",)},
    )
    return Model((region,), pois={"r": FreeParameter(-5, 10), "s": FreeParameter(-5, 10)})


def test_two_parameters_of_interest_have_a_scan_of_both() -> None:
    scans = find_results(two_signals(), Choice(results=("scan",))).others["scan"]
    assert [scan.names for scan in scans] == [("r",), ("s",), ("r", "s")]
    both = scans[2]
    assert (len(both.points), both.best) == (analyses.GRID**2, pytest.approx((1, 1)))
    # The deviance of two Poisson distributions, of Asimov data with r = s = 1.
    for (r, s), rise in zip(both.points[::7], both.rise[::7], strict=True):
        expected = np.array([100 * r + 20 * s, 50 * r + 80 * s])
        data = np.array([120.0, 130.0])
        assert rise == pytest.approx(2 * (expected - data + data * np.log(data / expected)).sum(), abs=1e-6)


@pytest.mark.parametrize(("failing", "what"), [(("r", "s"), "r and s"), (("s",), "s")])
def test_a_scan_that_is_not_found_leaves_the_fit(
    monkeypatch: pytest.MonkeyPatch, failing: tuple[str, ...], what: str
) -> None:
    scan = analyses.scan

    def fail(best: Any, points: Any) -> Any:
        if tuple(points) == failing:
            raise FitError("no minimum")
        return scan(best, points)

    monkeypatch.setattr(analyses, "scan", fail)
    results = find_results(two_signals(), Choice(results=("scan",)))
    assert {"poi": what, "error": "no minimum"} in results.others["scan"]
    assert f"no scan of {what}: no minimum" in result_lines(results, "asimov")
    records = {"fit": results.fit.result(), "scan": results.others["scan"]}
    drawn = {name for name, _, _ in draw_fit(records, {}, PlotStyle(), Period(None, "", None), {}, is_data=False)}
    assert {"scan_r", "scan_s", "scan_r_s"} - drawn == {f"scan_{'_'.join(failing)}"}
