from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.definition_files import by_name, read_all_definitions, read_definitions, those_of
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError, UnknownNameError
from tests.entries import check_each

DATASETS = Path(__file__).parents[3] / "datasets"
MC = {"year": "2018", "isMC": True, "xsec": 6077.22}
DATA_A = {"year": "2018", "isMC": False, "era": "A"}


def write(folder: Path, content: object, name: str = "x.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def one_entry(metadata: dict[str, Any], **entry: Any) -> dict[str, Any]:
    return {"DY": {"sample": "DYJetsToLL", "files": [{**(entry or {"paths": ["a.root"]}), "metadata": metadata}]}}


def read_one(folder: Path, metadata: dict[str, Any], **entry: Any) -> DatasetDefinition:
    (definition,) = read_definitions([write(folder, one_entry(metadata, **entry))]).values()
    return definition


def test_definition_holds_no_token(tmp_path: Path) -> None:
    url = "root://host//a.root?authz=Bearer%20"
    assert read_one(tmp_path, MC, paths=[f"{url}$BEARER_TOKEN"]).values == (f"{url}$BEARER_TOKEN",)
    for entry in ({"paths": [f"{url}SECRET"]}, {"globs": f"{url}SECRET"}):
        with pytest.raises(DatasetError, match=r"host//a\.root\?authz=… holds an access token, which would") as caught:
            read_one(tmp_path, MC, **entry)
        assert "SECRET" not in str(caught.value)


def test_entry_becomes_definition(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {**MC, "part": "M-50"}, globs=["a/*.root", "b/*.root"])
    assert definition.name == "DY_M-50_2018"
    assert (definition.source, definition.values) == ("globs", ("a/*.root", "b/*.root"))
    assert definition.metadata() == {
        "sample": "DYJetsToLL",
        "year": "2018",
        "isMC": True,
        "xsec": 6077.22,
        "part": "M-50",
    }


def test_strings_of_pocketcoffea(tmp_path: Path) -> None:
    mc = read_one(tmp_path, {"year": 2018, "isMC": "True", "xsec": "6077.22"})
    assert mc.metadata() == {"sample": "DYJetsToLL", **MC}
    data = read_one(tmp_path, {"year": "2018", "isMC": "False", "era": "A", "primaryDataset": "SingleMuon"})
    assert data.is_mc is False
    assert data.metadata()["primaryDataset"] == "SingleMuon"


SUMS = {"nevents_before_skim": 100, "sum_genweights": 12.5, "sum_signOf_genweights": 50.0}


def test_skim(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {**MC, "isSkim": True, **SUMS})
    assert definition.before_skim == BeforeSkim(100, 12.5, 50.0)
    assert definition.metadata() == {"sample": "DYJetsToLL", **MC, "isSkim": True, **SUMS}
    # as PocketCoffea writes them
    texts = read_one(tmp_path, {**MC, "isSkim": "True", **{key: str(value) for key, value in SUMS.items()}})
    assert texts == definition
    without = read_one(tmp_path, {**MC, "isSkim": True})
    assert without.metadata() == {"sample": "DYJetsToLL", **MC, "isSkim": True}
    assert not without.has_sums
    assert read_one(tmp_path, {**MC, "isSkim": False}).metadata() == {"sample": "DYJetsToLL", **MC}


def test_skim_may_be_empty(tmp_path: Path) -> None:
    assert read_one(tmp_path, {**MC, "isSkim": True, **SUMS}, paths=[]).values == ()
    with pytest.raises(DatasetError, match="'paths' is empty"):
        read_one(tmp_path, {**MC, "isSkim": True}, paths=[]).check_complete()


def test_only_a_dataset_that_is_used_needs_a_year_and_files(tmp_path: Path) -> None:
    read_one(tmp_path, MC).check_complete()
    with pytest.raises(DatasetError, match=r"dataset 'DY_2018' in .*x\.json: 'paths' is empty"):
        read_one(tmp_path, MC, paths=[]).check_complete()
    unknown = read_one(tmp_path, {**MC, "year": ""})
    assert unknown.name == "DY"
    with pytest.raises(DatasetError, match=r"dataset 'DY' in .*x\.json: 'year' is '', expected a string"):
        unknown.check_complete()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (
            SUMS,
            r"files\[0\] in .*x\.json: metadata give 'nevents_before_skim', which only a skim has; is 'isSkim' missing",
        ),
        ({"isSkim": True, "sum_genweights": "much"}, "'sum_genweights' is 'much', expected a number"),
        ({"isSkim": True, "sum_genweights": "nan"}, r"'DY'.* in .*x\.json: 'sum_genweights' of a skim can't be nan"),
        ({"isSkim": True, "nevents_before_skim": "inf"}, r"'DY'.* in .*x\.json: cannot convert float infinity"),
    ],
)
def test_wrong_sums(tmp_path: Path, metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_one(tmp_path, {**MC, **metadata})


def test_names_of_several_entries(tmp_path: Path) -> None:
    entries = [
        {"paths": "a.root", "metadata": {"year": year, "isMC": False, **more}}
        for year, more in [("2017", {"era": "B"}), ("2018", {"era": "B"}), ("2018", {}), ("2018", {"part": "v2"})]
    ]
    path = write(tmp_path, {"DATA": {"sample": "DATA", "files": entries}})
    assert list(read_definitions([path])) == ["DATA_2017_EraB", "DATA_2018_EraB", "DATA_2018", "DATA_v2_2018"]


def test_equal_names(tmp_path: Path) -> None:
    first, second = (write(tmp_path, one_entry(MC), name) for name in ("x.json", "y.json"))
    with pytest.raises(DatasetError, match=r"'DY_2018' in .*y\.json has the name of the one in .*x\.json"):
        read_definitions([first, second])


def test_the_last_of_equal_names_may_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = write(tmp_path, one_entry(MC, paths=["a.root"]), "x.json")
    second = write(tmp_path, one_entry({**MC, "xsec": 1.0}, paths=["b.root"]), "y.json")
    both = read_all_definitions([first, second])
    last = by_name(both, keep_last=True)
    assert (last["DY_2018"].values, last["DY_2018"].xsec) == (("b.root",), 1.0)
    assert "y.json replaces the one of the same name in" in caplog.text
    # It is known by its file where each file is read by itself.
    assert those_of(last, map(read_definitions, ([first], [second]))) == last
    with pytest.raises(DatasetError, match=r"has the name of the one in .*x\.json"):
        by_name([both[0], both[0]], keep_last=True)


@pytest.mark.parametrize("missing", ["year", "isMC"])
def test_missing_metadata(tmp_path: Path, missing: str) -> None:
    metadata = {key: value for key, value in MC.items() if key != missing}
    with pytest.raises(DatasetError, match=rf"dataset 'DY.* in .*x\.json: metadata lacks '{missing}'"):
        read_one(tmp_path, metadata)


def test_message_of_missing_xsec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, one_entry({"year": "2018", "isMC": True}))
    definition = read_definitions([Path("x.json")])["DY_2018"]
    with pytest.raises(DatasetError) as caught:
        definition.check_xsec()
    assert str(caught.value) == "dataset 'DY_2018' in x.json: metadata lacks 'xsec' (required for MC)"


def test_cross_section_of_0_is_an_error_where_it_is_used(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {"year": "2018", "isMC": True, "xsec": 0})
    assert definition.metadata()["xsec"] == 0
    with pytest.raises(DatasetError, match=r"dataset 'DY_2018' in .*: 'xsec' is 0, expected a positive number of pb"):
        definition.check_xsec()


def test_toys_take_xsec_from_their_parameters(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {"year": "toys", "isMC": True}, toys="dy")
    assert "xsec" not in definition.metadata()
    assert dataclasses.replace(definition, xsec=5.0).metadata()["xsec"] == 5.0


@check_each(
    ("metadata", "message"),
    [
        ({"xsec": -1}, "'xsec' is -1.0, expected a positive"),
        ({"xsec": float("nan")}, "'xsec' is nan, expected a positive"),
        ({"xsec": "inf"}, "'xsec' is inf, expected a positive"),
        ({"xsec": "6 nb"}, "'xsec' is '6 nb', expected a number"),
        ({"xsec": True}, "'xsec' is True, expected a number"),
        ({"isMC": "maybe"}, "'isMC' is 'maybe', expected true or false"),
        ({"isMC": False}, "'xsec', which data don't have"),
        ({"year": None}, "'year' is None, expected a string"),
        ({"part": None}, "'part' is None, expected a string"),
        ({"part": "M 50"}, "a dataset name may hold"),
    ],
)
def test_wrong_metadata(tmp_path: Path, metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_one(tmp_path, {**MC, **metadata})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            one_entry({**MC, "eras": "A"}),
            r"unknown metadata key 'eras' in dataset 'DY', files\[0\].*did you mean 'era'",
        ),
        (one_entry(MC, path=["a.root"]), "unknown key 'path' .*did you mean 'paths'"),
        ({"DY": {"samples": "DY", "files": []}}, "unknown dataset key 'samples' .*did you mean 'sample'"),
    ],
)
def test_unknown_keys(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        read_definitions([write(tmp_path, content)])


@check_each(
    ("content", "message"),
    [
        ([], "is not a JSON object"),
        ({}, "defines no dataset"),
        ({"DY": []}, "dataset 'DY' in .* is not a JSON object"),
        ({"DY": {"files": [{}]}}, "lacks 'sample'"),
        ({"DY": {"sample": "DY", "files": []}}, "lacks 'files'"),
        ({"DY": {"sample": "DY", "files": {"paths": []}}}, "'files' is not a list"),
        ({"DY": {"sample": "DY__low", "files": [{"paths": ["a"], "metadata": MC}]}}, "no '__'"),
        ({"DY": {"sample": "DY", "files": [{"metadata": MC}]}}, "exactly one of paths.* it has none"),
        (one_entry(MC, paths=["a"], globs=["b"]), "it has 'paths' and 'globs'"),
        (one_entry(MC, paths=[3]), "expected a string or a list of strings"),
    ],
)
def test_wrong_form(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_definitions([write(tmp_path, content)])


def test_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(DatasetError, match=r"x\.json can't be read: No such file"):
        read_definitions([path])
    path.write_text('{"DY": ')
    with pytest.raises(DatasetError, match=r"x\.json is not JSON: .*line 1"):
        read_definitions([path])
    path.write_text('{"DY": {"sample": "A"}, "DY": {"sample": "B"}}')
    with pytest.raises(DatasetError, match="key 'DY' appears twice"):
        read_definitions([path])


def test_keys_without_effect_are_ignored_with_one_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = one_entry({**MC, "sum_genweights": "12.5"}, paths="a", das_parents_names=["/x/MINIAODSIM"])
    content["DY"]["description"] = "Drell-Yan"
    path = write(tmp_path, content)
    (definition,) = read_definitions([path]).values()
    assert definition == read_definitions([write(tmp_path, one_entry(MC, paths="a"), "plain.json")])["DY_2018"]
    keys = "'description', 'das_parents_names', 'sum_genweights'"
    assert caplog.messages == [f"{path}: {keys} of datasets have no effect, so they are ignored"]


def test_the_sample_of_an_entry(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {**MC, "sample": "TT"})
    assert (definition.name, definition.sample, definition.free) == ("DY_2018", "TT", {})


def test_entries_with_equal_names_are_numbered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entries = [
        {"paths": f"{name}.root", "metadata": {**MC, "part": "", "xsec": xsec}} for xsec, name in enumerate("abc", 1)
    ]
    path = write(tmp_path, {"DY": {"sample": "DY", "files": [*entries, {"paths": "d.root", "metadata": DATA_A}]}})
    definitions = read_definitions([path])
    assert {name: definition.values for name, definition in definitions.items()} == {
        "DY_2018": ("a.root",),
        "DY_2018_2": ("b.root",),
        "DY_2018_3": ("c.root",),
        "DY_2018_EraA": ("d.root",),
    }
    assert caplog.messages == [f"{path}: 'part' doesn't tell datasets apart, so they are numbered: DY_2018_2"]


def test_pocketcoffea_definition_is_understood(tmp_path: Path) -> None:
    content = one_entry(MC, das_names=["/DY/x/NANOAODSIM"], dbs_instance="prod/global")
    content["DY"] |= {"json_output": "datasets/DY.json", "storage_prefix": "/store"}
    (definition,) = read_definitions([write(tmp_path, content)]).values()
    assert (definition.source, definition.values) == ("das_names", ("/DY/x/NANOAODSIM",))
    assert (definition.dbs_instance, definition.storage_prefix) == ("prod/global", "/store")


def test_instance_of_dbs(tmp_path: Path) -> None:
    assert read_one(tmp_path, MC, das_names="/DY/x/USER", dbs_instance="prod/phys03").dbs_instance == "prod/phys03"
    with pytest.raises(
        UnknownNameError, match=r"dbs_instance 'phys3' in dataset 'DY_2018'.*, did you mean 'prod/phys0"
    ):
        read_one(tmp_path, MC, das_names="/DY/x/USER", dbs_instance="phys3")
    with pytest.raises(DatasetError, match=r"files\[0\] in .*: only 'das_names' have a 'dbs_instance'"):
        read_one(tmp_path, MC, paths="a.root", dbs_instance="prod/phys03")


def test_records_of_open_data(tmp_path: Path) -> None:
    definition = read_one(tmp_path, MC, open_data=[30563, "10.7483/OPENDATA.CMS.X"])
    assert definition.values == ("30563", "10.7483/OPENDATA.CMS.X")
    assert read_one(tmp_path, MC, open_data=30563).values == ("30563",)
    with pytest.raises(DatasetError, match="'open_data' has True, expected a string"):
        read_one(tmp_path, MC, open_data=[True])


BUILT = {
    "sample": "DYJetsToLL",
    "year": "2018",
    "isMC": "True",
    "xsec": "6077.22",
    "part": "",
    "nevents": "145020000",
    "size": "309022244066",
    "das_names": "['/DY/x/NANOAODSIM']",
}


def test_built_filesets_of_pocketcoffea(tmp_path: Path) -> None:
    files = ["/data/a.root", "root://host//store/b.root"]
    data = {"sample": "DATA_SingleMuon", "year": "2018", "isMC": "False", "era": "A", "primaryDataset": "SingleMuon"}
    content = {
        "DYJetsToLL__2018": {"metadata": BUILT, "files": files},
        "DATA_SingleMuon_2018_EraA": {"metadata": data, "files": ["c.root"]},
    }
    read = read_definitions([write(tmp_path, content)])
    mc = read["DYJetsToLL__2018"]
    assert list(read) == list(content)
    assert (mc.source, mc.values) == ("paths", tuple(files))
    assert mc.metadata() == {"sample": "DYJetsToLL", **MC, "das_names": "['/DY/x/NANOAODSIM']"}
    assert read["DATA_SingleMuon_2018_EraA"].metadata() == {**data, "isMC": False}


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"metadata": BUILT}, r"dataset 'DY' in .*x\.json lacks 'files'"),
        ({"metadata": MC, "files": ["a.root"]}, "lacks 'metadata.sample'"),
        (
            {"metadata": BUILT, "files": [{"paths": ["a.root"]}]},
            r"'files' has {'paths': \['a\.root'\]}, expected a string or a list of strings$",
        ),
        ({"metadata": {**BUILT, "xsec": "many"}, "files": ["a.root"]}, "'xsec' is 'many', expected a number"),
    ],
)
def test_wrong_built_filesets(tmp_path: Path, dataset: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_definitions([write(tmp_path, {"DY": dataset})])
    with pytest.raises(UnknownNameError, match=r"unknown dataset key 'file' .*did you mean 'files'"):
        read_definitions([write(tmp_path, {"DY": {"metadata": BUILT, "file": []}})])


def test_free_metadata(tmp_path: Path) -> None:
    definition = read_one(tmp_path, {**MC, "nano_version": 9, "part": ""})
    assert definition.name == "DY_2018"
    assert definition.metadata() == {"sample": "DYJetsToLL", **MC, "nano_version": 9}


def test_definitions_of_the_repository() -> None:
    definitions = read_definitions([DATASETS / "toys.json", DATASETS / "real_samples.json"])
    assert [(name, definition.sample) for name, definition in definitions.items()] == [
        ("DYJetsToMuMu_toys", "DYJetsToMuMu"),
        ("TTToSemiLeptonic_toys", "TTToSemiLeptonic"),
        ("WJetsToLNu_toys", "WJetsToLNu"),
        ("DATA_SingleMuon_toys", "DATA_SingleMuon"),
        ("DYJetsToLL_2018", "DYJetsToLL"),
        ("DATA_DoubleMuon_2018_EraA", "DATA_DoubleMuon"),
    ]


def test_files_of_coffea_make_a_short_sentence(tmp_path: Path) -> None:
    files = {f"{number:05}.root": "Events" for number in range(5000)}
    for wrong, sentence in (
        (files, r"'files' is {'00000\.root': 'Events', .*\.\.\.}, expected a string or a list of strings"),
        ([*files, None], "'files' has None, expected a string or a list of strings"),
    ):
        with pytest.raises(DatasetError, match=sentence) as caught:
            read_definitions([write(tmp_path, {"DY": {"metadata": BUILT, "files": wrong}})])
        assert len(str(caught.value)) < 400
