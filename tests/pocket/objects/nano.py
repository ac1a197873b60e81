"""Real NanoAOD for the tests: as NanoEvents, and as plain Python read without coffea."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import awkward as ak
import uproot

from tests.real_files import real_file


@functools.cache
def nano_events(name: str) -> ak.Array:
    """Open a real file as NanoEvents with virtual arrays."""
    from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

    class Schema(NanoAODSchema):  # type: ignore[misc]
        warn_missing_crossrefs = False

    with warnings.catch_warnings():
        # coffea gives photons a mass and a charge even where the file has them
        warnings.simplefilter("ignore", RuntimeWarning)
        return NanoEventsFactory.from_root(
            {str(real_file(name)): "Events"}, schemaclass=Schema, mode="virtual"
        ).events()


def nano_loop(name: str, collection: str, *fields: str) -> list[list[dict[str, Any]]]:
    """Read a collection of a real file as one list of dictionaries per event."""
    columns = {field: _tree(name)[f"{collection}_{field}"].array(library="np") for field in fields}
    return [
        [dict(zip(fields, values, strict=True)) for values in zip(*(c.tolist() for c in event), strict=True)]
        for event in zip(*columns.values(), strict=True)
    ]


@functools.cache
def _tree(name: str) -> Any:
    """Open a file once: the many branches of NanoAOD make that slow."""
    return uproot.open(f"{real_file(name)}:Events")
