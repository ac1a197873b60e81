"""Trial of one foreign configuration through :mod:`pocket.compat`.

``python -m benchmarks.foreign.try_configuration REQUEST.json`` writes the same files as
``benchmarks/foreign/upstream/try_configuration.py``.
"""

from __future__ import annotations

import copy
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from benchmarks.peer.our_driver import flat_columns, run
from pocket.configuration.analysis import load_analysis
from pocket.configuration.configurator import Configurator
from pocket.datasets.branches import split
from pocket.datasets.fileset import TREE, Fileset
from pocket.engine.resources import Resources
from pocket.histograms.files import write_sums_and_histograms


def main(request_path: str) -> None:
    """Try one configuration."""
    request = json.loads(Path(request_path).read_text())
    result: dict[str, Any] = {"stages": [], "seconds": {}}
    try:
        for stage, seconds in stages(request, result):
            result["stages"].append(stage)
            result["seconds"][stage] = seconds
            _write(request, result)
    except BaseException as error:
        result["error"], result["traceback"] = describe(error), traceback.format_exc()
    _write(request, result)


def stages(request: Mapping[str, Any], result: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the stages with their time, as they are passed."""
    os.chdir(request["folder"])
    begin = time.perf_counter()
    analysis = load_analysis(request["path"], tuple(request.get("params", ())))
    yield "import", time.perf_counter() - begin

    begin = time.perf_counter()
    config = analysis.config(analysis.default_config)
    config.processing_spec()
    picobarns = config.parameters.lumi.picobarns
    result["luminosity"] = {
        name: (definition.year, picobarns.get(definition.year, {}).get("tot"))
        for name, definition in config.definitions.items()
    }
    yield "load", time.perf_counter() - begin

    os.chdir(request["output"])
    begin = time.perf_counter()
    fileset = stand_in_fileset(config, request)
    config = copy.copy(config)
    config.definitions = {name: config.definitions[name] for name in fileset}
    branches = split(fileset, request["chunk_size"])
    arguments = (config, branches, fileset, Resources(), request["chunk_size"])
    output, columns = run(*arguments)
    passes = []
    for _ in range(request.get("passes", 0)):
        wall, cpu = time.perf_counter(), time.process_time()
        run(*arguments)
        passes.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    yield "process", time.perf_counter() - begin

    folder = Path(request["output"])
    write_sums_and_histograms(folder, output)
    np.savez(folder / "columns.npz", **flat_columns(columns))  # type: ignore[arg-type]
    (folder / "timing.json").write_text(json.dumps({"passes": passes}))


def stand_in_fileset(config: Configurator, request: Mapping[str, Any]) -> Fileset:
    """Return the fileset of the datasets that PocketCoffea processed, with one chunk of the files it read."""
    processed = {name: dataset["files"] for name, dataset in request.get("processed", {}).items()}
    fileset: Fileset = {}
    for name, (path,) in (processed or _chosen(config, request)).items():
        with uproot.open(path) as file:
            entries, uuid = min(file[TREE].num_entries, request["chunk_size"]), str(file.file.uuid)
        metadata = {**config.definitions[name].metadata(), "nevents": entries, "size": Path(path).stat().st_size}
        files = {path: {"object_path": TREE, "num_entries": entries, "uuid": uuid}}
        fileset[name] = {"metadata": metadata, "files": files}  # type: ignore[typeddict-item]
    return fileset


def _chosen(config: Configurator, request: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return datasets and their files, chosen as for PocketCoffea."""
    chosen, samples, left = {}, set(), dict(request["datasets"])
    for name, definition in config.definitions.items():
        kind = "mc" if definition.is_mc else "data"
        if definition.sample not in samples and left[kind]:
            samples.add(definition.sample)
            left[kind] -= 1
            run = 2 if definition.year[:4] in ("2016", "2017", "2018") else 3
            chosen[name] = [request["files"][f"{kind}_run{run}"]]
    return chosen


def describe(error: BaseException) -> str:
    """Return an error in one line."""
    text = re.sub(r"\s+", " ", str(error)).strip()
    return f"{type(error).__name__}: {text}"[:600]


def _write(request: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    Path(request["output"], "result.json").write_text(json.dumps(result, default=str))


if __name__ == "__main__":
    main(sys.argv[1])
