from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.ragged import reduce_lists, select_objects, starts_of


@given(st.lists(st.lists(st.integers(-3, 3), max_size=4), max_size=10))
def test_against_a_loop(lists: list[list[int]]) -> None:
    counts = np.array([len(values) for values in lists], dtype=np.int64)
    flat = np.array([value for values in lists for value in values], dtype=np.float64)
    products = reduce_lists(np.multiply, flat, counts, np.ones(len(lists)))
    assert products.tolist() == [math.prod(values) for values in lists]
    assert starts_of(counts).tolist() == [sum(map(len, lists[:number])) for number in range(len(lists))]
    rows = reduce_lists(np.add, np.stack([flat, 2 * flat], axis=1), counts, np.zeros((len(lists), 2)))
    assert rows.tolist() == [[sum(values), 2 * sum(values)] for values in lists]


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=4), min_size=1, max_size=10))
def test_selected_objects(rows: list[list[tuple[int, bool]]]) -> None:
    objects = ak.Array([[{"x": x, "keep": keep} for x, keep in row] for row in rows])
    if "x" not in objects.fields:  # no objects at all
        return
    objects = ak.with_name(ak.with_parameter(objects, "doc", "objects"), "Particle")
    found = select_objects(objects, objects.keep)
    assert found.x.to_list() == [[x for x, keep in row if keep] for row in rows]
    assert found.type == objects[objects.keep].type


EVENTS = ak.Array([[{"x": 1}, {"x": 2}], [], [{"x": 3}]])


@pytest.mark.parametrize(
    ("objects", "mask"),
    [
        (EVENTS[[2, 0]], ak.Array([[True], [False, True]])),  # lists in another order than in memory
        (EVENTS[1:], ak.Array([[], [True]])),  # a part of what is in memory
        (EVENTS, ak.Array([[None, True], [], [True]])),
        (EVENTS, ak.Array([[1, 0, 1], [], [0]])),  # positions
        (ak.mask(EVENTS, [True, False, True]), ak.Array([[False, True], [], [True]])),
        (ak.to_regular(EVENTS[[0, 0]]), ak.to_regular(ak.Array([[True, False], [False, True]]))),
    ],
)
def test_objects_of_any_kind(objects: ak.Array, mask: ak.Array) -> None:
    assert select_objects(objects, mask).to_list() == objects[mask].to_list()
