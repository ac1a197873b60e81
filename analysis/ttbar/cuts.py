"""Cuts of the tt̄ lepton+jets analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from pocket import Cut


def semileptonic(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of events with one lepton on its trigger's plateau, jets, b-tagged jets and missing momentum."""
    hard = ak.any(events.MuonGood.pt > params["muon_pt"], axis=1)
    hard = hard | ak.any(events.ElectronGood.pt > params["electron_pt"], axis=1)
    return (
        hard
        & (events.nLeptonGood == 1)
        & (events.nJetGood >= params["jets"])
        & (events.nBJetGood >= params["btags"])
        & (events.MET.pt > params["met"])
    )


def additional_flavour(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of events whose additional jets have ``params["flavour"]``: 5, 4, or 0 for neither b nor c."""
    return events.additional_flavour == params["flavour"]


def jet_eta(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of jets with |eta| from ``params["low"]`` up to ``params["high"]``."""
    eta = abs(events.JetGood.eta)
    return (eta >= params["low"]) & (eta < params["high"])


def get_semileptonic(selection: Mapping[str, float]) -> Cut:
    """Return the event selection.

    Args:
        selection: lowest pt of the lepton in GeV (``muon_pt``, ``electron_pt``), lowest numbers of jets and of b-tagged
            jets (``jets``, ``btags``), lowest missing transverse momentum in GeV (``met``).
    """
    return Cut(name="semileptonic", params=dict(selection), function=semileptonic)


def get_additional_flavour(flavour: int) -> Cut:
    """Return the cut on the heaviest flavour of the additional jets: 5, 4, or 0 for neither b nor c."""
    return Cut(name=f"additional_flavour_{flavour}", params={"flavour": flavour}, function=additional_flavour)


def get_jet_eta(low: float, high: float) -> Cut:
    """Return the cut that selects jets with |eta| from ``low`` up to ``high``."""
    return Cut(
        name=f"jet_eta{low:g}to{high:g}", params={"low": low, "high": high}, function=jet_eta, collection="JetGood"
    )
