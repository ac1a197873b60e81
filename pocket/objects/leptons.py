"""Selection of electrons and muons."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.errors import ConfigError, UnknownNameError
from pocket.lookup import branch, collection, parameter
from pocket.objects.nanoaod import lepton_id, supercluster_eta
from pocket.ragged import select_objects

#: relative isolation that ``iso`` cuts on
ISOLATION = {"Electron": "pfRelIso03_all", "Muon": "pfRelIso04_all"}
#: transition between ECAL barrel and endcap in |eta| of the supercluster, where electrons are badly measured
ECAL_TRANSITION = (1.4442, 1.5660)


def lepton_selection(events: ak.Array, lepton_flavour: str, params: Any) -> ak.Array:
    """Select leptons by ``object_preselection.{lepton_flavour}``.

    Its keys: ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``id`` (a boolean field such as
    ``tightId``; see :func:`~pocket.objects.nanoaod.lepton_id`) and optionally ``iso`` (exclusive upper limit on the
    relative isolation). Electrons in the transition between ECAL barrel and endcap are dropped.

    Args:
        events: events with the collection ``lepton_flavour``.
        lepton_flavour: ``"Electron"`` or ``"Muon"``.
        params: parameters of the analysis.

    Returns:
        The selected leptons, shape (n events, n selected). Electrons have the field ``etaSC``, eta of the supercluster.

    Raises:
        UnknownNameError: for another flavour or a missing parameter.
        MissingBranchError: if the field that ``id`` names doesn't exist.
        ConfigError: if that field isn't boolean.
    """
    if lepton_flavour not in ISOLATION:
        raise UnknownNameError("lepton flavour", lepton_flavour, ISOLATION, "lepton_selection")
    leptons = collection(events, lepton_flavour)
    path = ("object_preselection", lepton_flavour)
    cuts = parameter(params, *path)
    identification = parameter(params, *path, "id")
    passes_id = lepton_id(leptons, identification, lepton_flavour)
    if not any(boolean in passes_id.typestr for boolean in ("* bool", "* ?bool")):
        raise ConfigError(f"{'.'.join(path)}.id must name a boolean, which {identification!r} is not")
    good = (
        (leptons["pt"] > parameter(params, *path, "pt"))
        & (abs(leptons["eta"]) < parameter(params, *path, "eta"))
        & passes_id
    )
    if "iso" in cuts:
        good = good & (branch(leptons, ISOLATION[lepton_flavour], lepton_flavour) < cuts["iso"])
    if lepton_flavour == "Electron":
        leptons = ak.with_field(leptons, supercluster_eta(leptons), "etaSC")
        low, high = ECAL_TRANSITION
        good = good & ((abs(leptons.etaSC) < low) | (abs(leptons.etaSC) > high))
    return select_objects(leptons, good)
