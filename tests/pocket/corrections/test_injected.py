from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.corrections.derived import MOST, injected

EFFICIENCY = st.floats(1e-4, MOST)


@given(st.lists(EFFICIENCY, min_size=1, max_size=12), st.lists(st.floats(0.5, 1.5), min_size=1, max_size=4), st.data())
def test_bins_take_the_factors_in_turn(bins: list[float], factors: list[float], data: st.DataObject) -> None:
    turns: dict[float, float] = {}
    for efficiency in bins:
        turns.setdefault(efficiency, factors[len(turns) % len(factors)])
    some = data.draw(st.lists(st.sampled_from(bins), max_size=20))
    found = injected(np.array(some), np.array(bins), factors)
    expected = [1.0 if one == MOST else min(turns[one], MOST / one) for one in some]
    assert found.tolist() == expected


def test_nothing_is_taken_from_what_always_passes() -> None:
    assert injected(np.array([MOST, 0.5]), np.array([MOST, 0.5]), (0.9, 0.8)).tolist() == [1.0, 0.8]
    # An efficiency stays below one.
    assert injected(np.array([0.9]), np.array([0.9]), (1.3,)) * 0.9 == pytest.approx(MOST)
