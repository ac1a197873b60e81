"""Records of generated particles for the tests: written by hand, and read from real files."""

from __future__ import annotations

import functools
from typing import Any

import awkward as ak
import numpy as np

from tests.pocket.objects.nano import nano_loop

FIELDS = ("pt", "eta", "phi", "mass", "pdgId", "status", "statusFlags", "genPartIdxMother")
TYPES = {"pdgId": np.int32, "status": np.int32, "statusFlags": np.uint16, "genPartIdxMother": np.int16}
HARD = 1 << 7


def particle(pdg_id: int, mother: int, status: int = 23, flags: int = HARD, **momentum: float) -> dict[str, Any]:
    """A line of the record."""
    values = {"pt": 40.0, "eta": 0.0, "phi": 0.0, "mass": 0.0, **momentum}
    return {**values, "pdgId": pdg_id, "status": status, "statusFlags": flags, "genPartIdxMother": mother}


def to_record(events: list[list[dict[str, Any]]]) -> ak.Array:
    """Convert to NanoAOD's GenPart."""
    flat = [line for event in events for line in event]
    columns = {field: np.array([line[field] for line in flat], TYPES.get(field, np.float32)) for field in FIELDS}
    return ak.unflatten(ak.zip(columns), [len(event) for event in events])


@functools.cache
def record_loop(name: str) -> list[list[dict[str, Any]]]:
    """Read the record of a real file."""
    return nano_loop(name, "GenPart", *FIELDS)


def ancestors(event: list[dict[str, Any]], position: int) -> list[int]:
    """Return the positions of the mother, her mother, …"""
    line = []
    while (position := event[position]["genPartIdxMother"]) >= 0:
        line.append(position)
    return line
