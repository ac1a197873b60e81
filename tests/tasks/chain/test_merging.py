from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from pocket.base.fingerprint import digest
from pocket.columns.parquet import column_files, read_columns
from pocket.histograms.files import read_output, read_sums, read_templates
from pocket.histograms.readings import Reading
from pocket.io.store import manifest_of, read_manifest, write_output
from pocket.io.store.manifest import written
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tests.tasks.damage import corrupt_branch, truncate
from tests.tasks.small_chain import Chain, contents, unfinished

pytestmark = pytest.mark.slow

SIMULATION = "DYJetsToMuMu_toys"


def test_cross_section_only_scales_the_templates(on_files: Chain) -> None:
    on_files.build(MergeOutputs, config="main")
    first = on_files.output("MergeOutputs", "main")
    branches = on_files.ids("RunProcessor")
    on_files.define({"paths": ["dy_0.root", "dy_1.root"]}, xsec=4000.0)
    on_files.build(MergeOutputs, config="main")
    assert on_files.ids("RunProcessor") == branches
    (second,) = set(on_files.outputs("MergeOutputs", "main")) - {first}
    for sample, factor in {"DYJetsToMuMu": 2.0, "DATA_SingleMuon": 1.0}.items():
        before, after = (read_templates(folder, "muon_pt")[sample] for folder in (first, second))
        assert before.sum(flow=True).value > 0
        np.testing.assert_allclose(after.values(flow=True), factor * before.values(flow=True), rtol=1e-12)
        np.testing.assert_allclose(after.variances(flow=True), factor**2 * before.variances(flow=True), rtol=1e-12)


def test_a_cross_section_concerns_those_who_read_its_sample(on_files: Chain) -> None:
    """Or else a scale factor would be measured again for a dataset that it doesn't use."""

    def specs() -> dict[str, str]:
        task: MergeOutputs = on_files.task(MergeOutputs, config="main")
        return {
            sample: digest(task.spec_of([Reading("main", "muon_pt", ("baseline",), (sample,))]))
            for sample in ("DYJetsToMuMu", "DATA_SingleMuon")
        }

    on_files.define({"paths": ["dy_0.root"]})
    before = specs()
    on_files.define({"paths": ["dy_0.root"]}, xsec=4000.0)
    after = specs()
    assert after["DATA_SingleMuon"] == before["DATA_SingleMuon"]
    assert after["DYJetsToMuMu"] != before["DYJetsToMuMu"]


@pytest.mark.parametrize("branches_per_merge", [0, 2])
def test_a_label_may_change_between_branches(on_files: Chain, branches_per_merge: int) -> None:
    on_files.define({"paths": ["dy_0.root"]})
    on_files.build(MergeOutputs, config="main", branches_per_merge=branches_per_merge)
    on_files.edit("__init__.py", "Muon $p_T$ [GeV]", "Momentum [GeV]")
    on_files.define({"paths": ["dy_0.root", "dy_1.root"]})
    first = set(on_files.outputs("MergeOutputs", "main"))
    on_files.build(MergeOutputs, config="main", branches_per_merge=branches_per_merge)
    (second,) = set(on_files.outputs("MergeOutputs", "main")) - first or first
    assert read_templates(second, "muon_pt")["DYJetsToMuMu"].axes["pt"].label == "Momentum [GeV]"


def test_merging_in_two_levels(chain: Chain) -> None:
    folder = chain.output("MergeOutputs", "main")
    before = read_output(folder)
    # made from the same branches, so nothing has to be made again
    assert chain.task(MergeOutputs, config="main").complete()
    manifest = read_manifest(folder)
    assert manifest is not None
    shutil.rmtree(folder)
    ran = chain.build(MergeOutputs, config="main", branches_per_merge=3)
    assert ran == ["MergeBranches main", "MergeOutputs main"]
    (level,) = (chain.store / "small" / "MergeBranches" / "main" / "v1").iterdir()
    assert sorted(path.name for path in level.iterdir()) == ["000000-000002.zip", "000003-000003.zip"]
    after = read_output(folder)
    assert after["cutflow"] == before["cutflow"]
    for variable, samples in before["variables"].items():
        for sample, datasets in samples.items():
            for dataset, histogram in datasets.items():
                found = after["variables"][variable][sample][dataset]
                assert histogram.sum(flow=True).value > 0
                np.testing.assert_allclose(found.values(flow=True), histogram.values(flow=True), rtol=1e-12)
                np.testing.assert_allclose(found.variances(flow=True), histogram.variances(flow=True), rtol=1e-12)
    again = read_manifest(folder)
    assert again is not None
    assert again.inputs == manifest.inputs

    # a branch that was made again is added again, in its own job
    sorted(chain.ids("RunProcessor", "main"))[0].unlink()
    shutil.rmtree(folder)
    kept = written(level / "000003-000003.zip")
    ran = chain.build(MergeOutputs, config="main", branches_per_merge=3)
    assert ran == ["RunProcessor main", "MergeBranches main", "MergeOutputs main"]
    assert written(level / "000003-000003.zip") == kept
    assert read_output(folder)["cutflow"] == before["cutflow"]


def test_triggers_that_files_lack_are_named(on_files: Chain) -> None:
    on_files.edit(
        "__init__.py", "import get_nPVgood, passthrough", "import get_HLTsel_custom, get_nPVgood, passthrough"
    )
    cut = 'get_HLTsel_custom(["IsoMu24", "IsoMu22"], on_missing="false")'
    on_files.edit("__init__.py", "skim=[get_nPVgood(1)]", f"skim=[get_nPVgood(1), {cut}]")
    on_files.build(MergeOutputs, config="main")
    manifests = [manifest_of(output) for output in on_files.outputs("RunProcessor", "main")]
    assert [manifest.counted for manifest in manifests if manifest] == 3 * [{"absent_triggers": ["HLT_IsoMu22"]}]
    merged = read_manifest(on_files.output("MergeOutputs", "main"))
    assert merged is not None
    datasets = (SIMULATION, "DATA_SingleMuon_toys")
    assert merged.info["absent_triggers"] == {name: ["HLT_IsoMu22"] for name in datasets}


def test_columns_hold_what_the_templates_do(chain: Chain) -> None:
    folder = chain.output("MergeOutputs", "main")
    templates = read_templates(folder, "muon_pt")
    cutflow = read_sums(folder)["cutflow"]["baseline"]
    assert set(column_files(folder)) == {(sample, "baseline", "nominal") for sample in templates}
    for sample, template in templates.items():
        columns = read_columns(folder, sample, "baseline")
        assert len(columns) == sum(samples[sample]["nominal"] for samples in cutflow.values() if sample in samples)
        values = template["baseline", ...] if sample.startswith("DATA") else template["baseline", "nominal", :]
        weights, pt = ak.broadcast_arrays(columns.weight, columns.MuonGood_pt)
        expected, _ = np.histogram(
            ak.to_numpy(ak.flatten(pt)), values.axes[0].edges, weights=ak.to_numpy(ak.flatten(weights))
        )
        np.testing.assert_allclose(values.values(), expected, rtol=1e-10)


def test_output_of_a_branch_that_was_made_again_is_merged_again_if_it_is_another_one(chain: Chain) -> None:
    branch = chain.outputs("RunProcessor", "main")[0]
    before = manifest_of(branch)
    assert before is not None
    branch.unlink()
    chain.build(RunProcessor, config="main")
    assert chain.missing() == set()
    with write_output(branch, task=before.task, inputs=before.inputs, **before.info) as folder:
        for name, content in contents(branch).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            # the same sums in other bytes
            (folder / name).write_bytes(content + b"\n" if name == "raw.h5" else content)
    assert chain.missing() == {"MergeOutputs main", "PlotTemplates corrected"}
    chain.build()
    assert chain.missing() == set()


@pytest.mark.parametrize(
    ("damage", "reason", "made"),
    [
        (truncate, "is truncated", []),
        (corrupt_branch, "can't be read, it is truncated or corrupt", ["BuildDatasets datasets"]),
    ],
)
def test_bad_file(
    on_files: Chain,
    tmp_path: Path,
    damage: Callable[[Path], None],
    reason: str,
    made: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    bad = on_files.analysis / "dy_1.root"
    damage(bad)
    # beginning with a file, and hence the branches too, that the other one isn't needed for
    options: dict[str, object] = {"config": "main", "events_per_branch": 800}

    def check_error() -> None:
        sentence = on_files.error(MergeOutputs, **options)
        assert str(bad) in sentence
        assert reason in sentence
        assert unfinished(on_files.store) == []

    check_error()
    assert on_files.outputs("MergeOutputs") == []
    assert [*on_files.build(MergeOutputs, skip_bad_files=True, **options)] == [
        *(part for part in ["BuildDatasets datasets"] if part not in made),
        *("RunProcessor main", "MergeOutputs main"),
    ]
    merged = on_files.output("MergeOutputs", "main")
    manifest = read_manifest(merged)
    assert manifest is not None
    assert list(manifest.info["skipped"]) == [str(bad)]
    assert reason in manifest.info["skipped"][str(bad)]
    said = f"note: MergeOutputs main: without the events of an input file, because {manifest.info['skipped'][str(bad)]}"
    assert said in capfd.readouterr().err
    # with the switch it is complete, without it the file is an error again
    assert on_files.build(MergeOutputs, skip_bad_files=True, **options) == []
    check_error()

    # what is left is normalised as if there were no other file
    (tmp_path / "only").mkdir()
    only = Chain.make(tmp_path / "only")
    for name in ("dy_0.root", "data.root"):
        (only.analysis / name).symlink_to(on_files.analysis / name)
    only.define({"paths": ["dy_0.root"]})
    # which files there are is no part of the path
    expected = only.task(MergeOutputs, **options).directory
    assert expected == merged
    merged = shutil.copytree(merged, tmp_path / "with the bad file")
    assert only.build(MergeOutputs, **options)[-1] == "MergeOutputs main"
    for variable in ("muon_pt", "npvs"):
        for sample, template in read_templates(expected, variable).items():
            found = read_templates(merged, variable)[sample]
            np.testing.assert_allclose(found.values(flow=True), template.values(flow=True), rtol=1e-12)
            np.testing.assert_allclose(found.variances(flow=True), template.variances(flow=True), rtol=1e-12)
    assert read_sums(merged)["cutflow"]["initial"] == read_sums(expected)["cutflow"]["initial"]
    assert read_sums(merged)["cutflow"]["initial"][SIMULATION] == 1000


def test_none_of_the_files_of_a_dataset_can_be_read(on_files: Chain) -> None:
    # opens, so that it is in the fileset
    corrupt_branch(on_files.analysis / "data.root")
    sentence = on_files.error(MergeOutputs, config="main", skip_bad_files=True)
    assert sentence == ("dataset 'DATA_SingleMuon_toys': none of its files could be read, there is nothing to merge")
    assert on_files.outputs("MergeOutputs") == unfinished(on_files.store) == []
