from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors import Shape
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors.yield_toys import HF_UP, HT, NJET, NORM, Events, events, norm_templates


def in_bin(of: Events, i: int, j: int) -> list[int]:
    """Events of a bin; those beyond the last edges are in the last bins, as they are evaluated there."""
    njet, ht = (2, 3, 4, 99)[i : i + 2], (100, 200, 1e9)[j : j + 2]
    return [n for n in range(len(of.w)) if njet[0] <= of.njet[n] < njet[1] and ht[0] <= of.ht[n] < ht[1]]


def loop(of: Events, i: int, j: int) -> tuple[float, float]:
    """Ratio and its error from the events: Var R = Σ (w − R w s)² / (Σ w s)², linear propagation."""
    chosen = in_bin(of, i, j)
    without = sum(of.w[n] for n in chosen)
    with_it = sum(of.w[n] * of.s[n] for n in chosen)
    ratio = without / with_it
    variance = sum((of.w[n] - ratio * of.w[n] * of.s[n]) ** 2 for n in chosen) / with_it**2
    return ratio, variance**0.5


def test_ratio_and_error_from_the_events() -> None:
    of = events(1, mean=200)
    result = measure("norm", NORM, norm_templates(of))
    assert result.axes == {"njet": NJET, "ht": HT}
    for i, j in np.ndindex(3, 2):
        ratio, error = loop(of, i, j)
        assert result.scale_factor.value[i, j] == pytest.approx(ratio, rel=1e-12)
        assert result.scale_factor.up[i, j] == pytest.approx(error, rel=1e-9)
        assert result.scale_factor.down[i, j] == pytest.approx(error, rel=1e-9)


def test_error_is_the_spread_of_toys() -> None:
    found = [measure("norm", NORM, norm_templates(events(seed, mean=400))).scale_factor for seed in range(150)]
    spread = np.std([one.value for one in found], axis=0)
    error = np.mean([one.up for one in found], axis=0)
    # each spread is known to 6 %, all six together to 2.4 %
    assert np.mean(spread / error) == pytest.approx(1, abs=0.1)
    assert spread / error == pytest.approx(np.ones((3, 2)), abs=0.2)


def test_independent_sums_would_have_a_much_larger_error() -> None:
    templates = norm_templates(events(1))
    error = measure("norm", NORM, templates).scale_factor.up
    view: Any = templates["tt"].view()
    view["variance"][templates["tt"].axes["cat"].index("root")] = 0
    assert (measure("norm", NORM, templates).scale_factor.up > 5 * error).all()


def test_yields_are_restored() -> None:
    of = events(2, mean=200)
    result = measure("norm", NORM, norm_templates(of))
    njet, ht = (
        np.clip(np.digitize(values, edges) - 1, 0, len(edges) - 2) for values, edges in ((of.njet, NJET), (of.ht, HT))
    )
    factor = result.scale_factor.value[njet, ht]
    assert np.sum(of.w * of.s * factor) == pytest.approx(np.sum(of.w), rel=1e-9)


def test_variations_of_the_weight_have_their_ratios() -> None:
    of = events(3, mean=200)
    result = measure("norm", NORM, norm_templates(of))
    # of the square root too there is a variation, which changes nothing in the ratio
    assert set(result.coupled) == {"hf"}
    assert result.systematics == {}
    for i, j in np.ndindex(3, 2):
        chosen = in_bin(of, i, j)
        without = sum(of.w[n] for n in chosen)
        nominal = without / sum(of.w[n] * of.s[n] for n in chosen)
        for side, sign in zip(result.coupled["hf"], (1, -1), strict=True):
            varied = sum(of.w[n] * of.s[n] * HF_UP ** (sign * (int(of.njet[n]) - 2)) for n in chosen)
            assert side[i, j] == pytest.approx(without / varied - nominal, abs=1e-12)


def test_a_single_pair_has_the_name_of_the_weight() -> None:
    templates = norm_templates(events(3, mean=50))
    declaration = dataclasses.replace(NORM, weight="pileup")
    assert set(measure("norm", declaration, templates).coupled) == {"pileup"}
    assert measure("norm", dataclasses.replace(NORM, weight="sf"), templates).coupled.keys() == {"btag_hf"}
    assert measure("norm", dataclasses.replace(NORM, weight="pile"), templates).coupled == {}


def test_other_variations_are_systematics() -> None:
    of = events(4, mean=200)
    declaration = dataclasses.replace(NORM, systematics=(Shape("pileup"),))
    result = measure("norm", declaration, norm_templates(of))
    factor = np.where(of.ht > 150, 1.1, 0.95)
    for i, j in np.ndindex(3, 2):
        chosen = in_bin(of, i, j)
        shifted = sum(of.w[n] * factor[n] for n in chosen) / sum(of.w[n] * of.s[n] * factor[n] for n in chosen)
        nominal, _ = loop(of, i, j)
        assert result.systematics["pileup"][0][i, j] == pytest.approx(shifted - nominal, abs=1e-12)


def test_sample_by_sample() -> None:
    of = {"tt": events(5, mean=100), "dy": events(6, mean=100)}
    templates = {sample: norm_templates(each)["tt"] for sample, each in of.items()}
    result = measure("norm", dataclasses.replace(NORM, mc=("tt", "dy"), together=False), templates)
    assert list(result.axes) == ["sample", "njet", "ht"]
    assert result.scale_factor.value[:, 1, 1] == pytest.approx([loop(each, 1, 1)[0] for each in of.values()])
    assert result.groups.tolist() == np.arange(12).reshape(2, 3, 2).tolist()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda s: np.ones_like(s),
            r"norm of tt: no error in .*njet \[3, 4\), ht \[200, 400\) \(the weight is the same",
        ),
        (
            lambda s: 0 * s,
            r"norm of tt, nominal: no ratio in .*njet \[2, 3\), ht \[100, 200\) \(weights sum to no more",
        ),
    ],
)
def test_refused_weight(change: Any, text: str) -> None:
    of = events(1, mean=50)
    with pytest.raises(ScaleFactorError, match=text):
        measure("norm", NORM, norm_templates(dataclasses.replace(of, s=change(of.s))))


def test_categories_with_other_events() -> None:
    templates = norm_templates(events(1))
    view: Any = templates["tt"].view()
    view["variance"][templates["tt"].axes["cat"].index("root")] *= 1.5
    with pytest.raises(ScaleFactorError, match="the categories don't hold the same events"):
        measure("norm", NORM, templates)


def test_a_single_event_has_no_error() -> None:
    one = Events(*(np.array([value]) for value in (2, 150.0, 0.5, 0.9)))
    declaration = dataclasses.replace(NORM, axes=("njet",), bins={"njet": (2, 7)})
    with pytest.raises(ScaleFactorError, match=r"no error in njet \[2, 7\) \(the weight is the same for all events\)"):
        measure("norm", declaration, norm_templates(one))
