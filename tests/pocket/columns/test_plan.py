from __future__ import annotations

from typing import Any

import pytest

from pocket.columns import ColOut
from pocket.columns.config import build_column_plan
from pocket.errors import ConfigError, UnknownNameError

JETS, MUONS, EVENTS, GEN = (ColOut(name, ["pt"]) for name in ("JetGood", "MuonGood", "events", "GenJet"))
CATEGORIES, SAMPLES = ("SR", "CR"), ("TT", "TT__bb", "DATA")


def test_what_applies_where() -> None:
    block = {
        "common": {"inclusive": [EVENTS, JETS], "bycategory": {"SR": [MUONS, JETS]}},
        "bysample": {"TT": {"bycategory": {"CR": [GEN]}}, "TT__bb": {"inclusive": [MUONS]}},
    }
    assert build_column_plan(block, CATEGORIES, SAMPLES) == {
        "TT": {"SR": (EVENTS, JETS, MUONS), "CR": (EVENTS, JETS, GEN)},
        "TT__bb": {"SR": (EVENTS, JETS, MUONS), "CR": (EVENTS, JETS, GEN, MUONS)},
        "DATA": {"SR": (EVENTS, JETS, MUONS), "CR": (EVENTS, JETS)},
    }


def test_without_columns() -> None:
    assert build_column_plan({}, CATEGORIES, ["TT"]) == {"TT": {"SR": (), "CR": ()}}


def test_one_collection_declared_in_two_parts() -> None:
    parts = [ColOut("JetGood", ["pt"]), ColOut("JetGood", ["pt", "eta"]), ColOut("JetGood", ["phi"], fill_none=False)]
    plan = build_column_plan({"common": {"inclusive": parts}}, CATEGORIES, ["TT"])
    assert plan["TT"]["SR"] == tuple(parts)
    # the number of objects is that of one of them
    leading = ColOut("JetGood", ["mass"], pos_end=2, store_size=False)
    assert build_column_plan({"common": {"inclusive": [*parts, leading]}}, CATEGORIES, ["TT"])


@pytest.mark.parametrize(
    ("other", "column"),
    [
        (ColOut("JetGood", ["pt"], pos_end=2, store_size=False), "JetGood_pt"),
        (ColOut("JetGood", ["pt"], fill_value=0), "JetGood_pt"),
        (ColOut("JetGood", ["pt"], flatten=False), "JetGood_pt"),
        (ColOut("JetGood", ["eta"], pos_end=2), "JetGood_N"),
        (ColOut("JetGood", ["N"]), "JetGood_N"),
    ],
)
def test_a_column_declared_twice(other: ColOut, column: str) -> None:
    block = {"common": {"inclusive": [JETS]}, "bysample": {"TT": {"bycategory": {"CR": [other]}}}}
    with pytest.raises(ConfigError, match=f"columns of 'TT' in category 'CR': '{column}' is declared twice"):
        build_column_plan(block, CATEGORIES, ["TT"])


@pytest.mark.parametrize(
    ("block", "error", "message"),
    [
        ({"common": {"inclusive": ["JetGood"]}}, ConfigError, r"columns.common.inclusive must be a list of ColOut"),
        ({"commons": {}}, UnknownNameError, "did you mean 'common'"),
        ({"bysample": {"TT__b": {}}}, UnknownNameError, "did you mean 'TT__bb'"),
        ({"common": {"bycategory": {"SRR": []}}}, UnknownNameError, "did you mean 'SR'"),
    ],
)
def test_wrong_blocks(block: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_column_plan(block, CATEGORIES, SAMPLES)
