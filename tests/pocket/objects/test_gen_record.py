from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import MissingBranchError
from pocket.objects.gen_objects import nearest_ancestor, value_at
from tests.pocket.objects.gen import ancestors, particle, record_loop, to_record
from tests.pocket.objects.nano import nano_events
from tests.real_files import LARGEST

WANTED = (6, 24)


@st.composite
def records(draw: st.DrawFn) -> list[list[dict[str, float]]]:
    """Events in which each particle comes from an earlier one or from none."""
    sizes = draw(st.lists(st.integers(0, 8), min_size=1, max_size=4))
    return [
        [particle(draw(st.sampled_from([1, 6, 24])), draw(st.integers(-1, position - 1))) for position in range(size)]
        for size in sizes
    ]


def nearest(event: list[dict[str, float]], position: int) -> int:
    return next((p for p in ancestors(event, position) if event[p]["pdgId"] in WANTED), -1)


@given(records())
@settings(max_examples=25)
def test_against_a_loop(events: list[list[dict[str, float]]]) -> None:
    record = to_record(events)
    wanted = (record.pdgId == WANTED[0]) | (record.pdgId == WANTED[1])
    everyone = ak.local_index(record.pdgId, axis=1)
    expected = [[nearest(event, position) for position in range(len(event))] for event in events]
    assert nearest_ancestor(record, everyone, wanted).to_list() == expected
    backwards = nearest_ancestor(record, everyone[:, ::-1], wanted)
    assert backwards.to_list() == [event[::-1] for event in expected]


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_tt_v12.root", LARGEST])
def test_real_files_against_a_loop(name: str) -> None:
    loop, particles = record_loop(name), nano_events(name).GenPart
    wanted = (particles.pdgId == WANTED[0]) | (particles.pdgId == WANTED[1])
    found = nearest_ancestor(particles, ak.local_index(particles.pdgId, axis=1), wanted)
    assert found.to_list() == [[nearest(event, position) for position in range(len(event))] for event in loop]


def test_none_has_no_ancestor() -> None:
    record = to_record([[particle(6, -1), particle(5, 0)], []])
    of = ak.Array([[-1, 1, 0], []])
    assert nearest_ancestor(record, of, abs(record.pdgId) == 6).to_list() == [[-1, 0, -1], []]


def test_a_broken_record_ends() -> None:
    record = to_record([[particle(5, 1), particle(5, 0)]])
    assert nearest_ancestor(record, ak.Array([[0]]), record.pdgId == 6).to_list() == [[-1]]


def test_missing_mothers() -> None:
    record = to_record([[particle(5, -1)]])[["pdgId"]]
    with pytest.raises(MissingBranchError, match="'GenPart_genPartIdxMother' does not exist"):
        nearest_ancestor(record, ak.Array([[0]]), record.pdgId == 6)


def test_values() -> None:
    values = ak.unflatten(np.array([10, 20, 30]), [2, 1])
    assert value_at(values, ak.Array([[1, -1, 0], [0]]), 7).to_list() == [[20, 7, 10], [30]]
