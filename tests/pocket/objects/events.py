"""Generated events for the tests of objects and cuts, as plain Python and as awkward arrays."""

from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
from hypothesis import strategies as st

Event = dict[str, list[dict[str, Any]]]

# collection → field → type; what NanoAOD stores
FIELDS: dict[str, dict[str, Any]] = {
    "Muon": {"charge": np.int32, "pfRelIso04_all": np.float32, "tightId": np.bool_},
    "Electron": {
        "charge": np.int32,
        "pfRelIso03_all": np.float32,
        "deltaEtaSC": np.float32,
        "mvaFall17V2Iso_WP80": np.bool_,
    },
    "Jet": {"jetId": np.int32, "puId": np.int32, "btagDeepFlavB": np.float32},
    "TrigObj": {"id": np.int32, "filterBits": np.int32},
}
MOMENTUM = dict.fromkeys(("pt", "eta", "phi", "mass"), np.float32)


def _floats(low: float, high: float) -> st.SearchStrategy[float]:
    low, high = float(np.nextafter(np.float32(low), np.float32(high))), float(np.float32(high))
    return st.floats(low, high, width=32)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "pt": _floats(1, 200),
    "eta": _floats(-3, 3),
    "phi": _floats(-math.pi, math.pi),
    "mass": st.just(0.10565999895334244),
    "charge": st.sampled_from([-1, 1]),
    "pfRelIso03_all": _floats(0, 0.5),
    "pfRelIso04_all": _floats(0, 0.5),
    "deltaEtaSC": _floats(-0.05, 0.05),
    "tightId": st.booleans(),
    "mvaFall17V2Iso_WP80": st.booleans(),
    "jetId": st.sampled_from([0, 2, 6]),
    "puId": st.sampled_from([0, 1, 4, 6, 7]),
    "btagDeepFlavB": st.one_of(_floats(0, 1), st.just(float(np.float32(0.2783)))),
    "id": st.sampled_from([1, 11, 13]),
    "filterBits": st.sampled_from([0, 2, 1024, 1026]),
}


def events(*collections: str, max_objects: int = 4) -> st.SearchStrategy[list[Event]]:
    """Lists of events with the named collections."""
    event = {
        name: st.lists(
            st.fixed_dictionaries({field: VALUES[field] for field in (*MOMENTUM, *FIELDS[name])}),
            max_size=max_objects,
        )
        for name in collections
    }
    return st.lists(st.fixed_dictionaries(event), min_size=1, max_size=6)


def to_awkward(generated: list[Event], **columns: Any) -> ak.Array:
    """Convert generated events, with NanoAOD's types and further columns per event."""
    return ak.zip({name: _collection(generated, name) for name in generated[0]} | columns, depth_limit=1)


def _collection(generated: list[Event], name: str) -> ak.Array:
    counts = [len(event[name]) for event in generated]
    objects = [item for event in generated for item in event[name]]
    types = MOMENTUM | FIELDS[name]
    return ak.unflatten(
        ak.zip({field: np.array([item[field] for item in objects], types[field]) for field in types}), counts
    )


def distance(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Distance in (eta, phi)."""
    delta_phi = first["phi"] - second["phi"]
    arc = math.atan2(math.sin(delta_phi), math.cos(delta_phi))
    return math.hypot(first["eta"] - second["eta"], arc)


def invariant_mass(*particles: dict[str, Any]) -> float:
    """Invariant mass from summed energies and momenta."""
    energy = math.fsum(math.hypot(p["pt"] * math.cosh(p["eta"]), p["mass"]) for p in particles)
    x, y, z = momentum(*particles)
    return math.sqrt(max(energy**2 - x**2 - y**2 - z**2, 0.0))


def momentum(*particles: dict[str, Any]) -> tuple[float, float, float]:
    """Summed momentum."""
    return (
        math.fsum(p["pt"] * math.cos(p["phi"]) for p in particles),
        math.fsum(p["pt"] * math.sin(p["phi"]) for p in particles),
        math.fsum(p["pt"] * math.sinh(p["eta"]) for p in particles),
    )
