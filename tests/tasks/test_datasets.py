from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.store import read_manifest
from tasks.datasets import BuildDatasets
from tasks.merging import MergeOutputs
from tasks.processing import RunProcessor
from tests.tasks.chain import Chain, unfinished
from tests.tasks.damage import delete, overwrite, truncate


def build_datasets(chain: Chain, **params: Any) -> BuildDatasets:
    task: BuildDatasets = chain.task(BuildDatasets, definition=str(chain.analysis / "datasets.json"), **params)
    return task


def error(chain: Chain, **params: Any) -> str:
    return chain.error(BuildDatasets, definition=str(chain.analysis / "datasets.json"), **params)


def test_fileset_of_toys(chain: Chain) -> None:
    task = build_datasets(chain)
    assert task.complete()
    assert task.directory.parts[-3:-1] == ("datasets", "v1")
    fileset = task.fileset()
    files = task.toys.files()
    for dataset, process in {"DYJetsToMuMu_toys": "dy", "DATA_SingleMuon_toys": "data"}.items():
        assert list(fileset[dataset]["files"]) == [str(path) for path in files[process]]
    # the toys' parameters know the cross section, the definition doesn't
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["xsec"] == task.toys.toy_config.process("dy").xsec
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["nevents"] == 1800


def test_fileset_of_files(on_files: Chain) -> None:
    task = build_datasets(on_files)
    assert task.requires() == {}
    assert not task.has_toys
    task.run()
    fileset = task.fileset()
    assert {Path(path).name: info["num_entries"] for path, info in fileset["DYJetsToMuMu_toys"]["files"].items()} == {
        "dy_0.root": 1000,
        "dy_1.root": 800,
    }
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["xsec"] == 2000.0


def test_changed_file_is_noticed(on_files: Chain) -> None:
    """A file that changes on its place, or that a pattern matches now, makes what it is in run again, and no more."""
    on_files.define({"globs": ["dy_?.root"]})
    on_files.build(RunProcessor, config="main", events_per_branch=800)
    before = on_files.ids("RunProcessor")
    assert len(before) == 5
    os.utime(on_files.analysis / "dy_0.root")
    assert not build_datasets(on_files).complete()
    on_files.build(RunProcessor, config="main", events_per_branch=800)
    assert on_files.ids("RunProcessor") == before

    with uproot.open(on_files.analysis / "dy_1.root") as file:
        columns = file["Events"].arrays(["genWeight", "PV_npvsGood"], library="np")
    replacement = on_files.analysis / "dy_2.root"
    with uproot.recreate(replacement) as file:
        file.mktree("Events", {name: column.dtype for name, column in columns.items()})
        file["Events"].extend(columns)
    task = build_datasets(on_files)
    assert not task.complete()
    task.run()
    assert Path(list(task.fileset()["DYJetsToMuMu_toys"]["files"])[-1]) == replacement


def test_store_that_was_moved(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    branches = list(chain.ids("RunProcessor", "main").values())
    moved = tmp_path / "store"
    chain.store.rename(moved)
    monkeypatch.setenv("POCKET_STORE", str(moved))
    ran = chain.build(MergeOutputs, config="main")
    assert "BuildDatasets datasets" in ran
    assert "MakeToySamples toys" not in ran
    (path, *_) = build_datasets(chain).fileset()["DYJetsToMuMu_toys"]["files"]
    assert path.startswith(str(moved))
    # the same files, so what was made from them still is
    task = chain.task(RunProcessor, config="main")
    ids = [branch.output().id for branch in task.get_branch_tasks().values()]
    assert sorted(ids) == sorted(branches)


def corrupt_start(path: Path) -> None:
    overwrite(path, 50, 200)


def replace_by_no_events(path: Path) -> None:
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": np.float32})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(truncate, "truncated"), (corrupt_start, "truncated or corrupt"), (delete, "doesn't exist")],
)
def test_bad_file(on_files: Chain, damage: Callable[[Path], None], reason: str) -> None:
    bad = on_files.analysis / "dy_1.root"
    damage(bad)
    sentence = error(on_files)
    assert sentence.startswith(f"dataset 'DYJetsToMuMu_toys': file {bad}")
    assert reason in sentence
    assert unfinished(on_files.store) == []
    assert on_files.outputs("") == []

    task = build_datasets(on_files, skip_bad_files=True)
    task.run()
    assert list(task.fileset()["DYJetsToMuMu_toys"]["files"]) == [str(on_files.analysis / "dy_0.root")]
    manifest = read_manifest(task.directory)
    assert manifest is not None
    ((path, why),) = manifest.info["skipped"].items()
    assert path == str(bad)
    assert reason in why
    assert task.complete()
    assert not build_datasets(on_files).complete()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"globs": ["none_*.root"]}, "'DYJetsToMuMu_toys' in {origin}: no file matches 'none_*.root' (folder "),
        ({"globs": ["empty.root"]}, "'DYJetsToMuMu_toys' in {origin} has no events; files read: 1"),
        ({"toys": "dyy"}, "unknown simulated process 'dyy' in params/toys.yaml, did you mean 'dy'"),
        ({"coffea_samples": ["nano_dyy.root"]}, "sample file of coffea 'nano_dyy.root', did you mean 'nano_dy.root'"),
    ],
)
def test_definition_without_events(on_files: Chain, source: dict[str, Any], sentence: str) -> None:
    replace_by_no_events(on_files.analysis / "empty.root")
    on_files.define(source)
    assert sentence.format(origin=on_files.analysis / "datasets.json") in error(on_files)
    assert on_files.outputs("BuildDatasets") == []
    assert unfinished(on_files.store) == []


@pytest.mark.parametrize("name", ["datasets.jsn", "cuts.py"])
def test_definition_that_cannot_be_read(on_files: Chain, name: str) -> None:
    sentence = on_files.error(BuildDatasets, definition=str(on_files.analysis / name))
    assert sentence.startswith(f"dataset definition {on_files.analysis / name} ")
    assert not on_files.store.exists()


def test_key_in_the_definition(on_files: Chain) -> None:
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    del content["DATA_SingleMuon"]["files"][0]["metadata"]["year"]
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    assert error(on_files).endswith("metadata lacks 'year'")


def test_files_are_looked_for_beside_the_definition(on_files: Chain, tmp_path: Path) -> None:
    first = build_datasets(on_files)
    first.run()
    (tmp_path / "other").mkdir()
    shutil.copytree(on_files.analysis, tmp_path / "other" / "small")
    other = on_files.task(BuildDatasets, definition=str(tmp_path / "other" / "small" / "datasets.json"))
    # the definition is the same, so is its place in the store, but not the files that are meant
    assert other.directory == first.directory
    assert not other.complete()
