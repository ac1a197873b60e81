"""Workspaces of pyhf: their schema, and expectations and likelihoods in pyhf against ours."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pyhf
import pytest

from pocket.errors import StatisticsError, UnknownNameError
from pocket.statistics.fits import fit
from pocket.statistics.formulas import Formula
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.limits import find_upper_limit
from pocket.statistics.model import FreeParameter, Model, RegionModel
from pocket.statistics.pyhf_workspace import McStatKind, pyhf_differences, pyhf_workspace
from tests.pocket.statistics import models, pyhf_models
from tests.pocket.statistics.test_against_pyhf import with_few_events, without_free_parameters

# pyhf checks schemas in jsonschema's old way.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")

#: what agrees with combine from one half on
CODE1 = {"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code4p"}}


def without_formulas(seed: int) -> Model:
    """Return a random model that pyhf can have."""
    return without_free_parameters(models.random(seed))


def in_pyhf(model: Model, mc_stat: McStatKind = "histosys", **options: Any) -> Any:
    """Return the pyhf model of what is written as JSON."""
    pyhf.set_backend("numpy")
    workspace = pyhf.Workspace(json.loads(json.dumps(pyhf_workspace(model, mc_stat))), validate=True)
    return workspace.model(**options)


def values_beyond(likelihood: Likelihood, seed: int, least: float) -> np.ndarray:
    """Return values of parameters, of nuisances away from 0."""
    rng = np.random.default_rng(seed)
    names = likelihood.parameters.names
    nuisances = rng.choice([-1, 1], len(names)) * rng.uniform(least, 1.4, len(names))
    return np.where(np.isin(names, likelihood.model.nuisances), nuisances, rng.uniform(0.5, 2, len(names)))


@pytest.mark.parametrize("mc_stat", ["histosys", "staterror"])
def test_schema(mc_stat: McStatKind) -> None:
    for seed in range(4):
        pdf = in_pyhf(without_formulas(seed), mc_stat)
        assert pdf.config.poi_name == "r"
        assert pdf.config.suggested_bounds()[pdf.config.poi_index] == [-1, 10]


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize(("options", "least"), [({}, 1.0), ({"modifier_settings": CODE1}, 0.5)])
@pytest.mark.parametrize("seed", range(5))
def test_expectation_and_likelihood(seed: int, options: dict[str, Any], least: float, few: bool) -> None:
    model = without_formulas(seed)
    if few:
        model = with_few_events(model, seed)
    likelihood = Likelihood(model)
    pdf = in_pyhf(model, **options)
    values = values_beyond(likelihood, seed, least)
    # pyhf doesn't cut templates off at 0.
    assert np.all(likelihood.yields(values)[likelihood.arrays.nominal > 0] > 0)
    found = pyhf_models.expectation(likelihood, pdf, values)
    np.testing.assert_allclose(found, likelihood.fitted_expectation(values), rtol=1e-6)
    assert pyhf_models.deviance(likelihood, pdf, values) == pytest.approx(likelihood.deviance(values), rel=1e-6)


def test_rounded_events() -> None:
    """Combine rounds the effective events of a Poisson parameter, and so does the workspace."""
    region = RegionModel(
        "sr", ("s", "b"), [[2.0], [3.0]], [[0.01], [2.1]], [4], factors={"s": ("r",)}, mc_stat=models.McStat(10)
    )
    likelihood = Likelihood(Model((region,), {"r": FreeParameter(0, 10)}))
    assert likelihood.simulation_events.max() == 4
    pdf = in_pyhf(likelihood.model)
    for r in (0.3, 2.0):
        values = np.array([r])
        assert pyhf_models.deviance(likelihood, pdf, values) == pytest.approx(likelihood.deviance(values), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_fits_agree(seed: int) -> None:
    model = models.simple(seed)
    best = fit(Likelihood(model))
    pdf = in_pyhf(model, modifier_settings=CODE1)
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-4))
    found = pyhf.infer.mle.fit(pyhf_models.data_of(Likelihood(model), pdf), pdf)
    # Within the smooth step the factors differ, and so do pulls a little.
    assert found[pdf.config.poi_index] == pytest.approx(best.value("r"), abs=0.03 * best.error("r"))


def asymmetric(low: float, high: float) -> Model:
    """Return a model of one bin."""
    region = RegionModel(
        "sr", ("s",), [[5.0]], [[0.2]], [7], factors={"s": ("r",)}, log_normals={"scale": {"s": (low, high)}}
    )
    return Model((region,), {"r": FreeParameter(0, 10)}, nuisances=("scale",))


@pytest.mark.parametrize(("low", "high"), [(0.8, 1.1), (1 / 1.5, 1.5), (1.2, 1.3)])
def test_the_difference_of_factors_is_what_pyhf_has(low: float, high: float) -> None:
    model = asymmetric(low, high)
    likelihood, pdf = Likelihood(model), in_pyhf(model)
    worst = 0.0
    for theta in np.linspace(-1, 1, 201):
        values = np.array([1.0, theta])
        worst = max(
            worst, abs(pyhf_models.expectation(likelihood, pdf, values)[0] / likelihood.expectation(values)[0] - 1)
        )
    (sentence,) = pyhf_differences(model)
    assert sentence == (
        f"factors of 'scale' of process 's' in region 'sr' differ by up to {100 * worst:.2g} %, within one standard "
        "deviation"
    )


def test_what_else_differs() -> None:
    region = RegionModel(
        "sr",
        ("s", "b"),
        np.array([[5.0, 1.0], [4.0, 4.0]]),
        np.full((2, 2), 0.2),
        edges=np.arange(3.0),
        factors={"s": ("r",), "b": ("norm",)},
        shapes={"jes": {"b": (np.array([6.0, 2.0]), np.array([2.0, 6.0])), "s": (np.array([5.1, 0.9]),) * 2}},
        mc_stat=models.McStat(0),
    )
    model = Model((region,), {"r": FreeParameter(0, 10)}, nuisances=("jes",), free={"norm": FreeParameter()})
    assert pyhf_differences(model, "staterror") == (
        "bins that fall below 0 within three standard deviations, of 'jes' of process 'b' in region 'sr', aren't "
        "cut at 0",
        "the parameter 'norm' without limits ends at 10000",
        "the data of the blind region 'sr' are the expectation",
        "statistical errors of simulation are factors of all processes of a bin, in 2 bins; here, they follow the "
        "factors of their processes",
    )
    assert pyhf_workspace(model)["observations"] == [{"name": "sr", "data": [9.0, 5.0]}]
    assert not pyhf_differences(dataclasses.replace(asymmetric(1, 1), nuisances=("scale",)))


def test_what_pyhf_cannot_have() -> None:
    with pytest.raises(StatisticsError, match="the formula 'transfer' of process 'wjets' in region 'region0' can't be"):
        pyhf_workspace(models.random(0))
    twice = dataclasses.replace(asymmetric(0.8, 1.1).regions[0], factors={"s": ("r", "r")})
    with pytest.raises(StatisticsError, match="a parameter multiplies process 's' in region 'sr' twice"):
        pyhf_workspace(dataclasses.replace(asymmetric(0.8, 1.1), regions=(twice,)))
    with pytest.raises(UnknownNameError, match="unknown description of statistical errors 'shapesys'"):
        pyhf_workspace(asymmetric(0.8, 1.1), "shapesys")  # type: ignore[arg-type]
    assert Formula("@0", ("r",)).arguments == ("r",)


def test_asimov_data_of_bins_with_one_parameter_for_several_processes_are_named() -> None:
    model = models.simple(2, mc_errors=0.1, bins=3)
    (sentence,) = (one for one in pyhf_differences(model) if "Asimov" in one)
    assert sentence.startswith(
        "Asimov data, of limits and what is expected, measure a parameter for each process in 6 "
    )
    assert not any("Asimov" in one for one in pyhf_differences(model, "staterror"))
    assert not any("Asimov" in one for one in pyhf_differences(models.simple(2, mc_errors=0.0, bins=3)))
    # It is no small difference.
    ours = find_upper_limit(Likelihood(model), "r").expected[2]
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    workspace = pyhf.Workspace(pyhf_workspace(model))
    pdf = workspace.model()
    _, expected = pyhf.infer.hypotest(ours, workspace.data(pdf), pdf, test_stat="qtilde", return_expected_set=True)
    assert float(expected[2]) > 0.052
