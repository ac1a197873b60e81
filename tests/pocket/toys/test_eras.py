"""Toys of the years of Run 3: what their default parameters ask for, with a truth of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.toys.config import ToyConfig, era_parameters
from pocket.toys.generator import generate
from pocket.toys.plan import file_uuid
from tests.pocket.toys.conftest import TOYS
from tests.pocket.toys.helpers import assert_mean

ERAS = ("2022_preEE", "2022_postEE", "2023_preBPix", "2023_postBPix")
DATACERT = Path(__file__).parents[3] / "params" / "datacert"


@pytest.fixture(scope="module")
def defaults() -> dict[str, Any]:
    return to_plain(get_default_parameters())


@pytest.fixture(scope="module")
def eras() -> dict[str, ToyConfig]:
    return {year: ToyConfig.from_params(OmegaConf.load(TOYS).toys, year) for year in ERAS}


def test_every_era_differs_from_all_others(eras: dict[str, ToyConfig], config: ToyConfig) -> None:
    assert set(OmegaConf.load(TOYS).toys.eras) == set(ERAS)
    toys = [config, *eras.values()]
    assert len({seed for one in toys for seed in (one.seed, one.data.seed)}) == 2 * len(toys)
    assert len({file_uuid("dy", 0, one) for one in toys}) == len(toys)
    truths = [
        (one.truth.muon_id.sf, one.truth.trigger.data.plateau, one.truth.tagger.b.sf, one.truth.pileup.data)
        for one in toys
    ]
    for values in zip(*truths, strict=True):
        assert len(set(values)) == len(toys)


@pytest.mark.parametrize("year", ERAS)
def test_parameters_are_those_of_the_year(year: str, eras: dict[str, ToyConfig], defaults: dict[str, Any]) -> None:
    truth = eras[year].truth
    working_point = defaults["btagging"]["working_point"][year]
    assert working_point["btagging_algorithm"] == "btagDeepFlavB"
    assert truth.tagger.working_point == working_point["btagging_WP"]["M"]
    assert truth.pileup.correction == defaults["pileup"][year]["name"]


@pytest.mark.parametrize("year", ERAS)
def test_data_are_certified_by_the_file_of_the_year(
    year: str, eras: dict[str, ToyConfig], defaults: dict[str, Any]
) -> None:
    name = defaults["lumi"]["goldenJSON"][year].rpartition("/")[2]
    golden = {int(run): sections for run, sections in json.loads((DATACERT / name).read_text()).items()}
    data = generate("data", 10_000, eras[year], part=0)
    certified = np.array(
        [
            any(first <= section <= last for first, last in golden[run])
            for run, section in zip(data["run"].tolist(), data["luminosityBlock"].tolist(), strict=True)
        ]
    )
    assert_mean(certified, 1 / (1 + eras[year].data.uncertified))
    declared = {
        (run.number, section): kind == "certified"
        for run in eras[year].data.runs
        for kind in ("certified", "uncertified")
        for first, last in getattr(run, kind)
        for section in range(first, last + 1)
    }
    for (run, section), is_certified in declared.items():
        assert is_certified == any(first <= section <= last for first, last in golden[run])


@pytest.mark.parametrize("year", ERAS)
@pytest.mark.parametrize("process", ["ttsemi", "data"])
def test_branches_are_those_that_the_year_asks_for(
    year: str, process: str, eras: dict[str, ToyConfig], defaults: dict[str, Any]
) -> None:
    events = generate(process, 2000, eras[year], part=0)
    triggers = {name for names in defaults["HLT_triggers"][year].values() for name in names}
    assert {f"Flag_{name}" for name in defaults["event_flags"][year]} <= events.keys()
    assert {f"HLT_{name}" for name in triggers} <= events.keys()
    assert {"Rho_fixedGridRhoFastjetAll", "PuppiMET_pt", "RawMET_pt"} <= events.keys()
    assert "fixedGridRhoFastjetAll" not in events
    assert "btagDeepFlavB" in events["Jet"].fields
    assert "puId" not in events["Jet"].fields
    electrons = events["Electron"].fields
    assert {"mvaIso_WP80", "mvaIso_WP90", "mvaNoIso_WP90"} <= set(electrons)
    assert not [name for name in electrons if name.startswith("mvaFall17")]


def test_events_of_two_eras_are_independent(eras: dict[str, ToyConfig]) -> None:
    first, second = (
        np.asarray(generate("dy", 1000, eras[year], part=0)["PV_x"]) for year in ("2022_preEE", "2023_preBPix")
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(1000)


def test_only_what_an_era_says_is_changed(parameters: dict[str, Any]) -> None:
    common = {key: value for key, value in parameters.items() if key != "eras"}
    assert era_parameters(parameters) == common
    assert era_parameters(common, "toys") == common
    parameters["eras"] = {"2017": {"luminosity": 1.0, "truth": {"muon_id": {"sf": 0.5}}, "data": {"runs": [1]}}}
    changed = era_parameters(parameters, "2017")
    assert changed["luminosity"] == 1.0
    assert changed["truth"].pop("muon_id") == {**common["truth"]["muon_id"], "sf": 0.5}
    assert changed["truth"] == {key: value for key, value in common["truth"].items() if key != "muon_id"}
    assert changed["data"] == {**common["data"], "runs": [1]}
    assert changed["detector"] == common["detector"]


def test_year_without_toys(parameters: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"year of toys '2022_preE' in params/toys\.yaml.*'2022_preEE'"):
        ToyConfig.from_params(parameters, "2022_preE")


def test_version_without_content(parameters: dict[str, Any]) -> None:
    parameters["eras"]["2022_preEE"]["nano_version"] = 15
    with pytest.raises(ConfigError, match=r"toys\.nano_version is 15, expected 9 or 12"):
        ToyConfig.from_params(parameters, "2022_preEE")
