"""Digests of what merged templates consist of: one for each histogram, one for the sums, one for the columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket.file_state import file_checksum

#: key of a manifest's ``info`` under which the digests are
CONTENTS = "contents"


def content_digests(output: Mapping[str, Any], directory: Path | None = None) -> dict[str, str]:
    """Return digests of the parts of an output, so that what reads one part needn't care for changes of the others.

    They depend on numbers and axes alone, not on how they are stored: neither on labels nor on the order of samples.

    Args:
        output: see :func:`pocket.outputs.write_sums_and_histograms`.
        directory: folder with the output's columns (:mod:`pocket.columns.parquet`), if it has any.

    Returns:
        ``"histogram <variable>"`` for each variable, ``"sums"``, and ``"columns"`` where there are any → SHA-256.
    """
    digests = {}
    for variable, samples in output["variables"].items():
        parts = hashlib.sha256()
        for sample, datasets in sorted(samples.items()):
            for dataset, histogram in sorted(datasets.items()):
                parts.update(json.dumps([sample, dataset, _layout(histogram)]).encode())
                parts.update(histogram.view(flow=True).tobytes())
        digests[f"histogram {variable}"] = parts.hexdigest()
    sums = {key: value for key, value in output.items() if key not in ("variables", "columns")}
    digests["sums"] = hashlib.sha256(json.dumps(sums, sort_keys=True, allow_nan=False).encode()).hexdigest()
    if directory is not None and (files := sorted(directory.rglob("*.parquet"))):
        columns = [(file.relative_to(directory).as_posix(), file_checksum(file)) for file in files]
        digests["columns"] = hashlib.sha256(json.dumps(columns).encode()).hexdigest()
    return digests


def _layout(histogram: Any) -> list[Any]:
    """Return what a histogram's numbers mean: its storage, and of each axis the name, the bins and the properties."""
    axes: list[Any] = []
    for axis in histogram.axes:
        categories = [axis.bin(number) for number in range(axis.size)] if axis.traits.discrete else None
        bins = categories if categories is not None else [edge.hex() for edge in axis.edges.tolist()]
        axes.append([type(axis).__name__, axis.name, bins, repr(axis.traits)])
    view = histogram.view(flow=True)
    return [str(histogram.storage_type.__name__), view.dtype.descr, list(view.shape), axes]
