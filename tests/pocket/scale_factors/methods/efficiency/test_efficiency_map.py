from __future__ import annotations

import dataclasses
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors import LogNormal
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors.map_toys import (
    FLAVOURS,
    PT,
    SAMPLES,
    TAGGED,
    efficiency,
    jets,
    mean_weights,
    scale_factor,
    templates,
)


def test_efficiencies_of_the_jets() -> None:
    result = measure("map", TAGGED, templates(1, events=800))
    assert (list(result.axes), result.quantity) == (["sample", "flavor", "pt"], "efficiency")
    for number, sample in enumerate(SAMPLES):
        of = jets(1, sample, 800)
        sums = np.zeros((2, 2, 3, 3))
        for event, jet in np.ndindex(of.pt.shape):
            i = FLAVOURS.index(of.flavour[event, jet])
            # those above the last edge are in the last bin
            j = min(sum(of.pt[event, jet] >= edge for edge in PT) - 1, 2)
            weight = of.weight[event]
            sums[int(of.tagged[event, jet]), :, i, j] += weight, weight**2
        (failing, failing2), (passing, passing2) = sums
        value = passing / (passing + failing)
        assert result.scale_factor.value[number] == pytest.approx(value, rel=1e-12)
        variance = ((1 - value) ** 2 * passing2 + value**2 * failing2) / (passing + failing) ** 2
        inside = (passing > 0) & (failing > 0)
        assert result.scale_factor.up[number][inside] == pytest.approx(variance[inside] ** 0.5)
        assert result.scale_factor.down[number][inside] == pytest.approx(variance[inside] ** 0.5)


def test_mean_weight_is_one_and_not_with_a_wrong_map() -> None:
    of_tt = dataclasses.replace(TAGGED, mc=("tt",), groups={})
    efficiencies = measure("map", of_tt, templates(1, events=100_000)).scale_factor.value
    of = jets(2, "tt", 100_000)
    right, wrong = (mean_weights(factor * efficiencies, of, 1) for factor in (1.0, 1.1))
    assert right.value == pytest.approx(1, abs=4 * right.up.item())
    # the expectation of the product over the jets, which are independent
    column = np.minimum(np.digitize(of.pt, PT), 3) - 1
    e, sf = efficiency(of.flavour, of.pt, "tt"), scale_factor(of.flavour, np.array(PT)[column])
    mapped = 1.1 * efficiencies[np.searchsorted(FLAVOURS, of.flavour), column]
    expected = np.average((e * sf + (1 - e) * (1 - sf * mapped) / (1 - mapped)).prod(axis=1), weights=of.weight)
    assert wrong.value == pytest.approx(expected, abs=4 * wrong.up.item())
    assert wrong.value.item() > 1.03


def test_samples_of_a_group_share_their_efficiencies() -> None:
    together = dataclasses.replace(TAGGED, groups={"all": ("tt", "wjets")})
    result = measure("map", together, templates(1))
    np.testing.assert_array_equal(result.scale_factor.value[0], result.scale_factor.value[1])
    assert result.groups[0].tolist() == result.groups[1].tolist()
    plain = measure("map", dataclasses.replace(TAGGED, groups={}), templates(1))
    np.testing.assert_array_equal(plain.scale_factor.value, result.scale_factor.value[0])


def test_rate_of_a_sample_counts_in_its_group() -> None:
    rate = (LogNormal("wjets_rate", 1.3, ("wjets",)),)
    apart = measure("map", dataclasses.replace(TAGGED, systematics=rate), templates(1))
    # one sample alone: its rate cancels
    assert np.abs(apart.systematics["wjets_rate"]).max() < 1e-12
    together = dataclasses.replace(TAGGED, groups={"all": ("tt", "wjets")}, systematics=rate)
    up = measure("map", together, templates(1)).systematics["wjets_rate"][0][0]
    one, other = (templates(1)[sample][{"cat": "baseline", "variation": "nominal"}] for sample in SAMPLES)
    total = (one + 1.3 * other).project("flavor", "pt", "tagged").values()[2, 0]
    nominal = (one + other).project("flavor", "pt", "tagged").values()[2, 0]
    assert up[2, 0] == pytest.approx(total[1] / total.sum() - nominal[1] / nominal.sum())


def test_few_entries_are_joined() -> None:
    result = measure("map", dataclasses.replace(TAGGED, min_n_eff=60), templates(1, events=800))
    joined = result.binning.joined
    assert joined.any()
    assert ((np.array(result.status).reshape(joined.shape) == "joined") == joined).all()
    for group in range(result.binning.size):
        assert len(set(result.scale_factor.value[result.groups == group])) == 1


def test_nothing_tagged_is_an_efficiency_above_zero() -> None:
    histograms = templates(1)
    view: Any = histograms["tt"].view()
    for content in (view["value"], view["variance"]):
        content[..., 0, 0, 1] = 0
    result = measure("map", TAGGED, histograms)
    assert result.scale_factor.value[0, 0, 0] == 0
    assert result.scale_factor.up[0, 0, 0] > 0
    correction = correctionlib.CorrectionSet.from_string(dumps(result))["map"]
    assert correction.evaluate("tt", 0, 40.0, "nominal") == 1e-4
    assert correction.evaluate("wjets", 5, 1e9, "nominal") == result.scale_factor.value[1, 2, 2]


@pytest.mark.parametrize(
    ("flag", "factor", "text"),
    [
        (slice(None), 0, r"sample tt: map: fewer than 50 effective entries in flavor 4, even with all bins of 'pt'"),
        (1, -1, r"sample tt: map of tt: no efficiency in flavor 4, pt \[30, 50\) \(the passing weights sum to less"),
        (0, -1, r"sample tt: map of tt: no efficiency in flavor 4, pt \[30, 50\) \(the failing weights sum to less"),
    ],
)
def test_no_efficiency(flag: Any, factor: float, text: str) -> None:
    histograms = templates(1)
    # of c jets, also those above the last edge
    view: Any = histograms["tt"].view(flow=True)
    contents = [view[field][0, 0, 1, :, 1:-1] for field in ("value", "variance")]
    contents[0][:, flag] *= factor
    contents[1][:, flag] *= abs(factor)
    declaration = dataclasses.replace(TAGGED, min_n_eff=50 if factor == 0 else 0)
    with pytest.raises(ScaleFactorError, match=text):
        measure("map", declaration, histograms)
