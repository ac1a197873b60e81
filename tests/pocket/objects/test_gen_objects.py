from __future__ import annotations

from typing import Any

import awkward as ak
import pytest
from omegaconf import OmegaConf

from pocket.errors import UnknownNameError
from pocket.objects.gen_objects import getGenJets, getGenLeptons
from tests.pocket.objects.events import distance
from tests.pocket.objects.gen import ancestors, particle, record_loop, to_record
from tests.pocket.objects.nano import nano_events, nano_loop
from tests.real_files import LARGEST

PARAMS = OmegaConf.create(
    {"object_preselection": {"GEN_Lep": {"pt": 5.0, "eta": 2.5}, "GEN_Jet": {"pt": 20.0, "eta": 2.4}}}
)
CODES = {"Electron": {11}, "Muon": {13}, "Both": {11, 13}}
FILES = ("nano_dy.root", "nano_tt_v12.root", LARGEST)


def leptons_loop(events: list[list[dict[str, Any]]], flavour: str) -> list[list[float]]:
    selected = []
    for event in events:
        pts = []
        for position, line in enumerate(event):
            if abs(line["pdgId"]) not in CODES[flavour] or line["status"] != 1:
                continue
            parents = [abs(event[p]["pdgId"]) for p in ancestors(event, position)]
            others = [code for code in parents if code not in CODES["Both"]]
            if (not others or others[0] != 15) and line["pt"] > 5 and abs(line["eta"]) < 2.5:
                pts.append(line["pt"])
        selected.append(sorted(pts, reverse=True))
    return selected


@pytest.mark.parametrize("flavour", CODES)
@pytest.mark.parametrize("name", FILES)
def test_leptons_of_real_files_against_a_loop(name: str, flavour: str) -> None:
    expected = leptons_loop(record_loop(name), flavour)
    assert getGenLeptons(nano_events(name), flavour, PARAMS).pt.to_list() == expected
    if name == "nano_dy.root":
        assert any(expected)


def test_leptons_that_radiated_in_a_tau_decay_are_dropped() -> None:
    z = [particle(23, -1, 62)]
    tau = [*z, particle(15, 0, 2), particle(11, 1, 23), particle(11, 2, 1)]
    prompt = [*z, particle(11, 0, 23), particle(11, 1, 1, pt=30.0), particle(13, 0, 1, pt=60.0)]
    events = ak.zip({"GenPart": to_record([tau, prompt])}, depth_limit=1)
    assert getGenLeptons(events, "Both", PARAMS).pt.to_list() == [[], [60.0, 30.0]]
    assert getGenLeptons(events, "Muon", PARAMS).pt.to_list() == [[], [60.0]]


@pytest.mark.parametrize("name", FILES)
def test_jets_of_real_files_against_a_loop(name: str) -> None:
    nano = nano_events(name)
    leptons = getGenLeptons(nano, "Both", PARAMS)[["eta", "phi"]]
    events = ak.zip({"GenJet": nano.GenJet, "GenLep": leptons}, depth_limit=1)
    expected = [
        [
            jet["pt"]
            for jet in event
            if jet["pt"] > 20 and abs(jet["eta"]) < 2.4 and all(distance(jet, lepton) > 0.4 for lepton in away_from)
        ]
        for event, away_from in zip(nano_loop(name, "GenJet", "pt", "eta", "phi"), leptons.to_list(), strict=True)
    ]
    assert getGenJets(events, "GenLep", PARAMS).pt.to_list() == expected
    assert any(expected)


def test_unknown_names() -> None:
    events = ak.zip({"GenPart": to_record([[]])}, depth_limit=1)
    with pytest.raises(UnknownNameError, match=r"lepton flavour 'Muons' in getGenLeptons, did you mean 'Muon'"):
        getGenLeptons(events, "Muons", PARAMS)
    with pytest.raises(UnknownNameError, match=r"parameter 'GEN_Lep' in object_preselection"):
        getGenLeptons(events, "Muon", OmegaConf.create({"object_preselection": {}}))
    with pytest.raises(UnknownNameError, match=r"collection 'GenJet' in the events"):
        getGenJets(events, "GenPart", PARAMS)
