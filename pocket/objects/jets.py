"""Selection of jets, with cleaning from leptons."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.lookup import branch, collection, parameter
from pocket.objects.matching import delta_r_table


def jet_selection(
    events: ak.Array, jet_type: str, params: Any, year: str, leptons_collection: str = ""
) -> tuple[ak.Array, ak.Array]:
    """Select jets by ``object_preselection.{jet_type}``.

    Its keys: ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``jetId`` (lowest value of the file's
    jetId), ``dr_lepton`` (a jet is dropped if it is this close to any lepton) and optionally ``puId``: the working
    point ``wp`` that jets with pt below ``maxpt`` must pass, in years that ``jet_scale_factors.jet_puId`` knows.

    Args:
        events: events with the collections ``jet_type`` and ``leptons_collection``.
        jet_type: collection to select from, e.g. ``"Jet"``.
        params: parameters of the analysis.
        year: data-taking period.
        leptons_collection: leptons to clean the jets from; no cleaning if empty.

    Returns:
        The selected jets, shape (n events, n selected), and the mask that selects them, shape (n events, n jets).

    Raises:
        UnknownNameError: for a missing collection or parameter.
        MissingBranchError: if the jets have no such identification.
    """
    jets = collection(events, jet_type)
    path = ("object_preselection", jet_type)
    cuts = parameter(params, *path)
    good = (
        (jets.pt > parameter(params, *path, "pt"))
        & (abs(jets.eta) < parameter(params, *path, "eta"))
        & (branch(jets, "jetId", jet_type) >= parameter(params, *path, "jetId"))
    )
    if leptons_collection:
        distances = delta_r_table(jets, collection(events, leptons_collection))
        good = good & ak.all(distances > parameter(params, *path, "dr_lepton"), axis=2)
    if "puId" in cuts and year in parameter(params, "jet_scale_factors", "jet_puId"):
        lowest = parameter(params, "jet_scale_factors", "jet_puId", year, "working_point", cuts["puId"]["wp"])
        good = good & ((branch(jets, "puId", jet_type) >= lowest) | (jets.pt >= cuts["puId"]["maxpt"]))
    return jets[good], good
