from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import awkward as ak
import coffea.util
import correctionlib
import numpy as np
import pytest

from benchmarks.peer.running import PEER_DRIVER
from pocket.columns.parquet import read_columns
from pocket.errors import ConfigError
from pocket.histograms.files import read_output
from tasks.chain.exporting import ExportCoffea, ExportScaleFactors
from tasks.chain.scale_factors import ComputeScaleFactors
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

READER = PEER_DRIVER.with_name("read_export.py")


def test_exported_file_holds_the_merged_output(chain: Chain) -> None:
    assert chain.build(ExportCoffea, config="main") == ["ExportCoffea main"]
    exported = coffea.util.load(str(chain.output("ExportCoffea", "main") / "output_all.coffea"))
    folder = chain.output("MergeOutputs", "main")
    merged = read_output(folder)
    assert exported["cutflow"] == merged["cutflow"]
    assert exported["sumw2"] == merged["sumw2"]
    assert exported["variables"] == merged["variables"]
    for sample, datasets in exported["columns"].items():
        (categories,) = datasets.values()
        columns = categories["baseline"]["nominal"]
        expected = read_columns(folder, sample, "baseline")
        np.testing.assert_array_equal(columns["weight"].value, expected.weight)
        np.testing.assert_array_equal(columns["MuonGood_pt"].value, ak.flatten(expected.MuonGood_pt))
        np.testing.assert_array_equal(columns["MuonGood_N"].value, ak.num(expected.MuonGood_pt))
    assert chain.build(ExportCoffea, config="main") == []


def test_another_style_only_exports_again(chain: Chain) -> None:
    chain.build(ExportCoffea, config="main")
    assert chain.build(ExportCoffea, config="main", params=("plotting_style.label=Internal",)) == ["ExportCoffea main"]
    texts = [(folder / "parameters_dump.yaml").read_text() for folder in chain.outputs("ExportCoffea")]
    assert sorted("cms_label: Internal" in text for text in texts) == [False, True]


def test_pocketcoffea_reads_and_draws_it(chain: Chain, peer: Path, tmp_path: Path) -> None:
    chain.build(ExportCoffea, config="main")
    folder = tmp_path / "exported"
    shutil.copytree(chain.output("ExportCoffea", "main"), folder)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [peer, READER, folder, "muon_pt"], env={**environment, "MPLBACKEND": "agg"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert [path.name for path in (folder / "plots" / "baseline").iterdir()] == ["muon_pt_toys_baseline.png"]

    read = json.loads((folder / "read.json").read_text())
    merged = read_output(chain.output("MergeOutputs", "main"))
    assert read["initial"] == merged["cutflow"]["initial"]
    for name, samples in merged["variables"].items():
        for datasets in samples.values():
            for dataset, histogram in datasets.items():
                values, variances = read["variables"][name][dataset]
                np.testing.assert_array_equal(values, histogram.values(flow=True))
                np.testing.assert_array_equal(variances, histogram.variances(flow=True))
    exported = coffea.util.load(str(folder / "output_all.coffea"))["columns"]
    assert read["columns"]
    for place, values in read["columns"].items():
        sample, dataset, category, variation, name = place.split("/")
        np.testing.assert_array_equal(values, exported[sample][dataset][category][variation][name].value)


OPTIONS = {
    "scale_factor": ("tight_id",),
    "layout": "MUO",
    "names": ("NUM_TightID_DEN_LooseID",),
    "inputs": ("eta=0:2.4",),
}


def test_exported_scale_factor_is_the_measured_one(chain: Chain) -> None:
    assert chain.build(ExportScaleFactors, **OPTIONS) == ["ExportScaleFactors tight_id"]
    folder = chain.output("ExportScaleFactors", "tight_id")
    correction = correctionlib.CorrectionSet.from_file(str(folder / "muon_Z.json.gz"))["NUM_TightID_DEN_LooseID"]
    result = chain.task(ComputeScaleFactors, scale_factor="tight_id").result()
    (edges,) = result.axes.values()
    for number, pt in enumerate(edges[:-1]):
        for key, values in (
            ("nominal", result.scale_factor.value),
            ("systup", result.scale_factor.value + result.scale_factor.up),
            ("systdown", result.scale_factor.value - result.scale_factor.down),
            ("stat", np.maximum(result.scale_factor.up, result.scale_factor.down)),
            ("syst", np.zeros_like(result.scale_factor.value)),
        ):
            assert correction.evaluate(1.0, float(pt), key) == pytest.approx(values[number], abs=1e-15)
    assert chain.build(ExportScaleFactors, **OPTIONS) == []
    # The file has no time, so that it is the same when it is made again.
    before = (folder / "muon_Z.json.gz").read_bytes()
    shutil.rmtree(folder)
    chain.build(ExportScaleFactors, **OPTIONS)
    assert (chain.output("ExportScaleFactors", "tight_id") / "muon_Z.json.gz").read_bytes() == before
    assert chain.build(ExportScaleFactors, **OPTIONS | {"names": ("other",)}) == ["ExportScaleFactors tight_id"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": "MUON"}, "unknown layout 'MUON' in ExportScaleFactors, did you mean 'MUO'?"),
        ({"scale_factor": ("tight",)}, "unknown scale factor 'tight' in analysis 'small', did you mean 'tight_id'?"),
        ({"inputs": ()}, "in the layout MUO depends on pt; also needed: eta, as eta=axis or eta=low:high"),
        ({"names": ()}, "--names needs a name for each of tight_id"),
        ({"inputs": ("eta",)}, "--inputs: expected name=value with commas in between, not 'eta'"),
    ],
)
def test_errors_before_anything_is_measured(on_files: Chain, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        on_files.task(ExportScaleFactors, **OPTIONS | changes)


def test_a_calibration_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(ConfigError, match="'electron_energy' is no weight but of the kind 'calibration', which no"):
        ExportScaleFactors(
            version="v1", analysis="zee", scale_factor=("electron_energy",), layout="EGM", names=("EGM_ScaleUnc",)
        )
