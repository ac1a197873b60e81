"""Real NanoAOD of every version through the object selections of the analyses, against a plain loop over events."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from analysis.ttbar.cuts import get_semileptonic
from analysis.ttbar.workflow import TopPairProcessor
from analysis.zmumu.workflow import TagAndProbeProcessor, ZmumuProcessor
from tests.pocket.objects.nano import nano_events, nano_loop
from tests.pocket.objects.test_nanoaod import FILES, expected_id, jets_loop

YEAR = "2018"
PARAMS = OmegaConf.create(
    {
        "object_preselection": {
            "Muon": {"pt": 5.0, "eta": 2.4, "iso": 0.4, "id": "tightId"},
            "Electron": {"pt": 8.0, "eta": 2.4, "iso": 0.2, "id": "mvaFall17V2Iso_WP80"},
            "Jet": {
                "dr_lepton": 0.4,
                "pt": 25.0,
                "eta": 2.9,
                "jetId": 2,
                "puId": {"wp": "L", "maxpt": 50.0},
                "btag": {"wp": "M"},
            },
        },
        "jet_scale_factors": {"jet_puId": {YEAR: {"working_point": {"L": 4}}}},
        "btagging": {
            "working_point": {YEAR: {"btagging_algorithm": "btagDeepFlavB", "btagging_WP": {"L": 0.05, "M": 0.2783}}}
        },
        "tag_and_probe": {"tag_pt": 10.0, "match_dr": 0.1},
    }
)
SEMILEPTONIC = {"muon_pt": 10.0, "electron_pt": 10.0, "jets": 2, "btags": 1, "met": 20.0}


def process(workflow: type[Any], name: str, **options: Any) -> Any:
    """Run the object selection of a workflow on a file; return its events."""
    processor = workflow(SimpleNamespace(workflow_options=options, parameters=PARAMS))
    metadata = {"dataset": "real", "sample": "real", "year": YEAR, "isMC": True}
    # workflows write to their events
    processor.start_chunk(copy.copy(nano_events(name)), metadata)
    processor.apply_object_preselection("nominal")
    processor.count_objects("nominal")
    processor.define_common_variables_before_presel("nominal")
    # all events, as if there were no preselection
    processor.define_common_variables_after_presel("nominal")
    return processor.events


def distance(first: dict[str, Any], second: dict[str, Any]) -> float:
    delta_phi = first["phi"] - second["phi"]
    return math.hypot(first["eta"] - second["eta"], math.atan2(math.sin(delta_phi), math.cos(delta_phi)))


def good_muons(name: str) -> list[list[dict[str, Any]]]:
    muons = nano_loop(name, "Muon", "pt", "eta", "phi", "tightId", "pfRelIso04_all")
    return [
        [m for m in event if m["pt"] > 5 and abs(m["eta"]) < 2.4 and m["tightId"] and m["pfRelIso04_all"] < 0.4]
        for event in muons
    ]


def good_electrons(name: str) -> list[list[dict[str, Any]]]:
    identification = "mvaFall17V2Iso_WP80" if FILES[name] == 9 else "mvaIso_WP80"
    supercluster = ("superclusterEta",) if FILES[name] == 15 else ("eta", "deltaEtaSC")
    fields = {"pt", "eta", "phi", "pfRelIso03_all", identification, *supercluster}
    electrons = nano_loop(name, "Electron", *fields)
    return [
        [
            e
            for e in event
            if e["pt"] > 8
            and abs(e["eta"]) < 2.4
            and e["pfRelIso03_all"] < 0.2
            and e[identification]
            and not 1.4442 <= abs(math.fsum(e[field] for field in supercluster)) <= 1.566
        ]
        for event in electrons
    ]


def good_jets(name: str, leptons: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    pileup = ("puId",) if FILES[name] == 9 else ()
    selected = []
    jets = nano_loop(name, "Jet", "pt", "eta", "phi", "btagDeepFlavB", *pileup)
    for event, composition, away_from in zip(jets, jets_loop(name), leptons, strict=True):
        selected.append(
            [
                jet
                for jet, parts in zip(event, composition, strict=True)
                if jet["pt"] > 25
                and abs(jet["eta"]) < 2.9
                and expected_id(parts, FILES[name], fat=False) >= 2
                and all(distance(jet, lepton) > 0.4 for lepton in away_from)
                and (jet["pt"] >= 50 or jet.get("puId", 7) >= 4)
            ]
        )
    return selected


def pts(objects: list[list[dict[str, Any]]]) -> list[list[float]]:
    return [[one["pt"] for one in event] for event in objects]


@pytest.mark.parametrize(
    "name", [name if "v12" in name else pytest.param(name, marks=pytest.mark.slow) for name in FILES]
)
def test_zmumu(name: str) -> None:
    events = process(ZmumuProcessor, name)
    muons = good_muons(name)
    jets = good_jets(name, muons)
    assert events.MuonGood.pt.to_list() == pts(muons)
    assert events.JetGood.pt.to_list() == pts(jets)
    assert events.nMuonGood.to_list() == [len(event) for event in muons]
    assert events.nJetGood.to_list() == [len(event) for event in jets]
    assert [pair is not None for pair in events.ll.mass.to_list()] == [len(event) >= 2 for event in muons]
    assert any(jets)


@pytest.mark.parametrize("measure", ["id", "trigger"])
@pytest.mark.parametrize("name", [name for name in FILES if name != "nano_tt_v12.root"])  # without trigger objects
def test_tag_and_probe(name: str, measure: str) -> None:
    muons = nano_loop(name, "Muon", "pt", "eta", "phi", "charge", "tightId", "looseId", "pfRelIso04_all")
    triggers = nano_loop(name, "TrigObj", "id", "eta", "phi")
    expected = []
    for event, objects in zip(muons, triggers, strict=True):
        fired = [any(o["id"] == 13 and distance(muon, o) < 0.1 for o in objects) for muon in event]
        isolated = [m["pt"] > 5 and abs(m["eta"]) < 2.4 and m["looseId"] and m["pfRelIso04_all"] < 0.4 for m in event]
        probe = [ok and (measure == "id" or m["tightId"]) for ok, m in zip(isolated, event, strict=True)]
        tag = [ok and m["tightId"] and f and m["pt"] > 10 for ok, m, f in zip(isolated, event, fired, strict=True)]
        expected.append(
            sum(
                tag[first] and probe[second] and event[first]["charge"] != event[second]["charge"]
                for first in range(len(event))
                for second in range(len(event))
            )
        )
    assert process(TagAndProbeProcessor, name, measure=measure).nTagProbe.to_list() == expected


@pytest.mark.parametrize("name", FILES)
def test_ttbar(name: str) -> None:
    events = process(TopPairProcessor, name)
    muons, electrons = good_muons(name), good_electrons(name)
    leptons = [[*first, *second] for first, second in zip(muons, electrons, strict=True)]
    jets = good_jets(name, leptons)
    tagged = [[jet for jet in event if jet["btagDeepFlavB"] > 0.2783] for event in jets]
    assert events.ElectronGood.pt.to_list() == pts(electrons)
    assert events.LeptonGood.pt.to_list() == [sorted(event, reverse=True) for event in pts(leptons)]
    assert events.JetGood.pt.to_list() == pts(jets)
    assert events.BJetGood.pt.to_list() == pts(tagged)
    missing = events["PFMET" if FILES[name] == 15 else "MET"].pt.to_list()
    selected = [
        len(lepton) == 1 and lepton[0]["pt"] > 10 and len(jet) >= 2 and len(tag) >= 1 and met > 20
        for lepton, jet, tag, met in zip(leptons, jets, tagged, missing, strict=True)
    ]
    cut = get_semileptonic(SEMILEPTONIC)
    mask = cut.get_mask(events, PARAMS, year=YEAR, sample="real", isMC=True)
    assert mask.tolist() == selected
    if name.startswith("nano_tt"):
        assert any(selected)
