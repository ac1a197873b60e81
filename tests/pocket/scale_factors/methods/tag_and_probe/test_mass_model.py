from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from pocket.scale_factors.methods.tag_and_probe.cms_shape import CMSShape
from pocket.scale_factors.methods.tag_and_probe.crystal_ball import CrystalBallSpectrum, Tails
from pocket.scale_factors.methods.tag_and_probe.fit import BACKGROUND_SHAPES
from pocket.scale_factors.methods.tag_and_probe.mass_model import PassFailModel, poisson_chi2, template_chi2
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import (
    Exponential,
    MassDependence,
    Quadratic,
    template_spectrum,
)
from tests.pocket.scale_factors.methods.tag_and_probe.test_cms_shape import density
from tests.pocket.scale_factors.methods.tag_and_probe.test_mass_shapes import EDGES, voigt


def test_yields_of_the_model() -> None:
    template = voigt(EDGES, 0, 1.4) * 1000
    model = PassFailModel(
        np.ones((2, 60)),
        EDGES,
        template_spectrum(template, 1, EDGES, EDGES),
        MassDependence(0.9 * template, 0.1 * template, 1),
        Quadratic(EDGES),
    )
    signal, background = model.components(1000, 0.7, 0.3, 1.0, 2.0, -1.0, 1, 2, 3, 4, 5, 6)
    assert signal.sum(axis=1) == pytest.approx([700, 300])
    assert background.sum(axis=1) == pytest.approx([6, 15])
    assert model.names[6:9] == ("background_low_pass", "background_middle_pass", "background_high_pass")
    assert len(model.start()) == len(model.names) == 12


@pytest.mark.parametrize("background", BACKGROUND_SHAPES.values())
@pytest.mark.parametrize("seed", range(3))
def test_gradient_against_differences(background: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    template = voigt(EDGES, 0, 1.4) * 1000
    counts = rng.poisson([900 * template / 1000 + 2, 100 * template / 1000 + 1]).astype(float)
    dependence = MassDependence(0.9 * template + 1, 0.1 * template + 1, 1)
    model = PassFailModel(counts, EDGES, template_spectrum(template, 1, EDGES, EDGES), dependence, background(EDGES))
    values = np.array(model.start()) * rng.uniform(0.9, 1.1, len(model.names))
    values[2:6] = (0.2, 0.8, *rng.normal(0, 1, 2))
    for number, slope in enumerate(model.gradient(*values)):
        step = np.zeros_like(values)
        step[number] = 1e-5 * max(1.0, abs(values[number]))
        difference = (model(*(values + step)) - model(*(values - step))) / (2 * step[number])
        assert slope == pytest.approx(difference, rel=1e-5, abs=1e-5), model.names[number]


def test_curvature_against_differences() -> None:
    """Data that are as expected leave no terms with second derivatives of the expectation."""
    template = voigt(EDGES, 0, 1.4) * 1000
    dependence = MassDependence(0.9 * template + 1, 0.1 * template + 1, 1)
    spectrum = template_spectrum(template, 1, EDGES, EDGES)
    values = np.array([900.0, 0.9, 0.2, 0.8, 0.0, 0.0, 50.0, 65.0, 0.05, 0.0, 30.0, 65.0, 0.05, 0.0])
    expected = np.sum(
        PassFailModel(np.ones((2, 60)), EDGES, spectrum, dependence, CMSShape(EDGES)).components(*values), axis=0
    )
    model = PassFailModel(expected, EDGES, spectrum, dependence, CMSShape(EDGES))
    for number, curvature in enumerate(model.curvature(*values)):
        step = np.zeros_like(values)
        step[number] = 1e-5 * max(1.0, abs(values[number]))
        difference = (model.gradient(*(values + step)) - model.gradient(*(values - step)))[number] / (2 * step[number])
        assert curvature == pytest.approx(difference, rel=1e-4), model.names[number]


@pytest.mark.parametrize("background", [Exponential, Quadratic, CMSShape])
def test_earlier_calls_change_nothing(background: Any) -> None:
    rng = np.random.default_rng(4)
    template = voigt(EDGES, 0, 1.4) * 1000
    counts = rng.poisson([900 * template / 1000 + 2, 100 * template / 1000 + 1]).astype(float)
    dependence = MassDependence(0.9 * template + 1, 0.1 * template + 1, 1)

    def make() -> PassFailModel:
        return PassFailModel(counts, EDGES, template_spectrum(template, 1, EDGES, EDGES), dependence, background(EDGES))

    used, values = make(), np.array(make().start())
    for number in (*range(len(values)), *range(len(values))):
        values[number] += 0.01 * (1 + rng.random())
        assert used(*values) == make()(*values)
        assert np.array_equal(used.gradient(*values), make().gradient(*values))
        for part in used.components(*values):
            part[:] = np.nan


@pytest.mark.parametrize("analytic", [False, True])
def test_likelihood_against_a_plain_loop(analytic: bool) -> None:
    """The likelihood of electrons, written out bin by bin."""
    rng = np.random.default_rng(11)
    template = rng.poisson(voigt(EDGES, 0, 1.4) * 20_000).astype(float)
    spectrum = (
        CrystalBallSpectrum(EDGES, Tails(1.2, 2.5, 1.8, 6.0), 1.5)
        if analytic
        else template_spectrum(template, 1, EDGES, EDGES)
    )
    counts = rng.poisson([0.3 * template + 5, 0.05 * template + 9]).astype(float)
    dependence = MassDependence(0.9 * template + 1, 0.1 * template + 1, 1)
    model = PassFailModel(counts, EDGES, spectrum, dependence, CMSShape(EDGES))
    total, efficiency, shift, sigma, linear, quadratic = 6000.0, 0.87, 0.2, 0.9, 0.3, -0.4
    backgrounds = [(300.0, 66.0, 0.07, 0.03), (550.0, 62.0, 0.05, 0.04)]
    shapes, odds = spectrum(shift, sigma), dependence(linear, quadratic)
    expected = linear**2 + quadratic**2
    for region, (size, alpha, beta, gamma) in enumerate(backgrounds):
        share = efficiency if region == 0 else 1 - efficiency
        signals = [shapes[b] * odds[region][b] for b in range(60)]
        turn_on = (alpha, beta, gamma)
        falls = [integrate.quad(density, EDGES[b], EDGES[b + 1], args=turn_on, epsrel=1e-12)[0] for b in range(60)]
        for b in range(60):
            mu = total * share * signals[b] / sum(signals) + size * falls[b] / sum(falls)
            n = counts[region][b]
            expected += 2 * (mu - n + (n * math.log(n / mu) if n else 0))
        expected += ((alpha - 65) / 15) ** 2 + ((beta - 0.05) / 0.03) ** 2 + (gamma / 0.05) ** 2
    values = (total, efficiency, shift, sigma, linear, quadratic, *backgrounds[0], *backgrounds[1])
    assert model(*values) == pytest.approx(expected, rel=1e-8)
    assert len(values) == len(model.names) == 14
    # Two nuisances and two parameters of each background are constrained.
    assert model.ndf == 120 - 14 + 2 + 4
    assert set(model.limits) == {
        f"{name}_{region}" for name in ("alpha", "beta", "gamma") for region in ("pass", "fail")
    }


def test_gradient_where_nothing_can_be_expected() -> None:
    template = voigt(EDGES, 0, 1.4) * 1000
    dependence = MassDependence(0.9 * template, 0.1 * template, 1)
    model = PassFailModel(
        np.ones((2, 60)), EDGES, template_spectrum(template, 1, EDGES, EDGES), dependence, Exponential(EDGES)
    )
    # the background is below zero by more than the signal, and a likelihood that is held there doesn't move with it
    slopes = model.gradient(10.0, 0.9, 0.0, 0.5, 0.0, 0.0, -1e4, 0.0, -1e4, 0.0)
    assert slopes.tolist() == [0.0] * 10


numbers = st.integers(0, 50)


@given(st.lists(st.tuples(numbers, st.floats(0.1, 60)), min_size=1, max_size=5))
@settings(max_examples=30)
def test_poisson_chi2(pairs: list[tuple[int, float]]) -> None:
    n, mu = np.array(pairs).T
    expected = 2 * np.sum(stats.poisson.logpmf(n, np.maximum(n, 1e-12)) - stats.poisson.logpmf(n, mu))
    assert poisson_chi2(n, mu) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "mu", "variance"), [(12, 9.0, 4.0), (0, 3.0, 1.0), (5, 8.0, 20.0), (40, 30.0, 0.01)])
def test_template_chi2_is_that_of_a_fitted_expectation(n: int, mu: float, variance: float) -> None:
    k = mu**2 / variance

    def cost(beta: float) -> float:
        return poisson_chi2(np.array(n), np.array(mu * beta)) + poisson_chi2(np.array(k), np.array(k * beta))

    best = optimize.minimize_scalar(cost, bounds=(1e-3, 20), method="bounded", options={"xatol": 1e-9}).fun
    assert template_chi2(np.array(n), np.array(mu), np.array(variance)) == pytest.approx(best, abs=1e-6)


def test_template_chi2_without_variance_is_poisson() -> None:
    n, mu = np.array([3.0, 0.0, 9.0]), np.array([5.0, 2.0, 7.0])
    assert template_chi2(n, mu, np.zeros(3)) == pytest.approx(poisson_chi2(n, mu), abs=1e-5)
