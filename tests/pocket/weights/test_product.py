from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.weights import Lumi, ScaleFactorWeight, WeightProduct, WeightWrapper
from pocket.weights.base import WeightData, WeightDataMultiVariation

N = 4
METADATA = {"sample": "DY", "year": "2018", "isMC": True}


def made(name: str, nominal: float, sources: Mapping[str, tuple[float, float]], **attributes: Any) -> Any:
    """Return a weight class with constant values."""

    def compute(self: WeightWrapper, events: Any, size: int, shape_variation: str) -> Any:
        up, down = ([np.full(size, pair[side]) for pair in sources.values()] for side in (0, 1))
        if not self.needs_variations(shape_variation):
            return np.full(size, nominal)
        if tuple(sources) == ("",):
            return WeightData(name, np.full(size, nominal), up[0], down[0])
        return WeightDataMultiVariation(name, np.full(size, nominal), tuple(sources), up, down)

    names = tuple(source for source in sources if source)
    given = {"name": name, "_variations": names, "has_variations": bool(sources), "compute": compute, **attributes}
    return type(name, (WeightWrapper,), given)


ID = made("sf_id", 0.9, {"stat": (0.91, 0.89), "tag": (0.95, 0.85)})
ISO = made("sf_iso", 1.1, {"stat": (1.12, 1.08), "tag": (1.0, 1.2), "pileup": (1.11, 1.09)})
TRIGGER = made("sf_trigger", 0.8, {"": (0.84, 0.76)})
PRODUCT = WeightProduct.wrap("sf_muon", [ID, ISO, TRIGGER], shared=("tag",))


def test_shared_sources_move_together() -> None:
    nominal, varied = PRODUCT({}, METADATA).evaluate(None, N, "nominal")
    assert nominal == pytest.approx(np.full(N, 0.9 * 1.1 * 0.8))
    expected = {
        "sf_muon_tagUp": 0.95 * 1.0 * 0.8,
        "sf_muon_tagDown": 0.85 * 1.2 * 0.8,
        "sf_muon_sf_id_statUp": 0.91 * 1.1 * 0.8,
        "sf_muon_sf_id_statDown": 0.89 * 1.1 * 0.8,
        "sf_muon_sf_iso_statUp": 0.9 * 1.12 * 0.8,
        "sf_muon_sf_iso_statDown": 0.9 * 1.08 * 0.8,
        "sf_muon_sf_iso_pileupUp": 0.9 * 1.11 * 0.8,
        "sf_muon_sf_iso_pileupDown": 0.9 * 1.09 * 0.8,
        "sf_muon_sf_triggerUp": 0.9 * 1.1 * 0.84,
        "sf_muon_sf_triggerDown": 0.9 * 1.1 * 0.76,
    }
    assert set(varied) == set(expected)
    for name, value in expected.items():
        assert varied[name] == pytest.approx(np.full(N, value)), name


def test_nothing_varies_inside_of_shape_variations() -> None:
    nominal, varied = PRODUCT({}, METADATA).evaluate(None, N, "jesUp")
    assert varied == {}
    assert nominal == pytest.approx(np.full(N, 0.9 * 1.1 * 0.8))


def test_weights_that_follow_another_one() -> None:
    def following(self: WeightWrapper, events: Any, size: int, keys: Sequence[str]) -> dict[str, Any]:
        return {key: np.full(size, 2.0 if key == "pileup_up" else 3.0) for key in keys}

    follower = made("sf_id", 0.9, {}, follows="pileup", compute_following=following)
    product = WeightProduct.wrap("sf_muon", [follower, ISO])
    assert product.follows == "pileup"
    found = product({}, METADATA).evaluate_following(None, N, ["pileupUp", "pileupDown"])
    assert {name: values[0] for name, values in found.items()} == pytest.approx({"pileupUp": 2.2, "pileupDown": 3.3})
    other = made("sf_trigger", 0.9, {}, follows="sf_btag", compute_following=following)
    with pytest.raises(ConfigError, match="weight 'sf_muon': its weights follow pileup and sf_btag, not one weight"):
        WeightProduct.wrap("sf_muon", [follower, other])


def test_derived_scale_factors() -> None:
    parts = [
        ScaleFactorWeight.wrap(f"sf_{name}", scale_factor=name, collection="MuonGood", variations=("stat", "tag"))
        for name in ("muon_id", "muon_iso")
    ]
    product = WeightProduct.wrap("sf_muon", parts, shared=("tag",))
    assert product.scale_factors() == ("muon_id", "muon_iso")
    assert product.systematics() == dict.fromkeys(
        ("muon_id", "muon_iso"), ("stat_up", "stat_down", "tag_up", "tag_down")
    )
    assert product({}, METADATA).variation_names()[:2] == ["sf_muon_tagUp", "sf_muon_tagDown"]


def test_wrong_products() -> None:
    with pytest.raises(ConfigError, match="a product needs at least two weights with different names"):
        WeightProduct.wrap("sf_muon", [ID, ID])
    with pytest.raises(
        UnknownNameError, match="unknown source 'tga' in shared of weight 'sf_muon', did you mean 'tag'"
    ):
        WeightProduct.wrap("sf_muon", [ID, ISO], shared=("tga",))
    with pytest.raises(ConfigError, match="only one weight has the source 'pileup', so it isn't shared"):
        WeightProduct.wrap("sf_muon", [ID, ISO], shared=("pileup",))
    with pytest.raises(ConfigError, match="'lumi' is a factor of the dataset, so it can't be part of a product"):
        WeightProduct.wrap("sf_muon", [ID, Lumi])
    once = made("sf_once", 1.0, {"tag": (1.1, 0.9)}, symmetrise="mirror")
    with pytest.raises(ConfigError, match="'sf_once' is computed up only, so it can't be part of a product"):
        WeightProduct.wrap("sf_muon", [ID, once])
