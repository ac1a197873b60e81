"""Cross references between reconstructed objects as positions inside the event."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Indices
from pocket.toys.jets import RADIUS
from pocket.toys.tables import Table, first_within, local_index


def link_leptons_and_jets(muons: Table, electrons: Table, jets: Table, n_events: int) -> tuple[Table, Table, Table]:
    """Return the objects with jetIdx for leptons, and with the indices and numbers of leptons for jets."""
    of_jets = dict(jets.columns)
    linked = []
    for leptons, name in ((muons, "muon"), (electrons, "electron")):
        jet_rows = first_within(leptons, jets, RADIUS, n_events)
        linked.append(Table(leptons.event, {**leptons.columns, "jetIdx": local_index(jet_rows, jets.event, n_events)}))
        first, second = _first_two(jet_rows, len(jets))
        of_jets[f"{name}Idx1"] = local_index(first, leptons.event, n_events)
        of_jets[f"{name}Idx2"] = local_index(second, leptons.event, n_events)
        of_jets[f"n{name.capitalize()}s"] = np.bincount(jet_rows[jet_rows >= 0], minlength=len(jets))
    return linked[0], linked[1], Table(jets.event, of_jets)


def _first_two(parents: Indices, n_parents: int) -> tuple[Indices, Indices]:
    """Return the first two rows that refer to each parent, -1 for none."""
    rows = np.flatnonzero(parents >= 0)
    rows = rows[np.argsort(parents[rows], kind="stable")]
    found, start, count = np.unique(parents[rows], return_index=True, return_counts=True)
    first, second = np.full(n_parents, -1), np.full(n_parents, -1)
    first[found] = rows[start]
    second[found[count > 1]] = rows[start[count > 1] + 1]
    return first, second
