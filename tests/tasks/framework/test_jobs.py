from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from matplotlib.figure import Figure

from pocket.errors import ConfigError
from pocket.histograms.raw_sums import add_raw
from pocket.io.store import manifest_of
from pocket.io.store.manifest import written
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import RESULT
from tasks.chain.toys import MakeToySamples
from tasks.framework.jobs import (
    ProcessingJob,
    Published,
    ScaleFactorPlotJob,
    TemplatePlotJob,
    ToyCorrectionsJob,
    ToyJob,
    save_plots,
)
from tests.tasks.small_chain import Chain


def run(job: Any, **changes: Any) -> int:
    """Run a job as it comes out at the other side of a pickle, with some fields changed; return its progress."""
    done: list[int] = []
    dataclasses.replace(pickle.loads(pickle.dumps(job)), **changes).run(done.append)
    return sum(done)


def elsewhere(job: Any, directory: Path) -> dict[str, Any]:
    return {**job.output, "directory": directory}


def test_processing(chain: Chain, tmp_path: Path) -> None:
    task: RunProcessor = chain.task(RunProcessor, config="main", branch=1)
    job = task.job()
    assert isinstance(job, ProcessingJob)
    assert job.size == 900
    assert run(job, output=elsewhere(job, tmp_path / "again"), chunk_size=400) == 900
    made, again = manifest_of(task.output().directory), manifest_of(tmp_path / "again")
    assert made is not None
    assert again is not None
    assert again.inputs == made.inputs
    reading = {"events": {"expected": 900, "processed": 900}, "failures": {}}
    assert made.info["reading"] == reading
    # made in another process
    of_process = ("usage", "records")
    assert {name: value for name, value in again.info.items() if name not in of_process} == {
        **{name: value for name, value in made.info.items() if name not in of_process},
        "skipped": {},
    }
    before, after = add_raw([task.output().directory]), add_raw([tmp_path / "again"])
    assert after["cutflow"] == before["cutflow"]
    assert list(after["variables"]) == ["muon_pt", "npvs"]


def test_sizes_of_chunks_make_no_other_output(chain: Chain, tmp_path: Path) -> None:
    job = chain.task(RunProcessor, config="main", branch=1).job()
    # both began when there was nothing: something may have been made from the output of the first one
    output = {**elsewhere(job, tmp_path / "out"), "replaces": ""}
    found = []
    ways = ({"chunk_size": 2000, "chunk_memory": 1}, {"chunk_size": 100, "chunk_memory": 0, "threads": 2})
    for sizes in ways:
        assert run(job, output=output, **sizes) == 900
        found.append(written(tmp_path / "out"))
    assert found[0] == found[1] != ""


def test_toys(chain: Chain, tmp_path: Path) -> None:
    jobs = {branch: chain.task(MakeToySamples, branch=branch).job() for branch in (2, 6)}
    toys, corrections = jobs.values()
    assert isinstance(toys, ToyJob)
    assert (toys.process, toys.part, toys.size) == ("ttsemi", 0, 200)
    assert run(toys, output=elsewhere(toys, tmp_path / "toys"), size=10) == 10
    assert [path.name for path in sorted((tmp_path / "toys").iterdir())] == ["events.root", "manifest.json"]
    assert isinstance(corrections, ToyCorrectionsJob)
    assert run(corrections, output=elsewhere(corrections, tmp_path / "corrections")) == corrections.size == 0
    assert len(list((tmp_path / "corrections").iterdir())) == 7


@pytest.mark.parametrize(
    ("before", "variable", "stems"),
    [
        (None, "npvs", {"npvs"}),
        ("main", "npvs", {"npvs", "npvs_vs_main"}),
        # what wasn't filled before is drawn without a comparison
        ("probes", "npvs", {"npvs"}),
    ],
)
def test_template_plots(chain: Chain, tmp_path: Path, before: str | None, variable: str, stems: set[str]) -> None:
    job = TemplatePlotJob(
        analysis=str(chain.analysis),
        overrides=(),
        config="corrected",
        variable=variable,
        category="baseline",
        plots={"data_mc": ("png",), "before_after": ("png", "svg")},
        templates=chain.output("MergeOutputs", "corrected"),
        before=chain.output("MergeOutputs", before) if before else None,
        before_name=before or "none",
        covariance=None,
        folder=tmp_path / "plots" / "baseline",
    )
    assert run(job) == job.size == 1
    drawn = {path.name for path in (tmp_path / "plots" / "baseline").iterdir()}
    formats = {stem: ("json", "png", "svg") if "_vs_" in stem else ("json", "png") for stem in stems}
    assert drawn == {f"{stem}.{extension}" for stem, extensions in formats.items() for extension in extensions}


@pytest.mark.slow
def test_scale_factor_plots(chain: Chain, tmp_path: Path) -> None:
    output = chain.output("ComputeScaleFactors", "tight_id")
    job = ScaleFactorPlotJob(str(chain.analysis), (), "tight_id", output / RESULT, tmp_path, ("pdf",))
    assert run(job) == job.size == 1
    stems = {"tight_id", "tight_id_correlation"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}.{end}" for stem in stems for end in ("pdf", "json")}
    published = Published(str(output / "tight_id.json"), "tight_id", {"systematic": "nominal:up:down"})
    run(job, published=published)
    # its own correction: no difference
    assert json.loads((tmp_path / "tight_id_published.json").read_text())["chi2"] == pytest.approx(0)


def test_plots_are_saved_with_their_numbers(tmp_path: Path) -> None:
    save_plots([("a", Figure(), {"data": [1.0]}), ("b", Figure(), {})], tmp_path / "new", ["png", "svg"])
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {f"{stem}.{suffix}" for stem in "ab" for suffix in ("json", "png", "svg")}
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"data": [1.0]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.float32(0.5), 0.5),
        ([1.0, float("nan"), -np.inf], [1.0, None, None]),
        ((np.array([np.nan, 1.5]), {"name": np.bool_(True), 3: None}), [[None, 1.5], {"name": True, "3": None}]),
        (ak.Array([[1, 2], []]), [[1, 2], []]),
    ],
)
def test_numbers_of_plots_have_a_form_in_json(tmp_path: Path, value: Any, written: Any) -> None:
    save_plots([("a", Figure(), {"value": value})], tmp_path, ["svg"])
    assert json.loads((tmp_path / "a.json").read_text()) == {"value": written}


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            {"mc": [1, {2}]},
            r"plot mll_x: numbers\['mc'\]\[1\] is of type set, expected numbers, strings, arrays, lists",
        ),
        ({"mc": Figure()}, r"plot mll_x: numbers\['mc'\] is of type Figure, expected"),
        (
            {"mc": {("tt", 1): 2}},
            r"plot mll_x: numbers\['mc'\]: the key \('tt', 1\) is of type tuple, expected a string$",
        ),
    ],
)
def test_other_objects_among_numbers_of_plots_are_named(tmp_path: Path, numbers: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        save_plots([("mll_x", Figure(), numbers)], tmp_path, ["png"])
    assert not list(tmp_path.iterdir())
