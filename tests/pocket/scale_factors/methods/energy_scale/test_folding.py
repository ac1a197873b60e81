from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.scale_factors.methods.energy_scale.folding import FUNCTIONS, fold, pairs_of

EDGES = np.linspace(70.0, 110.0, 81)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shares_are_those_of_random_masses(function: str) -> None:
    rng = np.random.default_rng(1)
    scale, square = 1.004, 0.015**2 + 0.02**2
    folded = fold(np.array([90.0, 90.5]), EDGES, np.array([scale]), np.array([square]), function)
    mass, number = rng.uniform(90, 90.5, 400_000), rng.normal(size=400_000)
    if function == "tails":
        number *= np.where(rng.random(400_000) < 0.1, 2.0, np.sqrt(2 / 3))
    moved = mass * (1 + np.sqrt(square) / 2 * number) / scale
    expected = np.histogram(moved, EDGES)[0]
    assert number.std() == pytest.approx(1, abs=0.005)
    pulls = (expected - 400_000 * folded.matrix[0, 0]) / np.sqrt(400_000 * folded.matrix[0, 0] + 1)
    assert np.abs(pulls).max() < 4.5


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.97, 1.03),
    st.floats(2e-4, 2e-3),
    st.sampled_from(sorted(FUNCTIONS)),
)
def test_derivatives_are_those_of_differences(scale: float, square: float, function: str) -> None:
    def at(logarithm: float, q: float) -> np.ndarray:
        return fold(EDGES, EDGES, np.array([np.exp(logarithm)]), np.array([q]), function).matrix

    folded = fold(EDGES, EDGES, np.array([scale]), np.array([square]), function)
    step = 1e-6
    by_scale = (at(np.log(scale) + step, square) - at(np.log(scale) - step, square)) / (2 * step)
    assert folded.by_scale == pytest.approx(by_scale, abs=1e-4 * np.abs(by_scale).max())
    by_width = (at(np.log(scale), square + step / 100) - at(np.log(scale), square - step / 100)) / (2 * step / 100)
    assert folded.by_width == pytest.approx(by_width, abs=1e-4 * np.abs(by_width).max())


def test_nothing_is_lost_inside_of_the_range() -> None:
    folded = fold(EDGES, np.linspace(50.0, 150.0, 201), np.ones(1), np.array([4e-4]))
    assert folded.matrix.sum(axis=2) == pytest.approx(1, abs=1e-9)


def test_pairs_of_three_groups() -> None:
    assert list(zip(*(side.tolist() for side in pairs_of(3)), strict=True)) == [
        *((0, 0), (0, 1), (0, 2)),
        *((1, 1), (1, 2), (2, 2)),
    ]
