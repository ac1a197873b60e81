"""The double-sided Crystal Ball function against another implementation and a numerical integral."""

from __future__ import annotations

import numpy as np
from coffea.lookup_tools.doublecrystalball import doublecrystalball
from scipy.integrate import quad

from pocket.calibrators.crystal_ball import CrystalBall


def test_inverse_agrees_with_coffea() -> None:
    rng = np.random.default_rng(1)
    mean, width = rng.normal(0, 0.3, 10_000), rng.uniform(0.5, 2, 10_000)
    tail, power = rng.uniform(0.8, 3, 10_000), rng.uniform(1.5, 60, 10_000)
    probability = rng.uniform(1e-9, 1 - 1e-9, 10_000)
    ball = CrystalBall(mean, width, tail, power, pi=np.pi)
    values = ball.inverse(probability)
    expected = doublecrystalball.ppf(probability, tail, tail, power, power, mean, width)
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ball.cumulative(values), probability, rtol=1e-9)


def test_cumulative_is_the_integral_of_the_density() -> None:
    tail, power = 1.5, 4.0

    def density(x: float) -> float:
        if abs(x) < tail:
            return float(np.exp(-x * x / 2))
        return float((power / tail) ** power * np.exp(-tail * tail / 2) / (power / tail - tail + abs(x)) ** power)

    whole = 2 * (quad(density, 0, tail)[0] + quad(density, tail, np.inf)[0])
    ball = CrystalBall(np.zeros(3), np.ones(3), np.full(3, tail), np.full(3, power), pi=np.pi)
    below = quad(density, -np.inf, -tail)[0]
    expected = [quad(density, -np.inf, -2)[0], below + quad(density, -tail, 0.5)[0], whole - below]
    np.testing.assert_allclose(ball.cumulative(np.array([-2, 0.5, tail])), np.array(expected) / whole, rtol=1e-7)


def test_no_distribution_gives_no_number() -> None:
    nothing = np.zeros(1)
    assert np.isnan(CrystalBall(nothing, nothing, nothing, nothing).inverse(np.array([0.4]))).all()
