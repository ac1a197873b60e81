from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors import DataMCRatio, EfficiencyMap, EfficiencyRatio, ScaleFactor
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.validation.algebra import Sides
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.validation import events

SIMULATED = {key: value for key, value in toys.DECLARED.items() if key != "data"}


def sides(declaration: ScaleFactor, histograms: Any) -> list[Sides]:
    templates = Templates("sf", declaration, histograms, find_bins("sf", declaration, histograms))
    return list(find_function(declaration.algebra)(declaration, templates))


def test_norm_ratio_has_sums_in_all_variations_of_the_weight() -> None:
    toy = events.norm_ratio()
    histograms, _ = toy.filled("derivation", None)
    part = events.BTAG.per_sample()["tt"]
    found = sides(part, histograms)
    assert [one.systematic for one in found] == ["nominal", "hf_up", "hf_down"]
    tt = toy.events["tt"]
    for one, name in zip(found, ("btag", "btag_hfUp", "btag_hfDown"), strict=True):
        bins = np.histogram(tt["njet"], events.NJET, weights=tt["weight"] * tt[name])[0]
        np.testing.assert_allclose(one.corrected, bins)
        np.testing.assert_allclose(one.expected, np.histogram(tt["njet"], events.NJET, weights=tt["weight"])[0])


def test_weights_with_a_longer_name_are_others() -> None:
    toy = events.norm_ratio()
    tt = toy.events["tt"]
    weights = {"nominal": tt["weight"]}
    root = {**weights, "btag_rootUp": 1.1 * tt["weight"], "btag_rootDown": 0.9 * tt["weight"]}
    histogram = events.fill(
        tt["njet"], events.NJET, "njet", {"without": weights, "with": weights, "root": root}, data=False
    )
    assert [one.systematic for one in sides(events.BTAG.per_sample()["tt"], {"tt": histogram})] == ["nominal"]


@pytest.mark.parametrize("keep_yield", [False, True])
def test_data_less_background_and_simulation(keep_yield: bool) -> None:
    toy = events.data_mc_ratio()
    histograms, _ = toy.filled("derivation", None)
    declared = {"input": "derivation", "variable": "npv", "category": "all", "axes": ("npv",), "keep_yield": keep_yield}
    declaration = DataMCRatio(**declared, data=("data",), mc=("tt",), background=("dy",))
    (found,) = sides(declaration, histograms)
    data, tt, dy = (
        np.histogram(toy.events[sample]["npv"], events.NPV, weights=toy.events[sample]["weight"])[0]
        for sample in ("data", "tt", "dy")
    )
    scale = tt.sum(), (data - dy).sum()
    np.testing.assert_allclose(found.corrected, tt / (scale[0] if keep_yield else 1))
    np.testing.assert_allclose(found.expected, (data - dy) / (scale[1] if keep_yield else 1))


def test_efficiencies() -> None:
    histograms = toys.counting(seed=1)
    (found,) = sides(EfficiencyRatio(**toys.DECLARED), histograms)
    for efficiency, sample in ((found.corrected, "dy"), (found.expected, "data")):
        failing, passing = histograms[sample].project("passing", "pt", "abseta").values()
        np.testing.assert_allclose(efficiency, (passing / (passing + failing)).ravel())


def test_no_efficiency_where_nothing_is() -> None:
    histograms = toys.counting(seed=1)
    histograms["dy"].view().value[:, :, :, 0, 0] = 0
    with pytest.raises(ScaleFactorError, match=r"sf in simulation: no efficiency in pt \[20, 30\)"):
        sides(EfficiencyRatio(**toys.DECLARED), histograms)


def test_map_is_kept_away_from_zero_and_one() -> None:
    histograms = toys.counting(seed=1)
    for sums in ("value", "variance"):
        # all pass in one bin, none in another
        histograms["dy"].view()[sums][:, :, 0, 0, 0] = 0
        histograms["dy"].view()[sums][:, :, 1, 1, 1] = 0
    (found,) = sides(EfficiencyMap(**SIMULATED), histograms)
    failing, passing = (part.ravel() for part in histograms["dy"].project("passing", "pt", "abseta").values())
    np.testing.assert_allclose(found.corrected, passing + failing)
    inside = (passing > 0) & (failing > 0)
    np.testing.assert_allclose(found.expected[inside], passing[inside])
    assert found.expected[0] == pytest.approx(0.9999 * passing[0])
    assert found.expected[3] == pytest.approx(1e-4 * failing[3])
