from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from pocket.errors import FitError, StatisticsError, UnknownNameError
from pocket.plots.canvas import Period
from pocket.plots.fits.results import draw_fit
from pocket.plots.style import PlotStyle
from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, analyses, find_upper_limit, fit
from pocket.statistics.analyses import Choice, find_results, fit_toys
from pocket.statistics.minimisation import Minimum
from pocket.statistics.results import NoResult
from tasks.statistics.fitting import result_lines
from tests.pocket.statistics import models


@pytest.mark.parametrize(
    ("function", "result", "line"),
    [
        ("find_significance", "significance", "no significance of r: no minimum"),
        ("find_upper_limit", "limits", "no limit of r: no minimum"),
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
    assert results.others[result] == []
    assert [(none.name, none.reason) for none in results.missing] == [("r", "no minimum")]
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
    assert results.missing == (NoResult("scan", what, "no minimum"),)
    assert f"no scan of {what}: no minimum" in result_lines(results, "asimov")
    records = {"fit": results.fit.result(), "scan": results.others["scan"]}
    drawn = {name for name, _, _ in draw_fit(records, {}, PlotStyle(), Period(None, "", None), {}, is_data=False)}
    assert {"scan_r", "scan_s", "scan_r_s"} - drawn == {f"scan_{'_'.join(failing)}"}


def search(data: float, background: float = 10.0) -> Model:
    """Return a model of a signal of 3 events on a background with an uncertainty, with some data."""
    region = RegionModel(
        "sr",
        ("s", "b"),
        np.array([[3.0], [background]]),
        np.zeros((2, 1)),
        data=np.array([data]),
        factors={"s": ("r",)},
        log_normals={"norm": {"b": (0.9, 1.1)}},
    )
    return Model((region,), {"r": FreeParameter(0, 20)}, ("norm",))


def test_a_search_that_sees_nothing_has_all_results() -> None:
    results = find_results(search(5.0), Choice(data="observed"))
    assert results.missing == ()
    assert results.fit.bounds == {"r": "lower"}
    assert results.intervals["r"].bounded == (True, False)
    assert [impact.name for impact in results.impacts] == ["norm"]
    assert results.others["significance"][0].significance == 0
    limit = results.others["limits"][0]
    assert 0 < limit.observed < limit.expected[2]
    (line,) = (line for line in result_lines(results, "observed") if line.startswith("r = "))
    assert re.match(r"r = 0\.00 \+\d\.\d+ \(at its lower bound\) \(stat\. ", line), line
    note = "note: r is at its lower bound, so impacts are 0; --ranges lets it go beyond"
    assert note in result_lines(results, "observed")
    assert note not in result_lines(find_results(search(50.0), Choice(data="observed")), "observed")
    drawn = {name for name, _, _ in draw_fit(records_of(results), {}, PlotStyle(), *LOOK, is_data=True)}
    assert {"pulls", "impacts_r", "scan_r", "limits"} <= drawn


LOOK = (Period(None, "", None), {})


def records_of(results: Any) -> dict[str, Any]:
    return {"fit": results.fit.result(), "impacts": results.impacts, **results.others}


def test_expected_limits_are_those_without_a_signal() -> None:
    """The limit of Asimov data without signal, whatever signal the fit has."""
    for values in ({}, {"r": 0.0}, {"r": 4.0}):
        results = find_results(search(5.0), Choice(values=values, results=("limits", "significance")))
        likelihood = Likelihood(search(10.0))
        assert results.others["limits"][0].expected == pytest.approx(
            find_upper_limit(likelihood, "r").expected, rel=1e-3
        )
        assert results.fit.value("r") == pytest.approx(values.get("r", 1.0), abs=1e-3)
    # and the significance is that of the signal of the data
    assert results.others["significance"][0].significance > 2


def test_a_lower_minimum_of_the_other_minimiser_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    best = fit(Likelihood(search(15.0)))
    values = best.values + 0.3
    stuck = dataclasses.replace(best, minimum=Minimum(values, best.likelihood.deviance(values), 0.0, 1, converged=True))
    found, confirmation = analyses.confirm(stuck)
    assert confirmation.difference < -analyses.DIFFERENCE
    np.testing.assert_allclose(found.values, best.values, atol=1e-4)
    monkeypatch.setattr(analyses, "fit", lambda likelihood, *_, **start: best if start else stuck)
    lines = result_lines(find_results(search(15.0), Choice(data="observed", results=())), "observed")
    assert any(line.startswith("warning: newton found a minimum that is lower by ") for line in lines), lines


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"converged": False}, "note: the best fit isn't confirmed, since minuit finds no minimum"),
        ({"converged": True, "deviance": 5.0}, "note: the best fit isn't confirmed, since minuit finds a minimum that"),
    ],
)
def test_a_fit_that_is_not_confirmed_is_said(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], line: str) -> None:
    minimise = analyses.minimise

    def other(*arguments: Any) -> Minimum:
        right = minimise(*arguments)
        deviance = right.deviance + found.get("deviance", 0.0)
        return dataclasses.replace(right, converged=found["converged"], deviance=deviance)

    monkeypatch.setattr(analyses, "minimise", other)
    lines = result_lines(find_results(search(15.0), Choice(data="observed", results=())), "observed")
    assert any(one.startswith(line) for one in lines), lines
    monkeypatch.undo()
    lines = result_lines(find_results(search(15.0), Choice(data="observed", results=())), "observed")
    assert not [one for one in lines if "confirmed" in one]


def test_the_fit_without_signal() -> None:
    model = models.realistic()
    found = find_results(model, Choice("observed", results=("background",)))
    expected = fit(Likelihood(model).adjusted(freeze={"r": 0.0}))
    assert found.background is not None
    assert found.background.value("r") == 0
    assert found.background.deviance == pytest.approx(expected.deviance, abs=1e-6)
    assert found.background.deviance > found.fit.deviance
    assert found.background.values == pytest.approx(expected.values, abs=1e-4)
    # It is a question about data.
    assert find_results(model, Choice(results=("background",))).background is None
    above = dataclasses.replace(model, pois={"r": FreeParameter(0.5, 20)})
    assert find_results(above, Choice("observed", results=("background",))).background is None


def background(events: float, pois: tuple[str, ...] = ("r",), bins: int = 1) -> Model:
    """Return a model with ten signal events and a background, in a region of some bins."""
    nominal = np.array([[10.0] * bins, [events] * bins])
    factors = {"signal": pois[:1]}
    region = RegionModel("sr", ("signal", "other"), nominal, 0 * nominal, edges=np.arange(bins + 1.0), factors=factors)
    return Model((region,), pois={poi: FreeParameter(-20, 20) for poi in pois})


def test_toys_of_another_model_show_the_bias() -> None:
    fitted, other = background(100.0), background(120.0)
    biased = fit_toys(fitted, range(400), Choice(values={"r": 1.0}), of=other)["r"]
    # Twenty events that the fitted model lacks are twice the signal.
    assert np.mean(biased["value"]) == pytest.approx(3.0, abs=3 * np.sqrt(130) / 10 / 20)
    own = fit_toys(other, range(400), Choice(values={"r": 1.0}))["r"]
    assert np.array(biased["value"]) == pytest.approx(np.array(own["value"]) + 2, abs=1e-6)
    same = fit_toys(fitted, range(5), Choice(values={"r": 1.0}), of=background(100.0))
    assert same == fit_toys(fitted, range(5), Choice(values={"r": 1.0}))


def test_toys_of_a_model_that_does_not_fit() -> None:
    fitted = background(100.0)
    with pytest.raises(
        StatisticsError, match="region 'sr' has 2 bins in the model whose toys are fitted, and 1 in the"
    ):
        fit_toys(fitted, range(1), Choice(), of=background(100.0, bins=2))
    with pytest.raises(UnknownNameError, match="parameter of interest 'r' in the model whose toys are fitted"):
        fit_toys(fitted, range(1), Choice(), of=background(100.0, pois=("mu",)))
    renamed = dataclasses.replace(fitted, regions=(dataclasses.replace(fitted.regions[0], name="srr"),))
    with pytest.raises(UnknownNameError, match=r"region 'sr' in the model whose toys are fitted, did you mean 'srr'\?"):
        fit_toys(fitted, range(1), Choice(), of=renamed)


def notes(model: Model, *wanted: str, toys: int = 0) -> list[str]:
    """Return the notes of a fit to data, or Asimov data."""
    data = "asimov" if model.regions[0].data is None else "observed"
    results = find_results(model, Choice(data=data, results=wanted, toys=toys))
    return [line.removeprefix("note: ") for line in result_lines(results, data) if line.startswith("note: ")]


def test_notes_on_few_events_name_what_is_rough() -> None:
    by = "so asymptotic formulas are rough: --results"
    few = search(8.0, background=4.0)
    assert notes(few, "limits") == [
        f"limits and intervals of r rest on 8 expected events, {by} toy_limits,feldman_cousins has them by toys"
    ]
    assert notes(few) == [f"intervals of r rest on 8 expected events, {by} feldman_cousins has them by toys"]
    assert notes(search(30.0), "limits", "significance") == []


def test_an_interval_rests_on_the_events_of_the_signal_too() -> None:
    nominal = np.array([[900.0], [4.0]])
    region = RegionModel(
        "sr", ("z", "w"), nominal, np.array([[9.0], [4.0]]), data=nominal.sum(axis=0), factors={"z": ("r",)}
    )
    model = Model((region,), {"r": FreeParameter(0, 20)})
    assert notes(model) == []
    assert notes(model, "significance") == [
        "significance of r rests on 4 simulated events, so asymptotic formulas are rough: --results toy_significance "
        "has them by toys"
    ]


def test_notes_name_the_limits_that_are_beyond_the_range() -> None:
    model = search(13.0)
    narrow = dataclasses.replace(model, pois={"r": FreeParameter(0, 4)})
    limit = find_upper_limit(Likelihood(model), "r")
    assert limit.expected[3] < 4 < limit.expected[4]
    (note,) = notes(narrow, "limits")
    observed = "observed and " if limit.observed > 4 else ""
    assert note.startswith(f"the {observed}expected +2 σ limit")
    assert note.endswith(" beyond its range, which ends at 4")


def test_goodness_of_few_events_asks_for_toys() -> None:
    def model(*events: float) -> Model:
        nominal = np.array([events])
        region = RegionModel(
            "sr", ("s",), nominal, 0 * nominal, edges=np.arange(len(events) + 1.0), data=np.round(nominal[0]),
            factors={"s": ("r",)},
        )  # fmt: skip
        return Model((region,), {"r": FreeParameter(0, 20)})

    assert notes(model(100, 20, 3, 2), "goodness") == [
        "2 of 4 bins expect fewer than 5 events, so p is rough: --toys 200 has it by toys"
    ]
    assert notes(model(100, 20, 3, 2), "goodness", toys=5) == []
    assert notes(model(100, 20, 30, 10, 2), "goodness") == []
