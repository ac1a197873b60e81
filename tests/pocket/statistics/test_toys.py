"""Toys and the goodness of fit: their distributions, and that seeds give them again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pocket.statistics.fits import fit
from pocket.statistics.goodness import goodness_of_fit
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import FreeParameter, Model, RegionModel
from pocket.statistics.results import (
    Breakdown,
    FitResult,
    GoodnessOfFit,
    Impact,
    Interval,
    Scan,
    Significance,
    UpperLimit,
    from_json,
    to_json,
)
from pocket.statistics.toys import asimov, toy, toys
from tests.pocket.statistics import models


def test_toys_have_the_moments_of_their_distributions() -> None:
    likelihood = Likelihood(models.realistic())
    values = likelihood.parameters.start.copy()
    values[likelihood.parameters.index("jes")] = 0.7
    thrown = [toy(likelihood, 3, number, values) for number in range(2000)]
    expected = asimov(likelihood, values)
    for name, variance in (("data", expected.data), ("poisson", expected.poisson), ("nuisances", 1.0)):
        drawn = np.array([getattr(one, name) for one in thrown])
        mean, spread = getattr(expected, name), np.sqrt(variance)
        np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=4.5 * np.max(spread) / np.sqrt(2000))
        np.testing.assert_allclose(drawn.var(axis=0), spread**2 * np.ones(drawn.shape[1:]), rtol=0.2, atol=1e-12)
    gaussian = np.array([one.gaussian for one in thrown])
    np.testing.assert_allclose(gaussian.std(axis=0), likelihood.has_gaussian, atol=0.1)


def test_toys_depend_on_seed_and_number_alone() -> None:
    likelihood = Likelihood(models.simple(1))
    later = [thrown.observations.data.tolist() for thrown in toys(likelihood, range(3, 6), seed=5)]
    assert later[1] == toy(likelihood, 5, 4).data.tolist()
    assert later[0] != later[1]
    assert toy(likelihood, 6, 4).data.tolist() != later[1]


def test_goodness_of_fit_is_that_of_its_toys() -> None:
    likelihood = Likelihood(models.realistic())
    best = fit(likelihood)
    found = goodness_of_fit(best, range(100), seed=2)
    assert found.deviance == best.deviance
    assert found.degrees == 24 - 2
    assert sum(found.regions.values()) == pytest.approx(
        best.deviance - np.sum(best.values[likelihood.constrained] ** 2)
    )
    # Deviances of toys follow nearly a χ² distribution here.
    assert np.mean(found.toys) == pytest.approx(found.degrees, rel=0.15)
    assert found.p_value == stats.chi2.sf(found.deviance, found.degrees)
    assert found.p_toys == pytest.approx(np.mean(np.array(found.toys) >= found.deviance))
    assert goodness_of_fit(best).p_toys is None


def test_toys_without_a_minimum_are_left_out_of_the_goodness_of_fit() -> None:
    """Without background and without a bound, r goes to −∞ in toys without events."""
    region = RegionModel("sr", ("s",), np.array([[1.0]]), np.zeros((1, 1)), np.array([2.0]), factors={"s": ("r",)})
    best = fit(Likelihood(Model((region,), {"r": FreeParameter(-np.inf)})))
    empty = [thrown.observations.data[0] == 0 for thrown in toys(best.likelihood, range(40), 1, best.values)]
    assert 0 < sum(empty) < 40
    found = goodness_of_fit(best, range(40))
    assert (len(found.toys), found.failed) == (40 - sum(empty), sum(empty))


def test_bad_fits_are_found() -> None:
    likelihood = Likelihood(models.realistic())
    observed = likelihood.observations
    wrong = likelihood.observing(asimov(likelihood))
    shifted = wrong.observations.data.copy()
    shifted[::2] *= 2
    bad = likelihood.observing(type(observed)(shifted, observed.nuisances, observed.gaussian, observed.poisson))
    found = goodness_of_fit(fit(bad), range(20))
    assert found.p_toys == 0
    assert found.p_value < 0.01


def test_records_are_written_and_read_back() -> None:
    best = fit(Likelihood(models.simple(1)).adjusted(freeze=["lumi"]))
    record = best.result()
    records = {
        "fit": record,
        "interval": Interval("r", 1.0, float("-inf"), 2.0, 0.68, (True, False)),
        "scan": Scan(("r",), ((0.0,), (1.0,)), (0.1, float("nan")), (0.5,)),
        "impacts": (Impact("jes", 0.1, (1.0, 0.9), {"r": (0.1, -0.1)}),),
        "breakdown": Breakdown("r", 1.0, (0.1, 0.2), {"stat": (0.1, 0.1)}),
        "significance": Significance("r", 4.0, 2.0, 0.023),
        "limit": UpperLimit("r", 0.95, 1.0, (0.5, 0.7, 1.0, 1.4, 1.9)),
        "goodness": GoodnessOfFit(10.0, 8, 0.3, {"sr": 9.0}, (1.0, 2.0), 0.0),
    }
    text = to_json(records)
    again = from_json(text)
    assert to_json(again) == text
    assert again["fit"] == record
    assert isinstance(again["fit"], FitResult)
    assert again["interval"] == records["interval"]
    assert record.parameters["lumi"].floating is False
    assert record.parameters["rate"].pull == pytest.approx(best.value("rate"))
    assert record.correlation[0] == ("r", "rate", "tilt")
    np.testing.assert_allclose(np.diag(record.correlation[1]), 1)


@pytest.mark.parametrize("text", ["{", '{"record": "Nothing"}', '{"record": "Interval"}'])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(Exception, match="the text isn't the JSON of a result"):
        from_json(text)
