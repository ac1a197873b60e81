from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pocket.base.arrays.compiled import choose, count_true, multiply, values_at


# the first example compiles the loops
@given(st.lists(st.lists(st.tuples(st.floats(-2, 2), st.booleans(), st.integers(-1, 3)), max_size=10), max_size=8))
def test_against_a_loop(lists: list[list[tuple[float, bool, int]]]) -> None:
    counts = np.array([len(row) for row in lists], dtype=np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    flat = [element for row in lists for element in row]
    values = np.array([value for value, _, _ in flat], dtype=np.float64)
    found = np.empty(len(lists), dtype=np.int64)
    count_true(np.array([keep for _, keep, _ in flat], dtype=np.bool_), offsets, found)
    assert found.tolist() == [sum(keep for _, keep, _ in row) for row in lists]
    positions, chosen = np.empty(len(flat) + 1, dtype=np.int64), np.empty(len(offsets), dtype=np.int64)
    number = choose(np.array([keep for _, keep, _ in flat], dtype=np.bool_), offsets, positions, chosen)
    assert positions[:number].tolist() == [place for place, (_, keep, _) in enumerate(flat) if keep]
    assert chosen.tolist() == [0, *np.cumsum(found).tolist()]
    products = np.empty(len(lists))
    multiply(values, counts, products)
    assert products.tolist() == [math.prod(value for value, _, _ in row) for row in lists]
    # positions that are in the list
    inside = [min(position, len(row) - 1) for row in lists for _, _, position in row]
    at = np.full(len(flat), 7.5)
    values_at(values, offsets[:-1], np.array(inside, dtype=np.int32), counts, at)
    rows = [row for row in lists for _ in row]
    assert at.tolist() == [
        row[position][0] if position >= 0 else 7.5 for row, position in zip(rows, inside, strict=True)
    ]
