from __future__ import annotations

import json

import pytest

from benchmarks.peer.report import FlowReport, Speed, agreement, speed, text
from tests.benchmarks.peer.sides import DATA, MC, TIMING, side


def test_equal_outputs_agree() -> None:
    found = agreement(side(), side())
    assert sum(found.compared.values()) == 19
    assert found.largest["sumw"] == 0.0
    assert found.explained == {}
    assert found.unexplained == []


def test_differences_are_explained_or_listed() -> None:
    ours = side(sumw={"a": {MC: {"DY": {"nominal": 1.5 * (1 + 1e-8)}}, DATA: {"DATA": {"nominal": 2.0}}}})
    theirs = side(sum_signOf_genweights={MC: 3.0})
    found = agreement(ours, theirs)
    assert found.largest["category_sumw"] == pytest.approx(1e-8)
    assert sum(found.explained.values()) == 1
    assert found.unexplained == [f"sum_signOf_genweights of {MC}: relative difference 0.333"]


def test_speed_counts_the_fastest_pass() -> None:
    assert speed(TIMING, 100) == Speed(start_up=1.5, warm_up=2.5, rate=25.0, wall_rate=pytest.approx(100 / 6))


def test_report_says_all_of_it() -> None:
    theirs = side(sum_signOf_genweights={MC: 3.0})
    fast, slow = Speed(1.0, 2.0, 3000.0, 2000.0), Speed(1.0, 2.0, 1000.0, 900.0)
    report = FlowReport("zmumu", 100, agreement(side(), theirs), fast, slow)
    assert report.ratio == 3.0
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["ratio"] == 3.0
    assert plain["ours"]["rate"] == 3000.0
    lines = text([report]).splitlines()
    assert lines[1].split() == ["zmumu", "19", "18", "0", "1", "0.0e+00"]
    assert lines[-2].split()[:5] == ["zmumu", "100", "3000", "1000", "3.00"]
    assert "UNEXPLAINED sum_signOf_genweights" in lines[-1]
