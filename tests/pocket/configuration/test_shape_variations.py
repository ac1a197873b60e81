from __future__ import annotations

from typing import Any

import pytest

from pocket.calibrators import Calibrator
from pocket.configuration.shape_variations import build_shape_plan, check_variations
from pocket.errors import ConfigError, UnknownNameError


class Jets(Calibrator):
    name = "jets"
    has_variations = True


class Correction(Calibrator):
    name = "correction"


class Muons(Calibrator):
    name = "muons"
    has_variations = True


CALIBRATORS = (Jets, Correction, Muons)
CATEGORIES = ("SR", "CR")
SAMPLES = {"TT": True, "TT__bb": True, "DATA": False}
BLOCK = {
    "common": {"bycategory": {"SR": ["muons"]}},
    "bysample": {"TT__bb": {"inclusive": ["jets"], "bycategory": {"SR": ["muons"]}}},
}


def plan(block: Any, calibrators: Any = CALIBRATORS) -> Any:
    return build_shape_plan(block, calibrators, CATEGORIES, SAMPLES)


def test_what_varies_where() -> None:
    assert plan(BLOCK).samples == {
        "TT": {"SR": ("muons",), "CR": ()},
        "TT__bb": {"SR": ("muons", "jets"), "CR": ("jets",)},
        "DATA": {"SR": (), "CR": ()},
    }
    assert plan({}).samples["TT"] == {"SR": (), "CR": ()}


@pytest.mark.parametrize(
    ("block", "calibrators", "error", "message"),
    [
        ({"common": {"inclusive": ["jet"]}}, CALIBRATORS, UnknownNameError, "unknown calibrator 'jet' in variations"),
        ({"common": {"inclusive": ["correction"]}}, CALIBRATORS, ConfigError, "'correction' in .* has no variations"),
        ({}, [Jets, "muons"], ConfigError, "calibrators: 'muons' is no calibrator class"),
        ({}, [Jets({}, {"isMC": True, "year": "2018"})], ConfigError, "is no calibrator class"),
        ({}, [Jets, Jets], ConfigError, "two calibrators have the name 'jets'"),
        ({"common": {"inclusive": "jets"}}, CALIBRATORS, ConfigError, "variations.shape.common.inclusive must be a li"),
    ],
)
def test_wrong_plans(block: Any, calibrators: Any, error: type[ConfigError], message: str) -> None:
    with pytest.raises(error, match=message):
        plan(block, calibrators)


def test_check_variations() -> None:
    weights, shape = {"common": {}}, {"bysample": {}}
    assert check_variations({"weights": weights, "shape": shape}) == (weights, shape, None)
    assert check_variations({"correlated": {"jets": False}}) == ({}, {}, {"jets": False})
    assert check_variations({}) == ({}, {}, None)
    with pytest.raises(UnknownNameError, match="unknown key 'shapes' in variations, did you mean 'shape'"):
        check_variations({"shapes": {}})
