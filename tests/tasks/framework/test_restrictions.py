from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.histograms.files import read_output, read_templates
from pocket.io.store.manifest import read_manifest
from tasks.chain.datasets import BuildDatasets
from tasks.chain.merging import MergeOutputs
from tasks.chain.migrating import Migrate
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.show import ShowConfig
from tasks.chain.toys import MakeToySamples
from tasks.framework.base import AnalysisTask
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

DY, DATA = "DYJetsToMuMu_toys", "DATA_SingleMuon_toys"
OPTIONS = {"filter_samples", "filter_years", "filter_datasets", "limit_files", "limit_chunks", "test"}


def merged(chain: Chain, **params: Any) -> dict[str, Any]:
    return read_output(chain.task(MergeOutputs, config="main", **params).directory)


def initial(output: dict[str, Any]) -> dict[str, float]:
    return dict(output["cutflow"]["initial"])


def test_every_task_has_the_options() -> None:
    families: tuple[type[AnalysisTask], ...] = (ShowConfig, RunProcessor, MergeOutputs, PlotTemplates)
    for cls in families:
        assert dict(cls.get_params()).keys() >= OPTIONS
    # toys are made whole, and filesets have whole files
    assert not OPTIONS & {*dict(MakeToySamples.get_params()), *dict(Migrate.get_params())}
    assert OPTIONS - dict(BuildDatasets.get_params()).keys() == {"limit_chunks"}


def test_test_fills_in_limits_that_are_not_given(chain: Chain) -> None:
    for given, expected in (({}, (2, 2)), ({"limit_files": 7}, (7, 2)), ({"limit_chunks": 1}, (2, 1))):
        task = chain.task(MergeOutputs, config="main", test=True, **given)
        assert (task.limit_files, task.limit_chunks, task.test) == (*expected, False)
        found = [each for each, *_ in task.walk_deps() if isinstance(each, RunProcessor)]
        assert {(each.limit_files, each.limit_chunks) for each in found} == {expected}
    same = chain.task(MergeOutputs, config="main", limit_files=2, limit_chunks=2)
    assert chain.task(MergeOutputs, config="main", test=True).directory == same.directory
    with pytest.raises(ConfigError, match="--limit-chunks is -1, expected 0 or more"):
        chain.task(MergeOutputs, config="main", limit_chunks=-1)


def test_limited_outputs_are_their_own(on_files: Chain) -> None:
    chain = on_files
    run = chain.build(config="main", limit_files=1)
    assert {path.parent.name for path in chain.outputs("MergeOutputs")} == {"v1.limited"}
    # the files that aren't read aren't opened either
    (fileset,) = (json.loads((path / "fileset.json").read_text()) for path in chain.outputs("BuildDatasets"))
    assert {name: len(dataset["files"]) for name, dataset in fileset.items()} == {DY: 1, DATA: 1}
    output = merged(chain, limit_files=1)
    assert initial(output) == {name: dataset["metadata"]["nevents"] for name, dataset in fileset.items()}
    manifest = read_manifest(chain.task(MergeOutputs, config="main", limit_files=1).directory)
    assert manifest is not None
    assert manifest.info["limited"] == "limited: 1 file per dataset"
    # nothing of it is taken for the whole
    whole = chain.build(config="main")
    expected = {
        "BuildDatasets datasets",
        *(f"{task} main" for task in ("RunProcessor", "MergeOutputs", "PlotTemplates")),
    }
    assert set(whole) == set(run) == expected
    assert initial(merged(chain))[DY] > initial(output)[DY]
    manifest = read_manifest(chain.task(MergeOutputs, config="main").directory)
    assert manifest is not None
    assert "limited" not in manifest.info
    # nor the other way round, and both stay
    assert chain.build(config="main", limit_files=1) == []
    # simulation is divided by the sum of the events that were read, so yields are those of the whole
    yields = [
        read_templates(chain.task(MergeOutputs, config="main", limit_files=files).directory, "muon_pt")["DYJetsToMuMu"]
        .sum(flow=True)
        .value
        for files in (0, 1)
    ]
    assert yields[1] == pytest.approx(yields[0], rel=0.2)
    assert yields[0] != yields[1]


def test_chunks(chain: Chain) -> None:
    options = {"limit_chunks": 2, "chunk_size": 100}
    assert chain.build(MergeOutputs, config="main", **options) == ["RunProcessor main", "MergeOutputs main"]
    events = initial(merged(chain, **options))
    assert set(events) == {DY, DATA}
    assert 100 < min(events.values()) <= max(events.values()) < 300
    fewer = {"limit_chunks": 2, "chunk_size": 90}
    # the number of events of a chunk counts only where their number is limited
    assert not chain.task(MergeOutputs, config="main", **fewer).complete()
    assert chain.task(MergeOutputs, config="main", chunk_size=90).complete()


def test_filters(chain: Chain) -> None:
    options = {"filter_samples": ("DATA_SingleMuon",)}
    built = chain.build(MergeOutputs, config="corrected", **options)
    # data need no scale factor
    assert built == ["BuildDatasets datasets", "RunProcessor corrected", "MergeOutputs corrected"]
    folder = chain.task(MergeOutputs, config="corrected", **options).directory
    assert folder.parent.name == "v1.limited"
    assert set(read_output(folder)["cutflow"]["initial"]) == {DATA}
    assert initial(read_output(folder)) == {DATA: initial(merged(chain))[DATA]}


def test_names_that_are_refused(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match=r"'DYJetsToMuMuu' in --filter-samples, did you mean 'DYJetsToMuMu'\?"):
        chain.task(PlotTemplates, filter_samples=("DYJetsToMuMuu",))
    with pytest.raises(UnknownNameError, match=r"unknown dataset .* in --filter-datasets, did you mean"):
        chain.task(MergeOutputs, config="main", filter_datasets=("DYJetsToMuMu_2018",))
    with pytest.raises(BrokenConfigError, match="--filter-samples DYJetsToMuMu --filter-datasets DATA_SingleMuon_toys"):
        chain.task(RunProcessor, config="main", filter_samples=("DYJetsToMuMu",), filter_datasets=(DATA,))
    with pytest.raises(
        ConfigError, match=r"'tight_id' is measured in DATA_SingleMuon of configuration 'probes', which"
    ):
        list(chain.task(PlotTemplates, config="corrected", filter_samples=("DYJetsToMuMu",)).walk_deps())


def test_limited_skims_are_not_limited_again(chain: Chain) -> None:
    chain.edit(
        "__init__.py",
        "from pocket.weights.scale",
        "from pocket.configuration.skim import Skim\nfrom pocket.weights.scale",
    )
    chain.edit("__init__.py", 'compare={"corrected"', 'skims={"main": Skim(config="main")},\n    compare={"corrected"')
    options = {"limit_files": 1, "limit_chunks": 1, "chunk_size": 100}
    chain.build(MergeOutputs, config="main", **options)
    sums = merged(chain, **options)["sum_genweights"]
    chain.edit("__init__.py", 'skims={"main": Skim(config="main")},', "")
    chain.build(MergeOutputs, config="main", **options)
    assert merged(chain, **options)["sum_genweights"] == pytest.approx(sums)
    assert sums[DY] > 0


def test_sums_in_the_metadata_of_a_skim_are_those_of_all_files(
    on_files: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    on_files.define({"globs": ["dy_*.root"]})
    path = on_files.analysis / "datasets.json"
    skim = {"isSkim": True, "nevents_before_skim": 3000, "sum_genweights": 3e6, "sum_signOf_genweights": 2000.0}
    path.write_text(path.read_text().replace('"isMC": true', f'"isMC": true, {json.dumps(skim)[1:-1]}'))
    on_files.build(RunProcessor, config="main", limit_files=1)
    assert (
        f"note: {DY}: normalised by the sums in the metadata, although only a part of the skim is read"
        in capsys.readouterr().err
    )


def test_folder_of_whole_outputs_is_that_of_before(chain: Chain) -> None:
    task = chain.task(MergeOutputs, config="main")
    assert task.directory.parent == Path(chain.store, "small", "MergeOutputs", "main", "v1")
    assert task.complete()
