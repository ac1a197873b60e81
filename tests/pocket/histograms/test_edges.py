from __future__ import annotations

import math

import pytest

from pocket.histograms.config import finite_edges


@pytest.mark.parametrize(
    ("bounds", "edges"),
    [
        ((20, 30, 60), [20, 30, 60]),
        ((-math.inf, 30, 60, 70, math.inf), [0, 30, 60, 70, 80]),
        ((20, math.inf), [20, 21]),
        ((-math.inf, math.inf), [0, 1]),
    ],
)
def test_open_bins_are_as_wide_as_their_neighbours(bounds: tuple[float, ...], edges: list[float]) -> None:
    assert finite_edges(bounds).tolist() == edges
