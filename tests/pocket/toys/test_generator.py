from __future__ import annotations

import dataclasses

import awkward as ak
import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.toys.config import PROCESSES
from pocket.toys.generator import generate
from pocket.toys.truth import muon_id_efficiency
from tests.pocket.toys.helpers import assert_fraction, assert_mean


def _same(a, b):
    return a.keys() == b.keys() and all(ak.array_equal(a[name], b[name], dtype_exact=True) for name in a)


def _pairs(events, **cuts):
    """Invariant mass of the two leading muons, if isolated and of opposite charge, and the muons."""
    muons = events["Muon"]
    muons = muons[(muons.pt > 20) & (muons.pfRelIso04_all < 0.15)]
    muons = muons[ak.num(muons) == 2]
    first, second = muons[:, 0], muons[:, 1]
    opposite = first.charge != second.charge
    first, second = first[opposite], second[opposite]
    mass = np.sqrt(2 * first.pt * second.pt * (np.cosh(first.eta - second.eta) - np.cos(first.phi - second.phi)))
    return ak.to_numpy(mass), first, second


@pytest.mark.parametrize("process", PROCESSES)
def test_same_seed_same_events(config, process):
    first = generate(process, 300, config, part=2)
    assert _same(first, generate(process, 300, config, part=2))
    assert not _same(first, generate(process, 300, config, part=3))
    reseeded = dataclasses.replace(config, seed=1, data=dataclasses.replace(config.data, seed=1))
    assert not _same(first, generate(process, 300, reseeded, part=2))


@pytest.mark.parametrize("process", PROCESSES)
def test_a_single_event(config, process):
    for part in range(5):
        assert len(generate(process, 1, config, part=part)["Muon"]) == 1


def test_unknown_process(config):
    with pytest.raises(UnknownNameError, match="toy process"):
        generate("zjets", 1, config, part=0)


def test_event_numbers_continue_in_the_next_part(config):
    small = dataclasses.replace(config, events_per_file=100)
    numbers = np.concatenate([generate("dy", 100, small, part=part)["event"] for part in range(3)])
    assert numbers.tolist() == list(range(1, 301))


def test_data_have_no_generator_information(toys):
    simulated = toys["dy"].keys() - toys["data"].keys()
    assert {"GenPart", "GenJet", "GenMET_pt", "genWeight", "PSWeight", "LHEScaleWeight", "Pileup_nTrueInt"} <= simulated
    for collection, only_simulation in (
        ("Muon", {"genPartIdx", "genPartFlav"}),
        ("Electron", {"genPartIdx", "genPartFlav"}),
        ("Jet", {"genJetIdx", "hadronFlavour", "partonFlavour"}),
    ):
        missing = set(toys["dy"][collection].fields) - set(toys["data"][collection].fields)
        assert missing == only_simulation
    assert not toys["data"].keys() - toys["dy"].keys()


def test_negative_weights(toys, config):
    for process in ("dy", "ttsemi", "wjets"):
        assert_fraction(toys[process]["genWeight"] < 0, config.process(process).negative_weights)


def test_mass_peak(toys):
    mass, _, _ = _pairs(toys["dy"])
    peak = mass[np.abs(mass - 91.19) < 2]
    assert_mean(peak, 91.19)
    assert 55 < np.mean(mass) < 120
    gen = toys["dy"]["GenPart"]
    boson = gen.mass[gen.pdgId == 23][:, 0]
    prompt = toys["dy"]["Muon"][toys["dy"]["Muon"].genPartFlav == 1]
    both = ak.num(prompt) == 2
    a, b = prompt[both][:, 0], prompt[both][:, 1]
    reconstructed = np.sqrt(2 * a.pt * b.pt * (np.cosh(a.eta - b.eta) - np.cos(a.phi - b.phi)))
    near = np.abs(boson[both] - 91.19) < 5
    assert np.std((reconstructed - boson[both])[near]) == pytest.approx(1.4, abs=0.1)


def test_jacobian_peak(toys):
    leading = ak.to_numpy(ak.max(toys["dy"]["Muon"].pt, axis=1, mask_identity=False))
    counts, edges = np.histogram(leading, np.arange(20, 70, 3.0))
    assert 40 < edges[np.argmax(counts)] < 46
    assert counts[(edges[:-1] > 55)].max() < 0.4 * counts.max()


def test_lepton_plus_jets(toys):
    events = toys["ttsemi"]
    muons = events["Muon"]
    muons = muons[(muons.pt > 26) & muons.tightId & (muons.pfRelIso04_all < 0.15)]
    jets = events["Jet"]
    jets = jets[(jets.pt > 30) & (np.abs(jets.eta) < 2.4) & (jets.jetId == 6)]
    selected = (ak.num(muons) == 1) & (ak.num(jets) >= 4)
    assert 0.08 < np.mean(selected) < 0.30
    assert 1.2 < np.mean(ak.sum(jets[selected].hadronFlavour == 5, axis=1)) < 2.1


def test_data_follow_the_efficiencies_of_data(toys, config):
    mass, first, second = _pairs(toys["data"])
    for probe in (first, second):
        probe = probe[np.abs(mass - 91.19) < 5]
        pt, eta = ak.to_numpy(probe.pt), ak.to_numpy(probe.eta)
        for is_data, tolerance in ((True, 0.008), (False, 0.015)):
            difference = np.mean(probe.tightId) - np.mean(muon_id_efficiency(pt, eta, config.truth, is_data))
            assert (abs(difference) < tolerance) == is_data


def test_data_are_the_mixture(toys, config):
    # a yield that each process contributes to with its own probability
    def selected(events):
        return ak.to_numpy(ak.any(events["Muon"].pt > 25, axis=1))

    xsec = {name: config.process(name).xsec for name in ("dy", "ttsemi", "wjets")}
    expected = sum(xsec[name] * selected(toys[name]).mean() for name in xsec) / sum(xsec.values())
    assert_fraction(selected(toys["data"]), expected, n_sigma=5)


def test_trigger_is_any_fired_muon(toys):
    events = toys["data"]
    objects = events["TrigObj"]
    assert np.array_equal(ak.to_numpy(ak.any(objects.id == 13, axis=1)), events["HLT_IsoMu24"])
    muons = events["Muon"]
    pairs = ak.cartesian({"muon": muons, "object": objects[objects.id == 13]}, nested=True)
    phi = (pairs.muon.phi - pairs.object.phi + np.pi) % (2 * np.pi) - np.pi
    matched = ak.any(np.hypot(pairs.muon.eta - pairs.object.eta, phi) < 0.1, axis=2)
    assert np.mean(ak.any(matched, axis=1) == events["HLT_IsoMu24"]) > 0.9999


def test_pt_slope_changes_data_only(config):
    sloped = dataclasses.replace(config, truth=dataclasses.replace(config.truth, pt_ll_slope=0.5))
    assert _same(generate("dy", 200, config, part=0), generate("dy", 200, sloped, part=0))
    assert not _same(generate("data", 200, config, part=0), generate("data", 200, sloped, part=0))


def test_cross_references_stay_inside_the_event(toys):
    events = toys["ttsemi"]
    for collection, field, target in (
        ("Muon", "genPartIdx", "GenPart"),
        ("Muon", "jetIdx", "Jet"),
        ("Electron", "genPartIdx", "GenPart"),
        ("Jet", "genJetIdx", "GenJet"),
        ("Jet", "muonIdx1", "Muon"),
        ("GenPart", "genPartIdxMother", "GenPart"),
    ):
        index = events[collection][field]
        assert ak.all(index >= -1)
        assert ak.all(index < ak.num(events[target]))
    muons, gen = events["Muon"], events["GenPart"]
    assert ak.all(gen[muons.genPartIdx].pdgId == muons.pdgId)
