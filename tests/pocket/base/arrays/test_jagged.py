from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.base.arrays.jagged import (
    ObjectColumns,
    as_numbers,
    by_descending,
    count_true,
    counts_of,
    element_at,
    flat_values,
    padded,
    products_of,
    reduce_lists,
    select_objects,
    starts_of,
    to_lists,
    without_gaps,
)


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


def test_a_mask_with_the_description_of_a_column() -> None:
    column = ak.contents.NumpyArray(np.array([True, False, True]), parameters={"__doc__": "of a branch"})
    mask = to_lists(column, np.array([2, 0, 1]))
    assert select_objects(EVENTS, mask).x.to_list() == [[1], [], [3]]
    counts = count_true(mask)
    # not awkward's
    assert isinstance(counts, np.ndarray)
    assert counts.tolist() == [1, 0, 1]


@given(st.lists(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=5), min_size=1, max_size=10))
def test_columns_of_lists_in_any_order_in_memory(rows: list[list[tuple[int, bool]]]) -> None:
    flat = [element for row in rows for element in row]
    records = ak.Array({"x": np.array([x for x, _ in flat]), "keep": np.array([keep for _, keep in flat], dtype=bool)})
    whole = to_lists(records, np.array([len(row) for row in rows]))
    order = list(range(len(rows)))[::-1]
    # as they were made, selected by positions, a part of them, and selected as part of the events
    events = ak.Array({"objects": whole})
    for objects, expected in (
        (whole, rows),
        (whole[order], rows[::-1]),
        (whole[1:], rows[1:]),
        (events[order]["objects"], rows[::-1]),
    ):
        columns = ObjectColumns(objects)
        assert isinstance(columns["x"], np.ndarray)
        assert columns["x"].tolist() == [x for row in expected for x, _ in row]
        positive = (columns["x"] > 0) & columns.flat(objects.keep)
        mask = columns.lists(positive)
        assert mask.to_list() == [[x > 0 and keep for x, keep in row] for row in expected]
        assert count_true(mask).tolist() == [sum(x > 0 and keep for x, keep in row) for row in expected]
        assert select_objects(objects, mask).x.to_list() == [
            [x for x, keep in row if x > 0 and keep] for row in expected
        ]
        assert counts_of(objects.x).tolist() == list(map(len, expected))
        assert flat_values(objects.x).tolist() == [x for row in expected for x, _ in row]
        assert without_gaps(objects).to_list() == objects.to_list()
        assert element_at(objects.x, 1).to_list() == [row[1][0] if len(row) > 1 else None for row in expected]
        assert by_descending(objects, "x").to_list() == [
            [{"x": x, "keep": keep} for x, keep in sorted(row, key=lambda one: -one[0])] for row in expected
        ]


@given(st.sampled_from([1, 4]).flatmap(lambda most: st.lists(st.lists(st.floats(0.5, 2), max_size=most), max_size=8)))
def test_products(lists: list[list[float]]) -> None:
    counts = np.array([len(values) for values in lists], dtype=np.int64)
    found = products_of(np.array([value for values in lists for value in values]), counts)
    assert found.tolist() == [math.prod(values) for values in lists]


def test_lists_that_are_not_plain() -> None:
    missing = ak.Array([[{"x": 2}, {"x": 3}], None, [{"x": 1}]])
    columns = ObjectColumns(missing)
    assert columns.lists(columns["x"] > 1).to_list() == [[True, True], None, [False]]
    assert count_true(columns["x"] > 1).to_list() == [2, None, 0]
    assert counts_of(missing.x).tolist() == [2, 0, 1]
    assert element_at(missing.x, 1).to_list() == [3, None, None]
    assert by_descending(missing, "x").x.to_list() == [[3, 2], None, [1]]
    # None among the objects
    some = ObjectColumns(ak.Array([[{"x": 2}, {"x": None}], [{"x": 4}]]))
    assert some.lists(some["x"] > 3).to_list() == [[False, None], [True]]
    with pytest.raises(ValueError, match="other lists"):
        some.flat(ak.Array([[1], [2, 3]]))
    assert element_at(ak.to_regular(ak.Array([[1, 2], [3, 4]])), 1).to_list() == [2, 4]


@given(st.lists(st.tuples(st.lists(st.floats(0, 9), max_size=3), st.booleans()), min_size=1), st.integers(0, 2))
def test_elements_of_lists_that_are_masked(rows: list[tuple[list[float], bool]], position: int) -> None:
    lists = ak.values_astype(ak.Array([values for values, _ in rows]), np.float64)
    mask = np.array([there for _, there in rows])
    layout = ak.to_layout(lists)
    by_byte = ak.contents.ByteMaskedArray(ak.index.Index8(mask.astype(np.int8)), layout, valid_when=True)
    bits = np.packbits(~mask, bitorder="little")
    by_bit = ak.contents.BitMaskedArray(ak.index.IndexU8(bits), layout, False, len(rows), lsb_order=True)
    expected = [values[position] if there and len(values) > position else None for values, there in rows]
    for masked in (by_byte, by_bit, by_byte.to_IndexedOptionArray64()):
        assert element_at(ak.Array(masked), position).tolist() == expected
        assert padded(ak.Array(masked), position + 1)[:, position].tolist() == expected


@given(st.lists(st.integers(0, 4), max_size=6), st.booleans())
def test_numbers_at_positions(positions: list[int], some_missing: bool) -> None:
    numbers = np.array([1.5, 2.5, 3.5, 4.5, 5.5], dtype=np.float32)
    index = np.array(positions, dtype=np.int64)
    kind = ak.contents.IndexedOptionArray if some_missing else ak.contents.IndexedArray
    values = ak.Array(kind(ak.index.Index64(index), ak.contents.NumpyArray(numbers)))
    found = as_numbers(values)
    assert found.dtype == np.float32
    assert found.tolist() == [numbers[position] for position in positions]
    # several numbers at each position stay several
    pairs = ak.contents.NumpyArray(np.stack([numbers, -numbers], axis=1))
    found = as_numbers(ak.Array(ak.contents.IndexedArray(ak.index.Index64(index), pairs)))
    assert found.shape == (len(positions), 2)


@pytest.mark.parametrize("values", [[1.5, None], [[1.5], []]])
def test_what_is_no_number_is_refused(values: list[Any]) -> None:
    with pytest.raises(ValueError, match="cannot convert"):
        as_numbers(ak.Array(values))


def test_lists_as_they_are_in_a_file_are_not_copied() -> None:
    lists = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.array([0, 2, 3])), ak.to_layout(np.arange(3.0))))
    assert without_gaps(lists).layout is lists.layout
    shorter = lists[1:]
    assert without_gaps(shorter).layout.offsets.data.tolist() == [0, 1]
    assert flat_values(shorter).tolist() == [2.0]
