from __future__ import annotations

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.objects.matching import delta_r_table
from pocket.objects.object_matching import deltaR_matching_nonunique, match_indices, object_matching
from tests.pocket.objects.events import Event, events, to_awkward
from tests.pocket.objects.nano import nano_events
from tests.real_files import LARGEST

CLOSE = 1.5


def greedy(
    distances: list[list[float]], dr_min: float, matches: Callable[[int, int], bool] = lambda i, j: True
) -> dict[int, tuple[int, float]]:
    """Take the closest pair, then the closest of the others, …; return second → (first, distance)."""
    pairs = sorted(
        (value, i, j)
        for i, row in enumerate(distances)
        for j, value in enumerate(row)
        if value < dr_min and matches(i, j)
    )
    matched: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for value, i, j in pairs:
        if i not in taken and j not in matched:
            taken.add(i)
            matched[j] = (i, value)
    return matched


def check(first: ak.Array, second: ak.Array, dr_min: float) -> int:
    """Compare with the loop; return the number of matches."""
    expected = [greedy(table, dr_min) for table in delta_r_table(first, second).to_list()]
    pts, pts2 = first.pt.to_list(), second.pt.to_list()
    index, distance = match_indices(first, second, dr_min)
    matched, matched2, distance2 = object_matching(first, second, dr_min)
    for event, found in enumerate(zip(index, distance, matched.pt, matched2.pt, distance2, strict=True)):
        rows = [ak.to_list(row) for row in found]
        assert [len(row) for row in rows] == [len(pts2[event])] * 5
        for j, (position, value, pt, pt2, value2) in enumerate(zip(*rows, strict=True)):
            if j in expected[event]:
                i, smallest = expected[event][j]
                assert (position, value, pt, pt2, value2) == (i, smallest, pts[event][i], pts2[event][j], smallest)
            else:
                assert (position, value, pt, pt2, value2) == (None,) * 5
    return sum(map(len, expected))


@given(events("Muon", "Jet", max_objects=6))
@settings(max_examples=25)
def test_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    check(arrays.Muon, arrays.Jet, CLOSE)


@pytest.mark.parametrize("name", ["nano_dy.root", LARGEST])
def test_real_jets_and_generated_jets(name: str) -> None:
    nano = nano_events(name)
    assert check(nano.GenJet, nano.Jet, 0.4) > 10


def test_each_is_matched_once_and_the_closest_pair_first() -> None:
    first = ak.Array([{"eta": 0.0, "phi": 0.0, "pt": 50.0}, {"eta": 0.3, "phi": 0.0, "pt": 40.0}])
    second = ak.Array([{"eta": 0.2, "phi": 0.0, "pt": 45.0}, {"eta": 0.9, "phi": 0.0, "pt": 20.0}])
    pairs, _, distances = object_matching(first[np.newaxis], second[np.newaxis], 1.0)
    # 0.3 is closest to 0.2, so 0.0 is left with 0.9
    assert pairs.pt.to_list() == [[40.0, 50.0]]
    assert distances.to_list() == [pytest.approx([0.1, 0.9])]
    pairs, others, distances = object_matching(first[np.newaxis], second[np.newaxis], 0.5)
    assert pairs.pt.to_list() == [[40.0, None]]
    assert distances[0, 1] is None
    assert others.pt.to_list() == [[45.0, None]]


@given(events("Muon", "Jet", max_objects=6), st.sampled_from([5.0, 20.0, 100.0]))
@settings(max_examples=25)
def test_difference_of_pt_against_a_loop(generated: list[Event], dpt_max: float) -> None:
    arrays = to_awkward(generated)
    distances = delta_r_table(arrays.Muon, arrays.Jet).to_list()
    limits = [dpt_max + number % 3 for number in range(len(generated))]
    for limit in ([dpt_max] * len(generated), limits):
        result = object_matching(
            arrays.Muon, arrays.Jet, CLOSE, dpt_max if limit is not limits else np.array(limits), return_indices=True
        )
        matched, jets, distance, index, index2, only_matched = (ak.to_list(part) for part in result)
        for event, (of_event, table) in enumerate(zip(generated, distances, strict=True)):

            def close_in_pt(i: int, j: int, of_event: Event = of_event, largest: float = limit[event]) -> bool:
                return bool(abs(np.float32(of_event["Muon"][i]["pt"]) - np.float32(of_event["Jet"][j]["pt"])) < largest)

            expected = greedy(table, CLOSE, close_in_pt)
            positions = range(len(of_event["Jet"]))
            assert index[event] == [expected[j][0] if j in expected else None for j in positions]
            assert index2[event] == [j if j in expected else None for j in positions]
            assert distance[event] == [expected[j][1] if j in expected else None for j in positions]
            assert only_matched[event] == [expected[j][1] for j in positions if j in expected]
            muons = [of_event["Muon"][expected[j][0]]["pt"] if j in expected else None for j in positions]
            assert [muon and muon["pt"] for muon in matched[event]] == muons
            kept = [of_event["Jet"][j]["pt"] if j in expected else None for j in positions]
            assert [jet and jet["pt"] for jet in jets[event]] == kept


def test_a_pair_that_fails_in_pt_blocks_no_other() -> None:
    partons = ak.Array([[{"eta": 0.0, "phi": 0.1, "pt": 100.0}, {"eta": 0.0, "phi": 0.2, "pt": 50.0}]])
    jets = ak.Array([[{"eta": 0.0, "phi": 0.0, "pt": 52.0}]])
    matched, _, distance = object_matching(partons, jets, 0.5, 10.0)
    assert matched.pt.to_list() == [[50.0]]
    assert distance.to_list() == [[pytest.approx(0.2)]]


@given(events("Muon", "Jet", max_objects=6), st.integers(2, 4))
@settings(max_examples=25)
def test_missing_objects_match_nothing(generated: list[Event], every: int) -> None:
    arrays = to_awkward(generated)
    muons, jets = (
        ak.mask(objects, (ak.local_index(objects.pt) + np.arange(len(arrays))) % every > 0)
        for objects in (arrays.Muon, arrays.Jet)
    )
    # those that are left, and their places
    left, left2 = (ak.drop_none(objects, axis=1) for objects in (muons, jets))
    places, places2 = (ak.local_index(objects.pt)[~ak.is_none(objects.pt, axis=1)] for objects in (muons, jets))
    index, distance = match_indices(muons, jets, CLOSE)
    expected, expected_distance = match_indices(left, left2, CLOSE)
    assert index[places2].to_list() == places[expected].to_list()
    assert distance[places2].to_list() == expected_distance.to_list()
    assert not ak.any(~ak.is_none(index, axis=1) & ak.is_none(jets.pt, axis=1))


def test_no_events_and_no_objects() -> None:
    nothing = to_awkward([{"Muon": [], "Jet": []}])
    for arrays in (nothing, nothing[:0]):
        for result in object_matching(arrays.Muon, arrays.Jet, CLOSE):
            assert result.to_list() == [[]] * len(arrays)


@given(events("Muon", "Jet"))
@settings(max_examples=20)
def test_non_unique_matching_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    found = deltaR_matching_nonunique(arrays.Muon, arrays.Jet, CLOSE)
    table = delta_r_table(arrays.Muon, arrays.Jet).to_list()
    for event, rows, distances in zip(generated, found.to_list(), table, strict=True):
        expected: list[list[tuple[Any, ...]]] = [[] for _ in event["Muon"]]
        for j, jet in enumerate(event["Jet"]):
            column = [row[j] for row in distances]
            if column and min(column) < CLOSE:
                expected[column.index(min(column))].append((jet["pt"], min(column)))
        assert [[(jet["pt"], jet["dR"]) for jet in row] for row in rows] == expected
