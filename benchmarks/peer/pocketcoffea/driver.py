"""Driver of PocketCoffea configurations, which runs a request one chunk after the other in this process.

``python driver.py REQUEST.json`` writes ``histograms.h5``, ``sums.json``, ``columns.npz`` and ``timing.json`` for each.
"""

import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import uhi.io.hdf5
from coffea.nanoevents import NanoAODSchema
from coffea_runner import runner

warnings.filterwarnings("ignore")

FLOWS = {
    "zmumu": "zmumu:nominal",
    "ttbar_small": "ttbar:small",
    "ttbar_medium": "ttbar:medium",
    "ttbar_large": "ttbar:large",
    "cartesian": "selections:cartesian",
    "objects": "selections:objects",
    "subsamples": "selections:subsamples",
    "weights": "selections:weights",
    "columns": "selections:columns",
    "shapes": "zmumu:shapes",
}
SUMS = ("sum_genweights", "sum_signOf_genweights", "cutflow", "sumw", "sumw2")


def main(request_path):
    """Run the flows of a request in order."""
    request = json.loads(Path(request_path).read_text())
    NanoAODSchema.warn_missing_crossrefs = False
    begin = request["started"]
    for flow in request["flows"]:
        module, _, function = FLOWS[flow["name"]].partition(":")
        config = getattr(importlib.import_module(module), function)(flow)
        config.load()
        timing = {"start_up": time.time() - begin}
        run_flow(config, Path(flow["output"]), request, timing)
        begin = time.time()


def run_flow(config, folder, request, timing):
    """Process all files of one flow, and write the output and its timing."""
    begin = time.time()
    arguments = {"treename": "Events", "processor_instance": config.processor_instance}
    if request["warm_up"]:
        runner(request["warm_up"], maxchunks=1).run(config.filesets, **arguments)
    timing["warm_up"] = time.time() - begin

    run = runner(request["chunk_size"])
    # The chunks are sorted by files and entries, so that columns are in this order.
    number = {file: position for content in config.filesets.values() for position, file in enumerate(content["files"])}
    chunks = sorted(
        run.preprocess(config.filesets, "Events"), key=lambda c: (c.dataset, number[c.filename], c.entrystart)
    )
    timing["passes"] = []
    for _ in range(request["repeats"]):
        wall, cpu = time.perf_counter(), time.process_time()
        output = run.run(chunks, processor_instance=config.processor_instance)["out"]
        timing["passes"].append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    write(folder, output, timing)


def write(folder, output, timing):
    """Write the content of an output."""
    with h5py.File(folder / "histograms.h5", "w") as file:
        for variable, samples in output["variables"].items():
            for sample, histograms in samples.items():
                for dataset, histogram in histograms.items():
                    uhi.io.hdf5.write(file.create_group(f"{variable}/{sample}/{dataset}"), histogram)
    sums = {name: output[name] for name in SUMS if name in output}
    (folder / "sums.json").write_text(json.dumps(sums, default=lambda number: number.item()))
    columns = {
        "/".join((sample, dataset, category, variation, name)): np.asarray(column.value)
        for sample, by_dataset in output["columns"].items()
        for dataset, by_category in by_dataset.items()
        for category, by_variation in by_category.items()
        for variation, by_name in by_variation.items()
        for name, column in by_name.items()
    }
    np.savez(folder / "columns.npz", **columns)
    (folder / "timing.json").write_text(json.dumps(timing))


if __name__ == "__main__":
    main(sys.argv[1])
