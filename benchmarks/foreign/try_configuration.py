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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from benchmarks.peer.our_driver import flat_columns, run
from pocket.columns.config import EVENT_IDS
from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis
from pocket.configuration.skim import Skim
from pocket.datasets.branches import Branch, split
from pocket.datasets.fileset import TREE, Fileset
from pocket.datasets.generator_sums import RESCALE
from pocket.engine.resources import Resources
from pocket.histograms.files import write_sums_and_histograms
from pocket.skims.run import skim_branch


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
    config.plan()
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
    if skim := config.own_skim(analysis.default_config):
        output, columns = skim_events(config, skim, branches, fileset, request)
        yield "process", time.perf_counter() - begin
        write(Path(request["output"]), output, columns, [])
        return
    arguments = (config, branches, fileset, Resources(), request["chunk_size"])
    output, columns = run(*arguments)
    passes = []
    for _ in range(request.get("passes", 0)):
        wall, cpu = time.perf_counter(), time.process_time()
        run(*arguments)
        passes.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    yield "process", time.perf_counter() - begin

    write(Path(request["output"]), output, flat_columns(columns), passes)


def write(
    folder: Path, output: Mapping[str, Any], columns: Mapping[str, Any], passes: Sequence[Mapping[str, float]]
) -> None:
    """Write the files that are compared."""
    write_sums_and_histograms(folder, output)
    np.savez(folder / "columns.npz", **columns)
    (folder / "timing.json").write_text(json.dumps({"passes": passes}))


def skim_events(
    config: Configurator, skim: Skim, branches: Sequence[Branch], fileset: Fileset, request: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the skim of a configuration that only makes one, as the task does.

    Returns:
        The sums before the skim with the number of events after it, and the columns that identify and normalise these
        events.
    """
    sums: dict[str, dict[str, float]] = {"sum_genweights": {}, "sum_signOf_genweights": {}}
    cutflow: dict[str, dict[str, int]] = {"initial": {}, "skim": {}}
    columns = {}
    for branch in branches:
        metadata, dataset = fileset[branch.dataset]["metadata"], branch.dataset
        folder = Path(request["output"]) / "skim" / dataset
        folder.mkdir(parents=True)
        settings: dict[str, Any] = {"identity": "", "chunk_size": request["chunk_size"]}
        record = skim_branch(config.plan(), skim.plan(), branch, metadata, Resources(), folder, **settings)
        cutflow["initial"][dataset] = record.nevents
        cutflow["skim"][dataset] = sum(file["num_entries"] for file in record.files.values())
        if metadata["isMC"]:
            sums["sum_genweights"][dataset] = record.sum_genweights
            sums["sum_signOf_genweights"][dataset] = record.sum_signs
        for name in record.files:
            with uproot.open(folder / name) as file:
                tree = file[TREE]
                for column in (*EVENT_IDS, "genWeight", RESCALE):
                    if column in tree:
                        place = f"{metadata['sample']}/{dataset}/skim/nominal/{column}"
                        columns[place] = tree[column].array(library="np")
    empty: dict[str, Any] = {"variables": {}, "sumw": {}, "sumw2": {}, "datasets_metadata": {}}
    return {**empty, **sums, "cutflow": cutflow}, columns


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
