from __future__ import annotations

import bisect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.corrections.compiled import add_bins, add_keys

numbers = st.floats(-3, 3, allow_nan=False) | st.sampled_from([float("inf"), -float("inf")])


# the first example compiles the loops
@given(
    values=st.lists(numbers, max_size=6),
    edges=st.lists(st.integers(-2, 2).map(float), min_size=2, max_size=5, unique=True).map(sorted),
    clamped=st.booleans(),
)
def test_bins_against_a_binary_search(values: list[float], edges: list[float], clamped: bool) -> None:
    values += edges
    bins = len(edges) - 1
    expected = [bisect.bisect_right(edges, value) - 1 for value in values]
    if clamped:
        expected = [min(max(number, 0), bins - 1) for number in expected]
    before = np.arange(len(values))
    found = before.copy()
    is_inside = add_bins(np.array(values), np.array(edges), clamped, found)
    assert is_inside == all(0 <= number < bins for number in expected)
    assert found.tolist() == (before * bins + expected).tolist()


@pytest.mark.parametrize("size", [1023, 1024, 1025, 5000])
def test_more_than_one_block(size: int) -> None:
    values, edges = np.random.default_rng(size).uniform(0, 10, size), np.arange(11.0)
    found = np.zeros(size, dtype=np.int64)
    assert add_bins(values, edges, False, found)
    assert np.array_equal(found, np.floor(values))
    values[-1] = 10
    assert not add_bins(values, edges, False, np.zeros(size, dtype=np.int64))


def test_keys() -> None:
    found = np.array([0, 1, 2, 0])
    assert add_keys(np.array([5, 0, 4, 0]), np.array([4, 0, 5]), found)
    assert found.tolist() == [2, 4, 6, 1]
    assert not add_keys(np.array([5, 1]), np.array([4, 0, 5]), np.zeros(2, dtype=np.int64))
