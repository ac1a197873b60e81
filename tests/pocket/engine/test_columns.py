from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import assume, given, settings

from pocket.columns import ColOut
from pocket.engine.columns import collect_columns
from pocket.engine.masks import CategoryMasks, to_bits
from pocket.engine.reading import open_file
from pocket.engine.weighting import ChunkWeights
from pocket.errors import ColumnError, MissingBranchError, UnknownNameError
from pocket.io.nanoaod.events import NanoTree
from tests.entries import check_each
from tests.pocket.columns.chunks import CATEGORIES, EVENTS, OBJECTS, VARIATIONS, Chunk, chunks
from tests.pocket.engine.root_files import segment
from tests.real_files import real_file

IDS = {"run": np.arange(3), "luminosityBlock": np.arange(3), "event": np.arange(3)}


def collect_all(events: ak.Array, *outputs: ColOut, changed: frozenset[str] | None = None) -> ak.Array:
    """Return the columns of a category with all events, with weights of 1."""
    masks = CategoryMasks(("all",), to_bits([np.ones(len(events), dtype=bool)], len(events)))
    weights = ChunkWeights(("nominal",), np.ones((1, len(events), 1)), {"all": 0})
    return collect_columns({"all": outputs}, events, masks, weights, changed)["all"]


def some_events(**fields: Any) -> ak.Array:
    """Return three events with ids."""
    return ak.zip({**IDS, **fields}, depth_limit=1)


@settings(max_examples=40)
@given(chunk=chunks(), of_objects=OBJECTS, of_events=EVENTS)
def test_against_a_loop_over_events(chunk: Chunk, of_objects: ColOut, of_events: ColOut) -> None:
    outputs = [of_objects, of_events]
    collected = collect_columns(
        dict.fromkeys(CATEGORIES, outputs), chunk.events(), chunk.masks(), chunk.chunk_weights()
    )
    for category in CATEGORIES:
        assert collected[category].to_list() == chunk.expected(outputs, category)


@settings(max_examples=20)
@given(one=chunks(), other=chunks(), of_objects=OBJECTS, of_events=EVENTS)
def test_types_do_not_depend_on_values(one: Chunk, other: Chunk, of_objects: ColOut, of_events: ColOut) -> None:
    # a column has the same type whether some of its values, all or none are missing; but a boolean is widened for what
    # replaces a missing one
    assume(not (of_events.fill_none and "maybe_flag" in of_events.columns))
    outputs = dict.fromkeys(CATEGORIES, (of_objects, of_events))
    first, second = (
        collect_columns(outputs, chunk.events(), chunk.masks(), chunk.chunk_weights()) for chunk in (one, other)
    )
    for category in CATEGORIES:
        assert first[category].type.content == second[category].type.content


def test_numbers_keep_their_type() -> None:
    kinds = ("?", "i1", "u1", "i2", "i4", "u4", "i8", "u8", "f4", "f8")
    events = some_events(**{kind: np.array([0, 1, 1], dtype=kind) for kind in kinds})
    for fill_none in (True, False):
        collected = collect_all(events, ColOut("events", kinds, fill_none=fill_none))
        for kind in kinds:
            assert ak.to_numpy(collected[f"events_{kind}"]).dtype == np.dtype(kind)


@check_each(
    ("kind", "fill_value", "filled"),
    [
        ("i4", -999.0, "i4"),
        ("u1", -999.0, "i2"),
        ("u1", 7.0, "u1"),
        ("?", -999.0, "i2"),
        ("f4", -999.0, "f4"),
        ("i4", 0.5, "f8"),
        ("f4", float("nan"), "f4"),
        ("i4", float("inf"), "f8"),
        ("f4", 1e30, "f4"),
        ("i4", -1e20, "f8"),
        ("u8", -999.0, "i8"),
        ("u8", 7.0, "u8"),
    ],
)
def test_a_type_is_widened_only_for_the_value_that_replaces(kind: str, fill_value: float, filled: str) -> None:
    values = ak.mask(np.array([0, 1, 1], dtype=kind), np.array([True, False, True]))
    column = collect_all(some_events(x=values), ColOut("events", ["x"], fill_value=fill_value))["events_x"]
    array = ak.to_numpy(column)
    assert array.dtype == np.dtype(filled)
    np.testing.assert_array_equal(array, np.array([0, fill_value, 1], dtype=filled))


def test_event_numbers_keep_all_digits_beside_a_negative_value() -> None:
    numbers = np.array([2**60 + 1, 0, 2**53 + 1], dtype="u8")
    values = ak.mask(numbers, np.array([True, False, True]))
    collected = collect_all(some_events(x=values), ColOut("events", ["x"]))
    assert collected["events_x"].to_list() == [2**60 + 1, -999, 2**53 + 1]


def test_missing_lists_hold_no_objects() -> None:
    events = some_events(Obj=ak.Array([[{"x": 1.0}], None, [{"x": 2.0}, {"x": 3.0}]]))
    collected = collect_all(events, ColOut("Obj", ["x"]))
    assert collected["Obj_x"].to_list() == [[1.0], [], [2.0, 3.0]]
    assert collected["Obj_N"].to_list() == [1, 0, 2]
    assert str(collected["Obj_x"].type) == "3 * var * float64"


@pytest.mark.parametrize("fill_none", [True, False])
def test_missing_lists_are_empty_at_any_depth(fill_none: bool) -> None:
    lists: list[Any] = [[1.0, 2.0], None, []]
    deeper: list[Any] = [[[1.0], None], None, [None, [], [2.0, None]]]
    events = some_events(flat=ak.Array(lists), deep=ak.Array(deeper))
    collected = collect_all(events, ColOut("events", ["flat", "deep"], fill_none=fill_none))
    assert collected["events_flat"].to_list() == [one or [] for one in lists]
    last = -999.0 if fill_none else None
    assert collected["events_deep"].to_list() == [[[1.0], []], [], [[], [], [2.0, last]]]


def test_lists_of_lists_texts_and_fixed_numbers() -> None:
    objects = ak.zip({"deep": ak.Array([[[1, None]], [], [[], [2]]])}, depth_limit=2)
    events = some_events(Obj=objects, name=["a", "b", "c"], two=ak.from_numpy(np.ones((3, 2)), regulararray=True))
    collected = collect_all(events, ColOut("Obj", ["deep"]), ColOut("events", ["name", "two"]))
    assert collected["Obj_deep"].to_list() == [[[1, -999]], [], [[], [2]]]
    assert collected["events_name"].to_list() == ["a", "b", "c"]
    assert str(collected["events_two"].type) == "3 * var * float64"


def test_one_object_per_event_has_no_number_of_objects() -> None:
    events = some_events(MET=ak.zip({"pt": np.array([1.0, 2.0, 3.0])}))
    fields = collect_all(events, ColOut("MET", ["pt"])).fields
    assert fields == ["run", "luminosityBlock", "event", "weight", "MET_pt"]


def test_a_shape_variation_leaves_out_what_it_does_not_change() -> None:
    jets = ak.Array([[{"pt": 1.0}], [], []])
    events = some_events(Jet=jets, JetGood=jets, Muon=jets, HT=np.zeros(3))
    outputs = [
        ColOut("JetGood", ["pt"], depends_on=["Jet"]),
        ColOut("Muon", ["pt"], depends_on=["Muon"]),
        ColOut("events", ["HT"]),
    ]
    always = ["run", "luminosityBlock", "event", "weight"]
    jets_written, muons_written = ["JetGood_pt", "JetGood_N"], ["Muon_pt", "Muon_N"]
    nominal, jes, muon = (
        collect_all(events, *outputs, changed=changed).fields
        for changed in (None, frozenset({"Jet", "MET"}), frozenset({"Muon"}))
    )
    assert nominal == [*always, *jets_written, *muons_written, "events_HT"]
    assert jes == [*always, *jets_written, "events_HT"]
    assert muon == [*always, *muons_written, "events_HT"]


def test_records_of_a_real_file_hold_what_is_in_it_after_it_is_closed() -> None:
    path = real_file("nano_dy.root")
    part = segment(path)
    outputs = [ColOut("Muon", ["pt", "tightId"]), ColOut("MET", ["pt"]), ColOut("HLT", ["IsoMu24"])]
    with open_file(part) as file:
        collected = collect_all(NanoTree(file, part.object_path, {}).events(0, part.stop), *outputs)
    branches = ["run", "luminosityBlock", "event", "nMuon", "Muon_pt", "Muon_tightId", "MET_pt", "HLT_IsoMu24"]
    with uproot.open(path) as file:
        written = file["Events"].arrays(branches)
    assert sum(written.nMuon) > 0
    for name in branches:
        assert collected["Muon_N" if name == "nMuon" else name].to_list() == written[name].to_list()
    assert collected.behavior is None


def test_categories_without_columns_are_left_out() -> None:
    chunk = Chunk([], [], [], [])
    outputs: dict[str, list[ColOut]] = {"events": [], "objects": [ColOut("Obj", ["pt"])]}
    collected = collect_columns(outputs, chunk.events(), chunk.masks(), chunk.chunk_weights())
    assert list(collected) == ["objects"]
    assert len(collected["objects"]) == 0
    assert [name for name in collected["objects"].fields if name.startswith("weight")] == [
        "weight",
        *(f"weight_variation_{name}" for name in VARIATIONS[1:]),
    ]


OBJ = ak.Array([[{"pt": 1.0, "p4": {"x": 1.0}}], [], []])


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (ColOut("Obj", ["Pt"]), MissingBranchError, "^branch 'Obj_Pt' does not exist; nearest: Obj_pt"),
        (ColOut("Obj", ["p4"]), ColumnError, "column 'Obj_p4' is made of records with the fields x, not of numbers"),
        (ColOut("Objs", ["pt"]), UnknownNameError, "unknown collection 'Objs' in the events, did you mean 'Obj'"),
        (ColOut("events", ["met"]), MissingBranchError, "^branch 'met' does not exist; nearest: MET"),
        (ColOut("events", ["mixed"]), ColumnError, "column 'events_mixed' is made of mixed types, not of numbers"),
        (ColOut("MET", ["pt"], pos_end=1), ColumnError, "columns of 'MET': it has one object per event"),
        (ColOut("Obj", ["pt"], depends_on=["Objs"]), UnknownNameError, "depends_on of columns of 'Obj'"),
    ],
)
def test_what_is_not_there(out: ColOut, error: type[Exception], message: str) -> None:
    events = some_events(
        Obj=OBJ,
        MET=ak.zip({"pt": np.ones(3)}),
        mixed=ak.Array([1.0, "a", 2.0]),
    )
    with pytest.raises(error, match=message):
        collect_all(events, out)


def test_another_collection_in_a_category_of_objects() -> None:
    events = Chunk([], [], [], []).events()
    events["Jet"] = events.Obj
    empty = Chunk([], [], [], [])
    for category, refused in (("objects", True), ("events", False)):
        arguments = ({category: [ColOut("Jet", ["pt"])]}, events, empty.masks(), empty.chunk_weights())
        if refused:
            with pytest.raises(ColumnError, match="category 'objects' selects objects of 'Obj', it can't export"):
                collect_columns(*arguments)
        else:
            assert collect_columns(*arguments)
