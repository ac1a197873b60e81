from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocket.datasets.build import build_fileset
from pocket.datasets.fileset import FileInfo, Fileset
from pocket.datasets.restriction import Restriction
from pocket.errors import DatasetError, UnknownNameError
from tests.pocket.datasets.files import definition, write_root


def fileset(*entries: int) -> Fileset:
    files = {
        f"{number}.root": FileInfo(object_path="Events", num_entries=n, uuid="") for number, n in enumerate(entries)
    }
    return {"DY": {"metadata": {"nevents": sum(entries), "size": 1}, "files": files}}


def test_nothing_is_restricted() -> None:
    whole = fileset(10, 20)
    assert not Restriction()
    assert not Restriction(chunk_size=3)
    assert Restriction().limit(whole) is whole
    assert Restriction(years=("2018",))
    assert Restriction(files=1).limits == {"files": 1}
    # the size of chunks matters if their number is limited
    assert Restriction(files=1, chunk_size=3).limits == {"files": 1}
    assert Restriction(chunks=1, chunk_size=3).limits == {"chunks": 1, "chunk_size": 3}


@pytest.mark.parametrize(
    ("entries", "chunks", "expected"),
    [
        # those of coffea 0.7.29, found by running its Runner with maxchunks and a chunksize of 30
        ((40, 40), 1, {"1.root": 40}),
        ((40, 40), 2, {"0.root": 40, "1.root": 40}),
        ((40, 100), 2, {"1.root": 68}),
        ((40, 100), 4, {"0.root": 40, "1.root": 100}),
        ((100, 0), 1, {"0.root": 34}),
        ((40, 100), 9, {"0.root": 40, "1.root": 100}),
        ((0, 0), 1, {}),
    ],
)
def test_chunks_of_coffea(entries: tuple[int, ...], chunks: int, expected: dict[str, int]) -> None:
    (limited,) = Restriction(chunks=chunks, chunk_size=30).limit(fileset(*entries)).values()
    assert {path: info["num_entries"] for path, info in limited["files"].items()} == expected
    assert list(limited["files"]) == sorted(expected)
    assert limited["metadata"] == {"nevents": sum(expected.values()), "size": 1}


def test_names_of_datasets() -> None:
    dy, tt = (definition(Path(), "paths", "a.root", key=key) for key in ("DY", "TT"))
    old = replace(dy, year="2017")
    found = {one.name: one for one in (dy, tt, old)}
    assert list(Restriction(samples=("DY",)).select(found)) == ["DY_2018", "DY_2017"]
    assert list(Restriction(samples=("DY",), years=("2017",)).select(found)) == ["DY_2017"]
    assert list(Restriction(datasets=("TT_2018", "DY_2017")).select(found)) == ["TT_2018", "DY_2017"]
    assert list(Restriction(files=1).select(found)) == list(found)
    Restriction(("DY",), ("2017",), ("DY_2017",)).check(found.values())
    for restriction, message in (
        (Restriction(samples=("DYY",)), "unknown sample 'DYY' in --filter-samples, did you mean 'DY'"),
        (Restriction(years=("2081",)), "unknown year '2081' in --filter-years, did you mean '2018'"),
        (Restriction(datasets=("TT",)), "unknown dataset 'TT' in --filter-datasets; known: DY_2017, DY_2018, TT_2018"),
    ):
        with pytest.raises(UnknownNameError, match=message):
            restriction.check(found.values())
    Restriction(files=1).refuse_empty({})
    message = r"--filter-samples TT --filter-years 2017 leaves no dataset, there are DY_2018 \(DY, 2018\), TT_2018"
    with pytest.raises(DatasetError, match=message):
        Restriction(("TT",), ("2017",)).refuse_empty(found)


def test_only_the_files_that_are_read_are_opened(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 3)
    write_root(tmp_path / "c.root", 4)
    (tmp_path / "b.root").write_text("broken")
    definitions = {"DY": definition(tmp_path, "paths", "a.root", "b.root", "c.root")}
    result = build_fileset(definitions, toy_files={}, cache=tmp_path, limit_files=1)
    assert [Path(path).name for path in result.fileset["DY"]["files"]] == ["a.root"]
    assert result.fileset["DY"]["metadata"]["nevents"] == 3


def test_text() -> None:
    assert Restriction(files=1).text == "limited: 1 file per dataset"
    assert Restriction(years=("2018",)).text == "limited: some datasets"
    assert Restriction(years=("2018",), chunks=2).text == "limited: some datasets, 2 chunks per dataset"
