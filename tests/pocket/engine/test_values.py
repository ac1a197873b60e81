from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents.methods import vector
from hypothesis import given, settings

from pocket.engine.values import axis_values, entries
from pocket.errors import HistogramError, MissingBranchError
from pocket.histograms.config import Axis
from tests.pocket.engine.generated_events import (
    METADATA,
    Event,
    axes,
    custom_fields,
    entries_of,
    events,
    to_awkward,
)

EVENTS = ak.Array(
    [
        {"x": 1.0, "Jet": [{"pt": 50.0}, {"pt": 40.0}], "Muon": [{"pt": 20.0}]},
        {"x": 2.0, "Jet": [], "Muon": []},
        {"x": 3.0, "Jet": [{"pt": 30.0}], "Muon": [{"pt": 25.0}, {"pt": 5.0}]},
    ]
)
BINNING: dict[str, Any] = {"bins": 2, "start": 0, "stop": 1}


def values(axis: Axis, custom: dict[str, Any] | None = None) -> Any:
    return axis_values(axis, EVENTS, custom or {}, {"sample": "DY", "year": 2018}, "h")


@settings(max_examples=50)
@given(generated=events(), histogram=axes())
def test_entries_are_those_of_a_loop(generated: list[Event], histogram: list[Axis]) -> None:
    arrays, custom = to_awkward(generated), custom_fields(generated)
    columns = [axis_values(axis, arrays, custom, METADATA, "h") for axis in histogram]
    found = entries(columns, len(generated), "h")
    expected = [(n, row) for n, item in enumerate(generated) for row in entries_of(item, histogram)]
    assert found.event.tolist() == [number for number, _ in expected]
    for number, column in enumerate(found.values):
        assert isinstance(column, np.ndarray)
        assert not isinstance(column, np.ma.MaskedArray)
        assert column.tolist() == [row[number] for _, row in expected]


def test_positions() -> None:
    second = values(Axis(coll="Jet", field="pt", pos=1, **BINNING))
    assert second.tolist() == [40.0, None, None]
    found = entries([second], 3, "h")
    assert (found.event.tolist(), found.values[0].tolist()) == ([0], [40.0])
    assert found.object is None


def test_events_beside_objects_are_repeated() -> None:
    columns = [values(Axis(field="x", **BINNING)), values(Axis(coll="Jet", field="pt", **BINNING))]
    found = entries(columns, 3, "h")
    x, pt = found.values
    assert found.event.tolist() == [0, 0, 2]
    assert found.object is not None
    assert found.counts is not None
    assert (found.object.tolist(), found.counts.tolist()) == ([0, 1, 2], [2, 0, 1])
    assert (x.tolist(), pt.tolist()) == ([1.0, 1.0, 3.0], [50.0, 40.0, 30.0])


def test_a_missing_list_has_no_entries() -> None:
    lists = ak.Array([[1.0], None, [2.0, 3.0]])
    found = entries([lists], 3, "h")
    assert (found.event.tolist(), found.values[0].tolist()) == ([0, 2, 2], [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "column",
    [
        ak.Array([1.0, None, 3.0]),
        ak.mask(np.array([1.0, 2.0, 3.0]), [True, False, True]),
        ak.Array(ak.contents.UnmaskedArray(ak.contents.NumpyArray(np.array([1.0, 3.0])))),
        ak.Array([1.0, None, 3.0])[[0, 2]],
    ],
    ids=["positions", "mask", "all there", "all there by positions"],
)
def test_optional_values_of_any_kind(column: ak.Array) -> None:
    found = entries([column], len(column), "h")
    assert found.event.tolist() == [number for number, value in enumerate(column.to_list()) if value is not None]
    assert found.values[0].tolist() == [1.0, 3.0]


def test_objects_without_a_value_keep_their_places() -> None:
    found = entries([ak.Array([[1.0, None], [], [None, 3.0]])], 3, "h")
    assert found.object is not None
    assert (found.event.tolist(), found.object.tolist(), found.values[0].tolist()) == ([0, 2], [0, 3], [1.0, 3.0])


def test_metadata_and_custom_fields() -> None:
    assert values(Axis(coll="metadata", field="year", type="strcat", bins=["2018"])).tolist() == ["2018"] * 3
    custom = {"score": [0.1, 0.2, 0.3], "scores": ak.Array([[1.0, 2.0], [], [3.0]])}
    assert values(Axis(coll="custom", field="score", **BINNING), custom).tolist() == [0.1, 0.2, 0.3]
    assert values(Axis(coll="custom", field="scores", pos=1, **BINNING), custom).tolist() == [2.0, None, None]


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (Axis(coll="Jets", field="pt", **BINNING), "histogram 'h': no collection 'Jets', nearest: Jet"),
        (Axis(coll="Jet", field="ptt", **BINNING), "histogram 'h': no field 'ptt' in collection 'Jet', nearest: pt"),
        (Axis(field="xx", **BINNING), "histogram 'h': no field 'xx' in events, nearest: x"),
        # where nothing is near, all there is
        (Axis(coll="Jet", field="mass", **BINNING), "no field 'mass' in collection 'Jet', nearest: pt"),
    ],
)
def test_missing_field(axis: Axis, message: str) -> None:
    with pytest.raises(MissingBranchError, match=message):
        values(axis)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (Axis(coll="metadata", field="era", type="strcat", bins=["A"]), r"no 'era', only \['sample', 'year'\]"),
        (Axis(coll="custom", field="bdt", **BINNING), r"no custom field 'bdt', only \['score'\]"),
        (Axis(coll="custom", field="score", **BINNING), "custom field 'score' has 2 entries for 3 preselected events"),
        (Axis(field="x", pos=0, **BINNING), "axis 'x_0' has pos=0, but one value per event"),
    ],
)
def test_what_cannot_fill_an_axis(axis: Axis, message: str) -> None:
    with pytest.raises(HistogramError, match=f"histogram 'h'.*{message}"):
        values(axis, {"score": np.array([1.0, 2.0])})


def test_the_mass_of_a_sum_of_momenta() -> None:
    legs = [ak.Array({"pt": [5.0], "eta": [0.0], "phi": [phi], "mass": [0.0]}) for phi in (0.0, np.pi)]
    one, other = (ak.with_name(leg, "PtEtaPhiMLorentzVector", behavior=vector.behavior) for leg in legs)
    events = ak.zip({"ll": one + other}, depth_limit=1)
    found = axis_values(Axis(coll="ll", field="mass", **BINNING), events, {}, METADATA, "h")
    assert found.tolist() == pytest.approx([10.0])


def test_lists_in_lists() -> None:
    with pytest.raises(HistogramError, match=r"histogram 'h': its axes have .*, or lists in lists"):
        entries([ak.Array([[[1.0]], []])], 2, "h")


def test_axes_must_have_the_same_objects() -> None:
    columns = [values(Axis(coll=coll, field="pt", **BINNING)) for coll in ("Jet", "Muon")]
    with pytest.raises(HistogramError, match="histogram 'h': its axes have different numbers of objects"):
        entries(columns, 3, "h")
