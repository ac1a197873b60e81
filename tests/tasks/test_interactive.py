"""Results without law are those of tasks, and outputs in the store are found, read and drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocket.configuration.analysis import load_analysis
from pocket.configuration.configurator import Configurator
from pocket.histograms.files import read_output
from pocket.histograms.files import read_templates as read_samples
from pocket.interactive.processing import process
from tasks.chain.merging import MergeOutputs
from tests.tasks.small_chain import Chain

DY, DATA = "DYJetsToMuMu_toys", "DATA_SingleMuon_toys"


def toy_files(chain: Chain) -> dict[str, list[Path]]:
    """Return dataset → files of the toys."""
    outputs = chain.outputs("MakeToySamples")
    return {
        dataset: [path / "events.root" for path in outputs if path.name.startswith(process)]
        for dataset, process in {DY: "dy_", DATA: "data_"}.items()
    }


def config_of(chain: Chain, name: str) -> Configurator:
    """Return a configuration of the chain's analysis."""
    return load_analysis(str(chain.analysis)).config(name)


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders have the same histograms, sums and columns, byte by byte."""

    def contents(folder: Path) -> dict[str, bytes]:
        names = [
            "histograms.h5",
            "sums.json",
            "contents.json",
            *(str(path.relative_to(folder)) for path in folder.rglob("*.parquet")),
        ]
        return {name: (folder / name).read_bytes() for name in names}

    return contents(one) == contents(other)


def test_scale_factors_are_applied_as_tasks_do(chain: Chain, tmp_path: Path) -> None:
    result = process(
        config_of(chain, "corrected"),
        toy_files(chain),
        scale_factors={"tight_id": chain.output("ComputeScaleFactors", "tight_id")},
        toys=chain.outputs("MakeToySamples")[0].with_name("corrections"),
        output=tmp_path / "new" / "output",
        events_per_branch=1000,
    )
    folder = chain.output("MergeOutputs", "corrected")
    assert same_files(tmp_path / "new" / "output", folder)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["output"]
    # what is in memory is the same
    merged = read_output(folder)
    assert {**result.output, "variables": {}} == {**merged, "variables": {}}
    for name in merged["variables"]:
        for sample, histogram in read_samples(folder, name).items():
            found = result.histograms.per_sample(name)[sample]
            assert found == histogram
            assert found.view(flow=True).tobytes() == histogram.view(flow=True).tobytes()
    # and scale factors change something
    without = process(
        config_of(chain, "corrected"),
        {DY: toy_files(chain)[DY]},
        scale_factors={"tight_id": None},
        events_per_branch=1000,
    )
    assert without.yields()["DYJetsToMuMu"]["baseline"] != result.yields()["DYJetsToMuMu"]["baseline"]


def test_many_chunks_of_one_size_and_columns(on_files: Chain, tmp_path: Path) -> None:
    on_files.build(MergeOutputs, config="main", chunk_size=300, chunk_memory=0, events_per_branch=700)
    files = {
        DATA: on_files.analysis / "data.root",
        DY: [on_files.analysis / name for name in ("dy_0.root", "dy_1.root")],
    }
    result = process(
        config_of(on_files, "main"), files, chunk_size=300, events_per_branch=700, output=tmp_path / "output"
    )
    assert same_files(tmp_path / "output", on_files.output("MergeOutputs", "main"))
    columns = result.columns["DYJetsToMuMu"]["baseline"]["nominal"]
    assert np.sum(columns.weight) == pytest.approx(result.yields()["DYJetsToMuMu"]["baseline"].value, rel=1e-9)
