"""Errors of expectations against toys and against fits in which simulation has explicit parameters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pocket.statistics.fits import fit
from pocket.statistics.impacts import rank_simulation
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel
from pocket.statistics.predictions import predict
from pocket.statistics.results import from_json, to_json
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
    covariance = 2 * np.linalg.inv(hessian)
    np.testing.assert_allclose(covariance[:count, :count], best.covariance, rtol=0.02, atol=1e-4)
    # and the impacts of the parameters of simulation are their covariances with r
    impacts = {impact.name: impact for impact in rank_simulation(best)}
    for at in range(bins):
        region, number = model.regions[at // 8].name, at % 8
        error = np.sqrt(covariance[count + at, count + at])
        impact = impacts[f"mc_{region}_bin{number}"]
        assert impact.errors == pytest.approx((error, error), rel=0.01)
        assert impact.effects["r"][1] == pytest.approx(covariance[0, count + at] / error, abs=1e-3)
        assert impact.value == pytest.approx(gaussian[at])


#: part of the errors that toys have, so that what isn't linear doesn't matter
SMALL = 0.1


@pytest.mark.parametrize("seed", range(3))
def test_yields_after_the_fit_are_the_spread_of_toys_of_the_covariance(seed: int) -> None:
    """The covariance of a likelihood in which each process has a parameter for its simulated events in each bin."""
    likelihood = Likelihood(models.simple(seed))
    best = fit(likelihood)
    count, shape = len(best.values), likelihood.arrays.nominal.shape
    data = likelihood.observations.data

    def expected(both: np.ndarray) -> np.ndarray:
        errors = np.sqrt(likelihood.simulation_variances(both[:count]))
        return np.asarray(likelihood.yields(both[:count]) + errors * both[count:].reshape(shape))

    def deviance(both: np.ndarray) -> float:
        total = expected(both).sum(axis=0)
        pulls = np.concatenate([both[likelihood.constrained], both[count:]])
        return float(2 * np.sum(total - data * np.log(total)) + pulls @ pulls)

    variances = likelihood.simulation_variances(best.values)
    parts = np.sqrt(variances / variances.sum(axis=0)) * likelihood.simulation(best.values)[0]
    point = np.concatenate([best.values, parts.ravel()])
    step = 1e-3 * np.eye(len(point))
    slopes = [(deviance(point + d) - deviance(point - d)) / 2e-3 for d in step]
    np.testing.assert_allclose(slopes, 0, atol=2e-3)
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
    # Toys are small, so that what isn't linear doesn't matter.
    covariance = SMALL**2 * 2 * np.linalg.inv(hessian)
    toys = np.random.default_rng(seed).multivariate_normal(point, covariance, size=4000)
    drawn = np.array([expected(both) for both in toys])
    for region, bins in zip(likelihood.model.regions, likelihood.arrays.slices(), strict=True):
        found = predict(best)[region.name]
        for row, process in enumerate(region.processes):
            value, error = found.yields[process]
            sums = drawn[:, likelihood.model.processes.index(process), bins]
            assert error == pytest.approx(sums.sum(axis=1).std() / SMALL, rel=0.05)
            assert value == pytest.approx(sums.sum(axis=1).mean(), abs=0.02 * error)
            np.testing.assert_allclose(found.errors[process], sums.std(axis=0) / SMALL, rtol=0.05)
            assert row < len(found.processes)
        totals = drawn[:, :, bins].sum(axis=(1, 2))
        assert found.yields["total"][1] == pytest.approx(totals.std() / SMALL, rel=0.05)


@pytest.mark.parametrize(
    "model", [models.realistic(), *(models.simple(seed, errors) for seed in range(3) for errors in (0.05, 0.4))]
)
def test_processes_add_up_to_the_total_after_the_fit(model: Model) -> None:
    likelihood = Likelihood(model)
    for prediction in predict(fit(likelihood)).values():
        added = sum(prediction.processes.values())
        np.testing.assert_allclose(added, prediction.total, rtol=1e-6, atol=1e-6)


def test_correlations_of_processes_count() -> None:
    for prediction in predict(fit(Likelihood(models.realistic()))).values():
        apart = np.sqrt(sum(error**2 for name, (_, error) in prediction.yields.items() if name != "total"))
        assert prediction.yields["total"][1] < 0.8 * apart


def test_without_errors_of_simulation_totals_are_the_spread_of_toys() -> None:
    model = models.realistic()
    regions = tuple(dataclasses.replace(region, mc_stat=None) for region in model.regions)
    likelihood = Likelihood(dataclasses.replace(model, regions=regions))
    best = fit(likelihood)
    toys = np.random.default_rng(8).multivariate_normal(best.values, SMALL**2 * best.covariance, size=6000)
    drawn = np.array([likelihood.yields(values).sum(axis=0) for values in toys])
    for region, bins in zip(likelihood.model.regions, likelihood.arrays.slices(), strict=True):
        value, error = predict(best)[region.name].yields["total"]
        assert error == pytest.approx(drawn[:, bins].sum(axis=1).std() / SMALL, rel=0.04)
        assert value == pytest.approx(drawn[:, bins].sum(axis=1).mean(), abs=0.1 * error)


def test_poisson_parameters_are_pulled_from_one() -> None:
    """A process that the data say nothing about keeps the error of its five simulated events, 1/√5."""
    region = RegionModel(
        "sr", ("many", "few"), np.array([[1e4], [5.0]]), np.array([[0.0], [5.0]]), data=np.array([10_005.0]),
        factors={"many": ("r",)}, mc_stat=McStat(10),
    )  # fmt: skip
    best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 5)})))
    (impact,) = rank_simulation(best)
    assert (impact.name, impact.measured) == ("mc_sr_bin0_few", 1.0)
    assert impact.prior == pytest.approx(5**-0.5)
    assert impact.value == pytest.approx(1.0)
    assert impact.pull == pytest.approx(0.0, abs=1e-6)
    assert impact.constraint == pytest.approx((1.0, 1.0), rel=1e-3)
    assert from_json(to_json(impact)) == impact


def test_pulls_of_simulation_are_in_units_of_the_error_before() -> None:
    """The profile of a factor x of n = 4 events in a bin of its own: the Poisson likelihood of data and of x."""
    events, data = 4.0, 9.0
    region = RegionModel(
        "sr", ("few",), np.array([[6.0]]), np.array([[6.0**2 / events]]), data=np.array([data]), mc_stat=McStat(10)
    )
    other = RegionModel("cr", ("z",), np.array([[50.0]]), np.zeros((1, 1)), np.array([50.0]), factors={"z": ("r",)})
    best = fit(Likelihood(Model((region, other), pois={"r": FreeParameter(0, 5)})))
    (impact,) = rank_simulation(best)
    # −2 ln L = 2 (6x − d ln 6x) + 2 (n x − n ln x) has its minimum at x = (d + n)/(6 + n), with second derivative
    # 2 (d + n)/x².
    x = (data + events) / (6 + events)
    assert impact.value == pytest.approx(x)
    assert impact.pull == pytest.approx((x - 1) * np.sqrt(events))
    assert impact.constraint[0] == pytest.approx(x / np.sqrt(data + events) * np.sqrt(events))


@pytest.mark.parametrize("seed", range(10))
def test_parameters_of_simulation_follow_the_others(seed: int) -> None:
    likelihood = Likelihood(models.random(seed))
    values = likelihood.parameters.start + np.random.default_rng(seed).normal(0, 0.2, len(likelihood.parameters.names))
    (gaussian, _), (poisson, free) = likelihood.simulation_derivatives(values)
    step = 1e-6 * np.eye(len(values))
    sides = [[likelihood.simulation(values + sign * d) for d in step] for sign in (1, -1)]
    for number, found in enumerate((gaussian, poisson)):
        numeric = [(up[number] - down[number]) / 2e-6 for up, down in zip(*sides, strict=True)]
        np.testing.assert_allclose(found, numeric, rtol=1e-5, atol=1e-5)
    assert np.all(free >= 0)


def test_each_parameter_of_simulation_has_an_impact() -> None:
    likelihood = Likelihood(models.realistic())
    found = rank_simulation(fit(likelihood))
    assert len(found) == likelihood.has_gaussian.sum() + (likelihood.simulation_events > 0).sum()
    sizes = [impact.size("r") for impact in found]
    assert sizes == sorted(sizes, reverse=True)


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
