from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest

from pocket.objects.pairs import four_momenta, leading_pair
from tests.pocket.objects.events import invariant_mass, momentum, to_awkward

FIRST = {"pt": 40.0, "eta": 0.5, "phi": 3.0, "mass": 5.0}
SECOND = {"pt": 30.0, "eta": -0.5, "phi": -3.0, "mass": 4.0}
JET = {"jetId": 6, "puId": 7, "btagDeepFlavB": 0.5}


def test_momenta_are_in_double_precision() -> None:
    momenta = four_momenta(to_awkward([{"Jet": [FIRST | JET]}]).Jet)
    assert {ak.flatten(momenta[field]).to_numpy().dtype for field in FIRST} == {np.dtype(np.float64)}
    assert momenta.charge.to_list() == [[0]]
    lepton = {"charge": np.int32(-1), "pfRelIso04_all": 0.0, "tightId": True}
    assert four_momenta(to_awkward([{"Muon": [FIRST | lepton]}]).Muon).charge.to_list() == [[-1]]


def test_pair() -> None:
    jets = four_momenta(
        to_awkward([{"Jet": [FIRST | JET, SECOND | JET, FIRST | JET]}, {"Jet": [FIRST | JET]}, {"Jet": []}]).Jet
    )
    pair, *others = leading_pair(jets, "j").to_list()
    assert others == [None, None]
    x, y, _ = momentum(FIRST, SECOND)
    assert pair["mass"] == pytest.approx(invariant_mass(FIRST, SECOND))
    assert pair["pt"] == pytest.approx(math.hypot(x, y))
    delta_phi = 2 * math.pi - 6.0
    assert (pair["deltaPhi"], pair["deltaEta"]) == (pytest.approx(delta_phi), 1.0)
    assert pair["deltaR"] == pytest.approx(math.hypot(1.0, delta_phi))
    assert [pair[f"j{n}{f}"] for n in (1, 2) for f in FIRST] == [*FIRST.values(), *SECOND.values()]
    assert pair["charge"] == 0
