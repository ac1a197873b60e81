"""Expectation, likelihood, limits and significance against pyhf."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyhf
import pytest

from pocket.statistics.fits import fit
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.limits import find_significance, find_upper_limit
from pocket.statistics.model import McStat, Model
from tests.pocket.statistics import models, pyhf_models


def with_few_events(model: Model, seed: int) -> Model:
    """Return the model with whole numbers of effective events, few in some bins, which pyhf can have."""
    rng = np.random.default_rng(seed)
    regions = []
    for region in model.regions:
        events = rng.choice([2, 5, 40, 900], size=region.nominal.shape)
        regions.append(
            dataclasses.replace(region, sumw2=region.nominal**2 / events, mc_stat=McStat(10, include_signal=True))
        )
    return dataclasses.replace(model, regions=tuple(regions))


def without_free_parameters(model: Model) -> Model:
    """Return the model without formulas, which pyhf doesn't have."""
    regions = []
    for region in model.regions:
        factors = {process: names for process, names in region.factors.items() if process != "wjets"}
        regions.append(dataclasses.replace(region, factors=factors, mc_stat=McStat(0, include_signal=True)))
    return dataclasses.replace(model, regions=tuple(regions), formulas={}, free={})


def with_errors_of_one_process(model: Model) -> Model:
    """Return the model with one process' MC errors, for in Asimov data several may differ from their sum in pyhf.

    There, auxiliary measurements are those of each process, in combine and here those of the sum.
    """
    regions = []
    for region in model.regions:
        sumw2 = region.sumw2 * [[process == "wjets"] for process in region.processes]
        regions.append(dataclasses.replace(region, sumw2=sumw2))
    return dataclasses.replace(model, regions=tuple(regions))


def away_from_the_smooth_step(likelihood: Likelihood, seed: int) -> np.ndarray:
    """Return values of parameters at which the logarithms of factors are straight lines."""
    rng = np.random.default_rng(seed)
    count = len(likelihood.model.nuisances)
    theta = rng.choice([-1, 1], count) * rng.uniform(0.5, 1.8, count)
    return np.concatenate([rng.uniform(0.3, 2, len(likelihood.parameters.names) - count), theta])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("few", [False, True])
def test_expectation_and_likelihood(seed: int, few: bool) -> None:
    pyhf.set_backend("numpy")
    model = without_free_parameters(models.random(seed))
    if few:
        model = with_few_events(model, seed)
    likelihood = Likelihood(model)
    pdf = pyhf_models.convert(model, "r")
    values = away_from_the_smooth_step(likelihood, seed)
    # pyhf doesn't cut templates off at 0.
    assert np.all(likelihood.yields(values)[likelihood.arrays.nominal > 0] > 0)
    found = likelihood.fitted_expectation(values)
    np.testing.assert_allclose(pyhf_models.expectation(likelihood, pdf, values), found, rtol=1e-6)
    assert pyhf_models.deviance(likelihood, pdf, values) == pytest.approx(likelihood.deviance(values), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_best_fit(seed: int) -> None:
    model = models.simple(seed)
    likelihood = Likelihood(model)
    best = fit(likelihood)
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-4))
    pdf = pyhf_models.convert(model, "r")
    values = pyhf.infer.mle.fit(pyhf_models.data_of(likelihood, pdf), pdf)
    for name in model.parameters:
        place = pdf.config.par_slice(name)
        error = best.error(name) or 1.0
        assert float(values[place][0]) == pytest.approx(best.value(name), abs=2e-3 * error)


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(10)])
def test_limits_and_significance(seed: int) -> None:
    model = with_errors_of_one_process(models.simple(seed, mc_errors=0.1 if seed % 2 else 0.0, bins=3))
    likelihood = Likelihood(model)
    limit = find_upper_limit(likelihood, "r")
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    pdf = pyhf_models.convert(model, "r")
    data = pyhf_models.data_of(likelihood, pdf)

    def levels(value: float) -> list[float]:
        found, expected = pyhf.infer.hypotest(value, data, pdf, test_stat="qtilde", return_expected_set=True)
        return [float(found), *map(float, expected)]

    for number, value in enumerate((limit.observed, *limit.expected)):
        # pyhf's bands are in the order of ours; CLs falls with the parameter.
        assert levels(0.99 * value)[number] > 0.05 > levels(1.01 * value)[number]

    found = find_significance(likelihood, "r")
    p_value = float(pyhf.infer.hypotest(0.0, data, pdf, test_stat="q0"))
    assert p_value == pytest.approx(found.p_value, rel=0.01)
