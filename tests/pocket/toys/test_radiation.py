from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pocket.toys.config import NonpromptMuons, Radiation
from pocket.toys.gen_record import OUTGOING, PROMPT, GenRecord
from pocket.toys.radiation import add_fake_muons, add_nonprompt_muons, add_radiation, hadron_flavour
from pocket.toys.sampling import momenta
from tests.pocket.toys.helpers import assert_fraction, assert_mean

N = 20_000
RADIATION = Radiation(jets=2.0, b_fraction=0.05, c_fraction=0.10)


def _radiate(pt, radiation=RADIATION, rates=None):
    rng = np.random.default_rng(3)
    record = GenRecord(N)
    system = momenta(np.full(N, pt), np.full(N, 1.0), np.zeros(N), np.full(N, 91.0))
    add_radiation(rng, record, np.arange(N), system, radiation)
    if rates:
        add_nonprompt_muons(rng, record, rates)
    return record.table()


def test_number_of_jets():
    counts = np.bincount(_radiate(pt=0.1).event, minlength=N)
    assert_mean(counts, 2.0)
    ratio = np.bincount(counts)[1:5] / np.bincount(counts)[:4]
    np.testing.assert_allclose(ratio, 2 / 3, rtol=0.08)


def test_recoil_balances_the_hard_process():
    table = _radiate(pt=100.0, radiation=dataclasses.replace(RADIATION, jets=1e-9))
    assert len(table) == N
    x, y = (np.mean(table["pt"] * f(table["phi"] - 1.0)) for f in (np.cos, np.sin))
    assert -95 < x < -80
    assert abs(y) < 1


def test_flavours():
    flavour = hadron_flavour(_radiate(pt=20.0))
    assert_fraction(flavour == 5, 0.05)
    assert_fraction(flavour == 4, 0.10)


def test_nonprompt_muons():
    table = _radiate(pt=100.0, rates=NonpromptMuons(b=0.5, c=0.25, light=0.0))
    muons = table.take(np.abs(table["pdgId"]) == 13)
    parents = table.take(muons["mother"])
    partons = table.take(table["status"] == OUTGOING)
    assert np.all(muons["statusFlags"] & PROMPT == 0)
    assert np.all(muons.event == parents.event)
    assert set(np.unique(hadron_flavour(parents))) == {4, 5}
    assert np.all(muons["pt"] < parents["pt"])
    # soft muons are not kept, so that the rate is a limit
    hard = partons["pt"] > 60
    for flavour, rate in ((5, 0.5), (4, 0.25)):
        of_flavour = hard & (hadron_flavour(partons) == flavour)
        with_muon = (hadron_flavour(parents) == flavour) & (parents["pt"] > 60)
        assert np.sum(with_muon) == pytest.approx(rate * np.sum(of_flavour), rel=0.15)


def test_fake_muons():
    record = GenRecord(N)
    add_fake_muons(np.random.default_rng(2), record, np.arange(N), 0.1)
    table = record.table()
    assert_fraction(np.bincount(table.event, minlength=N), 0.1)
    assert_mean(table["pt"], 12.0)
    assert np.all(table["mother"] == -1)
    assert_fraction(table["pdgId"] > 0, 0.5)
