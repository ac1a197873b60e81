"""Generated leptons and jets, and ancestors in the record of generated particles (GenPart)."""
# ruff: noqa: N802  PocketCoffea's names

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import by_descending, counts_of, flat_values, starts_of, to_lists
from pocket.errors import UnknownNameError
from pocket.objects.matching import distance_to_nearest
from pocket.parameters.access import limit

ELECTRON, MUON, TAU = 11, 13, 15
#: Lepton flavour → absolute PDG codes.
FLAVOURS = {"Electron": (ELECTRON,), "Muon": (MUON,), "Both": (ELECTRON, MUON)}
#: Status of stable particles in the record.
FINAL_STATE = 1
#: Distance below which a generated jet counts as the lepton.
JET_LEPTON_DISTANCE = 0.4


def getGenLeptons(events: ak.Array, lepton_flavour: str, params: Any) -> ak.Array:
    """Return generated electrons and muons of the final state that don't come from the decay of a tau.

    ``object_preselection.GEN_Lep`` has exclusive limits on ``pt`` in GeV and on |``eta``|.

    Args:
        events: events with the collection ``GenPart``.
        lepton_flavour: ``"Electron"``, ``"Muon"`` or ``"Both"``.
        params: parameters of the analysis.

    Returns:
        The leptons in descending order of pt, shape (n events, n selected).

    Raises:
        UnknownNameError: for another flavour, or a missing collection or parameter.
        ConfigError: if a limit isn't a number.
    """
    if lepton_flavour not in FLAVOURS:
        raise UnknownNameError("lepton flavour", lepton_flavour, FLAVOURS, "getGenLeptons")
    particles = collection(events, "GenPart")
    code = abs(particles.pdgId)
    path = ("object_preselection", "GEN_Lep")
    good = (
        _any_of(code, FLAVOURS[lepton_flavour])
        & (particles.status == FINAL_STATE)
        & (particles["pt"] > limit(params, *path, "pt"))
        & (abs(particles["eta"]) < limit(params, *path, "eta"))
    )
    position = ak.local_index(code, axis=1)[good]
    # The mother of a lepton that radiated is a copy of itself.
    parent = nearest_ancestor(particles, position, ~_any_of(code, FLAVOURS["Both"]))
    leptons = particles[good][value_at(code, parent, 0) != TAU]
    return by_descending(leptons, "pt")


def getGenJets(events: ak.Array, GenLepCollNameForCleaning: str, params: Any) -> ak.Array:
    """Return generated jets that don't overlap with leptons.

    ``object_preselection.GEN_Jet`` has exclusive limits on ``pt`` in GeV and on |``eta``|.

    Args:
        events: events with the collection ``GenJet``.
        GenLepCollNameForCleaning: collection of leptons; jets closer than 0.4 to any of them are dropped.
        params: parameters of the analysis.

    Returns:
        The jets, shape (n events, n selected).

    Raises:
        UnknownNameError: for a missing collection or parameter.
        ConfigError: if a limit isn't a number.
    """
    jets = collection(events, "GenJet")
    path = ("object_preselection", "GEN_Jet")
    distance = distance_to_nearest(jets, collection(events, GenLepCollNameForCleaning))
    return jets[
        (jets["pt"] > limit(params, *path, "pt"))
        & (abs(jets["eta"]) < limit(params, *path, "eta"))
        & (distance > JET_LEPTON_DISTANCE)
    ]


def _any_of(code: ak.Array, codes: tuple[int, ...]) -> ak.Array:
    return ak.any([code == one for one in codes], axis=0)


def nearest_ancestor(particles: ak.Array, of: ak.Array, wanted: ak.Array) -> ak.Array:
    """Return the nearest ancestor that satisfies a mask, for particles of GenPart at positions in their events.

    Positions have shape (n events, n), -1 for none, also in the result.
    """
    mothers = branch(particles, "genPartIdxMother", "GenPart")
    counts = counts_of(mothers)
    mother = flat_values(mothers).astype(np.int64)
    is_wanted = flat_values(wanted)
    n_of = counts_of(of)
    first = np.repeat(starts_of(counts), n_of)
    found = flat_values(of).astype(np.int64)
    climbing = np.flatnonzero(found >= 0)
    # A line of ancestors isn't longer than the record, so this ends even for a corrupt record.
    for _ in range(int(counts.max(initial=0))):
        found[climbing] = mother[found[climbing] + first[climbing]]
        climbing = climbing[found[climbing] >= 0]
        climbing = climbing[~is_wanted[found[climbing] + first[climbing]]]
    found[climbing] = -1
    return to_lists(found, n_of)


def value_at(values: ak.Array, positions: ak.Array, default: int) -> ak.Array:
    """Return the values at positions in their events, ``default`` for position -1."""
    from pocket.base.arrays.compiled import values_at

    n_of, flat = counts_of(positions), flat_values(values)
    found = np.full(n_of.sum(), default, dtype=np.int64)
    values_at(flat, starts_of(counts_of(values)), flat_values(positions), n_of, found)
    return to_lists(found, n_of)
