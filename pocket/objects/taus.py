"""Selection of hadronic taus, and the working points of their identification.

NanoAOD stores the working points of DeepTau that a tau passes: up to v9 as bits (1, 2, 4, …, one for each of them),
from v10 on as the number of the tightest one (1, 2, 3, …). Sources: the documentation of
``Tau_idDeepTau2017v2p1VSjet`` of v9 and of ``Tau_idDeepTau2018v2p5VSjet`` of v12
(https://cms-nanoaod-integration.web.cern.ch/autoDoc/), and
https://twiki.cern.ch/twiki/bin/view/CMS/TauIDRecommendationForRun3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import ObjectColumns, select_objects
from pocket.errors import ConfigError, check_known
from pocket.io.nanoaod.version import nano_version
from pocket.objects.matching import distance_to_nearest
from pocket.parameters.access import parameter

_EIGHT = ("VVVLoose", "VVLoose", "VLoose", "Loose", "Medium", "Tight", "VTight", "VVTight")
#: Discriminator → its working points in ascending order.
WORKING_POINTS: Mapping[str, tuple[str, ...]] = {
    "VSjet": _EIGHT,
    "VSe": _EIGHT,
    "VSmu": ("VLoose", "Loose", "Medium", "Tight"),
}


def tau_selection(
    events: ak.Array, tau_collection: str, params: Any, year: str, leptons_collection: str = ""
) -> ak.Array:
    """Return the taus that pass ``object_preselection.{tau_collection}``.

    Its keys are ``pt`` and ``eta`` (exclusive limits on pt in GeV and on abs(eta)), ``dz`` (exclusive limit on abs(dz)
    in cm), ``decay_modes`` (list), ``tagger`` (``DeepTau2017v2p1``, ``DeepTau2018v2p5``), ``VSjet``, ``VSe`` and
    ``VSmu`` (working points of the tagger) and, with ``leptons_collection``, ``dr_lepton`` (taus this close to any
    lepton are dropped). Each may be one value for all years, or a table year → value.

    Args:
        events: events with the collections ``Tau`` and ``leptons_collection``.
        tau_collection: key of the selection's parameters.
        params: parameters of the analysis.
        year: data-taking period.
        leptons_collection: leptons that overlapping taus are removed for; none if empty.

    Returns:
        The selected taus, shape (n events, n selected).

    Raises:
        UnknownNameError: for a missing collection or parameter, or an unknown working point.
        MissingBranchError: if the taus lack a discriminator.
        ConfigError: if a limit isn't a number.
    """
    columns = ObjectColumns(collection(events, "Tau"))
    taus = columns.objects

    def limit(key: str) -> float:
        value = of_year(params, tau_collection, key, year)
        if not isinstance(value, int | float):
            raise ConfigError(f"object_preselection.{tau_collection}.{key} is {value}, expected a number")
        return value

    good = (
        (columns["pt"] > limit("pt"))
        & (abs(columns["eta"]) < limit("eta"))
        & (abs(columns.flat(branch(taus, "dz", "Tau"))) < limit("dz"))
    )
    decay_mode = columns.flat(branch(taus, "decayMode", "Tau"))
    is_known = decay_mode != decay_mode
    for each in of_year(params, tau_collection, "decay_modes", year):
        is_known = is_known | (decay_mode == each)
    good = good & is_known
    tagger = str(of_year(params, tau_collection, "tagger", year))
    for against in WORKING_POINTS:
        working_point = str(of_year(params, tau_collection, against, year))
        good = good & columns.flat(passes(taus, tagger, against, working_point, nano_version(events)))
    if leptons_collection:
        distance = columns.flat(distance_to_nearest(taus, collection(events, leptons_collection)))
        good = good & (distance > limit("dr_lepton"))
    return select_objects(taus, columns.lists(good))


def passes(taus: ak.Array, tagger: str, against: str, working_point: str, version: int) -> ak.Array:
    """Return the mask of taus that pass a working point of a tagger against ``"VSjet"``, ``"VSe"`` or ``"VSmu"``."""
    check_known("discriminator of taus", [against], WORKING_POINTS, "WORKING_POINTS")
    points = WORKING_POINTS[against]
    check_known("working point", [working_point], points, f"{tagger}{against}")
    number = branch(taus, f"id{tagger}{against}", "Tau")
    position = points.index(working_point)
    return (number & (1 << position)) != 0 if version == 9 else number > position


def of_year(params: Any, tau_collection: str, key: str, year: str) -> Any:
    """Return a parameter of the selection of taus, which is one value for all years, or a table of them."""
    path = ("object_preselection", tau_collection, key)
    value = parameter(params, *path)
    return parameter(params, *path, year) if isinstance(value, Mapping) else value
