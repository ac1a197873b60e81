"""Searches in generated particles by their positions in flat arrays, for compiled functions of workflows.

NanoAOD's links count particles within an event; ``GenPart.childrenIdxG`` of coffea counts them within the whole chunk
as it was read. Once events have been left out, particles are at other positions of the flat arrays, which
:func:`reverse_index_array` gives. All functions here may be called from functions that are compiled by numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

#: Bit of ``GenPart.statusFlags`` of the last copy of a particle.
_LAST_COPY = 1 << 13
#: Largest absolute PDG ID of what may be the parton after radiation: quarks, leptons, and the gluon.
_GLUON = 21


@njit
def reverse_index_array(
    idxGs: Any, firstgenpart_idxG_numpy: Any, genparts_offsets: Any, nevents: int
) -> Any:  # pragma: no cover
    """Return the positions of particles in the flat array of the events that are left.

    Args:
        idxGs: positions in the chunk as it was read, shape (n particles,).
        firstgenpart_idxG_numpy: the same of the first particle of each event, in increasing order, shape (n events,).
        genparts_offsets: position of the first particle of each event in the flat array, shape (n events,) or one more.
    """
    positions = np.zeros(len(idxGs), dtype="int64")
    for number, wanted in enumerate(idxGs):
        event = nevents - 1
        for later in range(1, nevents):
            if firstgenpart_idxG_numpy[later] > wanted:
                event = later - 1
                break
        positions[number] = genparts_offsets[event] + wanted - firstgenpart_idxG_numpy[event]
    return positions


@njit
def analyze_W_flat(
    W_idx: Any,
    children_idx: Any,
    genparts_statusFlags: Any,
    genparts_pdgId: Any,
    firstgenpart_idxG_numpy: Any,
    genparts_offsets: Any,
    nevents: int,
) -> Any:  # pragma: no cover
    """Return whether W bosons decay to leptons, shape (n W,), and the positions of their decay products, (n W, 2).

    ``W_idx`` are positions in the flat array, -1 for none, and ``children_idx`` those of each particle's children in
    the chunk as it was read, of which the first is taken for the next copy of the W boson.
    """
    leptonic = np.zeros(len(W_idx), dtype="bool")
    products = np.zeros((len(W_idx), 2), dtype="int")
    for number, start in enumerate(W_idx):
        if start == -1:
            continue
        current = start
        while not genparts_statusFlags[current] & _LAST_COPY:
            current = reverse_index_array(children_idx[current], firstgenpart_idxG_numpy, genparts_offsets, nevents)[0]
        children = reverse_index_array(children_idx[current], firstgenpart_idxG_numpy, genparts_offsets, nevents)
        for position, child in enumerate(children):
            if 11 <= abs(genparts_pdgId[child]) <= 16:
                leptonic[number] = True
            products[number, position] = child
    return leptonic, products


@njit
def analyze_parton_decays_flat_nomesons(
    parts_idx: Any,
    children_idx: Any,
    genparts_eta: Any,
    genparts_phi: Any,
    genparts_pt: Any,
    genparts_pdgId: Any,
    max_deltaR: float,
    firstgenpart_idxG_numpy: Any,
    genparts_offsets: Any,
    nevents: int,
) -> Any:  # pragma: no cover
    """Return the position of the child with the highest pt of each parton, shape (n events, n partons).

    Mesons and children that are not near count for nothing; a parton without such a child stands for itself. As in
    PocketCoffea, the distance is that of the plane of eta and phi, in which phi doesn't close. Positions of the partons
    are those in the flat array, and of children those in the chunk as it was read.
    """
    found = np.zeros(parts_idx.shape, dtype="int64")
    for event in range(parts_idx.shape[0]):
        for number in range(parts_idx.shape[1]):
            parton = parts_idx[event][number]
            best, highest = parton, -1.0
            children = reverse_index_array(children_idx[parton], firstgenpart_idxG_numpy, genparts_offsets, nevents)
            for child in children:
                deta = genparts_eta[parton] - genparts_eta[child]
                dphi = genparts_phi[parton] - genparts_phi[child]
                if abs(genparts_pdgId[child]) > _GLUON or np.sqrt(deta**2 + dphi**2) > max_deltaR:
                    continue
                if genparts_pt[child] > highest:
                    best, highest = child, genparts_pt[child]
            found[event, number] = best
    return found
