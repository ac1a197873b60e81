from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import assume, given, settings

from pocket.objects import delta_r, delta_r_table, trigger_match
from pocket.objects.matching import distance_to_nearest
from tests.pocket.objects.events import Event, distance, events, to_awkward
from tests.pocket.objects.nano import nano_events, nano_loop


def test_delta_r_wraps_around() -> None:
    assert delta_r(0.0, 3.1, 0.0, -3.1) == pytest.approx(2 * math.pi - 6.2)
    assert delta_r(1.0, 0.0, -1.0, math.pi) == pytest.approx(math.hypot(2, math.pi))
    assert delta_r(np.array([0.3, 0.0]), np.array([0.4, 1.0]), 0.0, 0.0) == pytest.approx([0.5, 1.0])


@given(events("Muon", "TrigObj"))
@settings(max_examples=20)
def test_table_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    table = delta_r_table(arrays.Muon, arrays.TrigObj)
    for event, distances in zip(generated, table.to_list(), strict=True):
        assert len(distances) == len(event["Muon"])
        for muon, row in zip(event["Muon"], distances, strict=True):
            assert row == pytest.approx([distance(muon, other) for other in event["TrigObj"]], abs=1e-5)


@given(events("Muon", "TrigObj"))
@settings(max_examples=10)
def test_table_of_objects_that_may_be_missing(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    expected = delta_r_table(arrays.Muon, arrays.TrigObj).to_list()
    masked = ak.mask(arrays.Muon, arrays.Muon.tightId)
    table = delta_r_table(masked, arrays.TrigObj).to_list()
    for event, distances, full in zip(generated, table, expected, strict=True):
        present = [muon["tightId"] for muon in event["Muon"]]
        assert distances == [row if kept else [None] * len(row) for kept, row in zip(present, full, strict=True)]


@given(events("Muon", "TrigObj"))
@settings(max_examples=20)
def test_nearest_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    found = distance_to_nearest(arrays.Muon, arrays.TrigObj).to_list()
    for event, distances in zip(generated, found, strict=True):
        smallest = [
            min((distance(muon, other) for other in event["TrigObj"]), default=math.inf) for muon in event["Muon"]
        ]
        assert distances == pytest.approx(smallest, abs=1e-5)
    # some of them may be missing
    masked = ak.mask(arrays.Muon, arrays.Muon.tightId)
    kept = distance_to_nearest(masked, arrays.TrigObj)[arrays.Muon.tightId]
    expected = distance_to_nearest(arrays.Muon, arrays.TrigObj)[arrays.Muon.tightId]
    assert ak.almost_equal(ak.values_astype(kept, np.float64), ak.values_astype(expected, np.float64), rtol=1e-6)


def matched(muon: dict[str, float], trigger_objects: list[dict[str, float]], max_dr: float) -> bool:
    return any(other["id"] == 13 and distance(muon, other) < max_dr for other in trigger_objects)


@given(events("Muon", "TrigObj", max_objects=6))
@settings(max_examples=20)
def test_trigger_match_against_a_loop(generated: list[Event]) -> None:
    for event in generated:
        for muon in event["Muon"]:
            assume(all(abs(distance(muon, other) - 1.0) > 1e-3 for other in event["TrigObj"]))
    arrays = to_awkward(generated)
    expected = [[matched(muon, event["TrigObj"], 1.0) for muon in event["Muon"]] for event in generated]
    mask = trigger_match(arrays.Muon, arrays.TrigObj, 13, 1.0)
    assert mask.to_list() == expected
    assert ak.num(arrays.Muon[mask]).to_list() == [sum(event) for event in expected]


def test_real_file_against_a_loop() -> None:
    name = "nano_dy.root"
    nano = nano_events(name)
    muons = nano_loop(name, "Muon", "eta", "phi")
    trigger_objects = nano_loop(name, "TrigObj", "id", "eta", "phi")
    expected = [[matched(muon, others, 0.1) for muon in m] for m, others in zip(muons, trigger_objects, strict=True)]
    assert trigger_match(nano.Muon, nano.TrigObj, 13, 0.1).to_list() == expected
    found = [muon for event in expected for muon in event]
    assert any(found)
    assert not all(found)
