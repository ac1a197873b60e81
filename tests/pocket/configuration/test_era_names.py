from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.base.fingerprint import fingerprint
from pocket.calibrators import Calibrator
from pocket.calibrators.jets import JetsCalibrator
from pocket.calibrators.met import METCalibrator
from pocket.configuration.configurator import Configurator
from pocket.configuration.description import describe_config
from pocket.configuration.era_names import era_names
from pocket.errors import ConfigError
from pocket.plan.era_names import EraNames, has_era
from pocket.weights import WeightLambda
from pocket.weights.btag import BTagShape
from pocket.weights.leptons import ElectronTrigger, MuonId, MuonTrigger
from tests.entries import check_each
from tests.pocket.configs import configure

YEARS = ("2022_preEE", "2022_postEE", "2023_preBPix")


class Shift(Calibrator):
    name = "jets"
    has_variations = True
    calibrated_collections = ("x",)
    correlated = {"*_JER": False}  # noqa: RUF012
    _variations = tuple(
        f"AK4_{one}{side}" for one in ("JES_Absolute", "JES_BBEC1_2022", "JER") for side in ("Up", "Down")
    )


class Late(Calibrator):
    """Knows its variations only once there are events."""

    name = "late"
    has_variations = True
    correlated = False

    def initialize(self, events: Any) -> None:
        self._variations = ("late_oneUp", "late_oneDown")


def shifted(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return np.ones(size), ["hf", "hfstats1"], [np.ones(size)] * 2, [np.ones(size)] * 2


def plain(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return np.ones(size), np.ones(size), np.ones(size)


def build(folder: Path, correlated: Any = None, calibrators: Any = (Shift,), **changes: Any) -> Configurator:
    def files(**varies: Any) -> list[dict[str, Any]]:
        return [
            {"paths": [f"{year}.root"], "metadata": {"year": year, "isMC": True, "xsec": 1.0, **varies}}
            for year in YEARS
        ]

    varies = {"sample": "TT", "variation": "hdampUp", "symmetrise": "mirror"}
    definitions = {"TT": {"sample": "TT", "files": files()}, "UP": {"sample": "UP", "files": files(varies=varies)}}
    path = folder / "definitions.json"
    path.write_text(json.dumps(definitions))
    btag = WeightLambda.wrap_func("btag", shifted, has_variations=True, variations=["hf", "hfstats1"])
    btag.correlated = {"hfstats?": False}
    trigger = WeightLambda.wrap_func("trigger", plain, has_variations=True)
    trigger.correlated = False
    variations = {
        "weights": {"common": {"inclusive": ["btag", "trigger"]}},
        "shape": {"common": {"inclusive": [calibrator.name for calibrator in calibrators]}},
    }
    settings: dict[str, Any] = {
        "datasets": {"jsons": [path]},
        "calibrators": calibrators,
        "weights": {"common": {"inclusive": [btag, trigger]}},
        "variations": variations | ({} if correlated is None else {"correlated": correlated}),
    }
    return configure(**settings | changes)


def stored(cfg: Configurator) -> dict[str, set[str]]:
    """Return dataset → names of its sources."""
    return {name: set(of_dataset.values()) for name, of_dataset in era_names(cfg).by_dataset.items()}


def test_names_stay_by_default(tmp_path: Path) -> None:
    config = build(tmp_path)
    names = era_names(config)
    assert not names
    assert names.stored("TT_2022_preEE", "triggerUp") == "triggerUp"
    assert "era_names" not in config.merging_plan().spec(config.definitions)


def test_classes_say_which_eras_share(tmp_path: Path) -> None:
    found = stored(build(tmp_path, {}))
    assert list(found) == [f"TT_{year}" for year in YEARS]
    for year in YEARS:
        assert found[f"TT_{year}"] == {
            *("btag_hf", f"btag_hfstats1_{year}", f"trigger_{year}", "hdamp"),
            *("AK4_JES_Absolute", f"AK4_JER_{year}"),
            # regrouped sources have a year already
            "AK4_JES_BBEC1_2022",
        }
    names = era_names(build(tmp_path, {}))
    assert names.stored("TT_2022_preEE", "btag_hfstats1Down") == "btag_hfstats1_2022_preEEDown"
    assert names.stored("TT_2022_preEE", "nominal") == "nominal"


@check_each(
    ("correlated", "expected"),
    [
        ({"btag": False}, {"btag_hf_2022_preEE", "btag_hfstats1_2022_preEE"}),
        ({"btag": True, "btag_hf": False}, {"btag_hf_2022_preEE", "btag_hfstats1"}),
        ({"btag": False, "btag_hf*": True}, {"btag_hf", "btag_hfstats1"}),
        ({"btag_*": True}, {"btag_hf", "btag_hfstats1"}),
        ({"trigger": True}, {"trigger"}),
        ({"trigger": dict(zip(YEARS, ("2022", "2022", "2023"), strict=True))}, {"trigger_2022"}),
        ({"trigger": dict.fromkeys(YEARS, "")}, {"trigger"}),
        ({"*_JES_*": False}, {"AK4_JES_Absolute_2022_preEE", "AK4_JES_BBEC1_2022", "AK4_JER_2022_preEE"}),
        ({"jets": True}, {"AK4_JER"}),
        ({"hdamp": False}, {"hdamp_2022_preEE"}),
    ],
)
def test_the_configuration_decides(tmp_path: Path, correlated: Any, expected: set[str]) -> None:
    assert expected <= stored(build(tmp_path, correlated))["TT_2022_preEE"]


def test_names_that_come_later_follow_their_calibrator(tmp_path: Path) -> None:
    config = build(tmp_path, {"anything": False}, (Shift, Late))
    names = era_names(config)
    assert names.stored("TT_2022_preEE", "late_oneUp") == "late_one_2022_preEEUp"
    assert names.renamed("TT_2022_preEE", ["nominal", "late_oneUp"])["late_oneUp"] == "late_one_2022_preEEUp"
    shared = era_names(build(tmp_path, {"late": True}, (Shift, Late)))
    assert shared.stored("TT_2022_preEE", "late_oneUp") == "late_oneUp"
    both = ["late_oneUp", "late_one_2022_preEEUp"]
    with pytest.raises(ConfigError, match="'late_oneUp' and 'late_one_2022_preEEUp' would both be stored as"):
        names.renamed("TT_2022_preEE", both)


@pytest.mark.parametrize(
    ("correlated", "message"),
    [
        ({"trigerr": False}, r"unknown source 'trigerr' in variations.correlated.*trigger"),
        ({"trigger": 1}, "variations.correlated.trigger is 1, expected True, False or era → name"),
        (True, "variations.correlated is True, expected source"),
        (
            {"trigger": {"2022_preEE": "2022"}},
            "variations.correlated of 'trigger' has the eras 2022_preEE, but not 2022_postEE, that of dataset "
            "'TT_2022_postEE'",
        ),
        (
            {"btag_hf": dict.fromkeys(YEARS, "x"), "btag_hf_x": True},
            "unknown source 'btag_hf_x'",
        ),
    ],
)
def test_mistakes(tmp_path: Path, correlated: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(tmp_path, correlated)


def test_two_sources_may_not_get_one_name(tmp_path: Path) -> None:
    class Twice(Shift):
        _variations = tuple(f"{one}{side}" for one in ("own", "own_x") for side in ("Up", "Down"))

    with pytest.raises(ConfigError, match="the variations 'own' and 'own_x' would both be stored as 'own_x'"):
        build(tmp_path, {"own": dict.fromkeys(YEARS, "x")}, (Twice,))


def test_only_merged_outputs_depend_on_it(tmp_path: Path) -> None:
    usual, one, other = (build(tmp_path, table) for table in (None, {}, {"trigger": True}))
    specs = [config.declared().spec() for config in (usual, one, other)]
    del usual, one
    for spec in specs:
        # the functions of weights are made anew for each configuration
        del spec["weights"], spec["shapes"], spec["workflow"]
    assert len(set(map(fingerprint, specs))) == 1
    described = describe_config(other, "main")["variations"]["era_names"]
    assert described["correlated"] == {"trigger": True}
    part = copy.copy(other)
    part.definitions = {name: one for name, one in other.definitions.items() if "2023" in name}
    assert set(era_names(part).by_dataset) == {"TT_2023_preBPix"}


@pytest.mark.parametrize(
    ("source", "year", "expected"),
    [
        ("JES_Absolute_2018", "2018", True),
        ("JES_Absolute_2022EE", "2022_postEE", True),
        ("JES_Absolute", "2018", False),
        ("JES_Absolute_2017", "2018", False),
        ("scale_toys", "toys", True),
        ("scale_12018", "2018", False),
    ],
)
def test_names_with_an_era(source: str, year: str, expected: bool) -> None:
    assert has_era(source, year) is expected


def test_shipped_classes_say_it() -> None:
    def is_shared(cls: Any, source: str) -> bool:
        return EraNames({}, {"d": "2018"}).of_source("d", source, cls.name, cls.correlated) == source

    shared = {
        (MuonId, "sf_mu_id"): True,
        (MuonTrigger, "sf_mu_trigger"): False,
        (ElectronTrigger, "sf_ele_trigger"): False,
        (BTagShape, "sf_btag_hf"): True,
        (BTagShape, "sf_btag_cferr1"): True,
        (BTagShape, "sf_btag_lfstats2"): False,
        (JetsCalibrator, "AK4PFchs_JER"): False,
        (JetsCalibrator, "AK4PFchs_JES_Total"): True,
        (JetsCalibrator, "AK4PFchs_JES_AbsoluteScale"): True,
        (JetsCalibrator, "AK4PFchs_JES_AbsoluteStat"): False,
        (JetsCalibrator, "AK4PFchs_JES_RelativePtEC2"): False,
        (METCalibrator, "MET_unclustered"): False,
    }
    assert {key: is_shared(*key) for key in shared} == shared
