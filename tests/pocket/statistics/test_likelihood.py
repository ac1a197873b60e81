"""Expectation, deviance and derivatives against loops, numeric derivatives and closed forms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import PocketError
from pocket.statistics.interpolation import morphing_weights, norm_weights, smooth_step
from pocket.statistics.likelihood import Likelihood, Observations
from pocket.statistics.mc_statistics import BAND, FLOOR, PoissonTerms, profile
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel
from pocket.statistics.tensors import poisson_processes, tensors
from tests.pocket.statistics import models, slow_loops

STEP = 1e-5


def point(likelihood: Likelihood, seed: int, width: float = 0.8) -> np.ndarray:
    """Return values of all parameters at random, inside of their ranges."""
    rng = np.random.default_rng(seed)
    parameters = likelihood.parameters
    values = parameters.start + rng.normal(0, width, len(parameters.names))
    values[parameters.index("c")] = rng.uniform(0.6, 1.5)
    values[parameters.index("norm")] = rng.uniform(0.3, 2)
    return np.clip(values, parameters.low, parameters.high)


def fluctuating(likelihood: Likelihood, seed: int) -> Likelihood:
    """Return the likelihood with auxiliary measurements at random, and no data in some bins."""
    rng = np.random.default_rng(seed)
    observed = likelihood.observations
    return likelihood.observing(
        Observations(
            data=observed.data * (rng.random(len(observed.data)) < 0.8),
            nuisances=rng.normal(size=len(observed.nuisances)),
            gaussian=rng.normal(size=len(observed.gaussian)) * likelihood.has_gaussian,
            poisson=rng.poisson(observed.poisson).astype(float),
        )
    )


def with_logarithms(model: Model) -> Model:
    """Return a model in which logarithms of the templates of two processes are interpolated."""

    def changed(region: RegionModel) -> RegionModel:
        names = tuple(name for name in ("second", "wjets") if name in region.processes)
        return dataclasses.replace(region, logarithmic=names)

    return dataclasses.replace(model, regions=tuple(map(changed, model.regions)))


@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["expected", "measured", "frozen"]), logarithmic=st.booleans())
@settings(max_examples=60)
def test_derivatives_agree_with_numeric_ones(seed: int, kind: str, logarithmic: bool) -> None:
    model = models.random(seed)
    likelihood = Likelihood(with_logarithms(model) if logarithmic else model)
    if kind != "expected":
        likelihood = fluctuating(likelihood, seed)
    values = point(likelihood, seed, 0.3)
    # Templates are cut off at 0, where no derivative is.
    if np.any((likelihood.yields(values) == 0) & (likelihood.arrays.nominal > 0)):
        return
    if kind == "frozen":
        likelihood = likelihood.with_simulation_frozen(values + 0.1)
    units = np.eye(len(values)) * STEP
    gradient, hessian = likelihood.gradient(values), likelihood.hessian(values)
    numeric = [(likelihood.deviance(values + d) - likelihood.deviance(values - d)) / (2 * STEP) for d in units]
    numeric_hessian = [(likelihood.gradient(values + d) - likelihood.gradient(values - d)) / (2 * STEP) for d in units]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6 * (1 + np.abs(gradient).max()))
    np.testing.assert_allclose(hessian, numeric_hessian, rtol=1e-5, atol=1e-6 * (1 + np.abs(hessian).max()))


@pytest.mark.parametrize("seed", range(12))
def test_expectation_agrees_with_loops(seed: int) -> None:
    model = dataclasses.replace(models.random(seed), smallest_norm=1e-3 * (seed % 2))
    likelihood = Likelihood(model)
    values = point(likelihood, seed)
    by_name = dict(zip(model.parameters, values.tolist(), strict=True))
    found = likelihood.yields(values)
    first = 0
    for region in model.regions:
        for row, process in enumerate(model.processes):
            expected = [0.0] * region.bins
            if process in region.processes:
                expected, _ = slow_loops.process_yields(model, region, process, by_name)
            np.testing.assert_allclose(found[row, first : first + region.bins], expected, rtol=1e-12, atol=1e-12)
        first += region.bins


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("measured", [False, True])
def test_deviance_agrees_with_loops(seed: int, measured: bool) -> None:
    model = models.random(seed)
    likelihood = Likelihood(model)
    if measured:
        likelihood = fluctuating(likelihood, seed)
    values = point(likelihood, seed, 0.5)
    values = np.where(np.isfinite(likelihood.parameters.low), np.abs(values), values)
    by_name = dict(zip(model.parameters, values.tolist(), strict=True))
    expected = slow_loops.deviance(model, by_name, likelihood.observations)
    assert likelihood.deviance(values) == pytest.approx(expected, rel=2e-6, abs=1e-6)


def test_smooth_steps_are_continuous_and_end_at_the_variations() -> None:
    for function in (smooth_step, morphing_weights, norm_weights):
        x = np.linspace(-2, 2, 4001)
        value, first, second = function(x)
        np.testing.assert_allclose(np.gradient(value, x)[1:-1], first[1:-1], atol=1e-5)
        np.testing.assert_allclose(np.gradient(first, x)[1:-1], second[1:-1], atol=0.02)
    theta = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(morphing_weights(theta)[0][[0, 2, 4]], [1, 0, 1])
    np.testing.assert_allclose(norm_weights(theta)[0], [1, 0.5, 0, 0.5, 1])


def test_templates_reach_their_variations() -> None:
    model = models.random(3)
    likelihood = Likelihood(dataclasses.replace(model))
    for sign, number in ((1, 0), (-1, 1)):
        values = likelihood.parameters.start.copy()
        values[likelihood.parameters.index("jes")] = sign
        found = likelihood.yields(values)
        first = 0
        for region in model.regions:
            for process, pair in region.shapes.get("jes", {}).items():
                if process == "wjets":
                    continue  # a formula multiplies it
                row = model.processes.index(process)
                np.testing.assert_allclose(found[row, first : first + region.bins], pair[number], rtol=1e-12)
            first += region.bins


def test_small_norms_are_dropped_as_combine_does() -> None:
    nominal = np.array([[100.0, 100.0]])
    shapes = {"small": {"s": (nominal[0] * 1.0009, nominal[0] * 0.9995)}}
    region = RegionModel("sr", ("s",), nominal, 0 * nominal, nominal[0], np.arange(3.0), shapes, factors={"s": ("r",)})
    model = Model((region,), {"r": FreeParameter(0, 5)}, ("small",))
    values = np.array([1.0, 1.0])
    assert Likelihood(model).expectation(values).tolist() == [100.0, 100.0]
    kept = Likelihood(dataclasses.replace(model, smallest_norm=0.0))
    np.testing.assert_allclose(kept.expectation(values), [100.09, 100.09])


@given(seed=st.integers(0, 10**6))
def test_profiled_parameters_are_where_the_deviance_is_smallest(seed: int) -> None:
    likelihood = fluctuating(Likelihood(models.random(seed)), seed)
    values = point(likelihood, seed, 0.2)
    values = np.where(np.isfinite(likelihood.parameters.low), np.abs(values), values)
    gaussian, poisson = likelihood.simulation(values)
    total = likelihood.simulated_expectation(values, gaussian, poisson)
    fitted = likelihood.fitted_expectation(values)
    # A bin without data may have Poisson parameters that are fitted with nearly none.
    np.testing.assert_allclose(total, fitted, rtol=1e-9, atol=1e-6)
    frozen = likelihood.with_simulation_frozen(values)
    np.testing.assert_allclose(frozen.fitted_expectation(values), np.maximum(fitted, 1e-9), rtol=1e-9, atol=1e-6)


def test_bins_without_data_or_expectation() -> None:
    # expectation λ, variance V → deviance and half of its second derivative without data
    without = {
        (0.0, 0.0): (0.0, 0.0),
        # λ²/V up to λ = V
        (0.0, 2.0): (0.0, 1 / 2),
        (1.0, 4.0): (1 / 4, 1 / 4),
        # 2λ − V above it
        (4.0, 1.0): (7.0, 0.0),
        # as flat as it becomes
        (-1.0, 0.0): (-BAND, 0.0),
    }
    # with 3 events: where m² + (V − λ)·m − 3V = 0
    totals = {(0.0, 2.0): 7**0.5 - 1, (1.0, 4.0): (57**0.5 - 3) / 2, (4.0, 1.0): (21**0.5 + 3) / 2}
    observed = dict.fromkeys(without, (slow_loops.bin_deviance(FLOOR, 3), 0.0))
    for (expected, variance), total in totals.items():
        deviance = slow_loops.bin_deviance(total, 3) + (total - expected) ** 2 / variance
        observed[expected, variance] = deviance, 3 / (total**2 + 3 * variance)
    none = PoissonTerms(np.zeros(0, int), *np.zeros((3, 1, 0), bool))
    expected, variance = np.array([*without]).T
    for data, numbers in ((0.0, without), (3.0, observed)):
        found = profile(expected, variance, np.full(5, data), none, np.zeros((1, 0)))
        np.testing.assert_allclose([found.deviance, found.curvature], np.array([*numbers.values()]).T, 1e-9, 1e-12)


def test_thresholds_are_those_of_combine() -> None:
    # columns: many events; few in all; none but signal; no error; an empty process, and one with a larger error
    nominal = np.array([[5.0, 5.0, 5.0, 5.0, 5.0], [50.0, 3.0, 0.0, 10.0, 0.0], [50.0, 8.0, 0.0, 10.0, 1.0]])
    sumw2 = np.array([[2.5, 0.5, 2.5, 0.0, 25.0], [10.0, 3.0, 0.0, 0.0, 0.5], [10.0, 16.0, 0.0, 0.0, 1.1]])
    data, edges = nominal.sum(axis=0), np.arange(6.0)
    region = RegionModel("sr", ("s", "a", "b"), nominal, sumw2, data, edges, factors={"s": ("r",)}, mc_stat=McStat(10))
    model = Model((region,), {"r": FreeParameter(0, 5)})
    gaussian, poisson, events = poisson_processes(model, tensors(model))
    # (3 + 8)²/19 rounds to 6 effective events: one parameter each, Gaussian for the signal's 50.
    assert gaussian[:, :4].tolist() == [[True, True, False, False], [True] + [False] * 3, [True] + [False] * 3]
    assert poisson[:, :4].tolist() == [[False] * 4, [False, True, False, False], [False, True, False, False]]
    assert (gaussian[:, 4].tolist(), poisson[:, 4].tolist()) == ([False, True, True], [True, False, False])
    assert events[:, 1].tolist() == [0.0, 3.0, 4.0]
    # With the signal in the sum, the third column is few events of the signal alone.
    included = dataclasses.replace(region, mc_stat=McStat(10, include_signal=True))
    model = dataclasses.replace(model, regions=(included,))
    gaussian, poisson, events = poisson_processes(model, tensors(model))
    assert poisson[:, 2].tolist() == [True, False, False]
    assert events[0, 2] == 10


def test_blind_regions_need_observations() -> None:
    model = models.random(1).without_data(["region0"])
    with pytest.raises(PocketError, match="region 'region0' is blind, so its data can't be used"):
        Likelihood(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"freeze": ["lumy"]}, "unknown parameter 'lumy' in the model, did you mean 'lumi'?"),
        ({"start": {"r": 11.0}}, "the value 11 of parameter 'r' is outside of its range from -1 to 10"),
        ({"freeze": {"r": -2.0}}, "the value -2 of parameter 'r' is outside of its range from -1 to 10"),
        ({"ranges": {"r": (2.0, 2.0)}}, "the range from 2 to 2 of parameter 'r' is empty"),
        ({"ranges": {"q": (2.0, 3.0)}}, "unknown parameter 'q' in the model"),
    ],
)
def test_wrong_parameters(change: dict[str, object], message: str) -> None:
    with pytest.raises(PocketError) as error:
        Likelihood(models.random(1)).adjusted(**change)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_parameters_are_adjusted_in_a_copy() -> None:
    likelihood = Likelihood(models.random(1))
    other = likelihood.adjusted(freeze=["lumi"], start={"r": 2.0}, ranges={"r": (0.0, 3.0)})
    at = other.parameters.index("r")
    assert (other.parameters.start[at], other.parameters.low[at], other.parameters.high[at]) == (2.0, 0.0, 3.0)
    assert other.parameters.floating.sum() == len(other.parameters.names) - 1
    assert likelihood.parameters.floating.all()
    assert likelihood.parameters.start[at] == 1.0


def test_without_a_signal_a_parameter_that_was_measured_as_nothing_leaves_no_expectation() -> None:
    """The deviance is the limit of that of small signals: a process whose simulated events all went costs nothing."""
    region = RegionModel(
        "sr",
        ("s", "b"),
        np.array([[1.0, 2.0], [2.0, 1.4]]),
        np.array([[0.05, 0.8], [0.1, 0.7]]),
        edges=np.arange(3.0),
        data=np.array([1.0, 0.0]),
        factors={"s": ("r",)},
        mc_stat=McStat(10),
    )
    likelihood = Likelihood(Model((region,), {"r": FreeParameter(0, 20)}))
    events = likelihood.simulation_events
    assert events[1, 1] > 0
    measured = events.copy()
    measured[1, 1] = 0.0
    thrown = likelihood.observing(dataclasses.replace(likelihood.observations, poisson=measured))
    at_zero, near = (thrown.deviances(np.array([r])) for r in (0.0, 1e-7))
    assert at_zero[1] == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(at_zero, near, atol=1e-5)
