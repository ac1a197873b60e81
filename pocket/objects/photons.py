"""Selection of photons, and the position of their superclusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.errors import ConfigError
from pocket.objects.leptons import ECAL_TRANSITION
from pocket.objects.matching import distance_to_nearest
from pocket.parameters.access import limit, parameter

#: Radius of the ECAL barrel and distance of its endcaps in cm, as shower positions are assigned to them.
BARREL_RADIUS, ENDCAP_DISTANCE = 130.0, 310.0
#: |eta| of a photon whose supercluster can't be in the transition, from any vertex.
_BEYOND_TRANSITION = 2.0
#: Parts of the ECAL that limits on the score of the MVA identification may differ between.
_PARTS = ("barrel", "endcap")
#: Photons → whether each is in the ECAL barrel, and whether it is beyond its transition to the endcap.
Parts = Callable[[ak.Array], tuple[ak.Array, ak.Array]]


def photon_selection(events: ak.Array, photon_collection: str, params: Any, leptons_collection: str = "") -> ak.Array:
    """Return the photons that pass ``object_preselection.{photon_collection}``.

    Its keys are ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``cutBased`` (lowest working point of
    the cut-based identification) and, with ``leptons_collection``, ``dr_lepton`` (photons this close to any lepton are
    dropped). Photons whose supercluster is in the transition between ECAL barrel and endcap are dropped, as NanoAOD's
    ``isScEtaEB`` and ``isScEtaEE`` say; without these fields, those whose own eta is there. Optional keys are

    - ``id``, a boolean field such as ``mvaID_WP90``, instead of ``cutBased``;
    - ``mvaID``, an exclusive lower limit on the field of that name, instead of ``cutBased``: a number, or a table with
      one for ``barrel`` and one for ``endcap``;
    - ``pixelSeedVeto``: whether photons with a pixel seed are dropped, true by default;
    - ``electronVeto``: whether the conversion-safe veto of electrons must be passed, false by default.

    Source: EGM, https://twiki.cern.ch/twiki/bin/view/CMS/EgammaRunIIRecommendations and
    https://egammapog.docs.cern.ch.

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
        ConfigError: if a limit isn't a number, ``id`` no boolean, or there are both ``id`` and ``mvaID``.

    Examples:
        >>> import awkward as ak
        >>> photons = ak.zip({"pt": [[50.0, 40.0]], "eta": [[0.1, 2.0]], "mvaID_WP90": [[True, False]]})
        >>> cuts = {"pt": 20, "eta": 2.5, "id": "mvaID_WP90", "pixelSeedVeto": False}
        >>> photon_selection(ak.Array({"Photon": photons}), "Photon", {"object_preselection": {"Photon": cuts}}).pt
        <Array [[50]] type='1 * var * float64'>
    """
    return select_photons(events, photon_collection, params, leptons_collection, parts_of_superclusters)


def select_photons(
    events: ak.Array, photon_collection: str, params: Any, leptons_collection: str, parts: Parts
) -> ak.Array:
    """Return the photons of :func:`photon_selection`, with another way to tell the parts of the ECAL apart."""
    photons = collection(events, "Photon")
    path = ("object_preselection", photon_collection)
    cuts = parameter(params, *path)
    abseta = abs(photons["eta"])
    barrel, endcap = parts(photons)
    good = (
        (photons["pt"] > limit(params, *path, "pt"))
        & (abseta < limit(params, *path, "eta"))
        & (barrel | endcap)
        & _identified(photons, barrel, params, path)
    )
    if cuts.get("pixelSeedVeto", True):
        good = good & ~branch(photons, "pixelSeed", "Photon")
    if cuts.get("electronVeto", False):
        good = good & branch(photons, "electronVeto", "Photon")
    if leptons_collection:
        distance = distance_to_nearest(photons, collection(events, leptons_collection))
        good = good & (distance > limit(params, *path, "dr_lepton"))
    return photons[good]


def parts_of_photons(photons: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Return whether photons are in the ECAL barrel or beyond its transition by their own eta, seen from the vertex.

    Examples:
        >>> [part.tolist() for part in parts_of_photons(ak.Array([{"eta": 0.5}, {"eta": -1.5}, {"eta": 2.0}]))]
        [[True, False, False], [False, False, True]]
    """
    abseta, (low, high) = abs(photons["eta"]), ECAL_TRANSITION
    return abseta < low, abseta > high


def parts_of_superclusters(photons: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Return the same by the superclusters (``isScEtaEB``, ``isScEtaEE``), and by eta if these fields are missing.

    Examples:
        >>> photons = ak.Array([{"eta": 1.43, "isScEtaEB": False, "isScEtaEE": False}])
        >>> [part.tolist() for part in parts_of_superclusters(photons)]
        [[False], [False]]
    """
    if not {"isScEtaEB", "isScEtaEE"} <= {*photons.fields}:
        return parts_of_photons(photons)
    # Neither is true beyond 2.5, too, which the limit on eta is for.
    return photons["isScEtaEB"], photons["isScEtaEE"] | (abs(photons["eta"]) > _BEYOND_TRANSITION)


def _identified(photons: ak.Array, barrel: ak.Array, params: Any, path: tuple[str, ...]) -> ak.Array:
    """Return whether photons pass the one identification that the parameters ask for."""
    cuts, place = parameter(params, *path), ".".join(path)
    name, score = cuts.get("id"), cuts.get("mvaID")
    if name is not None and score is not None:
        raise ConfigError(f"{place} has both id and mvaID: keep one of them")
    if name is not None:
        passed = branch(photons, str(name), "Photon")
        if "* bool" not in passed.typestr:
            raise ConfigError(f"{place}.id must name a boolean, which {name!r} is not")
        return passed
    if score is None:
        return branch(photons, "cutBased", "Photon") >= limit(params, *path, "cutBased")
    of_parts = isinstance(score, Mapping)
    lowest = [limit(params, *path, "mvaID", *((part,) if of_parts else ())) for part in _PARTS]
    return branch(photons, "mvaID", "Photon") > ak.where(barrel, *lowest)


def photon_supercluster_eta(events: ak.Array, photons: ak.Array) -> ak.Array:
    """Return eta of the photons' superclusters, as seen from the centre of the detector.

    That is ``superclusterEta`` from NanoAODv15 on. Earlier versions have eta as seen from the primary vertex, ``PV``,
    so that it is computed, see :func:`supercluster_eta_from`.

    Args:
        events: events, with ``PV`` up to v12.
        photons: photons of these events, shape (n events, n photons).

    Returns:
        Shape (n events, n photons).

    Raises:
        MissingBranchError: if a column is missing.
    """
    for name in ("etaSC", "superclusterEta"):
        if name in photons.fields:
            return photons[name]
    counts = ak.num(photons)
    flat = {name: np.asarray(ak.flatten(branch(photons, name, "Photon"))) for name in ("eta", "phi", "isScEtaEB")}
    vertex = collection(events, "PV")
    position = [np.repeat(np.asarray(branch(vertex, axis, "PV"), dtype=np.float64), counts) for axis in "xyz"]
    return ak.unflatten(supercluster_eta_from(flat["eta"], flat["phi"], flat["isScEtaEB"], *position), counts)


def supercluster_eta_from(
    eta: npt.NDArray[Any], phi: npt.NDArray[Any], barrel: npt.NDArray[np.bool_], x: Floats, y: Floats, z: Floats
) -> Floats:
    """Return eta of superclusters from the directions of photons and the vertex (x, y, z) in cm, all (n photons,).

    A straight line from the vertex meets the ECAL barrel, a cylinder of radius 130 cm, or its endcap, a plane 310 cm
    from the centre. Photons that fly beside it (an endcap photon with eta = 0) keep their eta.

    Examples:
        >>> import numpy as np
        >>> one = np.ones(1)
        >>> supercluster_eta_from(0 * one, 0 * one, one > 0, 0 * one, 0 * one, 13 * one).round(4).tolist()
        [0.0998]
    """
    slope = np.sinh(eta.astype(np.float64))
    cos, sin = np.cos(phi.astype(np.float64)), np.sin(phi.astype(np.float64))
    along = x * cos + y * sin
    in_barrel = np.sqrt(along**2 + BARREL_RADIUS**2 - x**2 - y**2) - along
    with np.errstate(divide="ignore"):
        in_endcap = (np.copysign(ENDCAP_DISTANCE, slope) - z) / slope
    flown = np.where(barrel, in_barrel, in_endcap)
    reached = np.isfinite(flown) & (flown > 0)
    flown = np.where(reached, flown, 1.0)
    found = np.arcsinh((z + flown * slope) / np.hypot(x + flown * cos, y + flown * sin))
    return np.where(reached, found, eta)
