from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import law
import pytest

import tasks
from pocket.errors import DamagedOutputError
from pocket.io.store import is_complete, manifest_id, write_output
from pocket.io.store.manifest import COUNTED
from pocket.io.store.remote_manifests import forget
from pocket.parameters.checksums import checksums
from tasks.chain.merging import MergeOutputs
from tasks.core.targets import (
    StoreTarget,
    fetch,
    fetch_verified,
    find_remote,
    store_targets,
    upload_awaiting,
)
from tests.pocket.io.store.conftest import storage
from tests.pocket.io.store.folder_storage import STORE, FolderStorage
from tests.tasks.damage import corrupt, delete, rot, truncate
from tests.tasks.small_chain import Chain

__all__ = ["storage"]


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
    with write_output(written, task="T", inputs={"files": "one"}, skipped={}) as folder:
        (folder / "file").touch()
    assert StoreTarget(written, lambda: {"files": "one"}, accept_skipped=False).exists()


def test_report_of_failed_checks_counts_only_where_that_is_accepted(tmp_path: Path) -> None:
    with write_output(tmp_path / "report", task="T", inputs={}, failed={"exact": "off"}, accepted=True) as folder:
        (folder / "file").touch()
    assert not StoreTarget(tmp_path / "report", dict).exists()
    assert StoreTarget(tmp_path / "report", dict, accept_failed=True).exists()
    with write_output(tmp_path / "report", task="T", inputs={}, failed={}, accepted=False) as folder:
        (folder / "file").touch()
    assert StoreTarget(tmp_path / "report", dict).exists()


def test_output_made_with_another_correction_does_not_exist(tmp_path: Path) -> None:
    correction = tmp_path / "jerc.json"
    correction.write_text("one")
    recorded = checksums([str(correction)])
    with write_output(tmp_path / "output", task="T", inputs={}, parameter_files=recorded) as folder:
        (folder / "file").touch()
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


def test_copy_counts_like_the_folder(storage: FolderStorage, written: Path) -> None:
    def target(inputs: str = "one", **options: bool) -> StoreTarget:
        return StoreTarget(written, lambda: {"files": inputs}, remote=f"{STORE}/output", **options)

    # it is what remains when the folder is lost, so an output that isn't there isn't finished
    assert not target().exists()
    assert target().awaits_upload
    assert not target("two").awaits_upload
    target().upload()
    assert target().exists()
    assert not target().awaits_upload
    assert not target("two").exists()
    identifier = manifest_id(written)
    storage.calls.clear()
    assert target().exists()
    assert not storage.calls

    for remaining in ("content.txt", "manifest.json", None):
        if remaining is None:
            shutil.rmtree(written)
        else:
            (written / remaining).unlink()
        assert target().exists()
        assert target().id == identifier
        assert not target("two").exists()
        assert not target(accept_skipped=False).exists()
        assert not target().awaits_upload
        target().fetch()
        assert is_complete(written)
        assert target().exists()

    target().remove()
    assert not written.exists()
    assert not storage.path(f"{STORE}/output").exists()
    assert not target().exists()


def test_folder_of_other_content_counts_before_the_copy(storage: FolderStorage, written: Path) -> None:
    target = StoreTarget(written, lambda: {"files": "one"}, remote=f"{STORE}/output")
    target.upload()
    with write_output(written, task="T", inputs={"files": "two"}) as folder:
        (folder / "file").touch()
    assert target.id == manifest_id(written)
    assert not target.exists()
    shutil.rmtree(written)
    assert target.exists()


def test_targets_in_a_structure(storage: FolderStorage, tmp_path: Path) -> None:
    targets = [StoreTarget(tmp_path / str(number), dict, remote=f"{STORE}/f/{number}") for number in range(6)]
    structure = {"a": targets[0], "b": [law.TargetCollection(targets[1:5]), law.LocalFileTarget("x")], "c": targets[5]}
    assert store_targets(structure) == targets
    for target in targets:
        with write_output(target.directory, task="T", inputs={}) as folder:
            (folder / "file").touch()
    upload_awaiting(targets)
    assert all(target.exists() for target in targets)
    assert storage.calls["upload"] == 12
    upload_awaiting(targets)
    assert storage.calls["upload"] == 12
    for target in targets:
        shutil.rmtree(target.directory)
    forget()
    storage.calls.clear()
    find_remote(targets)
    assert all(target.exists() for target in targets)
    assert storage.calls == {"list": 1, "read": 6}
    fetch(targets)
    assert all(is_complete(target.directory) for target in targets)


def test_damaged_copy_is_fetched_again(storage: FolderStorage, tmp_path: Path) -> None:
    targets = [StoreTarget(tmp_path / str(number), dict, remote=f"{STORE}/{number}") for number in range(3)]
    for target in targets:
        with write_output(target.directory, task="T", inputs={}, remote=target.remote) as folder:
            (folder / "file.txt").write_text("content" * 10)
    rot(targets[1].directory / "file.txt")
    fetch_verified(targets)
    assert [(target.directory / "file.txt").read_text() for target in targets] == ["content" * 10] * 3
    assert all(target.exists() for target in targets)
    assert storage.calls["download"] == 1
    # there is no other copy of what isn't in the remote store
    alone = StoreTarget(tmp_path / "alone", dict)
    with write_output(alone.directory, task="T", inputs={}) as folder:
        (folder / "file.txt").write_text("content" * 10)
    rot(alone.directory / "file.txt")
    with pytest.raises(DamagedOutputError, match=r"^file\.txt in .*alone isn't what was written"):
        fetch_verified([*targets, alone])
    assert not alone.exists()


def test_an_earlier_output_in_the_remote_store_is_not_the_one_that_is_damaged_here(
    storage: FolderStorage, tmp_path: Path
) -> None:
    target = StoreTarget(tmp_path / "output", dict, remote=f"{STORE}/output")
    for remote, content in ((target.remote, "earlier"), (None, "later")):
        with write_output(target.directory, task="T", inputs={}, remote=remote) as folder:
            (folder / "file.txt").write_text(content)
    (target.directory / "file.txt").write_text("damaged, and longer")
    assert not target.exists()
    (target.directory / "manifest.json").unlink()
    assert target.exists()
    target.fetch()
    assert (target.directory / "file.txt").read_text() == "earlier"


@pytest.mark.slow
def test_skim_comes_back_for_the_processor(
    storage: FolderStorage, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKET_REMOTE_STORE", STORE)
    chain.edit("__init__.py", 'compare={"corrected": "main"},', 'skims={"main": Skim(config="main")},')
    chain.edit(
        "__init__.py",
        "from pocket.weights.scale_factor",
        "from pocket.configuration.skim import Skim\nfrom pocket.weights.scale_factor",
    )
    shutil.rmtree(chain.store)
    chain.build(MergeOutputs, config="main")
    templates = chain.templates()
    shutil.rmtree(chain.store)
    for task in ("RunProcessor", "MergeOutputs"):
        shutil.rmtree(storage.folder / "small" / task)
    forget()
    assert chain.build(MergeOutputs, config="main") == ["RunProcessor main", "MergeOutputs main"]
    assert chain.templates() == templates


MAIN = {"RunProcessor main", "MergeOutputs main"}
CORRECTED = {"RunProcessor corrected", "MergeOutputs corrected", "PlotTemplates corrected"}
MEASURED = {"ComputeScaleFactors tight_id", "ValidateScaleFactors tight_id"}
PROBES = {"RunProcessor probes", "MergeOutputs probes"} | MEASURED
BUILT = {"BuildDatasets datasets"}
EVERYTHING = {"MakeToySamples toys"} | BUILT | MAIN | PROBES | CORRECTED


@pytest.mark.parametrize(
    ("task", "part", "damage", "missing"),
    [
        ("MakeToySamples", "toys", truncate, EVERYTHING),
        ("BuildDatasets", "datasets", corrupt, EVERYTHING - {"MakeToySamples toys"}),
        ("RunProcessor", "main", corrupt, MAIN | {"PlotTemplates corrected"}),
        ("MergeOutputs", "main", truncate, {"MergeOutputs main", "PlotTemplates corrected"}),
        ("ComputeScaleFactors", "tight_id", delete, MEASURED | CORRECTED),
        ("ValidateScaleFactors", "tight_id", delete, {"ValidateScaleFactors tight_id", "PlotTemplates corrected"}),
        ("PlotTemplates", "corrected", delete, {"PlotTemplates corrected"}),
    ],
)
def test_damage_counts_from_there_onwards(
    chain: Chain, task: str, part: str, damage: Callable[[Path], None], missing: set[str]
) -> None:
    output = chain.outputs(task, part)[0]
    files = [output] if output.is_file() else [path for path in output.rglob("*") if path.is_file()]
    damage(max(files, key=os.path.getsize))
    assert chain.missing() == missing


#: keys of ``info`` that are read of an output to tell whether itself is complete, for which a model may need to have no
#: warnings, or which figures it has, which are looked for by what decides them
OF_ITSELF = {"parameter_files", "parameters", "reads", "figures", "warnings"}
#: what is only said to people
FOR_PEOPLE = {"usage"}


def test_what_tasks_read_of_other_manifests_is_in_the_id() -> None:
    """An output made again counts as the same one if its id is; so nothing may be read that isn't in the id."""
    read = set()
    for path in Path(tasks.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="info"), attr="get"), args=[ast.Constant(value=key), *_]
                ):
                    read.add(key)
                case ast.Subscript(value=ast.Attribute(attr="info"), slice=ast.Constant(value=key)):
                    read.add(key)
    assert {"skipped", "failed", "iterations", "absent_triggers"} <= read
    assert read <= {*COUNTED, *OF_ITSELF, *FOR_PEOPLE}


CHECKED = "may run: unless the result of MergeOutputs tnp stays the same"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, "complete"),
        (
            {"awaited": lambda: "MergeOutputs tnp"},
            CHECKED,
        ),
        (
            {"awaited": lambda: "MergeOutputs tnp", "inputs": lambda: None},
            CHECKED,
        ),
        ({"inputs": lambda: {"templates": "other"}}, "would run: input templates has changed"),
        ({"inputs": lambda: None}, "would run: an input doesn't exist"),
    ],
)
def test_status_tells_what_the_next_run_does(tmp_path: Path, target: dict[str, Any], text: str) -> None:
    with write_output(tmp_path / "output", task="Task", inputs={"templates": "one"}) as folder:
        (folder / "file").write_text("content")
    arguments = {"inputs": lambda: {"templates": "one"}, **target}
    assert StoreTarget(tmp_path / "output", **arguments).state().text == text
    assert StoreTarget(tmp_path / "nothing", **arguments).state().text == "would run"


def test_status_names_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = {"files": {}, "variables": {"LIMIT": None}}
    with write_output(tmp_path / "output", task="Task", inputs={}, reads=reads) as folder:
        (folder / "file").write_text("content")
    target = StoreTarget(tmp_path / "output", dict)
    assert target.exists()
    monkeypatch.setenv("LIMIT", "30")
    assert not target.exists()
    assert target.state().text == "would run: LIMIT has changed since"
    monkeypatch.delenv("LIMIT")
    (folder.parent / "output" / "file").write_text("damaged")
    assert target.state().text.startswith("would run: file in output has ")
