"""Driver of our configurations, which runs a request one chunk after the other in this process.

``python -m benchmarks.peer.our_driver REQUEST.json`` writes the same files as PocketCoffea's side:
``histograms.h5``, ``sums.json``, ``columns.npz`` and ``timing.json`` for each flow.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea.processor import accumulate

from benchmarks.peer.flows import load_config
from pocket.columns.config import EVENT_IDS, WEIGHT
from pocket.configuration.configurator import Configurator
from pocket.datasets.branches import Branch, split
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.histograms.files import write_sums_and_histograms
from pocket.outputs.merging import merge_outputs
from pocket.outputs.normalisation import normalisation_factors


def main(request_path: str) -> None:
    """Run the flows of a request in order."""
    request = json.loads(Path(request_path).read_text())
    resources = Resources(toys=request["corrections"])
    begin = request["started"]
    for flow in request["flows"]:
        config = load_config(flow["name"])
        timing = {"start_up": time.time() - begin}
        run_flow(config, flow, resources, request, timing)
        begin = time.time()


def run_flow(
    config: Configurator,
    flow: Mapping[str, Any],
    resources: Resources,
    request: Mapping[str, Any],
    timing: dict[str, Any],
) -> None:
    """Process all files of one flow, and write the output and its timing."""
    fileset = flow["fileset"]
    begin = time.time()
    if request["warm_up"]:
        first = {branch.dataset: branch for branch in reversed(split(fileset, request["warm_up"]))}
        run(config, first.values(), fileset, resources, request["warm_up"])
    timing["warm_up"] = time.time() - begin

    whole = split(fileset, sum(dataset["metadata"]["nevents"] for dataset in fileset.values()))
    timing["passes"] = []
    for _ in range(request["repeats"]):
        wall, cpu = time.perf_counter(), time.process_time()
        output, columns = run(config, whole, fileset, resources, request["chunk_size"])
        timing["passes"].append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    folder = Path(flow["output"])
    write_sums_and_histograms(folder, output)
    np.savez(folder / "columns.npz", **flat_columns(columns))  # type: ignore[arg-type]
    (folder / "timing.json").write_text(json.dumps(timing))


def run(
    config: Configurator,
    branches: Iterable[Branch],
    fileset: Mapping[str, Any],
    resources: Resources,
    chunk_size: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the merged output and the columns of some branches.

    Returns:
        The merged output, and sample → dataset → category → variation → columns with normalised weights.
    """
    metadata = {name: dataset["metadata"] for name, dataset in fileset.items()}
    plan, merging = config.plan(), config.merging_plan()
    outputs = [
        run_branch(plan, branch, metadata[branch.dataset], resources, chunk_size=chunk_size).output
        for branch in branches
    ]
    columns = accumulate([output.pop("columns") for output in outputs])
    merged = merge_outputs(merging, outputs, metadata)
    for dataset, meta in metadata.items():
        factors = normalisation_factors(merging, merged, dataset, meta) if meta["isMC"] else {}
        for sample, by_category in factors.items():
            for category, by_variation in columns.get(sample, {}).get(dataset, {}).items():
                for variation, chunks in by_variation.items():
                    by_variation[variation] = [_scaled(chunk, by_category[category]) for chunk in chunks]
    return merged, columns


def _scaled(records: ak.Array, factor: float) -> ak.Array:
    for name in records.fields:
        if name.startswith(WEIGHT):
            records = ak.with_field(records, records[name] * factor, name)
    return records


def flat_columns(columns: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return columns in PocketCoffea's form: lists flattened, without the events' ids."""
    flat = {}
    for sample, by_dataset in columns.items():
        for dataset, by_category in by_dataset.items():
            for category, by_variation in by_category.items():
                for variation, chunks in by_variation.items():
                    records = ak.concatenate(chunks)
                    for name in set(records.fields) - set(EVENT_IDS):
                        values = ak.flatten(records[name], axis=None)
                        flat["/".join((sample, dataset, category, variation, name))] = np.asarray(values)
    return flat


if __name__ == "__main__":
    main(sys.argv[1])
