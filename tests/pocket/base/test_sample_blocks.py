from __future__ import annotations

from typing import Any

import pytest

from pocket.base.sample_blocks import Block, check_keys
from pocket.errors import ConfigError, UnknownNameError
from tests.entries import check_each

CATEGORIES, SAMPLES = ("SR", "CR"), ("TT", "TT__bb", "DY")
BLOCK = {
    "common": {"inclusive": ["a", "b"], "bycategory": {"SR": ["c"]}},
    "bysample": {
        "TT": {"inclusive": ["d"], "bycategory": {"CR": ["e"]}},
        "TT__bb": {"inclusive": ["f"], "bycategory": {"SR": ["g"]}},
    },
}


def read(block: Any, resolve: Any = lambda entry, where: entry) -> Block[Any]:
    return Block(block, "weights", resolve, CATEGORIES, SAMPLES)


@pytest.mark.parametrize(
    ("sample", "category", "expected"),
    [
        ("DY", "SR", "abc"),
        ("DY", "CR", "ab"),
        ("TT", "SR", "abcd"),
        ("TT", "CR", "abde"),
        ("TT__bb", "SR", "abcdfg"),
        ("TT__bb", "CR", "abdef"),
    ],
)
def test_entries_add_up_from_the_common_ones_to_those_of_a_subsample(sample: str, category: str, expected: str) -> None:
    assert read(BLOCK).of(sample, category) == list(expected)


def test_every_entry_is_resolved_once_and_knows_its_place() -> None:
    places = []
    block = read(BLOCK, lambda entry, where: places.append(f"{where}: {entry}") or entry.upper())
    assert "".join(block) == "ABCDEFG"
    assert block.of("TT", "CR") == ["A", "B", "D", "E"]
    assert places == [
        "weights.common.inclusive: a",
        "weights.common.inclusive: b",
        "weights.common.bycategory.SR: c",
        "weights.bysample.TT.inclusive: d",
        "weights.bysample.TT.bycategory.CR: e",
        "weights.bysample.TT__bb.inclusive: f",
        "weights.bysample.TT__bb.bycategory.SR: g",
    ]


def test_an_empty_block_applies_nothing() -> None:
    assert read({}).of("TT__bb", "SR") == []
    assert list(read({"common": {}, "bysample": {"TT": {}}})) == []


@check_each(
    ("block", "error", "message"),
    [
        ({"comon": {}}, UnknownNameError, "unknown key 'comon' in weights, did you mean 'common'?"),
        ({"common": {"inclusiv": []}}, UnknownNameError, "unknown key 'inclusiv' in weights.common, did you"),
        ({"common": {"bycategory": {"SRR": []}}}, UnknownNameError, "unknown category 'SRR' in weights.common.bycat"),
        ({"bysample": {"TT__b": {}}}, UnknownNameError, "unknown sample 'TT__b' in weights.bysample, did you mean"),
        ([], ConfigError, r"weights must be a dictionary with common and bysample, not \[\]"),
        ({"common": ["a"]}, ConfigError, r"weights.common must be a dictionary with inclusive and bycategory, not"),
        ({"common": {"inclusive": "a"}}, ConfigError, "weights.common.inclusive must be a list, not 'a'"),
        ({"bysample": {"DY": {"bycategory": {"CR": None}}}}, ConfigError, "DY.bycategory.CR must be a list, not None"),
    ],
)
def test_wrong_blocks(block: Any, error: type[ConfigError], message: str) -> None:
    with pytest.raises(error, match=message):
        read(block)


def test_check_keys() -> None:
    check_keys({"a": 1}, ("a", "b"), "here")
    with pytest.raises(UnknownNameError, match="unknown key 'aa' in here"):
        check_keys({"aa": 1}, ("a", "b"), "here")
