"""Functions of PocketCoffea's cuts, for cuts that are built from them by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.errors import ConfigError, check_known

Params = Mapping[str, Any]


def count_objects_gt(events: Any, params: Params, **kwargs: Any) -> Any:
    """Return the mask of events with more than ``params["value"]`` objects in ``params["object"]``."""
    return ak.fill_none(_number(events, params) > params["value"], False)


def count_objects_lt(events: Any, params: Params, **kwargs: Any) -> Any:
    """Return the mask of events with fewer than ``params["value"]`` objects in ``params["object"]``."""
    return ak.fill_none(_number(events, params) < params["value"], False)


def count_objects_eq(events: Any, params: Params, **kwargs: Any) -> Any:
    """Return the mask of events with exactly ``params["value"]`` objects in ``params["object"]``."""
    return ak.fill_none(_number(events, params) == params["value"], False)


def _number(events: Any, params: Params) -> Any:
    return ak.num(collection(events, params["object"]), axis=1)


def min_nObj_minPt(events: Any, params: Params, **kwargs: Any) -> Any:
    """Return the mask of events with at least ``params["N"]`` objects of a minimal pt."""
    return _number_above(events, params) >= params["N"]


def eq_nObj_minPt(events: Any, params: Params, **kwargs: Any) -> Any:
    """Return the mask of events with exactly ``params["N"]`` objects of a minimal pt."""
    return _number_above(events, params) == params["N"]


def _number_above(events: Any, params: Params) -> Any:
    pt = branch(collection(events, params["coll"]), "pt", params["coll"])
    return ak.sum(pt >= params["minpt"], axis=1)


def nElectron(events: Any, params: Params, year: str, **kwargs: Any) -> Any:
    """Return the mask of events with at least ``params["N"]`` electrons above ``params["minpt"]``."""
    return _number_of_leptons(events, params, "Electron") >= params["N"]


def nMuon(events: Any, params: Params, year: str, **kwargs: Any) -> Any:
    """Return the mask of events with at least ``params["N"]`` muons above ``params["minpt"]``."""
    return _number_of_leptons(events, params, "Muon") >= params["N"]


def _number_of_leptons(events: Any, params: Params, flavour: str) -> Any:
    coll = params["coll"]
    check_known("collection", [coll], (flavour, f"{flavour}Good"), f"n{flavour}")
    return ak.sum(branch(collection(events, coll), "pt", coll) > params.get("minpt", 0), axis=1)


def get_nBtag(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse a cut that PocketCoffea refuses as well."""
    raise ConfigError("get_nBtag is no cut: use get_nBtagMin or get_nBtagEq")
