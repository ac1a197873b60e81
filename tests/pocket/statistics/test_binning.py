from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import StatisticsError
from pocket.statistics.binning import apply_flow, rebin


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=30), st.data())
def test_rebinned_contents_are_sums_between_edges(counts: list[int], data: st.DataObject) -> None:
    edges = np.arange(len(counts) - 1, dtype=float)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(edges) - 1), min_size=2) if len(edges) > 1 else st.just({0})))
    contents = np.array(counts, dtype=float)
    found = rebin(contents, edges, np.array(chosen, dtype=float))
    # bin number i is between the edges i − 1 and i
    expected = [sum(counts[: chosen[0] + 1])]
    expected += [sum(counts[low + 1 : high + 1]) for low, high in itertools.pairwise(chosen)]
    expected += [sum(counts[chosen[-1] + 1 :])]
    assert found.tolist() == expected
    assert apply_flow(found, "fold").sum() == contents.sum()
    assert apply_flow(found, "drop").tolist() == expected[1:-1]


def test_edges_in_between_are_errors() -> None:
    edges = np.array([0.0, 10.0, 20.0, np.inf])
    with pytest.raises(StatisticsError, match="14 is no edge of the histogram, nearest: 10"):
        rebin(np.zeros(5), edges, [0, 14])
