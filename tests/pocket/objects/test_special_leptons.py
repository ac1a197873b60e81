from __future__ import annotations

from typing import Any

import awkward as ak
import pytest
from omegaconf import OmegaConf

from pocket.errors import UnknownNameError
from pocket.objects.special_leptons import (
    get_charged_leptons,
    lepton_selection_promptMVA,
    nearest_jet_score,
    soft_lepton_selection,
)

#: a lepton of either flavour that passes everything
GOOD: dict[str, Any] = {
    "pt": 30.0,
    "eta": 1.0,
    "phi": 0.5,
    "mass": 0.1,
    "charge": 1,
    "deltaEtaSC": 0.0,
    "pfRelIso03_all": 0.05,
    "pfRelIso04_all": 0.3,
    "tightId": True,
    "sip3d": 1.0,
    "dxy": 0.02,
    "dxyErr": 0.01,
    "dz": 0.01,
    "lostHits": 0,
    "isGlobal": True,
    "isTracker": False,
    "isPFcand": True,
    "jetIdx": 0,
    "mvaTTH_redo": 0.9,
}
LIMITS = {
    "pt": 10,
    "eta": 2.4,
    "iso": 0.4,
    "iso_soft": 0.2,
    "id": "tightId",
    "base_id": "tightId",
    "sip3d": 8,
    "dxy": 0.05,
    "dz": 0.1,
    "lostHits": 1,
    "btag_cut": {"2022": 0.5},
    "mva_wp": {"2022": 0.6},
}
PARAMS = OmegaConf.create({"object_preselection": {"Electron": LIMITS, "Muon": LIMITS}})


def events(flavour: str, *changes: dict[str, Any], jets: list[float] | None = None) -> ak.Array:
    """Return an event with a good lepton, and one for each change of it."""
    leptons = [[{**GOOD, **change} for change in ({}, *changes)]]
    return ak.Array({flavour: leptons, "Jet": [[{"btagDeepFlavB": score} for score in jets or [0.1]]]})


def test_soft_muons() -> None:
    rejected = [{"pfRelIso04_all": 0.1}, {"dxy": 0.005}, {"tightId": False}, {"pt": 9.0}, {"eta": -2.5}]
    muons = soft_lepton_selection(events("Muon", *rejected), "Muon", PARAMS)
    assert ak.num(muons).tolist() == [1]
    electrons = soft_lepton_selection(events("Electron", {"eta": 1.5}, {"dxy": 0.0}), "Electron", PARAMS)
    assert ak.num(electrons).tolist() == [2]


@pytest.mark.parametrize(
    ("flavour", "rejected"),
    [
        ("Electron", {"lostHits": 2}),
        ("Electron", {"eta": 1.5}),
        ("Electron", {"pfRelIso03_all": 0.5}),
        ("Muon", {"pfRelIso04_all": 0.5}),
        ("Muon", {"isGlobal": False}),
        ("Muon", {"isPFcand": False}),
        ("Muon", {"tightId": False}),
        *((flavour, {name: 9.0}) for flavour in ("Electron", "Muon") for name in ("sip3d", "dxy", "dz", "eta", "pt")),
        *((flavour, {"jetIdx": 1}) for flavour in ("Electron", "Muon")),
        *((flavour, {"mvaTTH_redo": 0.5}) for flavour in ("Electron", "Muon")),
    ],
)
def test_leptons_that_fail_the_prompt_selection(flavour: str, rejected: dict[str, Any]) -> None:
    leptons, mask = lepton_selection_promptMVA(events(flavour, rejected, jets=[0.1, 0.9]), flavour, PARAMS, "2022")
    assert mask.tolist() == [[True, False]]
    assert ak.num(leptons).tolist() == [1]


def test_the_score_may_be_applied_later() -> None:
    leptons, _ = lepton_selection_promptMVA(events("Muon", {"mvaTTH_redo": -1.0}), "Muon", PARAMS, "2022", False)
    assert ak.num(leptons).tolist() == [2]
    with pytest.raises(UnknownNameError, match="'Tau'"):
        lepton_selection_promptMVA(events("Tau"), "Tau", PARAMS, "2022")


def test_links_lead_to_jets_in_their_order_in_the_file() -> None:
    jets = ak.zip({"btagDeepFlavB": [[0.3, 0.2]], "pocket_sortidx": [[1, 0]]})
    leptons = ak.zip({"jetIdx": [[0, -1]]})
    assert nearest_jet_score(ak.Array({"Jet": jets}), leptons).tolist() == [[0.2, 0.0]]


def test_charged_leptons() -> None:
    def leptons(*charges: list[int]) -> ak.Array:
        return ak.Array([[{**GOOD, "charge": charge, "pt": 20.0 + charge} for charge in each] for each in charges])

    electrons, muons = leptons([1, -1], [1], [], [1, -1]), leptons([], [-1], [-1], [1])
    negative = get_charged_leptons(electrons, muons, -1, [True, True, True, True])
    assert negative.pt.tolist() == [19.0, 19.0, -999.9, -999.9]
    assert negative.eta.tolist() == [1.0, 1.0, -9.0, -9.0]
    assert get_charged_leptons(electrons, muons, 1, [False, True, True, True]).pt.tolist()[:2] == [-999.9, 21.0]
