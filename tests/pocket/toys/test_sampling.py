from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from pocket.toys.config import Resonance
from pocket.toys.sampling import (
    breit_wigner,
    continuum_mass,
    momenta,
    one_plus_cos_squared,
    rapidity,
    transverse_momentum,
    two_body_decay,
)
from tests.pocket.toys.helpers import assert_mean

N = 20_000
Z = Resonance(91.19, 2.495, (50.0, 1000.0))


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_breit_wigner(rng):
    cauchy = stats.cauchy(Z.mass, Z.width / 2)
    low, high = cauchy.cdf(Z.mass_range)
    masses = breit_wigner(rng, N, Z)
    assert masses.min() >= 50
    assert stats.kstest(masses, lambda m: (cauchy.cdf(m) - low) / (high - low)).pvalue > 1e-3


def test_continuum(rng):
    masses = continuum_mass(rng, N, (50.0, 1000.0))
    assert stats.kstest(masses, lambda m: (1 - (50 / m) ** 2) / (1 - 0.05**2)).pvalue > 1e-3


@pytest.mark.parametrize(("scale", "exponent"), [(11.0, 2.0), (240.0, 4.0)])
def test_transverse_momentum(rng, scale, exponent):
    def cdf(pt):
        return 1 - (1 + (pt / scale) ** 2) ** (1 - exponent)

    pt = transverse_momentum(rng, N, scale, exponent)
    assert pt.max() <= 1000
    assert stats.kstest(pt, lambda x: cdf(x) / cdf(1000.0)).pvalue > 1e-3


def test_transverse_momentum_with_slope(rng):
    slope, edges = 0.5, np.array([0, 10, 20, 40, 80, 160.0])
    flat, sloped = (np.histogram(transverse_momentum(rng, 50 * N, 11.0, 2.0, s), edges)[0] for s in (0.0, slope))
    expected = []
    for low, high in itertools.pairwise(edges):
        pt = np.linspace(low, high, 1001)
        expected.append(np.average(1 + slope * pt / 100, weights=pt * (1 + (pt / 11) ** 2) ** -2))
    ratio = sloped / flat
    np.testing.assert_allclose(ratio / ratio[0], np.array(expected) / expected[0], rtol=0.03)


def test_rapidity_is_symmetric_with_a_plateau(rng):
    y = rapidity(rng, N)
    assert_mean(y, 0)
    inner, outer = np.histogram(np.abs(y), [0, 0.8, 1.6])[0] / N
    assert outer == pytest.approx(inner, rel=0.05)
    assert np.mean(np.abs(y) > 4.5) < 0.01


def test_one_plus_cos_squared(rng):
    cosine = one_plus_cos_squared(rng, N)
    assert stats.kstest(cosine, lambda x: (x**3 + 3 * x + 4) / 8).pvalue > 1e-3


def test_momenta(rng):
    pt, phi, y, mass = rng.exponential(20, 100), rng.uniform(-3, 3, 100), rng.normal(size=100), rng.uniform(0, 90, 100)
    p4 = momenta(pt, phi, y, mass)
    np.testing.assert_allclose(p4.pt, pt)
    np.testing.assert_allclose(p4.phi, phi)
    np.testing.assert_allclose(p4.rapidity, y)
    np.testing.assert_allclose(p4.mass, mass, atol=1e-4)


def test_two_body_decay(rng):
    n = 2000
    parent = momenta(rng.exponential(20, n), rng.uniform(-3, 3, n), rng.normal(size=n), rng.uniform(60, 120, n))
    cosine = rng.uniform(-1, 1, n)
    first, second = two_body_decay(rng, parent, (4.8, 0.10566), cosine)
    total = first + second
    for component in ("px", "py", "pz", "E"):
        np.testing.assert_allclose(getattr(total, component), getattr(parent, component), atol=1e-9)
    np.testing.assert_allclose(first.mass, 4.8, rtol=1e-6)
    np.testing.assert_allclose(second.mass, 0.10566, rtol=1e-2)
    at_rest = first.boostCM_of_p4(parent)
    np.testing.assert_allclose(at_rest.pz / at_rest.p, cosine, atol=1e-6)
    assert stats.kstest(at_rest.phi, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
