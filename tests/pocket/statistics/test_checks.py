from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pocket.statistics import FreeParameter, McStat, Model, RegionModel, find_mistakes
from pocket.statistics.checks import Finding, effective_events, write_checks


def model(nominal: Any = ((40, 40), (50, 60)), sumw2: Any = None, **others: Any) -> Model:
    nominal = np.array(nominal, dtype=float)
    region = RegionModel(
        "sr", ("sig", "bkg"), nominal, nominal if sumw2 is None else np.array(sumw2, dtype=float),
        edges=np.arange(nominal.shape[1] + 1.0), factors={"sig": ("r",)}, **others,
    )  # fmt: skip
    nuisances = tuple(dict.fromkeys([*region.shapes, *region.log_normals]))
    return Model((region,), pois={"r": FreeParameter(0, 10)}, nuisances=nuisances)


def found(*args: Any, **others: Any) -> list[str]:
    return [finding.check for finding in find_mistakes(model(*args, **others))]


def shapes(up: Any, down: Any) -> Any:
    return {"jes": {"bkg": (np.array(up, dtype=float), np.array(down, dtype=float))}}


def test_nothing_is_wrong_with_usual_templates() -> None:
    assert found(shapes=shapes([52, 61], [48, 59])) == []


@pytest.mark.parametrize(
    ("expected", "others"),
    [
        ("same_direction", {"shapes": shapes([52, 63], [51, 62])}),
        ("no_shape", {"shapes": shapes([51, 61.2], [49, 58.8])}),
        ("large_rate", {"shapes": shapes([60, 70], [45, 55])}),
        ("large_rate", {"log_normals": {"norm": {"bkg": (0.8, 1.05)}}}),
        ("same_direction", {"log_normals": {"norm": {"bkg": (1.02, 1.05)}}}),
    ],
)
def test_effects_that_look_wrong(expected: str, others: dict[str, Any]) -> None:
    (finding,) = find_mistakes(model(**others))
    assert (finding.check, finding.region, finding.process) == (expected, "sr", "bkg")
    assert "process 'bkg' in region 'sr'" in finding.text


def test_equal_templates() -> None:
    assert found(shapes=shapes([52, 58], [52, 58])) == ["equal_templates"]


def test_bins_without_background_and_with_few_events() -> None:
    assert found([[40, 40], [50, 0]]) == ["empty_bin"]
    findings = find_mistakes(model([[0, 40], [0, 60]], data=np.array([1.0, 3.0])))
    assert [(finding.check, finding.bins) for finding in findings] == [("empty_bin", (0,)), ("data_alone", (0,))]
    assert findings[0].text == "region 'sr' has no background in bin 0, [0, 1)"
    # (40 + 60)² / (300 + 1000) = 7.7
    (few,) = find_mistakes(model(sumw2=[[40, 300], [50, 1000]]))
    assert (few.check, few.bins) == ("few_events", (1,))
    assert few.value == pytest.approx(100**2 / 1300)


def test_signals_alone_have_no_statistical_errors() -> None:
    alone: dict[str, Any] = {
        "processes": ("sig",),
        "nominal": np.array([[40.0]]),
        "sumw2": np.array([[2.0]]),
        "factors": {"sig": ("r",)},
    }

    def checks(mc_stat: McStat | None) -> list[tuple[str, str]]:
        region = RegionModel("sr", **alone, mc_stat=mc_stat)
        only = Model((region,), pois={"r": FreeParameter(0, 10)})
        return [(finding.check, finding.region) for finding in find_mistakes(only)]

    assert checks(McStat(10)) == [("no_statistics", "sr")]
    assert checks(McStat(10, include_signal=True)) == checks(None) == []
    assert found(mc_stat=McStat(10)) == []


def test_small_signals() -> None:
    nominal = np.array([[100.0], [0.5], [50.0]])
    region = RegionModel("sr", ("a", "b", "bkg"), nominal, nominal / 10, factors={"a": ("r",), "b": ("r",)})
    (finding,) = find_mistakes(Model((region,), pois={"r": FreeParameter(0, 10)}))
    assert (finding.check, finding.process, finding.value) == ("small_signal", "b", 0.5 / 100.5)


def test_noise_is_told_from_shapes() -> None:
    rng = np.random.default_rng(5)
    nominal = np.full((2, 20), 100.0)
    noise = rng.normal(0, 0.05, 20)
    slope = np.linspace(-0.1, 0.1, 20)
    assert found(nominal, shapes=shapes(100 * (1 + noise), 100 * (1 - noise))) == ["noise"]
    assert found(nominal, shapes=shapes(100 * (1 + slope), 100 * (1 - slope))) == []
    # much smaller than the statistical errors
    large = np.full((2, 20), 1e4)
    assert found(nominal, large, shapes=shapes(100 * (1 + noise), 100 * (1 - noise))) == ["few_events"]


def test_checks_are_json_with_effective_events() -> None:
    content = json.loads(write_checks(model(), [Finding("left_out", "…", "sr", "DY", value=-1.0)]))
    assert content["warnings"][0]["check"] == "left_out"
    assert content["effective_events"]["sr"] == {"total": [90, 100], "sig": [40, 40], "bkg": [50, 60]}
    exact = model(sumw2=np.zeros((2, 2)))
    assert effective_events(exact.regions[0]).tolist() == [np.inf, np.inf]
    assert json.loads(write_checks(exact, []))["effective_events"]["sr"]["total"] == [None, None]
