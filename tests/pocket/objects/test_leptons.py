from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents.methods import candidate
from hypothesis import given, settings
from omegaconf import OmegaConf

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.objects import lepton_selection
from pocket.objects.leptons import merged_leptons
from tests.pocket.objects.events import Event, events, to_awkward
from tests.pocket.objects.nano import nano_events, nano_loop

MUON = {"pt": 15.0, "eta": 2.4, "iso": 0.25, "id": "tightId"}
ELECTRON = {"pt": 15.0, "eta": 2.4, "iso": 0.06, "id": "mvaFall17V2Iso_WP80"}


def params(**sections: dict[str, Any]) -> Any:
    return OmegaConf.create({"object_preselection": sections})


def good_muon(muon: dict[str, Any]) -> bool:
    return bool(muon["pt"] > 15 and -2.4 < muon["eta"] < 2.4 and muon["pfRelIso04_all"] < 0.25 and muon["tightId"])


def good_electron(electron: dict[str, Any]) -> bool:
    supercluster = abs(electron["eta"] + electron["deltaEtaSC"])
    return bool(
        electron["pt"] > 15
        and -2.4 < electron["eta"] < 2.4
        and electron["pfRelIso03_all"] < 0.06
        and electron["mvaFall17V2Iso_WP80"]
        and not 1.4442 <= supercluster <= 1.5660
    )


@given(events("Muon"))
@settings(max_examples=20)
def test_muons_against_a_loop(generated: list[Event]) -> None:
    selected = lepton_selection(to_awkward(generated), "Muon", params(Muon=MUON))
    expected = [[muon["pt"] for muon in event["Muon"] if good_muon(muon)] for event in generated]
    assert selected.pt.to_list() == expected


@given(events("Electron"))
@settings(max_examples=20)
def test_electrons_against_a_loop(generated: list[Event]) -> None:
    selected = lepton_selection(to_awkward(generated), "Electron", params(Electron=ELECTRON))
    good = [[electron for electron in event["Electron"] if good_electron(electron)] for event in generated]
    assert selected.pt.to_list() == [[electron["pt"] for electron in event] for event in good]
    supercluster = ak.flatten(selected.etaSC).to_list()
    assert supercluster == pytest.approx([e["eta"] + e["deltaEtaSC"] for event in good for e in event], abs=1e-6)


def test_electrons_in_the_ecal_transition_are_dropped() -> None:
    electron = {"pt": 50.0, "phi": 0.0, "mass": 0.0, "charge": 1, "pfRelIso03_all": 0.0, "mvaFall17V2Iso_WP80": True}
    generated = [{"Electron": [electron | {"eta": eta, "deltaEtaSC": 0.02} for eta in (1.40, 1.45, -1.45, -1.56)]}]
    selected = lepton_selection(to_awkward(generated), "Electron", params(Electron=ELECTRON))
    # -1.56 + 0.02 is inside, 1.45 + 0.02 too, -1.45 + 0.02 is outside
    assert selected.eta.to_list() == [pytest.approx([1.40, -1.45])]


def test_isolation_is_optional() -> None:
    muon = {"pt": 50.0, "eta": 0.0, "phi": 0.0, "mass": 0.1, "charge": 1, "pfRelIso04_all": 9.0, "tightId": True}
    arrays = to_awkward([{"Muon": [muon]}])
    loose = {key: value for key, value in MUON.items() if key != "iso"}
    assert ak.num(lepton_selection(arrays, "Muon", params(Muon=MUON))).to_list() == [0]
    assert ak.num(lepton_selection(arrays, "Muon", params(Muon=loose))).to_list() == [1]


def test_real_file_against_a_loop() -> None:
    nano = nano_events("nano_dy.root")
    cuts = params(Muon=MUON, Electron=ELECTRON)
    muons = nano_loop("nano_dy.root", "Muon", "pt", "eta", "pfRelIso04_all", "tightId")
    electrons = nano_loop(
        "nano_dy.root", "Electron", "pt", "eta", "deltaEtaSC", "pfRelIso03_all", "mvaFall17V2Iso_WP80"
    )
    expected_muons = [[muon["pt"] for muon in event if good_muon(muon)] for event in muons]
    expected_electrons = [[electron["pt"] for electron in event if good_electron(electron)] for event in electrons]
    assert lepton_selection(nano, "Muon", cuts).pt.to_list() == expected_muons
    assert lepton_selection(nano, "Electron", cuts).pt.to_list() == expected_electrons
    assert any(expected_muons)
    assert any(expected_electrons)


def test_unknown_names() -> None:
    arrays = to_awkward([{"Muon": []}])
    with pytest.raises(UnknownNameError, match=r"lepton flavour 'Muons' in lepton_selection, did you mean 'Muon'"):
        lepton_selection(arrays, "Muons", params(Muon=MUON))
    with pytest.raises(UnknownNameError, match=r"parameter 'eta' in object_preselection.Muon"):
        lepton_selection(arrays, "Muon", params(Muon={"pt": 15.0, "id": "tightId"}))
    with pytest.raises(MissingBranchError, match=r"branch 'Muon_tihgtId' does not exist; nearest: Muon_tightId"):
        lepton_selection(arrays, "Muon", params(Muon=MUON | {"id": "tihgtId"}))
    with pytest.raises(ConfigError, match=r"object_preselection.Muon.id must name a boolean, which 'charge' is not"):
        lepton_selection(arrays, "Muon", params(Muon=MUON | {"id": "charge"}))


@given(events("Muon", "Electron"))
def test_merged_leptons_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    found = merged_leptons([arrays.Muon, arrays.Electron], ("pt", "eta", "charge"))
    expected = [
        sorted(
            [{name: lepton[name] for name in ("pt", "eta", "charge")} for lepton in event["Muon"] + event["Electron"]],
            key=lambda lepton: -lepton["pt"],
        )
        for event in generated
    ]
    assert found.to_list() == expected
    assert ak.flatten(found.pt).to_numpy().dtype == np.float32
    assert ak.flatten(found.charge).to_numpy().dtype == np.int32


def test_merged_leptons_are_momenta() -> None:
    lepton = {"pt": 10.0, "eta": 0.0, "phi": 0.0, "mass": 0.0, "charge": 1, "pdgId": 13}
    leptons = ak.Array([[lepton], []], with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)
    merged = merged_leptons([leptons, leptons])
    assert merged.px.to_list() == [[10.0, 10.0], []]
    assert merged.fields == list(lepton)
