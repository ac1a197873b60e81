"""Selections of soft leptons and of prompt leptons by their MVA, and leptons of one charge in pairs."""
# ruff: noqa: N802  PocketCoffea's names

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection
from pocket.errors import UnknownNameError
from pocket.objects.jets import jets_in_original_order
from pocket.objects.leptons import ECAL_TRANSITION, ISOLATION, lepton_selection
from pocket.objects.nanoaod import lepton_id, supercluster_eta
from pocket.parameters.access import limit, parameter

#: Values of an event without the lepton, for angles and for all else.
_NO_ANGLE, _NO_VALUE = -9.0, -999.9


def soft_lepton_selection(events: ak.Array, lepton_flavour: str, params: Any) -> ak.Array:
    """Return soft leptons that pass ``object_preselection.{lepton_flavour}``.

    Electrons are those of :func:`~pocket.objects.leptons.lepton_selection`. Muons pass ``pt``, ``eta`` and ``id``, have
    a relative isolation *above* ``iso_soft``, and are displaced by more than the uncertainty of ``dxy``.

    Raises:
        UnknownNameError: for another flavour or a missing parameter.
        ConfigError: if a limit isn't a number.

    Examples:
        >>> from omegaconf import OmegaConf
        >>> cuts = {"pt": 5, "eta": 2.4, "iso_soft": 0.2, "id": "tightId"}
        >>> muon = {"pt": 8.0, "eta": 1.0, "pfRelIso04_all": 0.5, "tightId": True, "dxy": 0.1, "dxyErr": 0.01}
        >>> events = ak.Array([{"Muon": [muon, {**muon, "pfRelIso04_all": 0.1}]}])
        >>> muons = soft_lepton_selection(events, "Muon", OmegaConf.create({"object_preselection": {"Muon": cuts}}))
        >>> muons.pfRelIso04_all.tolist()
        [[0.5]]
    """
    if lepton_flavour != "Muon":
        return lepton_selection(events, lepton_flavour, params)
    path = ("object_preselection", lepton_flavour)
    muons = collection(events, lepton_flavour)
    displaced = abs(branch(muons, "dxy", "Muon") / branch(muons, "dxyErr", "Muon")) > 1
    return muons[
        _in_acceptance(muons, path, params)
        & (branch(muons, ISOLATION["Muon"], "Muon") > limit(params, *path, "iso_soft"))
        & lepton_id(muons, parameter(params, *path, "id"), "Muon")
        & displaced
    ]


def lepton_selection_promptMVA(
    events: ak.Array,
    lepton_flavour: str,
    params: Any,
    year: str,
    apply_mva_cut: bool = True,
    mva_var: str = "mvaTTH_redo",
) -> tuple[ak.Array, ak.Array]:
    """Return the leptons that pass the preselection of the prompt-lepton MVA, and the mask of them.

    ``object_preselection.{lepton_flavour}`` has limits on pt, eta, iso, sip3d, dxy, dz, ``btag_cut.{year}`` of the
    nearest jet, and ``mva_wp.{year}``; for electrons ``lostHits``, for muons the identification ``base_id``.

    Args:
        events: events with the leptons and the collection ``Jet``.
        lepton_flavour: ``"Electron"`` or ``"Muon"``.
        params: parameters of the analysis.
        year: year of the dataset.
        apply_mva_cut: whether the score must be above ``mva_wp.{year}``.
        mva_var: field with the score.

    Raises:
        UnknownNameError: for another flavour or a missing parameter.
        ConfigError: if a limit isn't a number.

    Examples:
        >>> from omegaconf import OmegaConf
        >>> limits = {"pt": 5, "eta": 2.5, "sip3d": 8, "dxy": 0.05, "dz": 0.1, "lostHits": 1}
        >>> electrons = {**limits, "btag_cut": {"2022": 0.5}, "mva_wp": {"2022": 0.6}}
        >>> values = {"pt": 30.0, "eta": 1.0, "deltaEtaSC": 0.0, "sip3d": 1.0, "dxy": 0.0, "dz": 0.0, "lostHits": 0}
        >>> electron = {**values, "jetIdx": -1, "mvaTTH_redo": 0.9}
        >>> events = ak.Array([{"Electron": [electron, {**electron, "sip3d": 9.0}], "Jet": [{"btagDeepFlavB": 0.1}]}])
        >>> params = OmegaConf.create({"object_preselection": {"Electron": electrons}})
        >>> lepton_selection_promptMVA(events, "Electron", params, "2022")[1].tolist()
        [[True, False]]
    """
    if lepton_flavour not in ISOLATION:
        raise UnknownNameError("lepton flavour", lepton_flavour, ISOLATION, "lepton_selection_promptMVA")
    path = ("object_preselection", lepton_flavour)
    leptons, cuts = collection(events, lepton_flavour), parameter(params, *path)
    good = (
        _in_acceptance(leptons, path, params)
        & (leptons.sip3d < limit(params, *path, "sip3d"))
        & (abs(leptons.dxy) < limit(params, *path, "dxy"))
        & (abs(leptons.dz) < limit(params, *path, "dz"))
        & (nearest_jet_score(events, leptons) < limit(params, *path, "btag_cut", year))
    )
    if "iso" in cuts or lepton_flavour == "Muon":
        good = good & (leptons[ISOLATION[lepton_flavour]] < limit(params, *path, "iso"))
    if lepton_flavour == "Electron":
        eta, (low, high) = abs(supercluster_eta(leptons)), ECAL_TRANSITION
        good = good & ((eta < low) | (eta > high)) & (leptons.lostHits <= limit(params, *path, "lostHits"))
    else:
        identified = lepton_id(leptons, parameter(params, *path, "base_id"), "Muon")
        good = good & (leptons.isGlobal | leptons.isTracker) & leptons.isPFcand & identified
    if apply_mva_cut:
        good = good & (branch(leptons, mva_var, lepton_flavour) > limit(params, *path, "mva_wp", year))
    return leptons[good], good


def nearest_jet_score(events: ak.Array, leptons: ak.Array, score: str = "btagDeepFlavB") -> ak.Array:
    """Return the b-tagging score of the jet that each lepton is part of, 0 without one and -10 if it has no score."""
    jets = jets_in_original_order(collection(events, "Jet"))
    linked = leptons.jetIdx >= 0
    found = jets[ak.mask(leptons.jetIdx, linked)][score]
    return ak.where(linked, ak.fill_none(found, -10.0), 0.0)


def get_charged_leptons(electrons: ak.Array, muons: ak.Array, charge: int, mask: Any) -> ak.Array:
    """Return the lepton of one charge in events with two leptons, with -999.9 (angles: -9) in all other events.

    Args:
        electrons: selected electrons.
        muons: selected muons.
        charge: 1 or -1.
        mask: events to consider, shape (n events,).

    Returns:
        One lepton per event, with pt, eta, phi, mass and charge.

    Examples:
        >>> muon = {"pt": 30.0, "eta": 1.0, "phi": 0.5, "mass": 0.1, "charge": 1}
        >>> muons = ak.Array([[muon, {**muon, "charge": -1, "pt": 20.0}], [muon]])
        >>> get_charged_leptons(muons[:, :0], muons, -1, [True, True]).pt.tolist()
        [20.0, -999.9]
    """
    pairs = np.asarray(mask) & (np.asarray(ak.num(electrons)) + np.asarray(ak.num(muons)) == 2)
    fields: dict[str, npt.NDArray[Any]] = {}
    for name in ("pt", "eta", "phi", "mass", "charge"):
        values = np.full(len(pairs), _NO_ANGLE if name in ("eta", "phi") else _NO_VALUE)
        for leptons in (electrons, muons):
            found = ak.firsts(leptons[name][leptons.charge == charge])
            present = pairs & ~np.asarray(ak.is_none(found))
            values[present] = np.asarray(found[present])
        fields[name] = values
    return ak.zip(fields, with_name="PtEtaPhiMCandidate", behavior=muons.behavior)


def _in_acceptance(leptons: ak.Array, path: tuple[str, str], params: Any) -> ak.Array:
    return (abs(leptons.eta) < limit(params, *path, "eta")) & (leptons.pt > limit(params, *path, "pt"))
