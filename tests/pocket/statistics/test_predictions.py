"""Errors of expectations against toys and against fits in which simulation has explicit parameters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pocket.statistics.fits import fit
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import McStat, Model
from pocket.statistics.predictions import predict
from tests.pocket.statistics import models


def one_parameter_per_bin(model: Model) -> Model:
    """Return the model with a Gaussian parameter in each bin."""
    regions = tuple(dataclasses.replace(region, mc_stat=McStat(0, include_signal=True)) for region in model.regions)
    return dataclasses.replace(model, regions=regions)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("frozen", [False, True])
def test_derivatives_agree_with_numeric_ones(seed: int, frozen: bool) -> None:
    likelihood = Likelihood(models.random(seed))
    values = likelihood.parameters.start + np.random.default_rng(seed).normal(0, 0.2, len(likelihood.parameters.names))
    if frozen:
        likelihood = likelihood.with_simulation_frozen(values)
    step = 1e-6 * np.eye(len(values))
    _, found, rest = likelihood.total_derivatives(values)
    numeric = [
        (likelihood.fitted_expectation(values + d) - likelihood.fitted_expectation(values - d)) / 2e-6 for d in step
    ]
    np.testing.assert_allclose(found, numeric, rtol=1e-5, atol=1e-4)
    assert rest.any() != frozen
    by_process = [(likelihood.yields(values + d) - likelihood.yields(values - d)) / 2e-6 for d in step]
    np.testing.assert_allclose(likelihood.yield_derivatives(values), by_process, rtol=1e-5, atol=1e-5)


def test_errors_before_the_fit_are_the_spread_of_toys() -> None:
    model = one_parameter_per_bin(models.realistic())
    likelihood = Likelihood(model)
    found = predict(likelihood)
    rng = np.random.default_rng(5)
    start, drawn = likelihood.parameters.start, []
    for _ in range(4000):
        values = start.copy()
        values[likelihood.constrained] = rng.normal(size=len(likelihood.constrained))
        gaussian = rng.normal(size=likelihood.arrays.nominal.shape[1])
        drawn.append(likelihood.simulated_expectation(values, gaussian, np.ones(likelihood.arrays.nominal.shape)))
    covariance = np.cov(np.array(drawn).T)
    for region, bins in zip(model.regions, likelihood.arrays.slices(), strict=True):
        prediction = found[region.name]
        np.testing.assert_allclose(prediction.total_errors, np.sqrt(np.diag(covariance))[bins], rtol=0.06)
        assert prediction.yields["total"][1] == pytest.approx(np.sqrt(covariance[bins, bins].sum()), rel=0.06)
        np.testing.assert_allclose(prediction.total, sum(prediction.processes.values()))


def test_errors_after_the_fit_are_those_of_explicit_parameters() -> None:
    """The covariance of all parameters, with those of simulation, propagated to the expectation."""
    model = one_parameter_per_bin(models.realistic())
    likelihood = Likelihood(model)
    best = fit(likelihood)
    count, bins = len(best.values), likelihood.arrays.nominal.shape[1]
    gaussian, poisson = likelihood.simulation(best.values)
    data = likelihood.observations.data

    def total(both: np.ndarray) -> np.ndarray:
        return likelihood.simulated_expectation(both[:count], both[count:], poisson)

    def deviance(both: np.ndarray) -> float:
        expected = total(both)
        pulls = np.concatenate([both[likelihood.constrained], both[count:]])
        return float(2 * np.sum(expected - data * np.log(expected)) + pulls @ pulls)

    point = np.concatenate([best.values, gaussian])
    step = 1e-3 * np.eye(len(point))
    hessian = np.array(
        [
            [
                (deviance(point + a + b) - deviance(point + a - b) - deviance(point - a + b) + deviance(point - a - b))
                / 4e-6
                for b in step
            ]
            for a in step
        ]
    )
    derivatives = np.array([(total(point + d) - total(point - d)) / 2e-3 for d in step])
    expected = derivatives.T @ (2 * np.linalg.inv(hessian)) @ derivatives
    found = predict(best)
    for region, where in zip(model.regions, likelihood.arrays.slices(), strict=True):
        prediction = found[region.name]
        scale = np.outer(prediction.total_errors, prediction.total_errors)
        np.testing.assert_allclose(prediction.covariance / scale, expected[where, where] / scale, atol=0.01)
    assert bins == len(data)
    np.testing.assert_allclose(2 * np.linalg.inv(hessian)[:count, :count], best.covariance, rtol=0.02, atol=1e-4)


def test_errors_shrink_with_the_data() -> None:
    likelihood = Likelihood(models.realistic())
    best = fit(likelihood)
    before, after = predict(likelihood), predict(best)
    assert after["cr"].yields["total"][1] < before["cr"].yields["total"][1]
    assert after["cr"].yields["wjets"][1] > 0
    assert list(after["cr"].yields) == ["signal", "ttbar", "wjets", "other", "total"]
    np.testing.assert_allclose(after["cr"].data, likelihood.model.region("cr").data)
    blind = predict(likelihood.observing(likelihood.observations))
    assert blind["sr1"].total.tolist() == before["sr1"].total.tolist()


def test_blind_regions_have_no_data() -> None:
    model = models.realistic()
    observed = Likelihood(model).observations
    found = predict(Likelihood(model.without_data(["sr1"]), observed))
    assert found["sr1"].data is None
    assert found["cr"].data is not None
