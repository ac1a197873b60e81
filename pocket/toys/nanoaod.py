"""Writing of toy events as NanoAOD files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot

from pocket.io.nanoaod.writing import make_tree, without_times

#: number of entries per basket
BASKET_ENTRIES = 100_000


def write_nanoaod(
    path: str | Path,
    events: Mapping[str, npt.NDArray[Any] | ak.Array],
    *,
    file_uuid: uuid.UUID,
    compression: uproot.compression.Compression | None = None,
    basket_entries: int = BASKET_ENTRIES,
) -> None:
    """Write events to the tree Events, and for simulation their sums of weights to the tree Runs."""
    compression = compression or uproot.ZSTD(1)
    with without_times(), uproot.recreate(path, compression=compression, uuid_function=lambda: file_uuid) as file:
        types = {name: ak.type(values).content for name, values in events.items()}
        starts = range(0, len(events["event"]), basket_entries)
        tree = make_tree(file, "Events", types, len(starts))
        for start in starts:
            tree.extend({name: values[start : start + basket_entries] for name, values in events.items()})
        if "genWeight" in events:
            runs = _sums_of_weights(events)
            file.mktree("Runs", {name: values.dtype for name, values in runs.items()}, "Runs").extend(runs)


def _sums_of_weights(events: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    weights = events["genWeight"].astype(np.float64)
    return {
        "run": events["run"][:1],
        "genEventCount": np.array([len(weights)]),
        "genEventSumw": np.array([weights.sum()]),
        "genEventSumw2": np.array([(weights**2).sum()]),
    }
