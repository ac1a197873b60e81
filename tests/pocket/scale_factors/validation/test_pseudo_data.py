"""Pseudo-experiments against what they must be on average, by sums over plain loops."""

from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors import EfficiencyRatio
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.validation.pseudo_data import Contents, by_bin, poisson
from tests.pocket.scale_factors import tagging_toys, toys, yield_toys
from tests.pocket.scale_factors.validation.test_truth import COUNTED, FITTED, experiments, with_background


def contents(made: Any, sample: str, passing: int, pt: int, abseta: int) -> float:
    """Return the sum of weights of a bin."""
    return float(made.histograms[sample][{"cat": "baseline", "variation": "nominal"}].values()[passing, pt, abseta])


def test_data_have_the_injected_efficiency_and_the_background() -> None:
    made = experiments(COUNTED, with_background(mass_axis=False), ("wjets",))
    count = 200
    data = np.zeros((2, *toys.SHAPE))
    for seed in range(count):
        drawn, injected = made.draw(seed)
        for passing, i, j in np.ndindex(data.shape):
            data[passing, i, j] += contents(drawn, "data", passing, i, j) / count
    for i, j in np.ndindex(toys.SHAPE):
        of = [[contents(made.templates, name, passing, i, j) for passing in (0, 1)] for name in ("dy", "wjets")]
        (failing, success), (other_failing, other_success) = of
        factor = COUNTED.injected[(2 * i + j) % 3]
        moved = (1 - factor) * success
        error = np.sqrt((success + other_success) / count)
        assert data[1, i, j] == pytest.approx(factor * success + other_success, abs=4 * error)
        error = np.sqrt((failing + moved + other_failing) / count)
        assert data[0, i, j] == pytest.approx(failing + moved + other_failing, abs=4 * error)
        assert injected.truth[2 * i + j] == factor


def test_simulation_fluctuates_within_its_statistics() -> None:
    made = experiments(COUNTED, toys.counting(1))
    original = Contents.of(COUNTED, made.templates.histograms["dy"], ())
    rng = np.random.default_rng(1)
    drawn = np.array([original.fluctuated(rng).values for _ in range(800)])
    some = original.values > 0
    np.testing.assert_allclose(drawn.mean(axis=0)[some], original.values[some], rtol=0.02)
    np.testing.assert_allclose(drawn.var(axis=0)[some], original.variances[some], rtol=0.25)
    assert not drawn[:, ~some].any()


def test_sums_of_negative_weights_fluctuate_too() -> None:
    histogram = toys.template(is_mc=True, mass_axis=False)
    for weight in (1.0, -3.0):
        toys.fill(histogram, 0, 0, [1] * 10, np.full(10, weight))
    original = Contents.of(COUNTED, histogram, ())
    where = np.unravel_index(np.argmin(original.values), original.values.shape)
    assert original.values[where] == -20
    rng = np.random.default_rng(1)
    drawn = np.array([original.fluctuated(rng).values[where] for _ in range(2000)])
    assert drawn.mean() == pytest.approx(-20, abs=4 * 10 / np.sqrt(2000))
    assert drawn.std() == pytest.approx(10, rel=0.1)


def test_sums_over_the_same_events_are_correlated() -> None:
    made = experiments(yield_toys.NORM, yield_toys.norm_templates(yield_toys.events(1)))
    categories = made.declaration.categories()
    drawn = [made.draw(seed)[0] for seed in range(400)]
    without, with_it = (
        np.array([one.read(("tt",), category).values[0] for one in drawn]) for category in categories[:2]
    )
    first, second, both = (made.templates.read(("tt",), category).variances[0] for category in categories)
    np.testing.assert_allclose(np.cov(without, with_it), [[first, both], [both, second]], rtol=0.25)
    original = find_function(made.declaration.method)(made.declaration, made.templates).values
    assert (without / with_it).std() == pytest.approx(original.up[0], rel=0.12)


def test_a_ratio_of_few_events_stays_finite() -> None:
    """Both sums have the same events, so a downward fluctuation of one doesn't leave the other behind."""
    declaration = dataclasses.replace(yield_toys.NORM, min_n_eff=5.0, merge_axis="njet")
    made = experiments(declaration, yield_toys.norm_templates(yield_toys.events(1, 12.0)))
    method = find_function(declaration.method)
    original = method(declaration, made.templates).values
    others = [made.from_other_events(seed).templates for seed in range(150)]
    filled = [one for one in others if (one.read(("tt",)).values > 0).all()]
    assert len(filled) > 140
    pulls = np.array([(method(declaration, one).values.value - original.value) / original.up for one in filled])
    assert np.abs(pulls).max() < 6
    assert np.abs(pulls.mean(axis=0)).max() < 0.3


def test_the_same_seed_is_the_same_and_other_events_are_similar() -> None:
    made = experiments(FITTED, with_background(), ("wjets",))
    (first, _), (again, _), (other, _) = made.draw(1), made.draw(1), made.draw(2)
    assert first.histograms["data"] == again.histograms["data"] != other.histograms["data"]
    assert first.histograms["dy"] == again.histograms["dy"] != other.histograms["dy"]
    similar, _ = made.from_other_events(0).draw(1)

    def distance(one: Any, two: Any) -> float:
        return float(np.abs(np.asarray(one.values()) - np.asarray(two.values())).sum())

    near, far = (distance(first.histograms["data"], each.histograms["data"]) for each in (similar, other))
    assert 0 < near < 0.9 * far


def test_poisson_numbers() -> None:
    drawn = poisson(np.random.default_rng(1), np.full(20_000, 3.7))
    assert drawn.mean() == pytest.approx(3.7, rel=0.02)
    assert drawn.var() == pytest.approx(3.7, rel=0.05)
    assert not poisson(np.random.default_rng(1), np.array([0.0, -1.0])).any()


def test_values_are_those_of_the_nearest_bin() -> None:
    declaration = dataclasses.replace(COUNTED, bins={"pt": (30.0, 50.0, 100.0)})
    made = experiments(declaration, toys.counting(1))
    values = by_bin(made.templates, made.templates.histograms["dy"], np.array([1.0, 2.0, 3.0, 4.0]))
    # The axes are passing, pt and |η|, with under- and overflow; 20 to 30 GeV is below the bins.
    assert values.shape == (1, 5, 4)
    assert values[0, :, 1].tolist() == [1, 1, 1, 3, 3]
    assert values[0, 2].tolist() == [1, 1, 2, 2]


def test_all_data_are_in_the_first_sample() -> None:
    histograms: dict[str, hist.Hist[Any]] = toys.counting(1)
    histograms["more"] = histograms["data"].copy()
    declaration = EfficiencyRatio(**{**toys.DECLARED, "data": ("data", "more")})
    drawn, _ = experiments(declaration, histograms).draw(1)
    assert np.asarray(drawn.histograms["data"].values()).sum() > 0
    assert not np.asarray(drawn.histograms["more"].values()).any()


def test_samples_with_other_axes_are_refused() -> None:
    histograms = {**toys.counting(1), "wjets": with_background()["wjets"]}
    with pytest.raises(ScaleFactorError, match="sample 'wjets' has other axes than those before, so no pseudo-data"):
        experiments(COUNTED, histograms, ("wjets",)).draw(1)


def test_yields_of_a_flavour_stay() -> None:
    """What doesn't pass any more fails: nuisances apart, the data are as many as without injected factors."""
    declaration = tagging_toys.declaration(fractions={}, frozen={"light": (1.0, 1e-9)}, systematics=())
    made = experiments(declaration, tagging_toys.histograms(1)[0])
    injected = made.inject(declaration, made.templates, made.factors, np.random.default_rng(1))
    histogram = made.templates.histograms["tt"]
    of_sample = made.contents["tt"].values[:, 0]
    factors = np.broadcast_to(injected.factor("tt", histogram), of_sample.shape)
    where = [axis.name for axis in histogram.axes if axis.name not in ("cat", "variation")].index("passing") + 1
    assert not np.allclose(factors, 1)
    np.testing.assert_allclose((factors * of_sample).sum(axis=where).sum(), of_sample.sum(axis=where).sum(), rtol=1e-9)
