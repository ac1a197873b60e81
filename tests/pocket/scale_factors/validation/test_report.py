from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest

from pocket.scale_factors.validation.checks import Check, Number, exactly, not_made
from pocket.scale_factors.validation.report import DESCRIBED, Report

GOOD = exactly("file", "the file and the measurement", ["pt [20, 30)"], [1.0], [1.0])
BAD = Check("same_events", False, "this and that", "2 instead of 1 in pt [20, 30)")
WORSE = Check("yields", False, "before and after", "3 instead of 1 in sample tt")
REPORT = Report("btag", (GOOD, BAD, not_made("split", "halves", "split="), WORSE))


def test_sentence_names_what_failed_first() -> None:
    assert REPORT.failed == {"same_events": BAD.outcome, "yields": WORSE.outcome}
    assert REPORT.sentence == (
        "scale factor 'btag' doesn't close: check 'same_events' failed: 2 instead of 1 in pt [20, 30); yields failed "
        "as well"
    )
    assert Report("btag", (GOOD,)).failed == {}


def test_two_checks_of_one_name_are_both_told() -> None:
    twice = Report("btag", (BAD, Check("same_events", False, "elsewhere", "4 instead of 1 in pt [30, 50)")))
    assert twice.failed == {"same_events": "2 instead of 1 in pt [20, 30); 4 instead of 1 in pt [30, 50)"}


@pytest.mark.parametrize("accepted", [True, False])
def test_json_has_everything(accepted: bool) -> None:
    content = json.loads(REPORT.to_json(accepted=accepted))
    assert (content["scale_factor"], content["passed"], content["accepted"]) == ("btag", False, accepted)
    assert [check["passed"] for check in content["checks"]] == [True, False, None, False]
    assert content["checks"][0]["numbers"] == [
        {"label": "pt [20, 30)", "found": 1.0, "expected": 1.0, "error": None, "off": 0.0}
    ]


def test_json_without_nan() -> None:
    number = Number("pt", math.nan, 1.0, 0.0, -math.inf)
    content = json.loads(Report("btag", (Check("a", False, "", "", numbers=(number,)),)).to_json(accepted=False))
    (written,) = content["checks"][0]["numbers"]
    assert (written["found"], written["off"]) == ("nan", "-inf")


def test_table() -> None:
    lines = REPORT.table().splitlines()
    assert lines[0] == "closure of scale factor btag: FAILED"
    assert [line.split()[:2] for line in lines[1:]] == [
        ["file", "passed"],
        ["same_events", "FAILED"],
        ["split", "-"],
        ["yields", "FAILED"],
    ]
    assert "2 instead of 1 in pt [20, 30) (compared: this and that)" in lines[2]


SPLIT = Check("split", True, "halves", "12 bins")
TRUTH = Check("truth", True, "pseudo-data", "50 pseudo-experiments", noticed=0.0015)
FITS = Check("fits", True, "deviances", "80 fits")
UNBIASED = Check("all_objects", True, "efficiencies", "20 bins", noticed=0.007)
UNTESTED = "no closure test declared, values as in the file"


@pytest.mark.parametrize(
    ("checks", "tested", "verdict"),
    [
        ((GOOD, SPLIT), True, "applied consistently"),
        ((GOOD, TRUTH), True, "measures the truth within 0.15 %"),
        ((GOOD, SPLIT, TRUTH, FITS), True, "applied consistently, measures the truth within 0.15 %, " + DESCRIBED),
        (
            (GOOD, SPLIT, TRUTH, UNBIASED),
            True,
            "applied consistently, its selection is unbiased within 0.7 %, measures the truth within 0.15 %",
        ),
        (
            (GOOD, TRUTH, not_made("all_objects", "efficiencies", "all_objects=")),
            True,
            "its selection is unchecked, measures the truth within 0.15 %",
        ),
        ((GOOD, FITS), False, UNTESTED),
        # What fails in one of its tests isn't said of another one.
        ((BAD, dataclasses.replace(BAD, passed=True)), True, "FAILED"),
        ((GOOD, not_made("split", "halves", "split=")), False, UNTESTED),
        ((GOOD,), False, UNTESTED),
        # Nothing is compared where there are no bins.
        ((Check("values", None, "each bin", "not made"),), False, "no closure test declared"),
        ((GOOD, BAD), True, "FAILED"),
    ],
)
def test_only_a_declared_closure_passes(checks: tuple[Check, ...], tested: bool, verdict: str) -> None:
    report = Report("btag", checks)
    first = re.split(", [imf]", verdict)[0]
    assert report.table().startswith(f"closure of scale factor btag: {first}")
    content = json.loads(report.to_json(accepted=False))
    assert (content["tested"], content["verdict"]) == (tested, verdict)


def test_long_outcomes_are_wrapped() -> None:
    report = Report("btag", (Check("a", False, "this", "too large " * 40),))
    lines = report.table().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 118


def test_each_statement_has_a_line() -> None:
    lines = Report("btag", (GOOD, SPLIT, TRUTH, FITS)).table().splitlines()[:3]
    assert lines[0] == "closure of scale factor btag: applied consistently"
    assert [line.strip() for line in lines[1:]] == ["measures the truth within 0.15 %", DESCRIBED]


def test_accepted_fits_are_told() -> None:
    checks = (SPLIT, Check("fits", True, "fits", "", accepted=("a", "b")))
    assert Report("sf", checks).statements[-1] == "fits describe the data, except for 2 that are accepted"
