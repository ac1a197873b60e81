from __future__ import annotations

import json
import shutil

import pytest
import uproot

from pocket.errors import ConfigError, DatasetError
from tasks.datasets import FILESET, BuildDatasets
from tests.tasks.chain import Chain


def build(chain: Chain) -> BuildDatasets:
    return chain.task(BuildDatasets, definition=str(chain.analysis / "datasets.json"))


def test_fileset_holds_entries_and_uuid_of_every_file(on_files: Chain) -> None:
    task = build(on_files)
    assert not task.complete()
    task.run()
    assert task.complete()
    fileset = json.loads((task.directory / FILESET).read_text())
    assert fileset == task.fileset()
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["xsec"] == 2000.0
    for dataset in fileset.values():
        for path, info in dataset["files"].items():
            with uproot.open(path) as file:
                assert info["num_entries"] == file["Events"].num_entries
                assert info["uuid"] == str(file.file.uuid)


def test_cross_sections_of_toys_come_from_their_parameters(chain: Chain) -> None:
    assert build(chain).definitions["DYJetsToMuMu_toys"].xsec == 2025.74


def test_other_files_make_it_incomplete(on_files: Chain) -> None:
    task = build(on_files)
    task.run()
    shutil.copy(on_files.analysis / "dy_1.root", on_files.analysis / "dy_0.root")
    assert not task.complete()
    # the same events twice would count double
    with pytest.raises(DatasetError, match=r"dy_1.root .* is the same file as .*dy_0.root"):
        task.run()


def test_definition_that_is_not_there(on_files: Chain) -> None:
    with pytest.raises((ConfigError, DatasetError), match=r"nothing.json can't be read"):
        _ = on_files.task(BuildDatasets, definition=str(on_files.analysis / "nothing.json")).fingerprint
