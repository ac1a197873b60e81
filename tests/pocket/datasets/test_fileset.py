from __future__ import annotations

import dataclasses
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import uproot
from coffea.dataset_tools.filespec import CoffeaROOTFileSpecOptional

from pocket.datasets.definitions import DatasetDefinition, read_definitions
from pocket.datasets.fileset import Fileset, FilesetResult, build_fileset, expand, inspect_file, select_datasets
from pocket.errors import BadFileError, ConfigError, DatasetError, UnknownNameError
from pocket.skims.before import BeforeSkim
from tests.real_files import CACHE, real_file


def write_root(path: Path, entries: int, tree: str = "Events") -> Path:
    path.parent.mkdir(exist_ok=True)
    with uproot.recreate(path) as file:
        file.mktree(tree, {"x": np.float32})
        if entries:
            file[tree].extend({"x": np.zeros(entries, np.float32)})
    return path


def definition(folder: Path, source: str, *values: str, key: str = "DY") -> DatasetDefinition:
    return DatasetDefinition(key, key, "2018", True, source, values, folder / "x.json", xsec=2.0)


def build(*definitions: DatasetDefinition, skip_bad_files: bool = False) -> FilesetResult:
    named = {item.name: item for item in definitions}
    return build_fileset(named, toy_files={}, cache=CACHE, skip_bad_files=skip_bad_files)


def test_expand_paths_and_globs(tmp_path: Path) -> None:
    a, b, c = (write_root(tmp_path / name, 1) for name in ("a.root", "sub/b.root", "sub/c.root"))
    (tmp_path / "sub" / "d.root").mkdir()
    (tmp_path / "sub" / "link").symlink_to(tmp_path / "sub")

    def files(source: str, *values: str) -> list[Path]:
        return expand(definition(tmp_path, source, *values), toy_files={}, cache=CACHE)

    assert files("paths", "sub/c.root", str(a)) == [c, a]
    assert files("globs", "sub/*.root", "*.root") == [b, c, a]
    assert files("globs", str(tmp_path / "sub" / "?.root")) == [b, c]
    assert files("globs", "sub/link/b*") == [tmp_path / "sub" / "link" / "b.root"]
    assert set(files("globs", "**/*.root")) >= {a, b, c}


def test_relative_definition_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_root(tmp_path / "a.root", 1)
    monkeypatch.chdir(tmp_path)
    for source in ("paths", "globs"):
        assert expand(definition(Path(), source, "a.root"), toy_files={}, cache=CACHE) == [path]


def test_expand_toys(tmp_path: Path) -> None:
    toy_files = {"dy": [tmp_path / "dy_0.root", tmp_path / "dy_1.root"], "data": [tmp_path / "data_0.root"]}
    assert expand(definition(tmp_path, "toys", "dy"), toy_files=toy_files, cache=CACHE) == toy_files["dy"]
    with pytest.raises(UnknownNameError, match=r"toy process 'dyy' in dataset 'DY_2018' in .*did you mean 'dy'"):
        expand(definition(tmp_path, "toys", "dyy"), toy_files=toy_files, cache=CACHE)


@pytest.mark.parametrize(
    ("source", "value", "message"),
    [
        ("globs", "none/*.root", r"'DY_2018' in .*no file matches 'none/\*\.root' \(folder .*/none\)"),
        ("das_names", "/DY/x/NANOAODSIM", "not available yet: /DY/x/NANOAODSIM; use 'paths' or 'globs'"),
        ("paths", "root://host//store/a.root", "remote files are not available yet: root://host//store/a.root"),
    ],
)
def test_files_that_cannot_be_listed(tmp_path: Path, source: str, value: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        build(definition(tmp_path, source, value))


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
        str(path): {"object_path": "Events", "num_entries": entries, "uuid": uuid}
        for path, entries, uuid in zip(paths, [3, 0, 4], uuids, strict=True)
    }
    metadata = {"sample": "DY", "year": "2018", "isMC": True, "xsec": 2.0, "nevents": 7, "size": size}
    assert result == FilesetResult({"DY_2018": {"metadata": metadata, "files": files}}, ())
    assert list(result.fileset["DY_2018"]["files"]) == list(files)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert json.loads(json.dumps(result.fileset)) == result.fileset


def test_real_samples() -> None:
    definitions = read_definitions([Path(__file__).parents[3] / "datasets" / "real_samples.json"])
    fileset = build_fileset(definitions, toy_files={}, cache=CACHE).fileset
    (file,) = fileset["DYJetsToLL_2018"]["files"].values()
    assert file == {"object_path": "Events", "num_entries": 40, "uuid": "a9490124-3648-11ea-89e9-f5b55c90beef"}
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


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "is empty"),
        ("garbage", "is not a ROOT file, or truncated or corrupt"),
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


def skim(folder: Path, *names: str, before: BeforeSkim) -> DatasetDefinition:
    return dataclasses.replace(definition(folder, "paths", "a.root"), values=names, before_skim=before)


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
        DatasetError, match=r"copy\.root of dataset 'A_2018' is the same file as .*events would count twice"
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
