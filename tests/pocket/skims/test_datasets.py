from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.build import build_fileset, inspect_file
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.fileset import DatasetInfo, FileInfo, Fileset
from pocket.errors import DatasetError
from pocket.skims.datasets import skim_definitions, skim_fileset
from pocket.skims.record import SkimRecord
from tests.pocket.configs import DATA, DEFINITIONS, DY, DY_LOW, TT
from tests.pocket.engine.root_files import write_nano


def file_info(entries: int, uuid: str) -> FileInfo:
    return FileInfo(object_path="Events", num_entries=entries, uuid=uuid)


DEFINED = read_definitions([DEFINITIONS])
#: two branches of one dataset, of the others one; nothing survives of TT, and nothing at all of the low-mass dataset
BRANCHES = [
    (
        DY,
        Path("/skim/0"),
        SkimRecord(100, 40.5, 30.0, {"a.root": file_info(7, "a"), "b.root": file_info(2, "b")}, 1000),
    ),
    (DY, Path("/skim/1"), SkimRecord(50, 10.25, 20.0, {}, 0)),
    (DY_LOW, Path("/skim/2"), SkimRecord(5, 2.0, 5.0, {"a.root": file_info(1, "c")}, 10)),
    (TT, Path("/skim/3"), SkimRecord(9, -1.5, 3.0)),
    (DATA, Path("/skim/4"), SkimRecord(30, 0.0, 0.0, {"a.root": file_info(4, "d")}, 20)),
]


def original() -> Fileset:
    return {
        name: DatasetInfo(metadata={**definition.metadata(), "nevents": 999, "size": 999}, files={})
        for name, definition in DEFINED.items()
    }


def skimmed(**more: Any) -> Fileset:
    """Return the fileset of the skim, with some metadata of the first dataset added before."""
    fileset = original()
    fileset[DY]["metadata"].update(more)
    return skim_fileset(fileset, BRANCHES)


def test_no_file_could_be_read() -> None:
    nothing_read = [(name, folder, SkimRecord() if name == DATA else record) for name, folder, record in BRANCHES]
    with pytest.raises(DatasetError, match=f"dataset '{DATA}': none of its files could be read, .* nothing to skim"):
        skim_fileset(original(), nothing_read)


def test_fileset() -> None:
    fileset = skimmed()
    assert list(fileset) == [DY, DY_LOW, TT, DATA]
    assert fileset[DY] == {
        "metadata": {
            "sample": "DY",
            "year": "2018",
            "isMC": True,
            "xsec": 6000.0,
            "part": "M50",
            "isSkim": True,
            "nevents_before_skim": 150,
            "sum_genweights": 50.75,
            "sum_signOf_genweights": 50.0,
            "nevents": 9,
            "size": 1000,
        },
        "files": {"/skim/0/a.root": file_info(7, "a"), "/skim/0/b.root": file_info(2, "b")},
    }
    assert fileset[TT]["files"] == {}
    assert fileset[TT]["metadata"]["nevents_before_skim"] == 9
    assert fileset[TT]["metadata"]["sum_genweights"] == -1.5
    data = fileset[DATA]["metadata"]
    assert (data["nevents_before_skim"], data["nevents"]) == (30, 4)
    assert not {"sum_genweights", "sum_signOf_genweights"} & set(data)


def test_skim_of_a_skim_keeps_the_first_sums() -> None:
    sums = {"nevents_before_skim": 10**6, "sum_genweights": 3.5e9, "sum_signOf_genweights": 1.5e5}
    metadata = skimmed(isSkim=True, **sums)[DY]["metadata"]
    assert {key: metadata[key] for key in sums} == sums
    # without them, the rescaled weights give one, and nothing the other
    metadata = skimmed(isSkim=True)[DY]["metadata"]
    assert metadata["sum_genweights"] == 50.75
    assert "sum_signOf_genweights" not in metadata


@pytest.mark.parametrize("empty", [True, False])
def test_definition_file_gives_the_fileset_again(tmp_path: Path, empty: bool) -> None:
    branches = []
    for number, name in enumerate(DEFINED):
        record = SkimRecord(100, 12.5, 50.0)
        if not (empty and name == TT):
            write_nano(tmp_path / f"{number}.root", 5 + number)
            info, record.size = inspect_file(tmp_path / f"{number}.root")
            record.files = {f"{number}.root": info}
        branches.append((name, tmp_path, record))
    fileset = skim_fileset(original(), branches)
    path = tmp_path / "datasets.json"
    path.write_text(json.dumps(skim_definitions(fileset, DEFINED)))
    again = build_fileset(read_definitions([path]), toy_files={}, cache=tmp_path).fileset
    assert again == fileset


def test_definition_file_of_a_fileset_of_pocketcoffea_keeps_the_names(tmp_path: Path) -> None:
    metadata = {"sample": "DY", "year": "2018", "isMC": "True", "xsec": "2.0", "part": "M-50"}
    names = ["DY_M-50_2018", "DY_M-50_2018_more"]
    built = {name: {"metadata": metadata, "files": ["a.root"]} for name in names}
    (tmp_path / "built.json").write_text(json.dumps(built))
    definitions = read_definitions([tmp_path / "built.json"])
    before = {"isSkim": True, "nevents_before_skim": 9, "sum_genweights": 3.0}
    skimmed: Any = {
        name: {"metadata": {**one.metadata(), **before}, "files": {f"/{name}.root": {}}}
        for name, one in definitions.items()
    }
    (tmp_path / "skim.json").write_text(json.dumps(skim_definitions(skimmed, definitions)))
    again = read_definitions([tmp_path / "skim.json"])
    assert {name: (one.metadata(), one.values) for name, one in again.items()} == {
        name: (skimmed[name]["metadata"], (f"/{name}.root",)) for name in names
    }
