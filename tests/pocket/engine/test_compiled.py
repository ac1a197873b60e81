from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.base.arrays.jagged import offsets_of
from pocket.engine.category_patterns import Patterns
from pocket.engine.compiled import add_once, add_weights
from pocket.engine.masks import to_bits


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_events=st.integers(1, 5),
    n_entries=st.integers(0, 12),
    n_categories=st.sampled_from([1, 3, 64, 70]),
    n_filled=st.integers(1, 4),
    n_variations=st.integers(1, 3),
)
def test_equals_four_loops(
    seed: int, n_events: int, n_entries: int, n_categories: int, n_filled: int, n_variations: int
) -> None:
    rng = np.random.default_rng(seed)
    n_bins, n_classes = 4, 2
    event = rng.integers(0, n_events, n_entries)
    # the masks may be those of objects instead of events
    n_rows = n_events + 2
    row = rng.integers(0, n_rows, n_entries)
    bins = rng.integers(-1, n_bins, n_entries)
    masks = list(rng.random((n_categories, n_rows)) < 0.5)
    categories = rng.integers(-1, n_categories, n_filled)
    classes = rng.integers(0, n_classes, n_filled)
    weights = rng.choice([-1.5, 0.0, 0.1, 2.0], (n_classes, n_events, n_variations))
    first = int(rng.integers(0, 2))
    start = rng.random((2, n_filled, n_bins, first + n_variations + 1))
    sumw, sumw2 = start.copy()
    patterns = Patterns(to_bits(masks, n_rows))
    contained = patterns.contain(categories)
    slots = np.nonzero(contained)[1]
    starts = offsets_of(contained.sum(axis=1))
    add_weights(event, row, bins, patterns.of_row, starts, slots, classes[slots], weights, sumw, sumw2, first)

    expected, expected2 = start.copy()
    for entry in range(n_entries):
        for slot in range(n_filled):
            for variation in range(n_variations):
                if bins[entry] >= 0 and categories[slot] >= 0 and masks[categories[slot]][row[entry]]:
                    weight = weights[classes[slot], event[entry], variation]
                    expected[slot, bins[entry], first + variation] += weight
                    expected2[slot, bins[entry], first + variation] += weight**2
    assert sumw == pytest.approx(expected, rel=1e-12)
    assert sumw2 == pytest.approx(expected2, rel=1e-12)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_events=st.integers(1, 5),
    n_entries=st.integers(0, 12),
    n_variations=st.integers(1, 20),
)
def test_once_equals_two_loops(seed: int, n_events: int, n_entries: int, n_variations: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows, n_patterns, n_bins = n_events + 2, 3, 4
    event, row = rng.integers(0, n_events, n_entries), rng.integers(0, n_rows, n_entries)
    bins, pattern = rng.integers(-1, n_bins, n_entries), rng.integers(0, n_patterns, n_rows)
    places = rng.permutation([-1, 0, 1])
    weights = rng.choice([-1.5, 0.0, 0.1, 2.0], (n_events, n_variations))
    start = rng.random((2, 2, n_bins, n_variations))
    sumw, sumw2 = start.copy()
    add_once(event, row, bins, pattern, places, weights, sumw, sumw2)

    expected, expected2 = start.copy()
    for entry in range(n_entries):
        place = places[pattern[row[entry]]]
        for variation in range(n_variations):
            if bins[entry] >= 0 and place >= 0:
                expected[place, bins[entry], variation] += weights[event[entry], variation]
                expected2[place, bins[entry], variation] += weights[event[entry], variation] ** 2
    assert sumw == pytest.approx(expected, rel=1e-12)
    assert sumw2 == pytest.approx(expected2, rel=1e-12)
