from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, special

from pocket.scale_factors.methods.tag_and_probe.declaration import Z_MASS, Z_WIDTH
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import (
    Exponential,
    MassDependence,
    Quadratic,
    breit_wigner_spectrum,
    template_spectrum,
)

EDGES = np.linspace(60, 120, 61)


def voigt(edges: np.ndarray, shift: float, sigma: float) -> np.ndarray:
    """Breit-Wigner with a Gaussian resolution, integrated over bins and normalised to them."""
    fine = np.linspace(edges[0], edges[-1], 50 * (edges.size - 1) + 1)
    density = special.voigt_profile(fine - Z_MASS - shift, sigma, Z_WIDTH / 2)
    cumulative = integrate.cumulative_simpson(density, x=fine, initial=0)[::50]
    return np.asarray(np.diff(cumulative) / (cumulative[-1] - cumulative[0]))


@pytest.mark.parametrize(("shift", "sigma"), [(0, 0.15), (0.07, 0.3), (-1.2, 1.5), (2.5, 4)])
def test_smeared_breit_wigner_is_a_voigt_profile(shift: float, sigma: float) -> None:
    spectrum = breit_wigner_spectrum(EDGES)(shift, sigma)
    assert spectrum / spectrum.sum() == pytest.approx(voigt(EDGES, shift, sigma), rel=0.01)


@pytest.mark.parametrize(("shift", "sigma"), [(0, 0.15), (0.5, 0.8), (-1, 2)])
@pytest.mark.parametrize("window", [slice(0, 60), slice(6, 54)])
def test_smeared_template(shift: float, sigma: float, window: slice) -> None:
    template = voigt(EDGES, 0, 1.4) * 1000
    edges = EDGES[window.start : window.stop + 1]
    smeared = template_spectrum(template, 0.5, EDGES, edges)
    spectrum = smeared(shift, sigma)
    ratio = spectrum / spectrum.sum() / voigt(edges, shift, np.hypot(1.4, sigma))
    assert ratio[5:-5] == pytest.approx(np.ones(ratio.size - 10), abs=0.005)
    # Beyond the axis the template goes on flat, a little higher than the tail of the Z boson.
    assert ratio == pytest.approx(np.ones(ratio.size), abs=0.1)
    assert smeared.entries == pytest.approx(template[window].sum() / 0.5)


def test_smearing_averages_fluctuations() -> None:
    rng = np.random.default_rng(5)
    flat = 1000.0
    smeared = [template_spectrum(rng.poisson(flat, 60) + 0.0, 1, EDGES, EDGES)(0, 1.5)[10:50] for _ in range(300)]
    relative = np.var(smeared / np.mean(smeared), axis=0).mean() * flat
    spectrum = template_spectrum(np.full(60, flat), 1, EDGES, EDGES)
    assert relative == pytest.approx(spectrum.averaging(1.5), rel=0.1)
    assert spectrum.averaging(0.15) == 1


def test_mass_dependence_of_simulation() -> None:
    x = np.linspace(-1, 1, 60)
    efficiency = special.expit(2 + 0.8 * x - 0.5 * (2 * x**2 - 1))
    total = 1e5 * voigt(EDGES, 0, 1.4)
    rng = np.random.default_rng(6)
    passing = rng.binomial(total.astype(int), efficiency) * 0.5
    failing = total.astype(int) * 0.5 - passing
    dependence = MassDependence(passing, failing, 0.5)
    fitted = dependence(0, 0)
    assert fitted.sum(axis=0) == pytest.approx(np.ones(60))
    core = (EDGES[:-1] > 75) & (EDGES[:-1] < 105)
    assert fitted[0][core] == pytest.approx(efficiency[core], abs=0.02)
    # Logistic regression keeps the number that pass.
    assert np.sum(fitted[0] * (passing + failing)) == pytest.approx(passing.sum(), rel=1e-4)


def test_nuisances_of_the_mass_dependence_are_its_errors() -> None:
    x = np.linspace(-1, 1, 60)
    total = np.full(60, 100)
    rng = np.random.default_rng(7)
    ratios = []
    for _ in range(300):
        passing = rng.binomial(total, 0.8)
        centre = MassDependence(passing.astype(float), (total - passing).astype(float), 1.0)
        odds = special.logit([centre(*nuisance)[0] for nuisance in ((0, 0), (1, 0), (0, 1))])
        slope = odds @ x
        error = np.hypot(*(slope[1:] - slope[0]))
        ratios.append(slope[0] / error)
    assert np.mean(ratios) == pytest.approx(0, abs=0.2)
    assert np.std(ratios) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("background", [Exponential(EDGES), Quadratic(EDGES)])
def test_backgrounds(background: Exponential | Quadratic) -> None:
    start = background.start(500.0, 0.03)
    assert len(start) == len(background.names)
    shape = background(*start)
    assert shape.sum() == pytest.approx(500)
    assert (shape > 0).all()
    assert shape[0] / shape[-1] == pytest.approx(np.exp(0.03 * 59), rel=0.02 if len(start) == 2 else 0.2)


def test_exponential_bins_are_integrals() -> None:
    expected = np.diff(-np.exp(-0.03 * EDGES))
    assert Exponential(EDGES)(1.0, 0.03) == pytest.approx(expected / expected.sum())


def test_derivatives_are_differences() -> None:
    template = voigt(EDGES, 0, 1.4) * 1000
    dependence = MassDependence(0.9 * template + 1, 0.1 * template + 1, 1)
    shapes = [
        (template_spectrum(template, 1, EDGES, EDGES), (0.3, 0.7)),
        (breit_wigner_spectrum(EDGES), (-0.4, 1.6)),
        (Exponential(EDGES), (300.0, 0.04)),
        (Exponential(EDGES), (-20.0, -0.02)),
        (Quadratic(EDGES), (10.0, -3.0, 20.0)),
    ]
    for shape, values in shapes:
        expected = optimize.approx_fprime(values, lambda at, shape=shape: shape(*at), 1e-6).T
        scale = np.abs(expected).max(axis=1, keepdims=True)
        assert shape.gradient(*values) / scale == pytest.approx(expected / scale, abs=1e-4)
    expected = optimize.approx_fprime((0.5, -1.0), lambda at: dependence(*at)[0], 1e-6).T
    assert dependence.gradient(0.5, -1.0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [(0.1, np.nan), (np.nan, 0.5)])
def test_no_number_for_what_is_no_number(values: tuple[float, float]) -> None:
    """MINOS asks for such values, and what it is answered must be no warning."""
    spectrum = breit_wigner_spectrum(EDGES)
    assert np.isnan(spectrum(*values)).all()
