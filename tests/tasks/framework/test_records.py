from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pocket.base.fingerprint import fingerprint
from pocket.io.store import manifest_of
from pocket.io.store.records import read_specification, record_file
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.framework import records
from tasks.framework.records import VARIABLE, as_variable, significant_parameters, task_records
from tests.tasks.small_chain import Chain


def test_manifests_name_records_that_are_there(chain: Chain) -> None:
    for task in ("RunProcessor", "MergeOutputs", "ComputeScaleFactors", "PlotTemplates"):
        for folder in chain.outputs(task):
            manifest = manifest_of(folder)
            assert manifest is not None
            ids = manifest.info["records"]
            assert set(ids) == {"spec", "code", "lock"}
            for kind, identifier in ids.items():
                assert gzip.decompress(record_file(kind, identifier, chain.store).read_bytes())
            assert ids["spec"] == manifest.info["fingerprint"]
            assert manifest.info["usage"]["host_kind"] == "local"
            assert manifest.info["usage"]["peak_memory"] > 10_000_000


def test_the_specification_is_what_the_fingerprint_was_made_of(chain: Chain) -> None:
    task = chain.task(MergeOutputs, config="main")
    spec = read_specification(record_file("spec", task.fingerprint))
    assert spec is not None
    assert spec.digest.startswith(fingerprint(task.fingerprint_spec()))


def test_parameters_that_decide(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main", params=("leading_muon.pt=30",))
    found = significant_parameters(task)
    assert found["params"] == ["leading_muon.pt=30"]
    assert {"version": "v1", "config": "main", "analysis": str(chain.analysis)}.items() <= found.items()
    assert not {"branch", "cores", "workflow", "effective_workflow", "poll_interval"} & set(found)
    json.dumps(found)


def test_records_are_written_when_something_is_made(chain: Chain) -> None:
    chain.edit("parameters.yaml", "pt: 20.0", "pt: 40.0")
    task = chain.task(RunProcessor, config="main")
    assert not task.complete()
    assert not record_file("spec", task.fingerprint).exists()
    assert task_records(task)["spec"] == task.fingerprint
    assert record_file("spec", task.fingerprint).exists()


def test_jobs_name_what_they_are_told(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"spec": "0123", "code": "4567"}
    monkeypatch.setenv(VARIABLE, as_variable(told))
    assert task_records(chain.task(RunProcessor, config="main")) == told
    assert not record_file("spec", "0123").exists()


def test_a_store_that_takes_no_records(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".records").touch()
    task = chain.task(RunProcessor, config="main")
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    records._of_process.cache_clear()
    assert task_records(task) == {}
    assert "the record of its code and packages can't be written" in capsys.readouterr().err
