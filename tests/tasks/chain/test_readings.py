"""Tasks that run again when a configuration changes in which a scale factor is measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.validation import ValidateScaleFactors
from tests.tasks.small_chain import Chain

PROBES = 'configure({"probes": HistConf([tight, muon_pt])})'
MORE = 'configure({"probes": HistConf([tight, muon_pt]), "more": HistConf([vertices])})'


@pytest.mark.slow
def test_another_histogram_leaves_the_scale_factor(chain: Chain) -> None:
    before = chain.ids("ComputeScaleFactors") | chain.ids("ValidateScaleFactors") | chain.ids("", "corrected")
    chain.edit("__init__.py", PROBES, MORE)
    chain.build()
    assert chain.missing() == set()
    after = chain.ids("ComputeScaleFactors") | chain.ids("ValidateScaleFactors") | chain.ids("", "corrected")
    assert after == before
    # both are there, in folders of their own
    assert len(chain.outputs("MergeOutputs", "probes")) == 2


@pytest.mark.slow
def test_other_templates_measure_it_again(chain: Chain) -> None:
    """Templates that are another file with other contents, at the same place."""
    task = chain.task(MergeOutputs, config="probes")
    (chain.output("MergeOutputs", "probes") / "manifest.json").unlink()
    contents = json.loads((task.directory / "contents.json").read_text())
    chain.build(MergeOutputs, config="probes")
    assert json.loads((task.directory / "contents.json").read_text()) == contents
    # the same again is the same
    assert chain.missing() == set()
    (dataset,) = contents["probes"]["DYJetsToMuMu"].values()
    parts = dataset["parts"]["baseline"]
    parts["nominal"] = "0" * len(parts["nominal"])
    compute = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    validate = chain.task(ValidateScaleFactors, scale_factor="tight_id")
    known = compute.input_ids(), validate.input_ids()
    manifest = json.loads((task.directory / "manifest.json").read_text())
    (task.directory / "contents.json").write_text(json.dumps(contents))
    (task.directory / "manifest.json").write_text(json.dumps({**manifest, "id": "another"}))
    assert compute.input_ids() != known[0]
    assert validate.input_ids() != known[1]
    assert not compute.complete()


def test_parameters_that_nothing_reads_run_nothing_again(chain: Chain) -> None:
    chain.edit("parameters.yaml", "leading_muon:", "unread: {a: 1}\nleading_muon:")
    assert chain.missing() == set()


def test_the_luminosity_merges_again_and_processes_nothing(chain: Chain) -> None:
    chain.edit("parameters.yaml", "leading_muon:", "lumi: {picobarns: {toys: {tot: 81.0}}}\nleading_muon:")
    missing = chain.missing()
    assert {f"MergeOutputs {config}" for config in ("probes", "main", "corrected")} <= missing
    assert not {"RunProcessor probes", "RunProcessor main"} & missing
    before = chain.ids("MergeOutputs")
    folders = [chain.task(RunProcessor, config=config).directory for config in ("probes", "main")]
    assert all(any(folder.rglob("*.zip")) for folder in folders)
    chain.build(MergeOutputs, config="main")
    assert set(chain.ids("MergeOutputs")) > set(before)


@pytest.mark.slow
def test_templates_that_another_command_replaces_meanwhile(on_files: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    on_files.define({"paths": ["dy_0.root"]})
    options = {"scale_factor": "tight_id"}
    calls = []
    files = ComputeScaleFactors.toy_files

    def replace_templates(task: Any) -> Any:
        calls.append(task)
        # It was measured after the first call.
        if len(calls) == 2:
            (on_files.analysis / "dy_1.root").replace(on_files.analysis / "dy_0.root")
            run = on_files.run("MergeOutputs", "--config", "probes")
            assert run.code == 0, run.text
        return files(task)

    monkeypatch.setattr(ComputeScaleFactors, "toy_files", replace_templates)
    error = on_files.error(ComputeScaleFactors, **options)
    assert len(calls) > 1
    assert "ComputeScaleFactors tight_id is not complete, because something was changed while it ran" in error
    before = on_files.task(ComputeScaleFactors, **options).result()
    assert on_files.build(ComputeScaleFactors, **options) == ["ComputeScaleFactors tight_id"]
    after = on_files.task(ComputeScaleFactors, **options).result()
    assert after.scale_factor.value.tolist() != before.scale_factor.value.tolist()
