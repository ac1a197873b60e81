from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pocket.parameters.checksums import checksums
from pocket.store import manifest_id, write_output
from tasks.targets import StoreTarget
from tests.tasks.chain import Chain
from tests.tasks.damage import corrupt, delete, truncate


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    with write_output(folder, task="T", inputs={"files": "one"}, skipped={"a.root": "truncated"}) as temporary:
        (temporary / "content.txt").write_text("content")
    return folder


def test_exists_if_it_was_made_from_the_inputs_that_are_there(written: Path) -> None:
    assert StoreTarget(written, lambda: {"files": "one"}).exists()
    assert not StoreTarget(written, lambda: {"files": "two"}).exists()
    assert not StoreTarget(written, dict).exists()
    # an input isn't there
    assert not StoreTarget(written, lambda: None).exists()


def test_output_that_left_out_files_counts_only_where_that_is_accepted(written: Path) -> None:
    assert not StoreTarget(written, lambda: {"files": "one"}, accept_skipped=False).exists()
    with write_output(written, task="T", inputs={"files": "one"}, skipped={}):
        pass
    assert StoreTarget(written, lambda: {"files": "one"}, accept_skipped=False).exists()


def test_output_made_with_another_correction_does_not_exist(tmp_path: Path) -> None:
    correction = tmp_path / "jerc.json"
    correction.write_text("one")
    recorded = checksums([str(correction)])
    with write_output(tmp_path / "output", task="T", inputs={}, parameter_files=recorded):
        pass
    target = StoreTarget(tmp_path / "output", dict)
    assert target.exists()
    correction.write_text("two")
    assert not target.exists()
    correction.unlink()
    assert target.exists()


@pytest.mark.parametrize("damage", [delete, truncate, corrupt])
@pytest.mark.parametrize("name", ["content.txt", "manifest.json"])
def test_damaged_output_does_not_exist(written: Path, name: str, damage: Callable[[Path], None]) -> None:
    target = StoreTarget(written, lambda: {"files": "one"})
    content = (written / name).read_bytes()
    damage(written / name)
    assert not target.exists()
    (written / name).write_bytes(content)
    assert target.exists()


def test_id_is_that_of_the_manifest(written: Path, tmp_path: Path) -> None:
    target = StoreTarget(written, dict)
    assert target.directory == written
    assert target.id == manifest_id(written)
    assert StoreTarget(tmp_path / "nothing", dict).id is None


def test_remove(written: Path) -> None:
    StoreTarget(written, dict).remove()
    assert not written.exists()


MAIN = {"RunProcessor main", "MergeOutputs main"}
CORRECTED = {"RunProcessor corrected", "MergeOutputs corrected", "PlotTemplates corrected"}
MEASURED = {"RunProcessor probes", "MergeOutputs probes", "ComputeScaleFactors tight_id"}
BUILT = {"BuildDatasets datasets"}
EVERYTHING = {"MakeToySamples toys"} | BUILT | MAIN | MEASURED | CORRECTED


@pytest.mark.parametrize(
    ("task", "part", "damage", "missing"),
    [
        ("MakeToySamples", "toys", truncate, EVERYTHING),
        ("BuildDatasets", "datasets", corrupt, EVERYTHING - {"MakeToySamples toys"}),
        ("RunProcessor", "main", corrupt, MAIN | {"PlotTemplates corrected"}),
        ("MergeOutputs", "main", truncate, {"MergeOutputs main", "PlotTemplates corrected"}),
        ("ComputeScaleFactors", "tight_id", delete, {"ComputeScaleFactors tight_id"} | CORRECTED),
        ("PlotTemplates", "corrected", delete, {"PlotTemplates corrected"}),
    ],
)
def test_damage_counts_from_there_onwards(
    chain: Chain, task: str, part: str, damage: Callable[[Path], None], missing: set[str]
) -> None:
    output = chain.outputs(task, part)[0]
    damage(max((path for path in output.rglob("*") if path.is_file()), key=os.path.getsize))
    assert chain.missing() == missing
