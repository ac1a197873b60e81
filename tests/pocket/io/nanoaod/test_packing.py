from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.io.nanoaod.packing import Packing


# the first example compiles the loop
@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=4), st.booleans()), min_size=1, max_size=20))
def test_against_a_loop(rows: list[tuple[list[int], bool]]) -> None:
    kept = [values for values, selected in rows if selected]
    lists = ak.Array([values for values, _ in rows])
    whole = ak.values_astype(ak.Array(ak.to_packed(lists).layout), np.float32)
    packing = Packing(np.array([selected for _, selected in rows]))
    # a second column with the same numbers of objects
    for column, factor in ((whole, 1), (whole * 2, 2)):
        packed = packing(column)
        assert packed.to_list() == [[factor * value for value in values] for values in kept]
        assert isinstance(packed.layout, ak.contents.ListOffsetArray)
        assert len(packed.layout.content) == sum(map(len, kept))
    assert packing(ak.Array(np.arange(len(rows)))).to_list() == [n for n, (_, selected) in enumerate(rows) if selected]


def test_collections_with_as_many_objects_in_other_events() -> None:
    packing = Packing(np.array([True, False, True]))
    for rows in ([[1.0], [2.0, 3.0], []], [[4.0, 5.0], [6.0], []], [[], [7.0], [8.0, 9.0]]):
        assert packing(ak.Array(rows)).to_list() == [rows[0], rows[2]]


@pytest.mark.parametrize(
    "column",
    [
        ak.Array(["a", "", "bc"]),
        ak.Array([[[1, 2]], [], [[3], []]]),
        ak.Array(np.arange(6).reshape(3, 2)),
        ak.to_regular(ak.Array([[1, 2], [3, 4], [5, 6]])),
        ak.Array([1, None, 3]),
        ak.Array([{"x": 1}, {"x": 2}, {"x": 3}]),
        ak.Array([[1.5], [2.5, 3.5], []])[[2, 1, 0]],
    ],
)
def test_any_kind_of_column(column: ak.Array) -> None:
    mask = np.array([True, False, True])
    assert Packing(mask)(column).to_list() == [column.to_list()[0], column.to_list()[2]]
