from __future__ import annotations

import numpy as np
import pytest

from pocket.toys.gen_record import GenRecord
from pocket.toys.hard_process import add_top_pairs
from pocket.toys.jets import ELECTRON, HARD, MUON, PILEUP, generated_jets, reconstruct_jets
from pocket.toys.leptons import reconstruct_electrons, reconstruct_muons
from pocket.toys.tables import delta_r, pairs
from pocket.toys.truth import tag_efficiency
from tests.pocket.toys.helpers import assert_fraction, assert_mean

N = 12_000


@pytest.fixture(scope="module")
def gen_jets(gen):
    return generated_jets(np.random.default_rng(6), gen, N)


@pytest.fixture(scope="module")
def gen(config):
    record = GenRecord(N)
    add_top_pairs(np.random.default_rng(9), record, np.arange(N), config.processes.ttsemi)
    return record.table()


@pytest.fixture(scope="module")
def leptons(config, gen, gen_jets):
    rng = np.random.default_rng(10)
    return (
        reconstruct_muons(rng, gen, config.detector, config.truth, False),
        reconstruct_electrons(rng, gen, gen_jets, config.detector),
    )


@pytest.fixture(scope="module")
def jets(config, gen_jets, leptons):
    """Jets of simulation and of data."""
    return {
        is_data: reconstruct_jets(
            np.random.default_rng(30 + is_data),
            gen_jets,
            *leptons,
            np.full(N, 40),
            config.detector.jet,
            config.truth,
            is_data,
        )
        for is_data in (False, True)
    }


@pytest.mark.parametrize("is_data", [False, True])
@pytest.mark.parametrize("flavour", [0, 4, 5])
def test_injected_tagging(config, jets, is_data, flavour):
    of_flavour = jets[is_data].take(jets[is_data]["hadronFlavour"] == flavour)
    pt = of_flavour["pt"].astype(float)
    tagged = of_flavour["btagDeepFlavB"].astype(np.float32) > 0.2783
    truth = tag_efficiency(flavour, pt, config.truth, is_data)
    for low, high in ((15, 30), (30, 60), (60, 100), (100, 2000)):
        rows = (pt >= low) & (pt < high)
        assert rows.sum() > 200
        assert_fraction(tagged[rows], truth[rows])


def test_order_acceptance_and_separation(config, jets, gen_jets):
    for table, pt_min in ((jets[False], config.detector.jet.pt_min), (gen_jets, 10)):
        same = table.event[1:] == table.event[:-1]
        assert np.all(np.diff(table["pt"])[same] <= 0)
        assert np.all(np.diff(table.event) >= 0)
        assert table["pt"].min() > pt_min
        rows, partners = pairs(table.event, table.event, N)
        different = rows != partners
        assert delta_r(table, table, rows[different], partners[different]).min() >= 0.4


def test_generated_jets_are_the_partons(gen, gen_jets):
    flavours = np.bincount(gen_jets["hadronFlavour"], minlength=6)
    partons = np.abs(gen["pdgId"][gen["status"] == 23])
    assert 0.85 * np.sum(partons == 5) < flavours[5] <= np.sum(partons == 5)
    assert 0.75 * np.sum(partons == 4) < flavours[4] <= np.sum(partons == 4)
    assert np.all(np.abs(gen_jets["partonFlavour"])[gen_jets["hadronFlavour"] == 5] == 5)


def test_resolution(config, gen_jets, jets):
    hard = jets[False].take(jets[False]["origin"] == HARD)
    true = gen_jets.take(hard["gen"])
    assert np.array_equal(hard.event, true.event)
    assert np.array_equal(hard["hadronFlavour"], true["hadronFlavour"])
    far = true["pt"] > 60  # where the threshold doesn't cut into the response
    resolution = np.sqrt((3 / true["pt"]) ** 2 + 0.81 / true["pt"] + 0.0025)[far]
    pull = (hard["pt"][far] / true["pt"][far] - 1) / resolution
    assert_mean(pull, 0)
    assert np.std(pull) == pytest.approx(1, abs=0.03)


def test_every_origin(jets):
    table = jets[False]
    counts = np.bincount(table["origin"])
    assert np.all(counts > 500)
    assert np.all((table["gen"] >= 0) == (table["origin"] == HARD))
    pileup = table["origin"] == PILEUP
    soft = table["pt"] < 50
    assert np.mean(table["puId"][pileup & soft] >= 4) < 0.4
    assert np.mean(table["puId"][~pileup & soft] >= 4) > 0.97
    assert np.all(table["muEF"][table["origin"] == MUON] > 0.8)
    assert np.all(table["chEmEF"][table["origin"] == ELECTRON] > 0.8)
