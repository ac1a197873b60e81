from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocket.base.fingerprint import specification
from pocket.errors import ChangedCodeError
from pocket.io.store.records import keep_specification, record_file
from tasks.chain.processing import RunProcessor
from tasks.core.loaded import PARTS, VARIABLE, Expected, changed_sentence
from tests.law_runner import Law
from tests.tasks.core.test_snapshot import edited
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

CUT = ("cuts.py", 'params["pt"]', '2 * params["pt"]')


def test_what_is_loaded_is_what_was_expected(chain: Chain) -> None:
    analysis = chain.task(RunProcessor, config="main").analysis_inst
    expected = Expected.of("RunProcessor", analysis, "main")
    expected.check(analysis)
    chain.edit(*CUT)
    changed = chain.task(RunProcessor, config="main").analysis_inst
    assert changed is not analysis
    with pytest.raises(ChangedCodeError, match="what RunProcessor main would run here isn't what this run began with"):
        expected.check(changed)


def test_the_sentence_names_what_differs(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    keep_specification(task.fingerprint, lambda: specification(task.fingerprint_spec()))
    file = record_file("spec", task.fingerprint)
    expected = Expected.of("RunProcessor", task.analysis_inst, "main", file)
    chain.edit(*CUT)
    with pytest.raises(ChangedCodeError, match=r": cut leading_muon: small/cuts\.py:12 has changed; run it again$"):
        expected.check(chain.task(RunProcessor, config="main").analysis_inst)
    chain.edit(*CUT[:1], *reversed(CUT[1:]))
    chain.edit("parameters.yaml", "pt: 20.0", "pt: 40.0")
    with pytest.raises(ChangedCodeError, match=r": .*pt.*20\.0 → 40\.0"):
        expected.check(chain.task(RunProcessor, config="main").analysis_inst)


def test_without_a_record_nothing_is_named(tmp_path: Path) -> None:
    sentence = changed_sentence("RunProcessor main", {}, tmp_path / "none.json.gz")
    assert sentence == "what RunProcessor main would run here isn't what this run began with; run it again"


def test_parts_are_named_as_in_the_specifications_of_tasks(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    spec = specification(task.fingerprint_spec())
    for place, value in specification(PARTS["RunProcessor"](task.analysis_inst, "main")).values.items():
        if place:
            assert spec.values[place] == value


def test_an_edit_that_a_worker_sees_is_refused(finished: tuple[Chain, Path], tmp_path: Path) -> None:
    chain = edited(finished, tmp_path, *CUT, POCKET_SNAPSHOT="0")
    run = chain.run("MergeOutputs", "--config", "main", "--cores", "2")
    assert run.code != 0
    assert any("small/cuts.py:12 has changed" in error for error in run.errors), run.text
    assert chain.outputs("RunProcessor") == []


def test_a_dask_worker_with_other_parameters_writes_nothing(finished: tuple[Chain, Path], tmp_path: Path) -> None:
    _, copy = finished
    chain = Chain.make(tmp_path, copy / "law" / "index")
    of_workers = 'import os\nif os.environ.get("POCKET_HOST_KIND") == "dask":\n    parameters.leading_muon.pt = 33.0\n'
    chain.edit("__init__.py", "muon_pt = Axis(", f"{of_workers}muon_pt = Axis(")
    run = chain.run("RunProcessor", "--config", "main", "--executor", "dask", "--max-workers", "1")
    assert run.code != 0
    assert any("20.0 → 33.0" in error for error in run.errors), run.text
    assert chain.outputs("RunProcessor") == []


def test_a_job_refuses_to_be_another_task(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    keep_specification(task.fingerprint, lambda: specification(task.fingerprint_spec()))
    before = {path: path.stat().st_mtime_ns for path in chain.outputs("RunProcessor")}
    chain.edit(*CUT)
    job = Law(chain.folder, {VARIABLE: f"RunProcessor={task.fingerprint}", "POCKET_SNAPSHOT": "0"})
    run = job.run(*chain.arguments("RunProcessor", "--config", "main", "--branch", "0"))
    assert run.code != 0
    assert any("small/cuts.py:12 has changed" in error for error in run.errors), run.text
    # neither its own output nor those of tasks that it requires
    assert run.executed == []
    assert {path: path.stat().st_mtime_ns for path in chain.outputs("RunProcessor")} == before
    assert VARIABLE not in os.environ
