from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.engine.category_patterns import Patterns, joined
from pocket.engine.masks import to_bits


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(0, 60),
    n_categories=st.sampled_from([1, 3, 64, 70]),
    probability=st.sampled_from([0.02, 0.5, 1.0]),
)
def test_equals_a_loop(seed: int, n_rows: int, n_categories: int, probability: float) -> None:
    rng = np.random.default_rng(seed)
    masks = list(rng.random((n_categories, n_rows)) < probability)
    values = rng.normal(size=n_rows)
    patterns = Patterns(to_bits(masks, n_rows))
    combinations = [tuple(bool(mask[row]) for mask in masks) for row in range(n_rows)]
    different = list(dict.fromkeys(combinations))
    assert patterns.of_row.tolist() == [different.index(combination) for combination in combinations]
    assert patterns.sums().tolist() == [combinations.count(combination) for combination in different]
    for combination, found in zip(different, patterns.sums(values), strict=True):
        expected = sum(value for value, other in zip(values, combinations, strict=True) if other == combination)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    categories = rng.integers(-1, n_categories, 5)
    contained = [[number >= 0 and combination[number] for number in categories] for combination in different]
    assert patterns.contain(categories).tolist() == contained


def test_many_patterns() -> None:
    # so many that some want the same place in the table
    words = np.tile(np.arange(1000, dtype=np.uint64) << np.uint64(40), 2)[:, None]
    assert Patterns(words).of_row.tolist() == [*range(1000), *range(1000)]
    few = np.array([[number << 40] for number in (1, 2, 3, 1, 2, 3, 0)], dtype=np.uint64)
    assert Patterns(few).of_row.tolist() == [0, 1, 2, 0, 1, 2, 3]


def test_joined() -> None:
    first, second = (Patterns(np.array(words, dtype=np.uint64)[:, None]) for words in ([7, 7, 8, 7], [5, 6, 5, 5]))
    found = joined([first, second])
    assert found.of_row.tolist() == [0, 1, 2, 0]
    assert found.words.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert joined([first]).of_row.tolist() == first.of_row.tolist()
