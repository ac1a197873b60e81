from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from pocket.scale_factors.methods.tag_and_probe.cms_shape import CMSShape

EDGES = np.linspace(60, 120, 61)
#: turn-ons below, at and inside of the fitted masses; flat, falling and rising
VALUES = [(58.0, 0.05, 0.03), (65.0, 0.08, 0.04), (85.0, 0.3, 0.1), (40.0, 0.01, -0.05), (100.0, 0.15, 0.0)]


def density(mass: float, alpha: float, beta: float, gamma: float) -> float:
    return math.erfc((alpha - mass) * beta) * math.exp(-gamma * mass)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("edges", [EDGES, np.linspace(70, 115, 31)])
def test_bins_are_integrals(values: tuple[float, float, float], edges: Any) -> None:
    parts = [
        integrate.quad(density, low, high, args=values, epsabs=0, epsrel=1e-12)[0]
        for low, high in itertools.pairwise(edges)
    ]
    expected = 500 * np.array(parts) / sum(parts)
    assert CMSShape(edges)(500.0, *values) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("total", [300.0, -20.0])
def test_derivatives_are_differences(total: float, values: tuple[float, float, float]) -> None:
    shape, at = CMSShape(EDGES), np.array([total, *values])
    found = shape.gradient(*at)
    for number, step in enumerate((1e-3, 1e-4, 1e-6, 1e-6)):
        move = np.zeros(4)
        move[number] = step
        expected = (shape(*(at + move)) - shape(*(at - move))) / (2 * step)
        assert found[number] == pytest.approx(expected, rel=1e-5, abs=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.03, 2.0])
def test_start_is_within_the_limits(slope: float) -> None:
    shape = CMSShape(EDGES)
    start = dict(zip(shape.names, shape.start(700.0, slope), strict=True))
    assert start["background"] == 700
    assert all(low < start[name] < high for name, (low, high) in shape.limits.items())
    # The turn-on and its steepness begin where their constraints have their centre.
    assert [*start.values()][1:3] == [centre for centre, _ in shape.constraints[1:3]]


def test_positive_everywhere_within_the_limits() -> None:
    shape, rng = CMSShape(EDGES), np.random.default_rng(3)
    corners = np.array([*shape.limits.values()])
    for fractions in rng.integers(0, 2, (20, 3)):
        values = corners[np.arange(3), fractions]
        found = shape(100.0, *values)
        assert (found > 0).all()
        assert found.sum() == pytest.approx(100)
        assert np.isfinite(shape.gradient(100.0, *values)).all()
