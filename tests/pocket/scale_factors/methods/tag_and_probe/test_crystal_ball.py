from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate

from pocket.scale_factors.methods.tag_and_probe.crystal_ball import (
    CrystalBallSpectrum,
    Tails,
    crystal_ball,
    crystal_ball_spectrum,
)
from pocket.scale_factors.methods.tag_and_probe.declaration import Z_MASS, Z_WIDTH

EDGES = np.linspace(60, 120, 61)
TAILS = [Tails(1.2, 2.5, 1.8, 6.0), Tails(0.5, 1.2, 3.0, 30.0), Tails(2.5, 4.0, 0.8, 3.0)]


def resolution(t: float, tails: Tails) -> float:
    """The function in its usual form, (n/α)^n exp(−α²/2) (n/α − α + |t|)^−n."""
    alpha, n = (tails.alpha_low, tails.n_low) if t < 0 else (tails.alpha_high, tails.n_high)
    if abs(t) < alpha:
        return math.exp(-t * t / 2)
    return (n / alpha) ** n * math.exp(-alpha * alpha / 2) * (n / alpha - alpha + abs(t)) ** -n


@pytest.mark.parametrize("tails", TAILS)
def test_function(tails: Tails) -> None:
    t = np.linspace(-30, 30, 10_001)
    values, slopes = crystal_ball(t, tails)
    assert values == pytest.approx([resolution(each, tails) for each in t], rel=1e-12)
    # The derivative is continuous, also where the tails begin.
    differences = [(resolution(each + 1e-6, tails) - resolution(each - 1e-6, tails)) / 2e-6 for each in t]
    assert slopes == pytest.approx(differences, abs=1e-5)


@pytest.mark.parametrize("tails", TAILS)
@pytest.mark.parametrize(("shift", "sigma"), [(0.0, 1.5), (-0.7, 0.8), (1.3, 3.0)])
def test_spectrum_is_the_convolution(tails: Tails, shift: float, sigma: float) -> None:
    def density(mass: float) -> float:
        """The Breit–Wigner function at the mass before the displacement u, times the resolution at u."""

        def product(u: float) -> float:
            away = mass - u - Z_MASS
            return resolution((u - shift) / sigma, tails) / (away * away + Z_WIDTH**2 / 4)

        peaks = [shift - tails.alpha_low * sigma, shift, shift + tails.alpha_high * sigma, mass - Z_MASS]
        return float(integrate.quad(product, -50, 50, points=peaks, limit=200, epsrel=1e-8)[0])

    chosen = (2, 15, 25, 31, 33, 40, 57)
    # Each bin is integrated with three nodes, which suffices for a function that is smooth on the scale of a bin.
    nodes, weights = np.polynomial.legendre.leggauss(3)
    expected = np.array(
        [sum(w * density(EDGES[b] + 0.5 + x / 2) for x, w in zip(nodes, weights, strict=True)) for b in chosen]
    )
    found = CrystalBallSpectrum(EDGES, tails, 1.0)(shift, sigma)[list(chosen)]
    assert found / found[3] == pytest.approx(expected / expected[3], rel=2e-3)


def test_derivatives_are_differences() -> None:
    spectrum = CrystalBallSpectrum(EDGES, TAILS[0], 1.5)
    by_shift, by_sigma = spectrum.gradient(0.3, 1.4)
    step = 1e-4
    expected = (spectrum(0.3 + step, 1.4) - spectrum(0.3 - step, 1.4)) / (2 * step)
    assert by_shift == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())
    expected = (spectrum(0.3, 1.4 + step) - spectrum(0.3, 1.4 - step)) / (2 * step)
    assert by_sigma == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_tails_are_those_of_simulation(weight: float) -> None:
    true = CrystalBallSpectrum(EDGES, TAILS[0], 1.4)(-0.2, 1.4)
    events = 50_000
    simulated = np.random.default_rng(4).poisson(true / true.sum() * events) * weight
    fitted = crystal_ball_spectrum(simulated, weight, EDGES)
    assert fitted.sigma == pytest.approx(1.4, abs=0.1)
    # With the shift and the width of simulation it is the spectrum of simulation, within its statistics.
    found = fitted(-0.2, fitted.sigma)
    pulls = (found / found.sum() - true / true.sum()) * events / np.sqrt(true / true.sum() * events)
    assert np.sqrt(np.mean(pulls**2)) < 1
    assert np.abs(pulls).max() < 4


def test_negative_weights_in_simulation() -> None:
    true = CrystalBallSpectrum(EDGES, TAILS[0], 1.4)(0.0, 1.4)
    rng = np.random.default_rng(5)
    counts = rng.poisson(true / true.sum() * 20_000)
    contents = counts - 2.0 * rng.binomial(counts, 0.1)
    contents[0] = -1.0
    fitted = crystal_ball_spectrum(contents, 1 / 0.8, EDGES)(0.0, 1.4)
    assert fitted / fitted.sum() == pytest.approx(true / true.sum(), rel=0.25)
