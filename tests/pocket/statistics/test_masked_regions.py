"""Regions without a part in a fit: results are those of the model that doesn't have them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pocket.errors import ConfigError, StatisticsError, UnknownNameError
from pocket.statistics import Likelihood, Model, asimov, fit, toy
from pocket.statistics.analyses import Choice, choose_likelihood, find_results
from tests.pocket.statistics import models


def two_regions() -> tuple[Model, Model]:
    """Return a model of two regions with the same parameters, and the one of the first alone."""
    model = models.realistic()
    first = model.regions[0]
    other = dataclasses.replace(first, name="other", data=np.round(np.asarray(first.data) * 1.4) + 3)
    return dataclasses.replace(model, regions=(first, other)), dataclasses.replace(model, regions=(first,))


def test_a_masked_region_has_no_part() -> None:
    both, alone = two_regions()
    masked, expected = Likelihood(both).masked(["other"]), Likelihood(alone)
    bins = expected.is_seen.size
    assert masked.is_seen.tolist() == [True] * bins + [False] * bins
    rng = np.random.default_rng(1)
    for values in (
        expected.parameters.start,
        expected.parameters.start + rng.normal(0, 0.2, len(masked.parameters.names)),
    ):
        assert masked.deviance(values) == pytest.approx(expected.deviance(values), rel=1e-12)
        np.testing.assert_allclose(masked.gradient(values), expected.gradient(values), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(masked.hessian(values), expected.hessian(values), rtol=1e-10, atol=1e-10)
    best, alone_best = fit(masked), fit(expected)
    np.testing.assert_allclose(best.values, alone_best.values, atol=1e-6)
    np.testing.assert_allclose(best.covariance, alone_best.covariance, rtol=1e-5, atol=1e-9)
    # but it has an expectation
    assert (best.likelihood.fitted_expectation(best.values)[bins:] > 0).all()


def test_toys_and_asimov_data_of_a_masked_region_have_no_part() -> None:
    both, _ = two_regions()
    masked = Likelihood(both).masked(["other"])
    for data in (asimov(masked).data, toy(masked, 1).data):
        np.testing.assert_array_equal(np.isfinite(data), masked.is_seen)
    whole = toy(Likelihood(both), 1)
    np.testing.assert_array_equal(toy(masked, 1).data[masked.is_seen], whole.data[masked.is_seen])


@pytest.mark.parametrize("data", ["observed", "asimov"])
def test_results_of_a_choice_with_a_mask(data: str) -> None:
    both, alone = two_regions()
    results = ("significance", "goodness")
    masked = find_results(both, Choice(data=data, mask=("oth*",), results=results))
    expected = find_results(alone, Choice(data=data, results=results))
    assert masked.intervals["r"].errors == pytest.approx(expected.intervals["r"].errors, rel=1e-4)
    if data == "observed":
        assert masked.others["gof"].degrees == expected.others["gof"].degrees


@pytest.mark.parametrize(
    ("mask", "error", "sentence"),
    [
        ("othr", UnknownNameError, "unknown region 'othr' in --mask, the model, did you mean 'other'"),
        ("*", ConfigError, "--mask: no region of the model is left"),
    ],
)
def test_wrong_masks(mask: str, error: type[Exception], sentence: str) -> None:
    both, _ = two_regions()
    with pytest.raises(error) as raised:
        choose_likelihood(both, Choice(mask=(mask,)))
    assert sentence in str(raised.value)


def test_asimov_data_after_a_fit_have_the_nuisances_of_the_open_regions() -> None:
    both, alone = two_regions()
    blind = both.without_data(["other"])
    likelihood = choose_likelihood(blind, Choice(asimov="postfit"))
    conditional = fit(Likelihood(alone).adjusted(freeze={"r": 1.0}))
    found = likelihood.observations.nuisances
    np.testing.assert_allclose(found, conditional.values[conditional.likelihood.constrained], atol=1e-5)
    assert np.abs(found).max() > 0.05
    assert likelihood.is_seen.all()
    # a fit to them finds the same again
    assert fit(likelihood).value("r") == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(StatisticsError, match="all regions are blind, so there is no fit whose nuisances"):
        choose_likelihood(alone.without_data([alone.regions[0].name]), Choice(asimov="postfit"))
