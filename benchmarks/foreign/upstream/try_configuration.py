"""Trial of one foreign configuration in PocketCoffea's environment.

``python try_configuration.py REQUEST.json`` writes ``result.json`` with the stages that it passed and the error of the
next one, and, if it was processed, the same files as the drivers of ``benchmarks.peer``.
"""

import json
import os
import re
import sys
import time
import traceback
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np

warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).parents[2] / "peer" / "pocketcoffea"))


#: Columns of the events of a skim that are compared.
SKIMMED = ("run", "luminosityBlock", "event", "genWeight", "skimRescaleGenWeight")


def main(request_path):
    """Try one configuration."""
    request = json.loads(Path(request_path).read_text())
    result = {"stages": [], "seconds": {}}
    try:
        for stage, seconds in stages(request, result):
            result["stages"].append(stage)
            result["seconds"][stage] = seconds
            write_result(request, result)
    except BaseException as error:
        result["error"] = describe(error)
        result["traceback"] = traceback.format_exc()
    write_result(request, result)


def write_result(request, result):
    """Write what is known so far, which also a trial that is stopped leaves behind."""
    Path(request["output"], "result.json").write_text(json.dumps(result, default=str))


def stages(request, result):
    """Yield the stages with their time, as they are passed."""
    begin = time.perf_counter()
    use_files(request)
    from pocket_coffea.utils.configurator import Configurator
    from pocket_coffea.utils.utils import path_import

    path = Path(request["path"])
    os.chdir(request["folder"])
    before = time.perf_counter() - begin
    begin = time.perf_counter()
    config = path_import(str(path)).cfg
    assert isinstance(config, Configurator), "cfg is no Configurator"
    yield "import", time.perf_counter() - begin
    result["start"] = before

    begin = time.perf_counter()
    config.load()
    yield "load", time.perf_counter() - begin
    result["datasets"] = {
        name: {key: str(value) for key, value in dataset["metadata"].items() if key in ("sample", "year", "isMC")}
        for name, dataset in config.filesets.items()
    }

    os.chdir(request["output"])
    begin = time.perf_counter()
    result["processed"] = choose(config.filesets, request)
    output, timing = process(config, result["processed"], request)
    yield "process", time.perf_counter() - begin
    if "dump_columns_as_arrays_per_chunk" in config.workflow_options:
        place = Path(config.workflow_options["dump_columns_as_arrays_per_chunk"])
        samples = {name: dataset["metadata"]["sample"] for name, dataset in result["processed"].items()}
        add_dumped_columns(output, place, samples)
    add_skimmed_events(output, {name: dataset["metadata"]["sample"] for name, dataset in result["processed"].items()})
    from driver import write

    write(Path(request["output"]), output, timing)


def use_files(request):
    """Let files of corrections on CVMFS be those of a local folder: of the same group, era and name."""
    from omegaconf import OmegaConf
    from pocket_coffea.parameters import defaults

    folders = periods(Path(request["corrections"]))

    def resolve(period, group, file, tag=None):
        for campaign, era in folders.items():
            path = Path(request["corrections"], "POG", group, era, file)
            if campaign in period and path.exists():
                return str(path)
        return f"/cvmfs/cms-griddata.cern.ch/cat/metadata/{group}/{period}/{tag or 'latest'}/{file}"

    defaults.setup_cvmfs_resolver = lambda *_: OmegaConf.register_new_resolver("cvmfs", resolve, replace=True)
    use_files_by_path(Path(request["corrections"]))


def use_files_by_path(folder):
    """Let correctionlib read files in the layout of jsonpog-integration, which isn't mounted, from a folder."""
    import correctionlib

    from_file = correctionlib.CorrectionSet.from_file

    def from_local_file(path):
        local = re.sub(r"^/cvmfs/.*/(?=POG/)", f"{folder}/", str(path))
        return from_file(local if Path(local).exists() else path)

    correctionlib.CorrectionSet.from_file = from_local_file


def periods(folder):
    """Return part of the name of a period → name of the folder with its corrections."""
    found = {}
    for era in sorted({path.name for path in folder.glob("POG/*/*") if path.is_dir()}):
        year, _, campaign = era.partition("_")
        found[f"-{year}-UL-" if campaign == "UL" else f"-{campaign}-"] = era
    return found


def process(config, chosen, request):
    """Return the output of one chunk of each dataset, and the times of the passes that the request asks for."""
    from coffea.nanoevents import NanoAODSchema
    from coffea_runner import runner

    NanoAODSchema.warn_missing_crossrefs = False
    run = runner(request["chunk_size"], maxchunks=1)
    arguments = {"treename": "Events", "processor_instance": config.processor_instance}
    output = run(chosen, **arguments)
    passes = []
    for _ in range(request.get("passes", 0)):
        wall, cpu = time.perf_counter(), time.process_time()
        run(chosen, **arguments)
        passes.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    return output, {"passes": passes}


def add_dumped_columns(output, folder, samples):
    """Add columns that were written to ``{dataset}[/{subsample}]/{category}/{variation}/*.parquet``.

    Lists become flat arrays, as in an output, and the number of objects of each event.
    """
    import pyarrow.parquet

    for path in sorted(folder.rglob("*.parquet")):
        dataset, *subsample, category, variation = path.relative_to(folder).parts[:-1]
        sample = "__".join([samples[dataset], *subsample])
        table = pyarrow.parquet.read_table(path)
        columns = output["columns"].setdefault(sample, {}).setdefault(dataset, {}).setdefault(category, {})
        columns = columns.setdefault(variation, {})
        # Its old awkward can't convert tables without rows.
        for name, values in table.to_pydict().items():
            if pyarrow.types.is_large_list(table.schema.field(name).type):
                columns[f"{name.partition('_')[0]}_N"] = SimpleNamespace(value=np.array([len(one) for one in values]))
                values = [number for one in values for number in one]
            columns[name] = SimpleNamespace(value=np.array(values))


def add_skimmed_events(output, samples):
    """Add the columns that identify and normalise the events of the files of a skim."""
    import uproot

    for dataset, (path,) in output.get("skimmed_files", {}).items():
        with uproot.open(path) as file:
            tree = file["Events"]
            columns = {name: tree[name].array(library="np") for name in SKIMMED if name in tree}
        columns = {name: SimpleNamespace(value=values) for name, values in columns.items()}
        output["columns"].setdefault(samples[dataset], {}).setdefault(dataset, {})["skim"] = {"nominal": columns}


def choose(filesets, request):
    """Return filesets of some datasets, with files that stand in for theirs.

    The first dataset of each sample is taken, as many of simulation and of data as the request says.
    """
    chosen, samples = {}, set()
    left = dict(request["datasets"])
    for name, dataset in filesets.items():
        metadata = dataset["metadata"]
        kind = "mc" if str(metadata["isMC"]).strip().lower() in ("true", "1", "yes") else "data"
        if metadata["sample"] not in samples and left[kind]:
            samples.add(metadata["sample"])
            left[kind] -= 1
            run = 2 if metadata["year"][:4] in ("2016", "2017", "2018") else 3
            # coffea knows a file by its name, and would take the metadata of another dataset with the same file.
            file = Path(request["output"], f"{name}.root")
            file.symlink_to(request["files"][f"{kind}_run{run}"])
            chosen[name] = {"metadata": metadata, "files": [str(file)]}
    return chosen


def describe(error):
    """Return an error in one line: the first of those that led to it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {' '.join(lines)}" if lines else type(error).__name__
    return re.sub(r"\s+", " ", text)[:600]


if __name__ == "__main__":
    main(sys.argv[1])
