from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from pocket.toys.gen_record import GenRecord
from pocket.toys.hard_process import add_drell_yan, add_top_pairs
from pocket.toys.jets import generated_jets
from pocket.toys.leptons import reconstruct_electrons, reconstruct_muons, trigger_objects
from pocket.toys.radiation import add_nonprompt_muons
from pocket.toys.tables import pairs
from pocket.toys.truth import muon_id_efficiency, trigger_efficiency
from tests.pocket.toys.helpers import assert_fraction

N = 30_000
PT_EDGES = [3, 15, 24, 26, 28, 30, 40, 50, 1000]
ETA_EDGES = [0, 0.9, 1.2, 2.1, 2.4]


def _generated(config, n):
    rng = np.random.default_rng(8)
    record = GenRecord(n)
    kind = rng.random(n) < 0.8
    add_drell_yan(rng, record, np.flatnonzero(kind), config.processes.dy)
    add_top_pairs(rng, record, np.flatnonzero(~kind), config.processes.ttsemi)
    add_nonprompt_muons(rng, record, config.detector.nonprompt_muons)
    return record.table()


@pytest.fixture(scope="module")
def gen(config):
    return _generated(config, N)


@pytest.fixture(scope="module")
def muons(config, gen):
    """Muons of simulation and of data."""
    return {
        is_data: reconstruct_muons(np.random.default_rng(21 + is_data), gen, config.detector, config.truth, is_data)
        for is_data in (False, True)
    }


@pytest.fixture(scope="module")
def electrons(config, gen):
    rng = np.random.default_rng(4)
    return reconstruct_electrons(rng, gen, generated_jets(rng, gen, N), config.detector)


def _bins(muons):
    for edges, values in ((PT_EDGES, muons["pt"]), (ETA_EDGES, np.abs(muons["eta"]))):
        for low, high in itertools.pairwise(edges):
            yield (values >= low) & (values < high)


@pytest.mark.parametrize("is_data", [False, True])
def test_injected_efficiencies(config, muons, is_data):
    prompt = muons[is_data].take(muons[is_data]["prompt"])
    pt, eta = prompt["pt"].astype(float), prompt["eta"].astype(float)
    id_truth = muon_id_efficiency(pt, eta, config.truth, is_data)
    trigger_truth = trigger_efficiency(pt, eta, config.truth, is_data)
    for rows in _bins(prompt):
        assert rows.sum() > 500
        assert_fraction(prompt["tightId"][rows], id_truth[rows])
        assert_fraction(prompt["fired"][rows], trigger_truth[rows])


@pytest.mark.parametrize("is_data", [False, True])
def test_trigger_is_independent_of_id(config, muons, is_data):
    prompt = muons[is_data].take(muons[is_data]["prompt"] & ~muons[is_data]["tightId"])
    assert_fraction(prompt["fired"], trigger_efficiency(prompt["pt"], prompt["eta"], config.truth, is_data))


def test_isolation_is_the_same_in_data_and_simulation(muons):
    isolated = [m["pfRelIso04_all"][m["prompt"]] < 0.15 for m in muons.values()]
    assert_fraction(isolated[1], isolated[0].mean())
    assert 0.96 < isolated[0].mean() < 0.99


def test_nonprompt_muons_are_poor(config, muons):
    nonprompt = muons[False].take(~muons[False]["prompt"])
    assert len(nonprompt) > 300
    assert_fraction(nonprompt["tightId"], config.truth.muon_id.nonprompt)
    assert np.mean(nonprompt["pfRelIso04_all"] < 0.15) < 0.15
    trigger = trigger_efficiency(nonprompt["pt"], nonprompt["eta"], config.truth, False)
    assert_fraction(nonprompt["fired"], config.truth.trigger.nonprompt * trigger)
    assert set(np.unique(nonprompt["genPartFlav"])) == {3, 4, 5}


def test_acceptance_order_and_nested_ids(config, muons, electrons):
    for leptons, detector in ((muons[False], config.detector.muon), (electrons, config.detector.electron)):
        assert leptons["pt"].min() > detector.pt_min
        assert np.abs(leptons["eta"]).max() < detector.eta_max
        same = leptons.event[1:] == leptons.event[:-1]
        assert np.all(np.diff(leptons["pt"])[same] <= 0)
        assert np.all(np.diff(leptons.event) >= 0)
    for tighter, looser in (("tightId", "mediumId"), ("mediumId", "looseId")):
        assert np.all(muons[False][looser][muons[False][tighter]])
    assert np.all(electrons["mvaFall17V2Iso_WP90"][electrons["mvaFall17V2Iso_WP80"]])


def test_resolution_and_charge(config, gen, muons):
    true = gen.take(muons[False]["gen"])
    ratio = muons[False]["pt"] / true["pt"] - 1
    expected = config.detector.muon.resolution + config.detector.muon.resolution_slope * np.abs(true["eta"])
    assert np.std(ratio / expected) == pytest.approx(1, abs=0.02)
    assert np.array_equal(muons[False]["pdgId"], true["pdgId"])
    assert np.array_equal(np.sign(muons[False]["pdgId"]), -muons[False]["charge"])


def test_reconstruction_efficiency(config, gen):
    detector = dataclasses.replace(
        config.detector, muon=dataclasses.replace(config.detector.muon, pt_min=0.1, eta_max=20.0, efficiency=0.9)
    )
    muons = reconstruct_muons(np.random.default_rng(1), gen, detector, config.truth, False)
    generated = np.flatnonzero(np.abs(gen["pdgId"]) == 13)
    assert_fraction(np.isin(generated, muons["gen"]), 0.9)


def test_fake_electrons(gen, electrons):
    fake = electrons["gen"] < 0
    assert np.array_equal(fake, ~electrons["prompt"])
    assert 0 < fake.sum() < 0.2 * len(electrons)
    assert np.mean(electrons["mvaFall17V2Iso_WP80"][fake]) < 0.2
    assert np.all(np.abs(gen["pdgId"][electrons["gen"][~fake]]) == 11)


def test_trigger_objects(muons, electrons):
    objects = trigger_objects(np.random.default_rng(1), muons[False], electrons)
    assert np.all(np.diff(objects.event) >= 0)
    for leptons, code in ((muons[False], 13), (electrons, 11)):
        fired = leptons.take(leptons["fired"])
        of_kind = objects.take(objects["id"] == code)
        assert np.array_equal(np.bincount(of_kind.event, minlength=N), np.bincount(fired.event, minlength=N))
        rows, partners = pairs(fired.event, of_kind.event, N)
        close = np.hypot(fired["eta"][rows] - of_kind["eta"][partners], fired["phi"][rows] - of_kind["phi"][partners])
        nearest = np.full(len(fired), np.inf)
        np.minimum.at(nearest, rows, close)
        assert np.mean(nearest < 0.02) > 0.999
