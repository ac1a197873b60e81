from __future__ import annotations

from typing import Any

import awkward as ak
import pytest
from hypothesis import assume, given, settings
from omegaconf import OmegaConf

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.objects import jet_id, jet_selection
from tests.pocket.objects.events import Event, distance, events, to_awkward
from tests.pocket.objects.nano import nano_events, nano_loop
from tests.real_files import LARGEST

PARAMS = OmegaConf.create(
    {
        "object_preselection": {
            "Jet": {"dr_lepton": 0.4, "pt": 30.0, "eta": 2.4, "jetId": 2, "puId": {"wp": "L", "maxpt": 50.0}}
        },
        "jet_scale_factors": {
            "jet_puId": {"2018": {"working_point": {"L": 4}}, "2016_PreVFP": {"working_point": {"L": 1}}}
        },
    }
)


def good_jet(jet: dict[str, Any], leptons: list[dict[str, Any]], pu_id: int) -> bool:
    if jet["pt"] <= 30 or abs(jet["eta"]) >= 2.4 or jet["jetId"] < 2:
        return False
    if jet["pt"] < 50 and jet["puId"] < pu_id:
        return False
    return all(distance(jet, lepton) > 0.4 for lepton in leptons)


def check(generated: list[Event], year: str, pu_id: int, leptons: str) -> None:
    for event in generated:
        for jet in event["Jet"]:
            # in single precision either side of the edge is right
            assume(all(abs(distance(jet, lepton) - 0.4) > 1e-5 for lepton in event["Muon"]))
    arrays = to_awkward(generated)
    selected, mask = jet_selection(arrays, "Jet", PARAMS, year, leptons)
    expected = [[good_jet(jet, event["Muon"] if leptons else [], pu_id) for jet in event["Jet"]] for event in generated]
    assert mask.to_list() == expected
    assert selected.pt.to_list() == arrays.Jet[mask].pt.to_list()


@given(events("Jet", "Muon"))
@settings(max_examples=20)
def test_against_a_loop(generated: list[Event]) -> None:
    check(generated, "2018", 4, "Muon")


@given(events("Jet", "Muon"))
@settings(max_examples=20)
def test_against_a_loop_without_cleaning(generated: list[Event]) -> None:
    check(generated, "2018", 4, "")


@given(events("Jet", "Muon"))
@settings(max_examples=20)
def test_pileup_id_depends_on_the_year(generated: list[Event]) -> None:
    check(generated, "2016_PreVFP", 1, "Muon")
    check(generated, "toys", 0, "Muon")


def test_jet_inside_a_lepton_is_dropped() -> None:
    jet = {"pt": 60.0, "eta": 0.0, "phi": 3.1, "mass": 5.0, "jetId": 6, "puId": 7, "btagDeepFlavB": 0.5}
    muon = {"pt": 60.0, "eta": 0.1, "phi": -3.1, "mass": 0.1, "charge": 1, "pfRelIso04_all": 0.0, "tightId": True}
    arrays = to_awkward([{"Jet": [jet, jet | {"phi": 2.0}], "Muon": [muon]}, {"Jet": [jet], "Muon": []}])
    _, mask = jet_selection(arrays, "Jet", PARAMS, "2018", "Muon")
    assert mask.to_list() == [[False, True], [True]]


def test_real_file_against_a_loop() -> None:
    name = "nano_dy.root"
    _, mask = jet_selection(nano_events(name), "Jet", PARAMS, "2018", "Electron")
    jets = nano_loop(name, "Jet", "pt", "eta", "phi", "jetId", "puId")
    electrons = nano_loop(name, "Electron", "eta", "phi")
    expected = [[good_jet(jet, leptons, 4) for jet in event] for event, leptons in zip(jets, electrons, strict=True)]
    assert mask.to_list() == expected
    assert any(any(event) for event in expected)


FATJET = {"pt": 170.0, "eta": 2.4, "jetId": 2, "msd": 20.0, "dr_lepton": 0.8}


@pytest.mark.parametrize("name", ["nano_dimuon.root", "nano_tt_v12.root", LARGEST])
def test_fat_jets_of_real_files_against_a_loop(name: str) -> None:
    nano = nano_events(name)
    params = OmegaConf.create({"object_preselection": {"FatJet": FATJET}})
    _, mask = jet_selection(nano, "FatJet", params, "2018", "Muon")
    jets = nano_loop(name, "FatJet", "pt", "eta", "phi", "msoftdrop")
    expected = [
        [
            jet["pt"] > 170
            and abs(jet["eta"]) < 2.4
            and number >= 2
            and jet["msoftdrop"] > 20
            and all(distance(jet, muon) > 0.8 for muon in muons)
            for jet, number in zip(event, identification, strict=True)
        ]
        for event, identification, muons in zip(
            jets, jet_id(nano, "FatJet").to_list(), nano_loop(name, "Muon", "eta", "phi"), strict=True
        )
    ]
    assert mask.to_list() == expected
    assert any(any(event) for event in expected)


def test_puppi_jets_have_no_pileup_id() -> None:
    params = OmegaConf.create({"object_preselection": {"Jet": {"pt": 30.0, "eta": 2.4, "jetId": 0}}})
    with_id = OmegaConf.merge(PARAMS, {"object_preselection": {"Jet": {"jetId": 0}}})
    nano = nano_events("nano_tt_v12.root")
    _, expected = jet_selection(nano, "Jet", params, "2018")
    _, mask = jet_selection(nano, "Jet", with_id, "2018")
    assert mask.to_list() == expected.to_list()


def test_scores_have_the_same_names_for_all_taggers() -> None:
    nano = nano_events("nano_tt_v12.root")
    jets, mask = jet_selection(nano, "Jet", PARAMS, "2018", jet_tagger="RobustParT")
    for score in ("B", "CvL", "CvB"):
        assert jets[f"btag{score}"].to_list() == nano.Jet[mask][f"btagRobustParTAK4{score}"].to_list()
    params = OmegaConf.create({"object_preselection": {"FatJet": FATJET}})
    fatjets, mask = jet_selection(nano, "FatJet", params, "2018", jet_tagger="PNetMD")
    assert fatjets.btagBB.to_list() == nano.FatJet[mask].particleNet_XbbVsQCD.to_list()
    assert fatjets.btagCC.to_list() == nano.FatJet[mask].particleNet_XccVsQCD.to_list()
    with pytest.raises(UnknownNameError, match=r"jet tagger 'DeepFlavB' in jet_selection, did you mean 'DeepFlav'"):
        jet_selection(nano, "Jet", PARAMS, "2018", jet_tagger="DeepFlavB")
    with pytest.raises(MissingBranchError, match=r"branch 'Jet_btagUParTAK4B' does not exist"):
        jet_selection(nano, "Jet", PARAMS, "2018", jet_tagger="UParT")


def test_unknown_names() -> None:
    arrays = to_awkward([{"Jet": [], "Muon": []}])
    with pytest.raises(UnknownNameError, match=r"collection 'MuonGood' in the events, did you mean 'Muon'"):
        jet_selection(arrays, "Jet", PARAMS, "2018", "MuonGood")
    with pytest.raises(UnknownNameError, match=r"parameter 'FatJet' in object_preselection"):
        jet_selection(ak.with_field(arrays, arrays.Jet, "FatJet"), "FatJet", PARAMS, "2018")
    without = ak.with_field(arrays, arrays.Jet[["pt", "eta", "phi", "jetId"]], "Jet")
    with pytest.raises(MissingBranchError, match=r"branch 'Jet_puId' does not exist"):
        jet_selection(without, "Jet", PARAMS, "2018")
