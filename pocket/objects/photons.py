"""Selection of photons."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.objects.leptons import ECAL_TRANSITION
from pocket.objects.matching import distance_to_nearest
from pocket.parameters.access import limit


def photon_selection(events: ak.Array, photon_collection: str, params: Any, leptons_collection: str = "") -> ak.Array:
    """Return the photons that pass ``object_preselection.{photon_collection}``.

    Its keys are ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``cutBased`` (lowest working point of
    the cut-based identification) and, with ``leptons_collection``, ``dr_lepton`` (photons this close to any lepton are
    dropped). Photons with a pixel seed and those in the transition between ECAL barrel and endcap are dropped.

    Args:
        events: events with the collections ``Photon`` and ``leptons_collection``.
        photon_collection: key of the selection's parameters.
        params: parameters of the analysis.
        leptons_collection: leptons that overlapping photons are removed for; none if empty.

    Returns:
        The selected photons, shape (n events, n selected).

    Raises:
        UnknownNameError: for a missing collection or parameter.
        MissingBranchError: if the photons lack an identification.
        ConfigError: if a limit isn't a number.
    """
    photons = collection(events, "Photon")
    path = ("object_preselection", photon_collection)
    abseta = abs(photons["eta"])
    low, high = ECAL_TRANSITION
    good = (
        (photons["pt"] > limit(params, *path, "pt"))
        & (abseta < limit(params, *path, "eta"))
        & ((abseta < low) | (abseta > high))
        & ~branch(photons, "pixelSeed", "Photon")
        & (branch(photons, "cutBased", "Photon") >= limit(params, *path, "cutBased"))
    )
    if leptons_collection:
        distance = distance_to_nearest(photons, collection(events, leptons_collection))
        good = good & (distance > limit(params, *path, "dr_lepton"))
    return photons[good]
