from __future__ import annotations

import numpy as np

from pocket.toys.links import link_leptons_and_jets
from pocket.toys.tables import Table


def _table(event, eta):
    return Table(np.array(event, dtype=int), {"eta": np.array(eta, dtype=float), "phi": np.zeros(len(event))})


def test_links():
    muons = _table([0, 0, 0, 1, 2], [0.1, -0.1, 0.2, 2.0, 0.0])
    electrons = _table([2], [1.1])
    jets = _table([0, 0, 2, 2], [-1.0, 0.0, 1.0, 0.0])
    muons, electrons, jets = link_leptons_and_jets(muons, electrons, jets, 3)
    assert muons["jetIdx"].tolist() == [1, 1, 1, -1, 1]
    assert electrons["jetIdx"].tolist() == [0]
    assert jets["muonIdx1"].tolist() == [-1, 0, -1, 0]
    assert jets["muonIdx2"].tolist() == [-1, 1, -1, -1]
    assert jets["nMuons"].tolist() == [0, 3, 0, 1]
    assert jets["electronIdx1"].tolist() == [-1, -1, 0, -1]
    assert jets["nElectrons"].tolist() == [0, 0, 1, 0]


def test_nothing_to_link():
    nothing = _table([], [])
    muons, _, jets = link_leptons_and_jets(_table([0], [0.0]), nothing, nothing, 1)
    assert muons["jetIdx"].tolist() == [-1]
    assert len(jets["muonIdx1"]) == 0
