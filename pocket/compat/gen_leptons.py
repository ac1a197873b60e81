"""PocketCoffea's generated leptons, which look at the direct mother only."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.base.arrays.jagged import by_descending

_CODES = {"Electron": (11,), "Muon": (13,), "Both": (11, 13)}
_TAU = 15


def getGenLeptons(events: Any, lepton_flavour: str, params: Any) -> Any:
    """Return generated electrons and muons of the final state whose mother is no tau, in descending order of pt.

    A lepton of a tau that radiated is kept, because its mother is its own copy;
    :func:`pocket.objects.getGenLeptons` finds the tau.

    Args:
        events: events with the collection ``GenPart``.
        lepton_flavour: ``"Electron"``, ``"Muon"`` or ``"Both"``.
        params: parameters of the analysis.

    Raises:
        ValueError: for another flavour.
    """
    if lepton_flavour not in _CODES:
        raise ValueError(f"getGenLeptons has no flavour {lepton_flavour!r}; known: {', '.join(_CODES)}")
    cuts, particles = params.object_preselection.GEN_Lep, events.GenPart
    code = abs(particles.pdgId)
    of_flavour = ak.any([code == one for one in _CODES[lepton_flavour]], axis=0)
    from_tau = ak.fill_none(abs(particles.parent.pdgId) == _TAU, False)
    return by_descending(
        particles[
            of_flavour
            & ~from_tau
            & (particles.status == 1)
            & (abs(particles.eta) < cuts["eta"])
            & (particles.pt > cuts["pt"])
        ],
        "pt",
    )
