from __future__ import annotations

import numpy as np
import pytest
import vector

from pocket.toys.gen_record import GenRecord
from pocket.toys.hard_process import add_drell_yan, add_top_pairs, add_w_jets
from tests.pocket.toys.helpers import assert_fraction

N = 5000


@pytest.fixture(scope="module")
def records(config):
    """Generated particles of each process."""
    tables = {}
    for name, add in (("dy", add_drell_yan), ("wjets", add_w_jets), ("ttsemi", add_top_pairs)):
        record = GenRecord(N)
        add(np.random.default_rng(5), record, np.arange(N), config.process(name))
        tables[name] = record.table()
    return tables


def _momenta(table, rows):
    return vector.MomentumNumpy4D({name: table[name][rows] for name in ("pt", "eta", "phi", "mass")})


def _daughters(table, code):
    """Rows of particles, and of their first and second daughters."""
    rows = np.flatnonzero(np.isin(np.abs(table["pdgId"]), code))
    children = np.argsort(table["mother"], kind="stable")
    first = np.searchsorted(table["mother"][children], rows)
    return rows, children[first], children[first + 1]


@pytest.mark.parametrize(("process", "code"), [("dy", 23), ("wjets", 24), ("ttsemi", 24), ("ttsemi", 6)])
def test_decays_conserve_momentum_and_charge(records, process, code):
    table = records[process]
    rows, first, second = _daughters(table, code)
    assert len(rows) == (2 * N if process == "ttsemi" else N)
    total, mother = _momenta(table, first) + _momenta(table, second), _momenta(table, rows)
    for component in ("px", "py", "E"):
        np.testing.assert_allclose(getattr(total, component), getattr(mother, component), atol=1e-3)
    charge = {23: 0, 13: -1, 11: -1, 14: 0, 12: 0, 5: -1 / 3, 3: -1 / 3, 1: -1 / 3, 4: 2 / 3, 2: 2 / 3, 24: 1, 6: 2 / 3}
    charges = np.array([np.sign(pdg_id) * charge[abs(pdg_id)] for pdg_id in table["pdgId"][[*rows, *first, *second]]])
    mothers, firsts, seconds = charges.reshape(3, -1)
    np.testing.assert_allclose(firsts + seconds, mothers, atol=1e-9)


def test_drell_yan_mass_window(records):
    masses = records["dy"]["mass"][records["dy"]["pdgId"] == 23]
    assert masses.min() >= 50
    assert abs(np.median(masses) - 91.19) < 0.15
    assert 0.85 < np.mean(np.abs(masses - 91.19) < 10) < 0.95


def test_lepton_and_quark_flavours_of_top_pairs(records):
    code = records["ttsemi"]["pdgId"]
    assert_fraction(np.abs(code[np.isin(np.abs(code), (11, 13))]) == 13, 0.5)
    mothers = np.where(records["ttsemi"]["mother"] < 0, 0, code[records["ttsemi"]["mother"]])
    up = np.abs(code[(np.abs(mothers) == 24) & np.isin(np.abs(code), (2, 4))])
    assert len(up) == N
    assert_fraction(up == 4, 0.5)
    assert np.sum(np.isin(np.abs(code), (11, 13))) == N
    assert_fraction(code[np.isin(np.abs(code), (11, 13))] > 0, 0.5)


def test_w_charge(records):
    assert_fraction(records["wjets"]["pdgId"][np.abs(records["wjets"]["pdgId"]) == 24] > 0, 0.57)


def test_top_kinematics(records):
    table = records["ttsemi"]
    tops = np.abs(table["pdgId"]) == 6
    assert abs(np.median(table["mass"][tops]) - 172.5) < 0.1
    assert 110 < np.mean(table["pt"][tops]) < 160


def test_events_are_numbered_as_given(config):
    record = GenRecord(10)
    add_drell_yan(np.random.default_rng(1), record, np.array([3, 8]), config.processes.dy)
    table = record.table()
    assert np.unique(table.event).tolist() == [3, 8]
    assert np.all(table["genPartIdxMother"] < 1)
