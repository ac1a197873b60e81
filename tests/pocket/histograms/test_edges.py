from __future__ import annotations

import math

import numpy as np
import pytest

from pocket.histograms.axes import build_axis
from pocket.histograms.config import Axis, finite_edges
from pocket.histograms.edges import declared_edges

AXES = [
    Axis("x", bins=7, start=0.1, stop=0.9),
    Axis("x", bins=(0, 1, 5)),
    Axis("x", type="integer", start=2, stop=6),
    Axis("x", bins=5, start=1, stop=1000, transform="log"),
    Axis("x", bins=5, start=1, stop=100, transform="sqrt"),
]


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


@pytest.mark.parametrize("axis", AXES)
def test_edges_are_those_of_the_histogram(axis: Axis) -> None:
    edges = declared_edges(axis)
    assert edges is not None
    np.testing.assert_allclose(edges, build_axis(axis).edges, rtol=1e-12)


def test_categories_have_no_edges() -> None:
    assert declared_edges(Axis("x", type="strcat", bins=["a", "b"])) is None
