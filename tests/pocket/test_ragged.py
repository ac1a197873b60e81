from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pocket.ragged import reduce_lists, starts_of


@given(st.lists(st.lists(st.integers(-3, 3), max_size=4), max_size=10))
def test_against_a_loop(lists: list[list[int]]) -> None:
    counts = np.array([len(values) for values in lists], dtype=np.int64)
    flat = np.array([value for values in lists for value in values], dtype=np.float64)
    products = reduce_lists(np.multiply, flat, counts, np.ones(len(lists)))
    assert products.tolist() == [math.prod(values) for values in lists]
    assert starts_of(counts).tolist() == [sum(map(len, lists[:number])) for number in range(len(lists))]
    rows = reduce_lists(np.add, np.stack([flat, 2 * flat], axis=1), counts, np.zeros((len(lists), 2)))
    assert rows.tolist() == [[sum(values), 2 * sum(values)] for values in lists]
