from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from coffea.processor import accumulate

from pocket.base.containers import write_container
from pocket.histograms import raw_sums
from pocket.histograms.raw_sums import MEMORY, add_raw
from tests.pocket.configs import DATA, DY, DY_LOW, TT
from tests.pocket.histograms.test_files import some_output
from tests.pocket.histograms.test_raw import check_same, sparse_output, through_other_files, write


def branches_of_several_datasets(*, sparse: bool) -> list[dict[str, Any]]:
    """Return outputs of several datasets in turn, whose layouts differ, with other numbers in each of them."""
    branches = [some_output((dataset,)) for dataset in (DY, TT, DY, DATA, DY_LOW, DY, TT)]
    few = sparse_output()["variables"]
    for number, branch in enumerate(branches, start=1):
        for name, samples in branch["variables"].items():
            for sample, datasets in samples.items():
                for dataset, histogram in datasets.items():
                    # Branches with and without empty bins are added to each other.
                    of = few[name][sample][dataset] if sparse and number % 3 else histogram
                    histogram.view(flow=True)[...] = (number * of).view(flow=True)
    return branches


def packed(folder: Path) -> Path:
    """Return the place of a container, with the files of a branch in every second one; the others are folders still."""
    container = folder.with_name(f"{folder.name}.zip")
    if int(folder.name) % 2:
        (folder / "manifest.json").write_text("{}")
        write_container(container, folder, ["raw.h5"], "manifest.json")
        shutil.rmtree(folder)
    return container


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("memory", [MEMORY, 3000, 1])
@pytest.mark.parametrize("kind", ["folders", "containers"])
def test_sums_of_branches_are_those_of_their_outputs(tmp_path: Path, memory: int, sparse: bool, kind: str) -> None:
    branches = branches_of_several_datasets(sparse=sparse)
    folders = [write(tmp_path / f"{number}", branch) for number, branch in enumerate(branches)]
    added = add_raw(folders if kind == "folders" else map(packed, folders), memory)
    expected: dict[str, Any] = accumulate(
        (through_other_files(tmp_path / f"other {number}", branch) for number, branch in enumerate(branches)), {}
    )
    assert len(added["variables"]) == len(expected["variables"])
    check_same({**added, "variables": dict(added["variables"])}, expected)
    # In any order, and once more.
    again = {name: added["variables"][name] for name in reversed(list(added["variables"]))}
    check_same({**added, "variables": again}, expected)


def test_branches_are_read_once_unless_they_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [write(tmp_path / f"{number}", some_output()) for number in range(3)]
    opened: list[str | Path] = []
    read = raw_sums.open_raw
    monkeypatch.setattr(raw_sums, "open_raw", lambda folder: opened.append(folder) or read(folder))
    number = len(dict(add_raw(folders)["variables"]))
    assert opened == folders
    opened.clear()
    dict(add_raw(folders, memory=1)["variables"])
    assert opened == folders * (1 + number)


def test_kinds_of_numbers_stay(tmp_path: Path) -> None:
    output = {"cutflow": {"initial": {"a": 3}}, "sumw": {"a": 0.1, "b": {}}, "variables": {}}
    found = add_raw([write(tmp_path / "raw", output)] * 3)
    found["variables"] = dict(found["variables"])
    assert repr(found) == repr(
        {"cutflow": {"initial": {"a": 9}}, "sumw": {"a": 0.1 + 0.1 + 0.1, "b": {}}, "variables": {}}
    )


def test_nothing_is_added_without_a_branch() -> None:
    assert dict(add_raw([])["variables"]) == {}
