from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pocket.base.containers import write_container
from pocket.columns import merging
from pocket.columns.merging import branch_columns, merge_columns
from pocket.columns.parquet import column_files, write_columns
from pocket.errors import ColumnError
from tests.pocket.columns.test_parquet import DATASETS, records

FACTORS = {"TT_2018": {"TT": {"SR": 0.5, "CR": 2.0}}}


def branches(folder: Path) -> list[Path]:
    """Return folders of branches with the columns of two datasets."""
    found = []
    for number in range(4):
        branch = folder / f"{number}"
        branch.mkdir(parents=True)
        for name in ("raw.h5", "manifest.json"):
            (branch / name).write_text(name)
        dataset = DATASETS[number % 2]
        parts = [records(pt=np.arange(2) + number, weight_variation_a=np.ones(2)) for _ in range(3)]
        columns = {"SR": {"nominal": parts, "jesUp": parts[:1]}, "CR": {"nominal": parts[:2]}}
        write_columns(branch, {"TT": {dataset: columns}})
        found.append(branch)
    return found


def packed(folder: Path) -> Path:
    """Return a container with the files of a branch."""
    container = folder.with_name(f"{folder.name}.zip")
    columns = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    write_container(container, folder, ["raw.h5", *columns], "manifest.json")
    return container


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def stored(dataset: str, variation: str) -> str:
    return f"{variation}_{dataset[-4:]}" if variation != "nominal" else variation


@pytest.mark.parametrize("names", [None, stored])
@pytest.mark.parametrize("kinds", ["containers", "both", "folders"])
def test_files_are_those_of_merged_folders(tmp_path: Path, names: Any, kinds: str) -> None:
    folders = branches(tmp_path / "branches")
    for target in ("expected", "found"):
        (tmp_path / target).mkdir()
    merge_columns(folders, tmp_path / "expected", FACTORS, names)
    if kinds != "folders":
        # What is given are places of containers; some of them are still folders.
        outputs = [packed(folder) for folder in folders]
        if kinds == "both":
            outputs[1].unlink()
    else:
        outputs = [folder.with_name(f"{folder.name}.zip") for folder in folders]
    merge_columns(outputs, tmp_path / "found", FACTORS, names)
    assert len(files(tmp_path / "expected")) >= 6
    assert files(tmp_path / "found") == files(tmp_path / "expected")


def test_columns_of_a_branch(tmp_path: Path) -> None:
    folder = branches(tmp_path)[0]
    inside = branch_columns(packed(folder))
    expected = column_files(folder)
    assert {key: [file.stem for file in found] for key, found in inside.items()} == {
        key: [path.stem for path in found] for key, found in expected.items()
    }
    (file,) = inside["TT", "SR", "nominal"]
    assert pq.read_table(file)["pt"].to_pylist() == [0, 1] * 3


def test_many_branches_hold_no_descriptors_and_few_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 50)
    folder = branches(tmp_path / "branches")[0]
    container = packed(folder)
    before = len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / "merged").mkdir()
    most, tables = [0], merging._tables

    def watched(*arguments: Any) -> Any:
        for table in tables(*arguments):
            most[0] = max(most[0], table.num_rows)
            assert len(list(Path("/proc/self/fd").iterdir())) < before + 20
            yield table

    monkeypatch.setattr(merging, "_tables", watched)
    merge_columns([container] * 300, tmp_path / "merged", FACTORS)
    assert most[0] < 100


def test_other_columns_are_refused(tmp_path: Path) -> None:
    folders = branches(tmp_path / "branches")
    write_columns(folders[2], {"TT": {"TT_2017": {"SR": {"nominal": [records(eta=np.zeros(2))]}}}})
    (tmp_path / "merged").mkdir()
    with pytest.raises(ColumnError, match=r"^columns of TT/SR/nominal in datasets 'TT_2017' and 'TT_2017': eta, pt"):
        merge_columns(map(packed, folders), tmp_path / "merged", FACTORS)
