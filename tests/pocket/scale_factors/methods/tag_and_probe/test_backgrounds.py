"""Shapes of the background against formulas, and in pseudo-data that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import interpolate, optimize

from pocket.base.typing import Floats
from pocket.scale_factors import TagAndProbeFit
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.methods.tag_and_probe.fit import BACKGROUND_SHAPES
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import Bernstein, PowerLaw
from tests.pocket.scale_factors import toys

EDGES = np.linspace(60, 120, 61)
CENTRES = (EDGES[:-1] + EDGES[1:]) / 2
COEFFICIENTS = (0.2, 1.0, 1.6, 0.1)


@given(st.sampled_from(sorted(BACKGROUND_SHAPES)), st.floats(1, 1e5), st.floats(-0.1, 0.1))
def test_shapes_are_normalised_and_not_negative(name: str, total: float, slope: float) -> None:
    background = BACKGROUND_SHAPES[name](EDGES)
    values = background.start(total, slope)
    shape = background(*values)
    assert shape.sum() == pytest.approx(total)
    assert (shape >= 0).all()
    assert all(
        low <= dict(zip(background.names, values, strict=True))[key] <= high
        for key, (low, high) in background.limits.items()
    )


@given(st.tuples(*(st.floats(-10, 10) for _ in range(3))))
def test_coefficients_of_any_size_are_positive(logarithms: tuple[float, ...]) -> None:
    shape = Bernstein(EDGES)(50.0, *logarithms)
    assert (shape >= 0).all()
    assert shape.sum() == pytest.approx(50)
    polynomial = interpolate.BPoly(np.exp([0.0, *logarithms])[:, np.newaxis], [60, 120])(CENTRES)
    assert shape == pytest.approx(50 * polynomial / polynomial.sum())


@pytest.mark.parametrize("power", [-3.0, 0.0, 2.5, 12.0])
def test_power_law(power: float) -> None:
    falling = CENTRES**-power
    assert PowerLaw(EDGES)(-20.0, power) == pytest.approx(-20 * falling / falling.sum())


@pytest.mark.parametrize(
    ("background", "values"),
    [
        (Bernstein(EDGES), (300.0, 0.4, -1.2, 2.0)),
        (Bernstein(EDGES), (-9.0, -3.0, 0.5, 0.0)),
        (PowerLaw(EDGES), (300, 4)),
    ],
)
def test_derivatives(background: Bernstein | PowerLaw, values: tuple[float, ...]) -> None:
    expected = optimize.approx_fprime(values, lambda at: background(*at), 1e-6).T
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert background.gradient(*values) / scale == pytest.approx(expected / scale, abs=1e-4)


def power_masses(rng: np.random.Generator, size: int, _slope: float) -> Floats:
    """Masses whose density falls like m**-4."""
    low, high = 60.0**-3, 120.0**-3
    return np.asarray((low + rng.random(size) * (high - low)) ** (-1 / 3))


def bernstein_masses(rng: np.random.Generator, size: int, _slope: float) -> Floats:
    """Masses with a hump below the peak of the Z boson."""
    polynomial = interpolate.BPoly(np.array(COEFFICIENTS)[:, np.newaxis], [60, 120]).antiderivative()
    fine = np.linspace(60, 120, 2001)
    return np.interp(rng.random(size) * polynomial(120), polynomial(fine), fine)


def pulls(background: str, masses: Callable[..., Floats], seeds: int = 20) -> Floats:
    declared: dict[str, Any] = {**toys.DECLARED, "mass_range": (60, 120), "background": background}
    declaration = TagAndProbeFit(**declared, alternative_fits=())
    found = []
    for seed in range(seeds):
        histograms = toys.tag_and_probe(seed, pairs=4000, simulated=16_000, background=(0.2, 1.5), shape=masses)
        value = measure("sf", declaration, histograms).scale_factor
        difference = value.value - toys.SCALE_FACTOR
        found.append(difference / np.where(difference > 0, value.down, value.up))
    return np.array(found)


@pytest.mark.parametrize(("name", "masses"), [("power_law", power_masses), ("bernstein", bernstein_masses)])
def test_pseudo_data_with_a_shape_have_pulls_of_width_one(name: str, masses: Callable[..., Floats]) -> None:
    found = pulls(name, masses)
    # 120 pulls know their width to 0.065, and their mean to 0.09.
    assert abs(found.mean()) < 0.3
    assert 0.8 < found.std() < 1.2


def test_pseudo_data_with_another_shape_have_wrong_ones() -> None:
    found = pulls("exponential", bernstein_masses, seeds=4)
    assert abs(found.mean()) > 0.5
