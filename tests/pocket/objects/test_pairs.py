from __future__ import annotations

import itertools
import math
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings

from pocket.errors import ConfigError, MissingBranchError
from pocket.objects import get_diboson, get_dilepton, in_tag_and_probe_pairs, met, tag_and_probe_pairs
from tests.pocket.objects.events import Event, distance, events, invariant_mass, momentum, to_awkward
from tests.pocket.objects.nano import nano_events, nano_loop


def close_to(value: Any) -> Any:
    # masses of collinear pairs are differences of nearly equal energies, in the oracle too
    return pytest.approx(value, rel=1e-6, abs=1e-3)


def two_leading(leptons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(leptons, key=lambda lepton: -lepton["pt"])[:2]


def check_dilepton(found: dict[str, Any] | None, leptons: list[dict[str, Any]]) -> None:
    pair = two_leading(leptons)
    if len(pair) < 2:
        assert found is None
        return
    assert found is not None
    x, y, z = momentum(*pair)
    assert found["mass"] == close_to(invariant_mass(*pair))
    assert found["pt"] == close_to(math.hypot(x, y))
    assert found["pt"] * math.cos(found["phi"]) == close_to(x)
    assert found["pt"] * math.sin(found["phi"]) == close_to(y)
    if math.hypot(x, y) > 1e-3:
        assert math.sinh(found["eta"]) * found["pt"] == close_to(z)
    assert found["charge"] == pair[0]["charge"] + pair[1]["charge"]
    assert found["deltaR"] == close_to(distance(*pair))
    assert found["deltaEta"] == close_to(abs(pair[0]["eta"] - pair[1]["eta"]))
    assert math.cos(found["deltaPhi"]) == close_to(math.cos(pair[0]["phi"] - pair[1]["phi"]))
    assert 0 <= found["deltaPhi"] <= math.pi
    for prefix, lepton in zip(("l1", "l2"), pair, strict=True):
        for field in ("pt", "eta", "phi", "mass"):
            assert found[prefix + field] == pytest.approx(lepton[field])


def no_ties(generated: list[Event]) -> list[Event]:
    """Make pts of an event differ, so that which leptons lead is unambiguous."""
    for event in generated:
        for number, lepton in enumerate(lepton for leptons in event.values() for lepton in leptons):
            lepton["pt"] = round(lepton["pt"]) + number / 16
    return generated


@given(events("Muon").map(no_ties))
@settings(max_examples=20)
def test_dimuon_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    for event, found in zip(generated, get_dilepton(None, arrays.Muon).to_list(), strict=True):
        check_dilepton(found, event["Muon"])


@given(events("Electron", "Muon").map(no_ties))
@settings(max_examples=20)
def test_dilepton_of_any_flavour_against_a_loop(generated: list[Event]) -> None:
    arrays = to_awkward(generated)
    for event, found in zip(generated, get_dilepton(arrays.Electron, arrays.Muon).to_list(), strict=True):
        check_dilepton(found, event["Electron"] + event["Muon"])


def test_transverse_pair_has_no_eta() -> None:
    muon = {"pt": 50.0, "eta": 1.0, "phi": 0.0, "mass": 0.1, "charge": 1, "pfRelIso04_all": 0.0, "tightId": True}
    muons = to_awkward([{"Muon": [muon, muon | {"phi": 2.0, "charge": -1}]}, {"Muon": [muon]}]).Muon
    assert get_dilepton(None, muons).eta.to_list() == [pytest.approx(math.asinh(math.sinh(1) / math.cos(1))), None]
    assert get_dilepton(None, muons, transverse=True).eta.to_list() == [0.0, None]
    assert get_dilepton(None, muons, transverse=True).mass.to_list() == get_dilepton(None, muons).mass.to_list()


def test_dilepton_needs_leptons() -> None:
    with pytest.raises(ConfigError, match="electrons, muons or both"):
        get_dilepton(None, None)


def test_dilepton_adds_to_other_candidates() -> None:
    pair = get_dilepton(None, nano_events("nano_dy.root").Muon)
    assert ak.drop_none((pair + pair).mass).to_list() == pytest.approx(ak.drop_none(2 * pair.mass).to_list())


@pytest.mark.parametrize("transverse", [False, True])
def test_dilepton_and_missing_momentum_against_a_loop(transverse: bool) -> None:
    name = "nano_dimuon.root"
    nano = nano_events(name)
    found = get_diboson(get_dilepton(None, nano.Muon), met(nano), transverse)
    pairs = get_dilepton(None, nano.Muon, transverse).to_list()
    missing = ak.zip({"pt": nano.MET.pt, "phi": nano.MET.phi}).to_list()
    for boson, pair, neutrinos in zip(ak.zip({"pt": found.pt, "mass": found.mass}), pairs, missing, strict=True):
        if pair is None:
            assert boson.pt is None
            continue
        both = (pair, {**neutrinos, "eta": 0.0, "mass": 0.0})
        x, y, _ = momentum(*both)
        assert boson.pt == close_to(math.hypot(x, y))
        assert boson.mass == close_to(invariant_mass(*both))


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_dimuon.root"])
def test_dilepton_of_a_real_file_against_a_loop(name: str) -> None:
    found = get_dilepton(None, nano_events(name).Muon).to_list()
    muons = nano_loop(name, "Muon", "pt", "eta", "phi", "mass", "charge")
    assert any(len(event) >= 2 for event in muons)
    for event, pair in zip(muons, found, strict=True):
        check_dilepton(pair, event)


def tag_and_probe_loop(muons: list[dict[str, Any]]) -> list[tuple[float, float, bool, float]]:
    pairs = []
    for tag, probe in itertools.permutations(muons, 2):
        if tag["tightId"] and tag["pt"] > 20 and probe["pt"] > 10 and tag["charge"] != probe["charge"]:
            pairs.append((invariant_mass(tag, probe), probe["pt"], bool(probe["tightId"]), tag["pt"]))
    return sorted(pairs, key=lambda pair: pair[1:])


def check_pairs(muons: ak.Array, loop: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    pairs = tag_and_probe_pairs(muons, muons.tightId & (muons.pt > 20), muons.pt > 10, ("pt", "tightId"), ("pt",))
    assert pairs.fields == ["mass", "probe_pt", "probe_tightId", "tag_pt"]
    found: list[list[dict[str, Any]]] = pairs.to_list()
    for event, entries in zip(loop, found, strict=True):
        expected = tag_and_probe_loop(event)
        entries = sorted(entries, key=lambda entry: (entry["probe_pt"], entry["probe_tightId"], entry["tag_pt"]))
        assert [(e["probe_pt"], e["probe_tightId"], e["tag_pt"]) for e in entries] == [pair[1:] for pair in expected]
        assert sorted(e["mass"] for e in entries) == close_to(sorted(pair[0] for pair in expected))
    return found


@given(events("Muon", max_objects=5))
@settings(max_examples=20)
def test_tag_and_probe_against_a_loop(generated: list[Event]) -> None:
    check_pairs(to_awkward(generated).Muon, [event["Muon"] for event in generated])


def test_two_tags_are_both_probes() -> None:
    muon = {"pt": 50.0, "eta": 0.0, "phi": 0.0, "mass": 0.1, "charge": 1, "pfRelIso04_all": 0.0, "tightId": True}
    other = muon | {"pt": 40.0, "phi": 3.0, "charge": -1}
    muons = to_awkward([{"Muon": [muon, other]}, {"Muon": [muon, muon]}, {"Muon": [muon]}, {"Muon": []}]).Muon
    every = ak.full_like(muons.charge, True, dtype=bool)
    pairs = tag_and_probe_pairs(muons, every, every)
    assert pairs.probe_pt.to_list() == [[40.0, 50.0], [], [], []]
    assert pairs.fields == ["mass", "probe_pt", "probe_eta", "probe_phi", "probe_charge"]
    assert pairs.mass[0, 0] == pairs.mass[0, 1]


def test_tag_and_probe_of_a_real_file_against_a_loop() -> None:
    name = "nano_dy.root"
    loop = nano_loop(name, "Muon", "pt", "eta", "phi", "mass", "charge", "tightId")
    found = check_pairs(nano_events(name).Muon, loop)
    assert any(found)


def test_unknown_probe_field() -> None:
    muons = to_awkward([{"Muon": []}]).Muon
    every = muons.pt > 0
    with pytest.raises(MissingBranchError, match=r"branch 'Muon_tightID' does not exist; nearest: Muon_tightId"):
        tag_and_probe_pairs(muons, every, every, ["tightID"])


def test_leptons_of_pairs_against_a_loop() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 5, 300)
    charge, tag, probe = (ak.unflatten(rng.choice(values, counts.sum()), counts) for values in ([-1, 1], *2 * [[0, 1]]))
    expected = [
        [
            any(q * q2 < 0 and ((t and p2) or (p and t2)) for q2, t2, p2 in zip(*event, strict=True))
            for q, t, p in zip(*event, strict=True)
        ]
        for event in zip(charge.to_list(), tag.to_list(), probe.to_list(), strict=True)
    ]
    assert in_tag_and_probe_pairs(charge, tag == 1, probe == 1).to_list() == expected
