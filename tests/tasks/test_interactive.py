"""Results without law are those of tasks, and outputs in the store are found, read and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError, DamagedOutputError, HistogramError, UnknownNameError
from pocket.histograms.files import read_output
from pocket.histograms.files import read_templates as read_samples
from pocket.interactive import plot, process, read_scale_factor, read_templates
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tasks.chain.merging import MergeOutputs
from tests.notebooks import run_notebook
from tests.tasks.small_chain import Chain

DY, DATA = "DYJetsToMuMu_toys", "DATA_SingleMuon_toys"
#: of the chain
OPTIONS = {"events_per_branch": 1000}


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


@pytest.mark.slow
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


def test_templates_of_the_store_are_those_of_their_samples(chain: Chain) -> None:
    folder = chain.output("MergeOutputs", "corrected")
    templates = read_templates(folder)
    assert list(templates) == ["muon_pt", "npvs"]
    expected = read_samples(folder, "muon_pt")
    joined = templates["muon_pt"]
    assert list(joined.axes["samples"]) == list(expected)
    for variation in joined.axes["variation"]:
        for sample, histogram in expected.items():
            chosen = {"variation": variation} if "variation" in histogram.axes.name else {}
            found = joined[{"samples": sample, "variation": variation}]
            assert found.view(flow=True).tobytes() == histogram[chosen].view(flow=True).tobytes()
    assert read_templates(folder / "histograms.h5")["npvs"] == templates["npvs"]
    with pytest.raises(UnknownNameError, match=r"unknown histogram 'muon_pT' in .*, did you mean 'muon_pt'"):
        templates["muon_pT"]
    assert templates.get("mll") is None
    with pytest.raises(HistogramError, match=f"give one of the folders in it, such as {folder.name}"):
        read_templates(folder.parent)
    with pytest.raises(HistogramError, match="raw sums of a branch"):
        read_templates(chain.outputs("RunProcessor", "main")[0])
    (folder / "sums.json").write_text("{}")
    with pytest.raises(DamagedOutputError, match=r"sums\.json"):
        read_templates(folder)


def test_plots_of_templates_are_those_of_the_task(chain: Chain) -> None:
    config = config_of(chain, "corrected")
    templates, before = (read_templates(chain.output("MergeOutputs", name)) for name in ("corrected", "main"))
    (drawn,) = (path.parent for path in chain.output("PlotTemplates", "corrected").rglob("muon_pt.json"))
    numbers = plot(templates, "muon_pt", "baseline", config=config).numbers
    assert json.loads(json.dumps(numbers)) == json.loads((drawn / "muon_pt.json").read_text())
    # histograms that went through hist are drawn, too
    assert plot(dict(templates), "muon_pt", "baseline", config=config).numbers["data"] == numbers["data"]
    compared = plot(templates, "muon_pt", "baseline", config=config, before=before)
    assert (
        json.loads(json.dumps(compared.numbers)).keys()
        == json.loads((drawn / "muon_pt_vs_main.json").read_text()).keys()
    )
    with pytest.raises(ConfigError, match="needs config="):
        plot(templates, "muon_pt", "baseline")
    with pytest.raises(
        UnknownNameError, match="unknown category 'basline' in the configuration, did you mean 'baseline'"
    ):
        plot(templates, "muon_pt", "basline", config=config)


def test_notebook_of_templates(chain: Chain) -> None:
    given = {"analysis": str(chain.analysis), "name": "corrected", "histogram": "muon_pt", "sample": "DYJetsToMuMu"}
    names, shown = run_notebook("templates", **given, options=OPTIONS)
    assert names["output"].path == chain.output("MergeOutputs", "corrected")
    before, after = (drawing.numbers for drawing in shown[-2:])
    assert before != after
    axis = names["rebinned"].axes[-1]
    assert axis.size == names["template"].axes[-1].size // 2
    sums = [names[name].sum(flow=True) for name in ("rebinned", "template")]
    assert sums[0].value == pytest.approx(sums[1].value, rel=1e-12)


def test_notebook_of_a_scale_factor(chain: Chain) -> None:
    given = {"analysis": str(chain.analysis), "name": "tight_id", "inputs": {"pt": [25.0, 45.0]}}
    names, _ = run_notebook("scale_factor", **given, options=OPTIONS)
    plt.close("all")
    folder = chain.output("ComputeScaleFactors", "tight_id")
    result = ScaleFactorResult.from_json((folder / "result.json").read_text())
    sf = names["sf"]
    # correctionlib reads numbers up to their last digit
    np.testing.assert_allclose(sf.values, result.scale_factor.value, rtol=1e-14)
    up, down = sf.uncertainties["total"]
    np.testing.assert_allclose(up, result.total_up, rtol=1e-9)
    np.testing.assert_allclose(down, result.total_down, rtol=1e-9)
    assert dict(sf.bins) == result.axes
    assert read_scale_factor(folder / "tight_id.json") == sf
