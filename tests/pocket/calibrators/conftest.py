"""Jets of a real file with JME's corrections for them."""

from __future__ import annotations

from typing import Any

import awkward as ak
import pytest
from coffea.nanoevents import NanoEventsFactory

from pocket.io.nanoaod.schema import Schema
from tests.real_files import real_file

JET_TYPE, YEAR = "AK4PFPuppi", "2022_preEE"
SCALE, RESOLUTION = "Summer22_22Sep2023_V3_MC", "Summer22_22Sep2023_JRV1_MC"
MC = {"year": YEAR, "isMC": True}
DATA = {"year": YEAR, "isMC": False, "era": "C"}


@pytest.fixture(scope="package")
def events() -> ak.Array:
    """Top pairs in NanoAODv12, 200 events."""
    return NanoEventsFactory.from_root(
        {str(real_file("nano_tt_v12.root")): "Events"}, schemaclass=Schema, mode="virtual"
    ).events()


@pytest.fixture(scope="session")
def jerc() -> str:
    """Path of JME's corrections."""
    return str(real_file("jet_jerc_Summer22_V3.json.gz"))


@pytest.fixture
def params(jerc: str) -> dict[str, Any]:
    """Parameters that a test may change."""

    def each(value: Any) -> dict[str, Any]:
        return {YEAR: {JET_TYPE: value}}

    corrections = {
        "json_path": jerc,
        "jec_mc": SCALE,
        "jec_data": {"C": "Summer22_22Sep2023_RunCD_V3_DATA", "D": "Summer22_22Sep2023_RunCD_V3_DATA"},
        "jer": RESOLUTION,
        "level": "L1L2L3Res",
    }
    return {
        "jets_calibration": {
            "jet_types": {JET_TYPE: {YEAR: corrections}},
            "collection": each(["Jet", "CorrT1METJet"]),
            "apply_jec_MC": each(True),
            "apply_jec_Data": each(True),
            "apply_jer_MC": each(True),
            "sort_by_pt": each(True),
            "smearing_seed": 1,
            "variations": {JET_TYPE: {YEAR: ["JES_Total", "JES_Regrouped_BBEC1", "JER"]}},
        },
        "met_calibration": {
            YEAR: {
                "apply_MC": True,
                "apply_data": True,
                "RawMET_collection": "RawPuppiMET",
                "MET_collection": "PuppiMET",
                "CorrT1METJet_collection": "CorrT1METJet",
                "Jet_collection": "Jet",
            }
        },
    }
