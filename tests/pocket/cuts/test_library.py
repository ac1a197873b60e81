from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from omegaconf import OmegaConf

from pocket.cuts import library as cuts
from pocket.cuts.cut import Cut
from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import DatasetError, MissingBranchError, UnknownNameError
from tests.pocket.configs import configure, only
from tests.pocket.objects.events import Event, events, to_awkward
from tests.pocket.objects.nano import nano_events

PARAMS = OmegaConf.create(
    {
        "HLT_triggers": {
            "2018": {"SingleMuon": ["IsoMu24"], "EGamma": ["HLT_Ele32", "LooseTau"]},
            "2017": {"SingleEle": ["Ele32_WPTight_Gsf_L1DoubleEG"]},
        },
        "L1_triggers": {"2018": {"SingleMuon": ["L1_SingleMu22"], "EGamma": ["SingleEG30"]}},
        "event_flags": {"2018": ["goodVertices", "BadPFMuonFilter"]},
        "event_flags_data": {"2018": ["eeBadScFilter"]},
        "btagging": {
            "working_point": {"2018": {"btagging_algorithm": "btagDeepFlavB", "btagging_WP": {"L": 0.049, "M": 0.2783}}}
        },
    }
)


def mask(
    cut: Cut, arrays: ak.Array, *, isMC: bool = True, params: Any = PARAMS, year: str = "2018", **metadata: Any
) -> list[bool]:
    found = cut.get_mask(arrays, params, year=year, sample="toy", isMC=isMC, metadata=metadata)
    return [bool(value) for value in found]


def by_event(generated: list[Event], passes: Callable[[Event], bool]) -> list[bool]:
    return [passes(event) for event in generated]


@given(events("Jet"))
@settings(max_examples=20)
def test_numbers_of_objects_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)

    def above(event: Event, minpt: float) -> int:
        return sum(jet["pt"] >= minpt for jet in event["Jet"])

    assert mask(cuts.get_nObj_min(2, coll="Jet"), arrays) == by_event(generated, lambda e: len(e["Jet"]) >= 2)
    assert mask(cuts.get_nObj_eq(2, coll="Jet"), arrays) == by_event(generated, lambda e: len(e["Jet"]) == 2)
    assert mask(cuts.get_nObj_less(2, "Jet"), arrays) == by_event(generated, lambda e: len(e["Jet"]) < 2)
    assert mask(cuts.get_nObj_min(2, 30.0, "Jet"), arrays) == by_event(generated, lambda e: above(e, 30) >= 2)
    assert mask(cuts.get_nObj_eq(1, 30.0, "Jet"), arrays) == by_event(generated, lambda e: above(e, 30) == 1)
    assert mask(cuts.get_nObj_less(1, "Jet", minpt=30.0), arrays) == by_event(generated, lambda e: above(e, 30) < 1)
    assert mask(cuts.get_nMuon(1, 30.0, "Jet"), arrays) == by_event(generated, lambda e: above(e, 30) >= 1)
    assert mask(cuts.get_nElectron(2, 0, "Jet"), arrays) == by_event(generated, lambda e: len(e["Jet"]) >= 2)


@given(events("Jet"))
@settings(max_examples=20)
def test_numbers_of_b_tags_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    tagged = [
        {"BJetGood": [jet for jet in event["Jet"] if jet["btagDeepFlavB"] > float(np.float32(0.2783))]}
        for event in generated
    ]
    counts = [[jet["pt"] for jet in event["BJetGood"]] for event in tagged]
    for cut, expected in (
        (cuts.get_nBtagMin(2, coll="Jet"), [len(pts) >= 2 for pts in counts]),
        (cuts.get_nBtagMin(1, 30.0, "Jet"), [sum(pt >= 30 for pt in pts) >= 1 for pts in counts]),
        (cuts.get_nBtagEq(1, coll="Jet"), [len(pts) == 1 for pts in counts]),
        (cuts.get_nBtagEq(0, 30.0, "Jet"), [sum(pt >= 30 for pt in pts) == 0 for pts in counts]),
    ):
        assert mask(cut, arrays) == expected
    # jets of BJetGood aren't tagged again
    arrays["BJetGood"] = arrays.Jet
    assert mask(cuts.get_nBtagMin(2), arrays) == [len(event["Jet"]) >= 2 for event in generated]
    assert mask(cuts.get_nBtagEq(2), arrays) == [len(event["Jet"]) == 2 for event in generated]


def test_looser_working_point_tags_more() -> None:
    jets = ak.Array([{"Jet": [{"pt": 50.0, "btagDeepFlavB": 0.1}]}])
    assert mask(cuts.get_nBtagMin(1, coll="Jet", wp="L"), jets) == [True]
    assert mask(cuts.get_nBtagMin(1, coll="Jet", wp="M"), jets) == [False]
    with pytest.raises(UnknownNameError, match="'H' in btagging_WP"):
        mask(cuts.get_nBtagMin(1, coll="Jet", wp="H"), jets)


def test_the_workflows_count_has_precedence() -> None:
    arrays = ak.Array({"nJetGood": [3, 0], "JetGood": [[], [1, 2, 3]]})
    assert mask(cuts.get_nObj_min(2), arrays) == [True, False]


def test_none_counts_as_false() -> None:
    arrays = ak.zip({"JetGood": ak.Array([None, [{"pt": 50.0}]]), "nMuonGood": ak.Array([None, 1])}, depth_limit=1)
    assert mask(cuts.get_nObj_min(0), arrays) == [False, True]
    assert mask(cuts.get_nObj_min(0, 20.0), arrays) == [False, True]
    assert mask(cuts.get_nObj_less(5), arrays) == [False, True]
    assert mask(cuts.get_nObj_eq(1, coll="MuonGood"), arrays) == [False, True]


def test_passthrough_and_vertices() -> None:
    arrays = ak.Array({"PV": [{"npvsGood": 0}, {"npvsGood": 5}]})
    assert mask(cuts.passthrough, arrays) == [True, True]
    assert mask(cuts.get_nPVgood(1), arrays) == [False, True]


HLT = ak.Array(
    {
        "HLT": [
            {"IsoMu24": muon, "Ele32": electron, "LooseTau": tau}
            for muon in (False, True)
            for electron in (False, True)
            for tau in (False, True)
        ]
    }
)


def test_triggers_against_a_loop() -> None:
    fired = HLT.HLT.to_list()
    muon = [event["IsoMu24"] for event in fired]
    electron = [event["Ele32"] or event["LooseTau"] for event in fired]
    either = [any(event.values()) for event in fired]
    assert mask(cuts.get_HLTsel(), HLT) == either
    assert mask(cuts.get_HLTsel(invert=True), HLT) == [not event for event in either]
    assert mask(cuts.get_HLTsel(["SingleMuon"]), HLT) == muon
    assert mask(cuts.get_HLTsel(), HLT, isMC=False, primaryDataset="EGamma") == electron
    assert mask(cuts.get_HLTsel(), HLT, isMC=False, primaryDataset="SingleMuon") == muon
    # a list given has precedence over the primary dataset of the data
    assert mask(cuts.get_HLTsel(["EGamma"]), HLT, isMC=False, primaryDataset="SingleMuon") == electron
    assert mask(cuts.get_HLTsel(["SingleMuon", "EGamma"]), HLT, isMC=False) == either


def test_triggers_of_a_list() -> None:
    fired = HLT.HLT.to_list()
    either = [event["IsoMu24"] or event["LooseTau"] for event in fired]
    for data in ({"isMC": True}, {"isMC": False, "primaryDataset": "EGamma"}):
        assert mask(cuts.get_HLTsel_custom(["HLT_IsoMu24", "LooseTau"]), HLT, **data) == either
        inverted = mask(cuts.get_HLTsel_custom(["HLT_IsoMu24", "LooseTau"], invert=True), HLT, **data)
        assert inverted == [not event for event in either]
    with pytest.raises(MissingBranchError, match=r"branch 'HLT_IsoMu22' does not exist; nearest: HLT_IsoMu24"):
        mask(cuts.get_HLTsel_custom(["IsoMu22"]), HLT)


def test_triggers_that_a_file_lacks_may_count_as_not_fired() -> None:
    muon = [event["IsoMu24"] for event in HLT.HLT.to_list()]
    with pytest.raises(MissingBranchError, match=r"'HLT_IsoMu22' does not exist.*: on_missing='false' of the cut"):
        mask(cuts.get_HLTsel_custom(["IsoMu22"]), HLT)
    with cuts.noting_absent() as absent:
        assert mask(cuts.get_HLTsel_custom(["HLT_IsoMu24", "IsoMu22"], on_missing="false"), HLT) == muon
        inverted = mask(cuts.get_HLTsel_custom(["IsoMu22"], invert=True, on_missing="false"), HLT)
        assert inverted == [True] * len(muon)
    assert absent == {"HLT_IsoMu22"}
    with pytest.raises(UnknownNameError, match=r"unknown value 'no' in on_missing of cut 'HLT_trigger_EGamma'"):
        cuts.get_HLTsel(["EGamma"], on_missing="no")
    # the parameter is new, and cuts without it stay what they were
    assert "on_missing" not in cuts.get_HLTsel().params


def test_seeds_of_the_first_level() -> None:
    arrays = ak.Array({"L1": [{"SingleMu22": m, "SingleEG30": e} for m in (True, False) for e in (True, False)]})
    assert mask(cuts.get_L1sel(), arrays) == [True, True, True, False]
    assert mask(cuts.get_L1sel(), arrays, isMC=False, primaryDataset="EGamma") == [True, False, True, False]
    assert mask(cuts.get_L1sel(["SingleMuon"], invert=True), arrays) == [False, False, True, True]
    assert mask(cuts.get_L1sel_custom(["L1_SingleEG30"]), arrays) == [True, False, True, False]
    with pytest.raises(UnknownNameError, match=r"collection 'L1' in the events"):
        mask(cuts.get_L1sel(), HLT)


def test_events_of_two_primary_datasets_are_counted_once() -> None:
    muon = mask(cuts.get_HLTsel(), HLT, isMC=False, primaryDataset="SingleMuon")
    own = mask(cuts.get_HLTsel(), HLT, isMC=False, primaryDataset="EGamma")
    other = mask(cuts.get_HLTsel(["SingleMuon"], invert=True), HLT, isMC=False, primaryDataset="EGamma")
    electron = [a and b for a, b in zip(own, other, strict=True)]
    assert [a + b for a, b in zip(muon, electron, strict=True)] == mask(cuts.get_HLTsel(), HLT)


def test_trigger_of_2017_needs_its_l1_bit() -> None:
    name = "Ele32_WPTight_Gsf_L1DoubleEG"
    objects = [[], [(11, 1024)], [(11, 2)], [(13, 1024)], [(13, 2), (11, 1026)]]
    arrays = ak.Array(
        [
            {"HLT": {name: fired}, "TrigObj": [{"id": id, "filterBits": bits} for id, bits in event]}
            for fired in (True, False)
            for event in objects
        ]
    )
    expected = [fired and event in (objects[1], objects[4]) for fired in (True, False) for event in objects]
    assert mask(cuts.get_HLTsel(), arrays, year="2017") == expected


def test_trigger_errors() -> None:
    with pytest.raises(DatasetError, match=r"'toy' needs 'primaryDataset' in the metadata .* one of 'SingleMuon', 'EG"):
        mask(cuts.get_HLTsel(), HLT, isMC=False)
    with pytest.raises(UnknownNameError, match=r"'SingleMu' in HLT_triggers.2018, did you mean 'SingleMuon'"):
        mask(cuts.get_HLTsel(["SingleMu"]), HLT)
    with pytest.raises(UnknownNameError, match=r"'2016' in HLT_triggers, did you mean"):
        mask(cuts.get_HLTsel(), HLT, year="2016")
    without = ak.Array({"HLT": [{"IsoMu27": True}]})
    with pytest.raises(MissingBranchError, match=r"branch 'HLT_IsoMu24' does not exist; nearest: HLT_IsoMu27"):
        mask(cuts.get_HLTsel(["SingleMuon"]), without)


def test_event_flags() -> None:
    flags = ("goodVertices", "BadPFMuonFilter", "eeBadScFilter")
    table = [[bool(number >> bit & 1) for bit in range(3)] for number in range(8)]
    arrays = ak.Array({"Flag": [dict(zip(flags, row, strict=True)) for row in table]})
    for _ in range(2):  # parameters don't change from one chunk to the next
        assert mask(cuts.eventFlags, arrays) == [all(row[:2]) for row in table]
        assert mask(cuts.eventFlags, arrays, isMC=False) == [all(row) for row in table]
    simulation_only = OmegaConf.create({"event_flags": PARAMS.event_flags})
    assert mask(cuts.eventFlags, arrays, isMC=False, params=simulation_only) == [all(row[:2]) for row in table]
    with pytest.raises(UnknownNameError, match=r"'toys' in event_flags; known: 2018"):
        mask(cuts.eventFlags, arrays, year="toys")
    with pytest.raises(MissingBranchError, match=r"branch 'Flag_BadPFMuonFilter' does not exist"):
        mask(cuts.eventFlags, ak.Array({"Flag": [{"goodVertices": True}]}))


def test_event_flags_of_data_with_the_parameters_that_the_processor_gets() -> None:
    config = configure(parameters=PARAMS, preselections=[cuts.eventFlags], datasets=only("DATA"))
    processed = resolve_parameters(config.plan(), Resources())
    flags = [{"goodVertices": True, "BadPFMuonFilter": True, "eeBadScFilter": passed} for passed in (True, False)]
    assert mask(cuts.eventFlags, ak.Array({"Flag": flags}), isMC=False, params=processed) == [True, False]


def test_golden_json(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps({"315257": [[1, 88], [91, 92]]}))
    params = OmegaConf.create({"lumi": {"goldenJSON": {"2018": str(path)}}})
    arrays = ak.Array({"run": [315257, 315257, 315257, 315259], "luminosityBlock": [88, 89, 91, 1]})
    assert mask(cuts.goldenJson, arrays, isMC=False, params=params) == [True, False, True, False]
    assert mask(cuts.goldenJson, arrays, isMC=True, params=OmegaConf.create({})) == [True] * 4
    with pytest.raises(UnknownNameError, match=r"'2017' in lumi.goldenJSON, did you mean '2018'"):
        mask(cuts.goldenJson, arrays, isMC=False, params=params, year="2017")


def test_parts_of_the_events_by_their_number() -> None:
    numbers = [1, 2, 3, 10, 2**63 + 1]
    of = ak.Array({"event": np.array(numbers, dtype=np.uint64)})
    for remainder in range(3):
        assert mask(cuts.get_event_number(remainder, 3), of) == [number % 3 == remainder for number in numbers]
    assert mask(cuts.get_event_number(1), of) == [True, False, True, False, True]


def test_unknown_collection() -> None:
    with pytest.raises(UnknownNameError, match=r"collection 'Jets' in the events, did you mean 'Jet'"):
        mask(cuts.get_nObj_min(1, coll="Jets"), ak.Array({"Jet": [[]]}))


def test_real_file_against_a_loop() -> None:
    nano = nano_events("nano_dy.root")
    muon, vertices = nano.HLT.IsoMu24.to_list(), nano.PV.npvsGood.to_list()
    assert mask(cuts.get_HLTsel(["SingleMuon"]), nano) == muon
    assert 0 < sum(muon) < len(muon)
    assert mask(cuts.get_nPVgood(30), nano) == [number >= 30 for number in vertices]
    pts = nano.Muon.pt.to_list()
    assert mask(cuts.get_nObj_min(1, 20.0, "Muon"), nano) == [sum(pt >= 20 for pt in event) >= 1 for event in pts]
    assert mask(cuts.get_nObj_min(1, coll="Muon"), nano) == [len(event) >= 1 for event in pts]


@pytest.mark.parametrize(
    ("cut", "name", "params"),
    [
        (cuts.get_nObj_min(4, 15.0, "Jet"), "nJet_min4_pt15.0", {"N": 4, "coll": "Jet", "minpt": 15.0}),
        (cuts.get_nObj_min(4), "nJetGood_min4", {"N": 4, "coll": "JetGood"}),
        (cuts.get_nObj_eq(1, coll="MuonGood"), "nMuonGood_eq1", {"N": 1, "coll": "MuonGood"}),
        (cuts.get_nObj_less(3), "nJetGood_less3", {"N": 3, "coll": "JetGood"}),
        (cuts.get_nObj_min(4, name="four"), "four", {"N": 4, "coll": "JetGood"}),
        (cuts.get_nMuon(1, 20), "nMuonGood_1_pt20", {"N": 1, "coll": "MuonGood", "minpt": 20}),
        (
            cuts.get_nBtagMin(2, 30),
            "nBJetGood_btagMin2_pt30",
            {"N": 2, "coll": "BJetGood", "minpt": 30, "wp": "M"},
        ),
        (cuts.get_nPVgood(1), "nPVgood_1", {"N": 1}),
        (cuts.get_event_number(0), "event_0of2", {"remainder": 0, "divisor": 2}),
        (
            cuts.get_HLTsel(["SingleMuon"], invert=True),
            "HLT_trigger_SingleMuon_NOT",
            {"level": "HLT", "primaryDatasets": ["SingleMuon"], "invert": True},
        ),
        (
            cuts.get_L1sel_custom(["SingleMu22"], invert=True),
            "L1_trigger_SingleMu22_NOT",
            {"level": "L1", "triggers": ["SingleMu22"], "invert": True},
        ),
    ],
)
def test_cuts_are_readable(cut: Cut, name: str, params: dict[str, Any]) -> None:
    assert (cut.name, dict(cut.params), cut.collection) == (name, params, "events")
    # dumps and fingerprints find the function by its name
    assert getattr(cuts, cut.function.__name__) is cut.function


def test_names_belong_to_the_innermost_block() -> None:
    cuts.note_absent("HLT_nobody_asks")
    with cuts.noting_absent() as outer:
        cuts.note_absent("HLT_first")
        with cuts.noting_absent() as inner:
            cuts.note_absent("HLT_second")
        cuts.note_absent("HLT_first")
    assert (outer, inner) == ({"HLT_first"}, {"HLT_second"})
