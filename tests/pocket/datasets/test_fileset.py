from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from coffea.dataset_tools.filespec import CoffeaROOTFileSpecOptional

from pocket.base.runtime.remarks import remark
from pocket.datasets import listing
from pocket.datasets.build import FilesetResult, build_fileset, inspect_file, inspect_listed
from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import Fileset, select_datasets
from pocket.datasets.listing import DatasetFile
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import BadFileError, ConfigError, DatasetError, UnknownNameError
from tests.entries import check_each
from tests.pocket.datasets.files import definition, write_root
from tests.real_files import CACHE, real_file


def build(*definitions: DatasetDefinition, skip_bad_files: bool = False) -> FilesetResult:
    named = {item.name: item for item in definitions}
    return build_fileset(named, toy_files={}, cache=CACHE, skip_bad_files=skip_bad_files)


def test_replicas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_root(tmp_path / "a.root", 3)
    first, second, last = (str(tmp_path / name) for name in ("none.root", "a.root", "b.root"))
    file = DatasetFile(first, (second, first, last, second))
    monkeypatch.setattr(listing, "expand", lambda *args, **kwargs: [file])
    (found,) = build(definition(tmp_path, "paths", "none.root")).fileset.values()
    info, size = inspect_file(second)
    assert found["files"] == {first: {**info, "replicas": [second, last]}}
    assert found["metadata"]["size"] == size

    (tmp_path / "a.root").unlink()
    with pytest.raises(
        BadFileError, match=r"'DY_2018': none of the 3 .*none\.root .*; file .*a\.root .*; file .*b\.root d"
    ):
        build(definition(tmp_path, "paths", "none.root"))


def test_fileset(tmp_path: Path) -> None:
    paths = [write_root(tmp_path / f"{name}.root", entries) for name, entries in [("b", 3), ("a", 0), ("c", 4)]]
    seen: list[tuple[int, int]] = []
    dataset = definition(tmp_path, "paths", "b.root", "a.root", "c.root")
    result = build_fileset(
        {dataset.name: dataset}, toy_files={}, cache=CACHE, progress=lambda done, total: seen.append((done, total))
    )
    uuids = []
    for path in paths:
        with uproot.open(path) as file:
            uuids.append(str(file.file.uuid))
    size = sum(path.stat().st_size for path in paths)
    files = {
        str(path): {
            "object_path": "Events",
            "num_entries": entries,
            "uuid": uuid,
            "size": path.stat().st_size,
            "structure": result.fileset["DY_2018"]["files"][str(path)]["structure"],
            "content": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        }
        for path, entries, uuid in zip(paths, [3, 0, 4], uuids, strict=True)
    }
    metadata = {"sample": "DY", "year": "2018", "isMC": True, "xsec": 2.0, "nevents": 7, "size": size}
    assert result == FilesetResult({"DY_2018": {"metadata": metadata, "files": files}}, ())
    assert list(result.fileset["DY_2018"]["files"]) == list(files)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert json.loads(json.dumps(result.fileset)) == result.fileset


def test_a_skim_without_sums_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_root(tmp_path / "a.root", 3)
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("Events", {"skimRescaleGenWeight": np.float64})
        file["Events"].extend({"skimRescaleGenWeight": np.ones(3)})

    def notes(file: str, **changes: Any) -> list[str]:
        remark.cache_clear()
        caplog.clear()
        build(dataclasses.replace(definition(tmp_path, "paths", file), **changes))
        return [record.message for record in caplog.records]

    (note,) = notes("a.root", before_skim=BeforeSkim(nevents=9))
    where = f"dataset 'DY_2018' in {tmp_path / 'x.json'} is a skim"
    assert note.startswith(f"{where}, and neither its metadata have 'sum_genweights' nor its files the branch 'skimRe")
    assert notes("a.root", before_skim=BeforeSkim(), is_mc=False, xsec=None) == notes("a.root") == []
    assert notes("a.root", before_skim=BeforeSkim(sum_genweights=2.0)) == []
    assert notes("b.root", before_skim=BeforeSkim()) == []


def test_real_samples() -> None:
    definitions = read_definitions([Path(__file__).parents[3] / "datasets" / "real_samples.json"])
    fileset = build_fileset(definitions, toy_files={}, cache=CACHE).fileset
    (file,) = fileset["DYJetsToLL_2018"]["files"].values()
    expected = {"object_path": "Events", "num_entries": 40, "uuid": "a9490124-3648-11ea-89e9-f5b55c90beef"}
    assert {name: file[name] for name in expected} == expected  # type: ignore[literal-required]
    assert CoffeaROOTFileSpecOptional(**file).num_entries == 40
    assert fileset["DATA_DoubleMuon_2018_EraA"]["metadata"]["nevents"] == 40


def test_xsec_of_toys_must_be_filled_in(tmp_path: Path) -> None:
    toys = DatasetDefinition("DY", "DY", "toys", True, "toys", ("dy",), tmp_path / "x.json")
    with pytest.raises(DatasetError, match=r"'DY_toys' .* no cross section"):
        build_fileset({toys.name: toys}, toy_files={"dy": []}, cache=CACHE)


def bad_file(kind: str, path: Path) -> None:
    good = real_file("nano_dy.root").read_bytes()
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(random.Random(1).randbytes(5000))
        case "tree":
            write_root(path, 3, tree="Event")
        case "no tree":
            with uproot.recreate(path):
                pass
        case "histogram":
            with uproot.recreate(path) as file:
                file["Events"] = np.histogram([1.0, 2.0])
        case "zeros at the end":
            path.write_bytes(good[:-20000] + bytes(20000))
        case "corrupt compression":
            path.write_bytes(good[:251100] + random.Random(1).randbytes(200) + good[251300:])
        case "corrupt header":
            path.write_bytes(good[:20] + random.Random(1).randbytes(200) + good[220:])
        case _:
            path.write_bytes(good[: int(len(good) * float(kind))])


@check_each(
    ("kind", "message"),
    [
        ("empty", "is empty"),
        ("garbage", "is no ROOT file: it doesn't begin with 'root'"),
        ("0.0001", "truncated or corrupt"),
        ("0.3", "truncated or corrupt"),
        ("0.99", "is truncated: it has 349073 of 352599 bytes"),
        ("tree", "has no tree 'Events'; it has Event"),
        ("no tree", "has no tree 'Events'; it has nothing"),
        ("histogram", "is no tree but a"),
        ("zeros at the end", "has no tree 'Events'"),
        ("corrupt compression", "truncated or corrupt"),
        ("corrupt header", "truncated or corrupt"),
        ("missing", "doesn't exist"),
    ],
)
def test_bad_file(tmp_path: Path, kind: str, message: str) -> None:
    bad = tmp_path / "bad.root"
    if kind != "missing":
        bad_file(kind, bad)
    with pytest.raises(BadFileError, match=message) as caught:
        inspect_file(bad)
    assert str(bad) in str(caught.value)
    assert "\n" not in str(caught.value)

    write_root(tmp_path / "good.root", 5)
    dataset = definition(tmp_path, "paths", "bad.root", "good.root")
    with pytest.raises(BadFileError, match=f"dataset 'DY_2018': .*{message}"):
        build(dataset)
    result = build(dataset, skip_bad_files=True)
    assert list(result.fileset["DY_2018"]["files"]) == [str(tmp_path / "good.root")]
    assert result.fileset["DY_2018"]["metadata"]["nevents"] == 5
    (skipped,) = result.skipped
    assert (skipped.dataset, skipped.path) == ("DY_2018", str(bad))
    assert message.split(";")[0] in skipped.reason


def test_dataset_without_events(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 0)
    (tmp_path / "bad.root").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"'DY_2018' in .* has no events; files read: 1$"):
        build(definition(tmp_path, "paths", "a.root"))
    with pytest.raises(DatasetError, match=r"read: 0; unreadable: 1, the first because file .*bad\.root is empty"):
        build(definition(tmp_path, "paths", "bad.root"), skip_bad_files=True)


def test_datasets_without_files_are_left_out(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 2)
    empty = dataclasses.replace(definition(tmp_path, "paths", "b.root", key="B"), values=())
    assert list(build(definition(tmp_path, "paths", "a.root", key="A"), empty).fileset) == ["A_2018"]


def skim(folder: Path, *names: str, before: BeforeSkim) -> DatasetDefinition:
    return dataclasses.replace(definition(folder, "paths", "a.root"), values=names, before_skim=before)


def test_all_datasets_that_cannot_be_listed_are_named(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 3)
    fine, *wrong = (definition(tmp_path, "globs", f"{key}.root", key=key) for key in "abcd")
    with pytest.raises(DatasetError, match=r"no file matches 'b\.root' \(folder [^;]*\)$"):
        build(fine, wrong[0])
    others = "nor can files of 2 other datasets be listed: c_2018, d_2018"
    with pytest.raises(DatasetError, match=rf"'b_2018' in .*no file matches 'b\.root' .*; {others}$"):
        build(fine, *wrong)


def test_logical_name_without_a_server(tmp_path: Path) -> None:
    sentence = r"file /store/none/a\.root doesn't exist; write root://server/ before a logical name of CMS$"
    with pytest.raises(BadFileError, match=sentence):
        build(definition(tmp_path, "paths", "/store/none/a.root"))


def test_skim_without_survivors(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 0)
    for names in ((), ("a.root",)):
        metadata = build(skim(tmp_path, *names, before=BeforeSkim(9))).fileset["DY_2018"]["metadata"]
        assert (metadata["nevents"], metadata["nevents_before_skim"], metadata["isSkim"]) == (0, 9, True)
    with pytest.raises(DatasetError, match="has no events; files read: 1"):
        build(skim(tmp_path, "a.root", before=BeforeSkim()))


def test_files_of_a_skim_are_needed(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 1)
    with pytest.raises(BadFileError, match=r"'DY_2018': file .*b\.root doesn't exist; it is a skim that its metadata"):
        build(skim(tmp_path, "a.root", "b.root", before=BeforeSkim(9)), skip_bad_files=True)
    with pytest.raises(BadFileError, match=r"b\.root doesn't exist$"):
        build(skim(tmp_path, "a.root", "b.root", before=BeforeSkim(9)))
    # its files alone say what it stands for
    assert len(build(skim(tmp_path, "a.root", "b.root", before=BeforeSkim()), skip_bad_files=True).skipped) == 1


def test_same_file_twice(tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", 3)
    shutil.copy(tmp_path / "a.root", tmp_path / "copy.root")
    (tmp_path / "sub").mkdir()
    first = definition(tmp_path, "paths", "a.root", key="A")
    with pytest.raises(DatasetError, match=r"a\.root of dataset 'B_2018' is the same file as .*a\.root of .*'A_2018'"):
        build(first, definition(tmp_path, "globs", "a*.root", key="B"))
    with pytest.raises(
        DatasetError,
        match=r"copy\.root of dataset 'A_2018' is the same file as .*count twice; name it once$",
    ):
        build(definition(tmp_path, "globs", "*.root", key="A"))
    with pytest.raises(DatasetError, match=r"a\.root of .* is the same file as .*a\.root"):
        build(definition(tmp_path, "paths", "a.root", "sub/../a.root"))


@pytest.fixture
def fileset() -> Fileset:
    datasets = [("DY", "2017"), ("DY", "2018"), ("TT", "2018"), ("DATA", "2018")]
    return {
        f"{sample}_{year}": {"metadata": {"sample": sample, "year": year, "nevents": 1}, "files": {}}
        for sample, year in datasets
    }


@pytest.mark.parametrize(
    ("dataset_filter", "names"),
    [
        ({}, ["DY_2017", "DY_2018", "TT_2018", "DATA_2018"]),
        ({"samples": ["TT", "DY"]}, ["DY_2017", "DY_2018", "TT_2018"]),
        ({"samples_exclude": ["DY"]}, ["TT_2018", "DATA_2018"]),
        ({"samples": ["DY", "TT"], "samples_exclude": ["TT"], "year": ["2018"]}, ["DY_2018"]),
        ({"year": ["2017"]}, ["DY_2017"]),
    ],
)
def test_select_datasets(fileset: Fileset, dataset_filter: dict[str, list[str]], names: list[str]) -> None:
    assert list(select_datasets(fileset, dataset_filter)) == names


@pytest.mark.parametrize(
    ("dataset_filter", "error", "message"),
    [
        ({"samples": ["DYY"]}, UnknownNameError, "unknown sample 'DYY' in 'samples' .*did you mean 'DY'"),
        ({"samples_exclude": ["Data1"]}, UnknownNameError, "in 'samples_exclude' .*did you mean 'DATA'"),
        ({"year": ["2016"]}, UnknownNameError, "unknown year '2016'"),
        ({"sample": ["DY"]}, UnknownNameError, "unknown key 'sample' .*did you mean 'samples'"),
        ({"samples": "DY"}, ConfigError, "expected a list"),
        ({"samples": ["TT"], "year": ["2017"]}, DatasetError, "leaves no dataset of DY_2017, "),
    ],
)
def test_wrong_filter(
    fileset: Fileset, dataset_filter: dict[str, list[str]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        select_datasets(fileset, dataset_filter)


def catalogued(path: Path, entries: int | None, identity: str = "a") -> DatasetFile:
    return DatasetFile(str(path), identity=identity, entries=entries)


def test_events_of_the_catalogue(tmp_path: Path) -> None:
    path = write_root(tmp_path / "a.root", 3)
    info, _ = inspect_listed(catalogued(path, 3))
    assert info["num_entries"] == 3
    with pytest.raises(BadFileError, match=r"a\.root has 3 events, but its catalogue says that it has 4"):
        inspect_listed(catalogued(path, 4))


def test_files_are_remembered(tmp_path: Path) -> None:
    path = write_root(tmp_path / "a.root", 3)
    catalogues = Catalogues(Settings(), tmp_path / "cache")
    found = inspect_listed(catalogued(path, 3), catalogues)
    unknown = inspect_listed(catalogued(path, 3, identity=""), catalogues)
    assert found == unknown
    path.unlink()
    # as after an interruption: from what was written
    again = Catalogues(Settings(), tmp_path / "cache")
    assert inspect_listed(catalogued(path, 3), again) == found
    with pytest.raises(BadFileError, match="has 3 events, but its catalogue says that it has 4"):
        inspect_listed(catalogued(path, 4), again)
    for identity in ("b", ""):
        with pytest.raises(BadFileError, match="doesn't exist"):
            inspect_listed(catalogued(path, 3, identity), again)
    with pytest.raises(BadFileError, match="doesn't exist"):
        inspect_listed(catalogued(path, 3), Catalogues(Settings(), tmp_path / "cache", fresh=True))


def test_interrupted_look_up_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened before a bad file stopped the build isn't opened again."""
    files = [catalogued(write_root(tmp_path / f"{n}.root", n + 1), n + 1, f"{n}") for n in range(3)]
    bad = catalogued(tmp_path / "bad.root", None, "bad")
    monkeypatch.setattr(listing, "expand", lambda *args, **kwargs: [*files, bad])
    dataset = definition(tmp_path, "das_names", "/a/b/c")

    def build_it() -> FilesetResult:
        catalogues = Catalogues(Settings(), tmp_path / "cache")
        return build_fileset({"DY": dataset}, toy_files={}, cache=CACHE, workers=1, catalogues=catalogues)

    with pytest.raises(BadFileError, match=r"bad\.root doesn't exist"):
        build_it()
    write_root(tmp_path / "bad.root", 5)
    opened = []
    monkeypatch.setattr("pocket.datasets.build.inspect_file", lambda path: opened.append(path) or inspect_file(path))
    assert build_it().fileset["DY"]["metadata"]["nevents"] == 11
    assert opened == [str(tmp_path / "bad.root")]
