from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.scale_factors.methods.energy_scale.folding import FUNCTIONS, fold, pairs_of

EDGES = np.linspace(70.0, 110.0, 81)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_spectrum_is_that_of_smeared_masses(function: str) -> None:
    rng = np.random.default_rng(1)
    scale, smearings, size = 1.004, (0.015, 0.02), 2_000_000
    square = float(np.sum(np.square(smearings)))
    folded = fold(EDGES, EDGES, np.array([scale]), np.array([square]), function)
    mass, numbers = rng.normal(90, 2.2, size), rng.normal(size=(2, size))
    if function == "tails":
        # The Gaussians are those of pairs.
        numbers *= np.where(rng.random(size) < 0.1, 2.0, np.sqrt(2 / 3))
    assert numbers.std() == pytest.approx(1, abs=0.003)
    energies = [1 + smearing * number for smearing, number in zip(smearings, numbers, strict=True)]
    moved = np.histogram(mass * np.sqrt(energies[0] * energies[1]) / scale, EDGES)[0]
    expected = np.histogram(mass, EDGES)[0] @ folded.matrix[0]
    some = expected > 1000
    assert np.abs((moved - expected)[some] / np.sqrt(expected[some])).max() < 4.5
    # Variances agree within 0.2 %, much less than what bins of half a GeV would add.
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    variances = [np.average((middle - np.average(middle, weights=of)) ** 2, weights=of) for of in (moved, expected)]
    assert variances[1] == pytest.approx(variances[0], rel=0.003)


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
