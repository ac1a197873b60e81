"""Object selections of the analyses with the parameters of every era, on real NanoAOD, against a loop over events."""

from __future__ import annotations

import copy
import functools
import itertools
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.ttbar.config import parameters as ttbar_parameters
from analysis.ttbar.workflow import TopPairProcessor
from analysis.zee.config import parameters as zee_parameters
from analysis.zee.workflow import ZeeProcessor
from analysis.zmumu.config import parameters as zmumu_parameters
from analysis.zmumu.workflow import ZmumuProcessor
from pocket.calibrators import JetsCalibrator
from pocket.errors import ConfigError, MissingBranchError
from pocket.parameters.defaults import get_default_parameters
from tests.entries import check_each
from tests.group_files import CAMPAIGNS
from tests.pocket.objects.nano import nano_events, nano_loop
from tests.pocket.objects.test_nanoaod import FILES, expected_id, jets_loop
from tests.test_nanoaod_versions import distance, pts

#: files in whose few events no lepton is as hard as the analyses ask for
FEW_LEPTONS = ("pfnano.root", "nano_tt_v15.root")
Objects = list[list[dict[str, Any]]]

#: era → tagger, the threshold of M, and the lowest Jet_puId of L, which is for CHS jets of Run 2
ERAS: dict[str, tuple[str, float, int | None]] = {
    "2016_PreVFP": ("btagDeepFlavB", 0.2598, 1),
    "2016_PostVFP": ("btagDeepFlavB", 0.2489, 1),
    "2017": ("btagDeepFlavB", 0.3040, 4),
    "2018": ("btagDeepFlavB", 0.2783, 4),
    "2022_preEE": ("btagDeepFlavB", 0.3086, None),
    "2022_postEE": ("btagDeepFlavB", 0.3196, None),
    "2023_preBPix": ("btagDeepFlavB", 0.2431, None),
    "2023_postBPix": ("btagDeepFlavB", 0.2435, None),
    "2024": ("btagUParTAK4B", 0.1272, None),
    "2025": ("btagUParTAK4B", 0.1272, None),
}
#: Eras differ in the numbers above and in what they are asked of: one each for both orders of the bits of Jet_puId, for
#: jets without it, and for the tagger that older files don't have.
KINDS = ("2016_PostVFP", "2018", "2022_postEE", "2024")


def selected(workflow: type[Any], params: Any, name: str, year: str) -> Any:
    """Return the events of a file after the object selection of a workflow."""
    processor = workflow(SimpleNamespace(workflow_options={}, parameters=params))
    metadata = {"dataset": "real", "sample": "real", "year": year, "isMC": True}
    # workflows write to their events
    processor.start_chunk(copy.copy(nano_events(name)), metadata)
    processor.apply_object_preselection("nominal")
    processor.count_objects("nominal")
    processor.define_common_variables_before_presel("nominal")
    processor.define_common_variables_after_presel("nominal")
    return processor.events


@functools.cache
def good_muons(name: str, pt: float) -> Objects:
    muons = nano_loop(name, "Muon", "pt", "eta", "phi", "tightId", "pfRelIso04_all")
    return [
        [
            m
            for m in event
            if m["pt"] > pt
            and abs(m["eta"]) < np.float32(2.4)
            and m["tightId"]
            and m["pfRelIso04_all"] < np.float32(0.15)
        ]
        for event in muons
    ]


@functools.cache
def good_electrons(name: str, pt: float, eta: float, iso: float, working_point: str) -> Objects:
    identification = f"{'mvaFall17V2Iso' if FILES[name] == 9 else 'mvaIso'}_{working_point}"
    supercluster = ("superclusterEta",) if FILES[name] == 15 else ("eta", "deltaEtaSC")
    electrons = nano_loop(name, "Electron", *{"pt", "eta", "phi", "pfRelIso03_all", identification, *supercluster})
    return [
        [
            e
            for e in event
            if e["pt"] > pt
            and abs(e["eta"]) < np.float32(eta)
            and e["pfRelIso03_all"] < np.float32(iso)
            and e[identification]
            and not 1.4442 <= abs(sum(np.float32(e[field]) for field in supercluster)) <= 1.566
        ]
        for event in electrons
    ]


def good_jets(name: str, year: str, leptons: Objects, *fields: str) -> Objects:
    lowest = ERAS[year][2] if FILES[name] == 9 else None
    pileup = () if lowest is None else ("puId",)
    jets = nano_loop(name, "Jet", "pt", "eta", "phi", *fields, *pileup)
    return [
        [
            jet
            for jet, parts in zip(event, composition, strict=True)
            if jet["pt"] > 30
            and abs(jet["eta"]) < np.float32(2.4)
            and expected_id(parts, FILES[name], fat=False) >= 2
            and all(distance(jet, lepton) > 0.4 for lepton in away_from)
            and (lowest is None or jet["pt"] >= 50 or jet["puId"] >= lowest)
        ]
        for event, composition, away_from in zip(jets, jets_loop(name), leptons, strict=True)
    ]


def has_score(name: str, year: str) -> bool:
    """Tell whether a file has the tagger of an era: UParT has come with NanoAODv15."""
    return FILES[name] == 15 or ERAS[year][0] != "btagUParTAK4B"


@check_each("params", [zmumu_parameters, zee_parameters, ttbar_parameters], ids=["zmumu", "zee", "ttbar"])
def test_numbers_of_all_eras(params: Any) -> None:
    points, identification = params.btagging.working_point, params.jet_scale_factors.jet_puId
    found = {
        year: (
            points[year].btagging_algorithm,
            points[year].btagging_WP.M,
            identification[year].working_point.L if year in identification else None,
        )
        for year in params.lumi.picobarns
        if year != "toys"
    }
    assert found == ERAS
    assert list(ERAS) == list(CAMPAIGNS)


@check_each(("name", "year"), list(itertools.product(FILES, KINDS)))
def test_zmumu(name: str, year: str) -> None:
    events = selected(ZmumuProcessor, zmumu_parameters, name, year)
    muons = good_muons(name, 24)
    jets = good_jets(name, year, muons)
    assert events.MuonGood.pt.to_list() == pts(muons)
    assert events.JetGood.pt.to_list() == pts(jets)
    assert events.nMuonGood.to_list() == [len(event) for event in muons]
    assert events.nJetGood.to_list() == [len(event) for event in jets]
    assert [pair is not None for pair in events.ll.mass.to_list()] == [len(event) >= 2 for event in muons]
    assert any(jets)
    assert any(muons) or name in FEW_LEPTONS


@check_each(("name", "year"), list(itertools.product(FILES, KINDS)))
def test_zee(name: str, year: str) -> None:
    events = selected(ZeeProcessor, zee_parameters, name, year)
    electrons = good_electrons(name, 20, 2.5, float("inf"), "WP90")
    assert events.ElectronGood.pt.to_list() == pts(electrons)
    assert [pair is not None for pair in events.ll.mass.to_list()] == [len(event) >= 2 for event in electrons]
    assert any(electrons) or name in FEW_LEPTONS


@check_each(("name", "year"), [pair for pair in itertools.product(FILES, KINDS) if has_score(*pair)])
def test_ttbar(name: str, year: str) -> None:
    tagger, threshold, _ = ERAS[year]
    events = selected(TopPairProcessor, ttbar_parameters, name, year)
    muons, electrons = good_muons(name, 15), good_electrons(name, 15, 2.4, 0.06, "WP80")
    leptons = [[*first, *second] for first, second in zip(muons, electrons, strict=True)]
    jets = good_jets(name, year, leptons, tagger)
    tagged = [[jet for jet in event if jet[tagger] > np.float32(threshold)] for event in jets]
    assert events.MuonGood.pt.to_list() == pts(muons)
    assert events.ElectronGood.pt.to_list() == pts(electrons)
    assert events.LeptonGood.pt.to_list() == [sorted(event, reverse=True) for event in pts(leptons)]
    assert events.JetGood.pt.to_list() == pts(jets)
    assert events.BJetGood.pt.to_list() == pts(tagged)
    assert events.nBJetGood.to_list() == [len(event) for event in tagged]
    assert events.HT.to_list() == pytest.approx([sum(event) for event in pts(jets)], rel=1e-6)
    assert events.MET.pt.to_list() == events["PFMET" if FILES[name] == 15 else "MET"].pt.to_list()
    # of top quarks, there are tagged jets and others
    assert not name.startswith("nano_tt") or 0 < sum(map(len, tagged)) < sum(map(len, jets))


@check_each(("name", "year"), [pair for pair in itertools.product(FILES, ("2024", "2025")) if not has_score(*pair)])
def test_a_tagger_that_a_file_is_too_old_for(name: str, year: str) -> None:
    with pytest.raises(MissingBranchError) as raised:
        selected(TopPairProcessor, ttbar_parameters, name, year)
    assert re.fullmatch(
        r"branch 'Jet_btagUParTAK4B' does not exist(; nearest: Jet_\w+(, Jet_\w+)*)?: it is the tagger of the "
        r"dataset's year, so take files of a version of NanoAOD that has it, or set another tagger with its thresholds "
        r"in btagging\.working_point",
        str(raised.value),
    )


@check_each(
    ("name", "year", "sentence"),
    [
        ("nano_tt_v12.root", "2018", "2018 has Jet for AK4PFchs, but the file has PUPPI jets, as NanoAOD of Run 3"),
        ("nano_tt_v15.root", "2017", "2017 has Jet for AK4PFchs, but the file has PUPPI jets, as NanoAOD of Run 3"),
        ("nano_dy.root", "2022_preEE", "2022_preEE has Jet for AK4PFPuppi, but the file has CHS jets, as .* Run 2"),
    ],
)
def test_corrections_of_another_kind_of_jets(name: str, year: str, sentence: str) -> None:
    calibrator = JetsCalibrator(get_default_parameters(), {"year": year, "isMC": True})
    with pytest.raises(ConfigError, match=rf"^jets_calibration\.collection\.{sentence}: correct the year of the data"):
        calibrator.initialize(nano_events(name))


@check_each(
    ("name", "year"),
    [("nano_dy.root", "2018"), ("nano_tt_v12.root", "2022_preEE"), ("nano_tt_v15.root", "2024")],
)
def test_corrections_of_the_files_kind_of_jets(name: str, year: str) -> None:
    calibrator = JetsCalibrator(get_default_parameters(), {"year": year, "isMC": True})
    calibrator.initialize(nano_events(name))
    assert "Jet" in calibrator.calibrated_collections
