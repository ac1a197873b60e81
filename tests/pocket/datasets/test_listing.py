from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.listing import DatasetFile, expand, expand_each
from pocket.errors import DatasetError, UnknownNameError
from tests.catalogue_server import catalogue_server
from tests.pocket.datasets.files import definition, write_root
from tests.real_files import CACHE

DATASETS = Path(__file__).parents[3] / "datasets"


def paths(files: list[DatasetFile]) -> list[Path]:
    assert all(file.replicas == () for file in files)
    return [Path(file.url) for file in files]


def test_expand_paths_and_globs(tmp_path: Path) -> None:
    a, b, c = (write_root(tmp_path / name, 1) for name in ("a.root", "sub/b.root", "sub/c.root"))
    (tmp_path / "sub" / "d.root").mkdir()
    (tmp_path / "sub" / "link").symlink_to(tmp_path / "sub")

    def files(source: str, *values: str) -> list[Path]:
        return paths(expand(definition(tmp_path, source, *values), toy_files={}, cache=CACHE))

    assert files("paths", "sub/c.root", str(a)) == [c, a]
    assert files("globs", "sub/*.root", "*.root") == [b, c, a]
    assert files("globs", str(tmp_path / "sub" / "?.root")) == [b, c]
    assert files("globs", "sub/link/b*") == [tmp_path / "sub" / "link" / "b.root"]
    assert set(files("globs", "**/*.root")) >= {a, b, c}


def test_urls_are_not_looked_for(tmp_path: Path) -> None:
    urls = ["root://none.invalid//store/a.root", "root://none.invalid:1094//store/b.root?authz=$TOKEN"]
    dataset = definition(tmp_path, "paths", urls[0], "c.root", urls[1])
    assert [file.url for file in expand(dataset, toy_files={}, cache=CACHE)] == [
        urls[0],
        str(tmp_path / "c.root"),
        urls[1],
    ]


def test_urls_of_pocketcoffea_for_the_redirector(tmp_path: Path) -> None:
    # It joins "root://xrootd-cms.infn.it//" and a logical name that begins with a slash.
    lfn = "/store/mc/RunIISummer20UL18NanoAODv9/x//a.root"
    metadata = {"sample": "DY", "year": "2018", "isMC": "True", "xsec": "2"}
    content = {"DY_2018": {"metadata": metadata, "files": ["root://xrootd-cms.infn.it//" + lfn]}}
    (tmp_path / "built.json").write_text(json.dumps(content))
    (dataset,) = read_definitions([tmp_path / "built.json"]).values()
    assert expand(dataset, toy_files={}, cache=CACHE) == [DatasetFile(f"root://xrootd-cms.infn.it/{lfn}")]


def test_relative_definition_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_root(tmp_path / "a.root", 1)
    monkeypatch.chdir(tmp_path)
    for source in ("paths", "globs"):
        assert paths(expand(definition(Path(), source, "a.root"), toy_files={}, cache=CACHE)) == [path]


def test_expand_toys(tmp_path: Path) -> None:
    names = ("dy", "data", "2018/dy")
    toy_files = {name: [tmp_path / name / "0.root", tmp_path / name / "1.root"] for name in names}

    def files(year: str, *processes: str) -> list[Path]:
        dataset = dataclasses.replace(definition(tmp_path, "toys", *processes), year=year)
        return paths(expand(dataset, toy_files=toy_files, cache=CACHE))

    assert files("toys", "dy", "data") == [*toy_files["dy"], *toy_files["data"]]
    assert files("2018", "dy") == toy_files["2018/dy"]
    with pytest.raises(UnknownNameError, match=r"toy process 'dyy' in dataset 'DY_toys' in .*did you mean 'dy'"):
        files("toys", "dyy")
    with pytest.raises(UnknownNameError, match=r"toy process '2017/dy' in dataset 'DY_2017' in .*'2018/dy'"):
        files("2017", "dy")


@pytest.mark.parametrize(
    ("source", "value", "message"),
    [
        ("globs", "none/*.root", r"'DY_2018' in .*no file matches 'none/\*\.root' \(folder .*/none\)"),
        ("paths", ".", r"'DY_2018' in .*: /.* is a folder; name its files by 'globs': \./\*\.root$"),
        ("das_names", "/DY/x/NANOAODSIM", "'DY_2018' in .*: no catalogue to ask for /DY/x/NANOAODSIM"),
        ("open_data", "30563", "'DY_2018' in .*: no catalogue to ask for 30563"),
        ("das_names", "root://host/store/a.root", r"'root://host/store/a\.root' is not of the form root:"),
        ("paths", "root://host/store/a.root", r"'DY_2018' in .*: 'root://host/store/a\.root' is not of the form root:"),
        ("globs", "https://host/store/*.root", "'https://host/store/.*' is not of the form root://host//path"),
    ],
)
def test_files_that_cannot_be_listed(tmp_path: Path, source: str, value: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        expand(definition(tmp_path, source, value), toy_files={}, cache=CACHE)


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    for name in ("a.root", "b.root"):
        (tmp_path / name).touch()
    (tmp_path / "c.root").symlink_to("a.root")
    found = paths(expand(definition(tmp_path, "globs", "*.root"), toy_files={}, cache=CACHE))
    assert found == [tmp_path / name for name in ("a.root", "b.root", "c.root")]
    (tmp_path / "a.root").unlink()
    with pytest.raises(DatasetError, match=r"/c\.root matches '\*\.root', but links to a\.root, which doesn't exist$"):
        expand(definition(tmp_path, "globs", "*.root"), toy_files={}, cache=CACHE)


def test_folder_among_the_names(tmp_path: Path) -> None:
    url = "root://host//store/a.root"
    assert expand(definition(tmp_path, "das_names", url), toy_files={}, cache=CACHE) == [DatasetFile(url)]


def test_catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCIO_HOME", str(tmp_path / "none"))
    name = "/DY/x-v1/USER"
    uri = "root://eospublic.cern.ch//eos/b.root"
    with catalogue_server() as server:
        server.add_file(name, "/store/a.root", 10, 100, adler32="aa")
        server.records[7] = {"title": "seven", "files": [{"uri": uri, "size": 5, "checksum": "adler32:1"}]}
        settings = Settings(dbs_url=f"{server.url}/dbs", open_data_url=server.url, retries=0)
        catalogues = Catalogues(settings, tmp_path / "cache")
        private = dataclasses.replace(
            definition(tmp_path, "das_names", name), dbs_instance="prod/phys03", storage_prefix="root://own.example/"
        )
        definitions = {
            "DY": private,
            "open": definition(tmp_path, "open_data", "7"),
            "none": definition(tmp_path, "open_data", "8"),
        }
        seen: list[tuple[int, int]] = []
        listed = expand_each(
            definitions,
            toy_files={},
            cache=CACHE,
            catalogues=catalogues,
            progress=lambda done, total: seen.append((done, total)),
        )
    assert listed["DY"] == [
        DatasetFile(
            "root://own.example//store/a.root",
            ("root://xrootd-cms.infn.it//store/a.root",),
            "/store/a.root 100 bytes aa",
            10,
            "/store/a.root",
        )
    ]
    assert listed["open"] == [DatasetFile(uri, (), f"{uri} 5 bytes adler32:1", None, uri)]
    assert isinstance(listed["none"], DatasetError)
    assert str(listed["none"]).endswith("api/records/8 answers 404: PID does not exist.")
    assert seen == [(1, 3), (2, 3), (3, 3)]


SHIPPED = {
    "zmumu_2018.json": {"DYJetsToLL_M-50_2018", *(f"DATA_SingleMuon_2018_Era{era}" for era in "ABCD")},
    "ttbar_2018.json": {"TTToSemiLeptonic_2018"},
    "open_data_2016.json": {"DYJetsToLL_M-50_2016_PostVFP", "DATA_SingleMuon_2016_PostVFP_EraH"},
}


@pytest.mark.parametrize("file", SHIPPED)
def test_requests_of_shipped_definitions(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shipped definition is asked for by its name, and each of its datasets can be listed."""
    monkeypatch.setenv("RUCIO_HOME", str(tmp_path / "none"))
    definitions = read_definitions([DATASETS / file])
    assert set(definitions) == SHIPPED[file]
    names = [name for dataset in definitions.values() for name in dataset.values]
    with catalogue_server() as server:
        for number, name in enumerate(names):
            server.add_file(name, f"/store/{number}.root", 10)
            files = [{"uri": f"root://eospublic.cern.ch//eos/{number}.root", "size": 1, "checksum": "a"}]
            server.records[int(name) if name.isdigit() else number] = {"title": name, "files": files}
        settings = Settings(dbs_url=f"{server.url}/dbs", open_data_url=server.url, retries=0)
        catalogues = Catalogues(settings, tmp_path / "cache")
        listed = expand_each(definitions, toy_files={}, cache=CACHE, catalogues=catalogues)
    urls = sorted(file.url for files in listed.values() if isinstance(files, list) for file in files)
    redirector = "root://eospublic.cern.ch//eos" if "open_data" in file else "root://xrootd-cms.infn.it//store"
    assert urls == [f"{redirector}/{number}.root" for number in range(len(names))]
    asked = " ".join(server.requests)
    assert all(name.replace("/", "%2F") in asked for name in names)
    if file == "open_data_2016.json":
        assert "/api/records/30563" in server.requests


def test_contents_of_shipped_definitions() -> None:
    paths = [DATASETS / "zmumu_2018.json", DATASETS / "open_data_2016.json"]
    xsecs = {dataset.xsec for dataset in read_definitions(paths).values() if dataset.is_mc}
    assert xsecs == {6077.22}
    (ttbar,) = read_definitions([DATASETS / "ttbar_2018.json"]).values()
    assert ttbar.xsec == 365.34
    dy = json.loads(paths[1].read_text())["DYJetsToLL"]["files"][0]["open_data"]
    assert dy == [
        "/DYJetsToLL_M-50_TuneCP5_13TeV-amcatnloFXFX-pythia8/RunIISummer20UL16NanoAODv9-106X_mcRun2_asymptotic_v17-v1/"
        "NANOAODSIM"
    ]


OWN = """
from pocket.datasets import CatalogueFile


def list_files(name):
    yield CatalogueFile(f"root://our.site//{name}/a.root", 120, "adler32:1a", 7)
    yield CatalogueFile(f"root://our.site//{name}/b.root", valid=False)
    yield f"/data/{name}/c.root"


def wrong(name):
    return [f"{name}/a.root"]


def nothing(name):
    return []


def broken(name):
    yield {}[name]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with catalogues."""
    (tmp_path / "own_catalogue.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_catalogue"


def test_catalogue_of_ones_own(own: str, tmp_path: Path) -> None:
    entry = {f"{own}:list_files": ["dy", "more"], "metadata": {"year": "2018", "isMC": True, "xsec": 2.0}}
    (tmp_path / "x.json").write_text(json.dumps({"DY": {"sample": "DY", "files": [entry]}}))
    (dataset,) = read_definitions([tmp_path / "x.json"]).values()
    assert dataset.own_catalogue == f"{own}:list_files"
    files = expand(dataset, toy_files={}, cache=CACHE)
    assert [file.url for file in files] == [
        "root://our.site//dy/a.root",
        "/data/dy/c.root",
        "root://our.site//more/a.root",
        "/data/more/c.root",
    ]
    assert [file.entries for file in files] == [7, None, 7, None]
    assert [file.identity for file in files[:2]] == ["root://our.site//dy/a.root 120 bytes adler32:1a", ""]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("wrong", "own_catalogue:wrong lists 'dy/a.root' for 'dy', expected an address or an absolute path"),
        ("nothing", "own_catalogue:nothing lists no file for 'dy'"),
        ("broken", "own_catalogue:broken fails for 'dy': KeyError: 'dy'"),
    ],
)
def test_mistakes_of_a_catalogue_of_ones_own(own: str, tmp_path: Path, function: str, message: str) -> None:
    with pytest.raises(DatasetError, match=f"^dataset 'DY_2018' in .*x.json: {message}$"):
        expand(definition(tmp_path, f"{own}:{function}", "dy"), toy_files={}, cache=CACHE)
