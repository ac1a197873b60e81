from __future__ import annotations

import numpy as np
import pytest

from pocket.toys.gen_record import FINAL, ONLY_COPY, PROMPT, RESONANCE, GenRecord
from pocket.toys.sampling import momenta


def _momenta(pt):
    pt = np.array(pt)
    return momenta(pt, np.zeros(len(pt)), np.zeros(len(pt)), np.full(len(pt), 5.0))


@pytest.fixture
def table():
    """Event 0 has two generations, event 1 has one particle, event 2 has three generations."""
    record = GenRecord(3)
    mothers = record.add(np.array([2, 0]), _momenta([20.0, 10.0]), 23, status=RESONANCE)
    daughters = record.add(np.array([2, 0]), _momenta([21.0, 11.0]), [13, -13], status=FINAL, mother=mothers)
    record.add(np.array([1]), _momenta([15.0]), 5, status=FINAL, flags=0)
    record.add(np.array([2]), _momenta([22.0]), 22, status=FINAL, flags=PROMPT, mother=daughters[:1])
    return record.table()


def test_ordered_by_event_with_mothers_first(table):
    assert table.event.tolist() == [0, 0, 1, 2, 2, 2]
    np.testing.assert_allclose(table["pt"], [10, 11, 15, 20, 21, 22])
    np.testing.assert_allclose(table["mass"], 5.0, rtol=1e-6)
    assert table["pdgId"].tolist() == [23, -13, 5, 23, 13, 22]


def test_mothers(table):
    assert table["mother"].tolist() == [-1, 0, -1, -1, 3, 4]
    assert table["genPartIdxMother"].tolist() == [-1, 0, -1, -1, 0, 1]


def test_status_flags(table):
    assert np.all(table["statusFlags"] & ONLY_COPY == ONLY_COPY)
    assert (table["statusFlags"] & PROMPT > 0).tolist() == [True, True, False, True, True, True]
