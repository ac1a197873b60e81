from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.toys.tables import Table, first_within, isolated, local_index, offsets, pairs, stack

N_EVENTS = 4
events = st.lists(st.integers(0, N_EVENTS - 1), max_size=12).map(lambda values: np.array(sorted(values), dtype=int))
directions = st.tuples(st.floats(-0.6, 0.6), st.floats(-np.pi, np.pi))


@st.composite
def tables(draw):
    event = draw(events)
    values = [draw(directions) for _ in event]
    eta, phi = np.array(values).reshape(-1, 2).T
    return Table(event, {"eta": eta, "phi": phi})


def _distance(a, b, i, j):
    phi = abs(a["phi"][i] - b["phi"][j])
    return np.hypot(a["eta"][i] - b["eta"][j], min(phi, 2 * np.pi - phi))


@given(left=events, right=events)
@settings(max_examples=50)
def test_pairs(left, right):
    expected = [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a == b]
    assert list(zip(*pairs(left, right, N_EVENTS), strict=True)) == expected


@given(a=tables(), b=tables())
@settings(max_examples=50)
def test_first_within(a, b):
    expected = [
        next((j for j in range(len(b)) if b.event[j] == a.event[i] and _distance(a, b, i, j) < 0.4), -1)
        for i in range(len(a))
    ]
    assert first_within(a, b, 0.4, N_EVENTS).tolist() == expected


@given(table=tables())
@settings(max_examples=50)
def test_isolated(table):
    expected = [
        not any(table.event[j] == table.event[i] and _distance(table, table, i, j) < 0.4 for j in range(i))
        for i in range(len(table))
    ]
    assert isolated(table, 0.4, N_EVENTS).tolist() == expected


def test_local_index():
    target = np.array([0, 0, 2, 2, 2])
    assert local_index(np.array([-1, 0, 1, 2, 4]), target, 3).tolist() == [-1, 0, 1, 0, 2]
    assert local_index(np.array([-1, -1]), np.array([], dtype=int), 3).tolist() == [-1, -1]


def test_offsets_count_empty_events():
    assert offsets(np.array([1, 1, 3]), 5).tolist() == [0, 0, 2, 2, 3, 3]


def test_order_and_stack():
    a = Table(np.array([1, 0]), {"pt": np.array([5.0, 7.0])})
    b = Table(np.array([1]), {"pt": np.array([9.0])})
    ordered = stack(a, b).by_pt()
    assert ordered.event.tolist() == [0, 1, 1]
    assert ordered["pt"].tolist() == [7.0, 9.0, 5.0]
    assert len(ordered.take(ordered["pt"] > 6)) == 2
    with pytest.raises(KeyError):
        ordered["eta"]
