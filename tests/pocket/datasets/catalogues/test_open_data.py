from __future__ import annotations

from dataclasses import replace

import pytest

from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.open_data import open_data_files
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError
from tests.catalogue_server import CatalogueServer

TITLE = "/SingleMuon/Run2016H-UL2016_MiniAODv2_NanoAODv9-v1/NANOAOD"
ROOT = "root://eospublic.cern.ch//eos/opendata/cms"


def file(name: str, size: int = 10) -> dict[str, object]:
    return {"uri": f"{ROOT}/{name}", "size": size, "checksum": f"adler32:{size}", "key": name}


@pytest.fixture
def records(server: CatalogueServer) -> CatalogueServer:
    indices = [{"key": "a_file_index.json", "files": [file("1.root", 1)]}, {"files": [file("2.root", 2)]}]
    server.records[30563] = {"title": TITLE, "doi": "10.7483/OPENDATA.CMS.4BUS.64MV", "_file_indices": indices}
    # the search finds it too
    server.records[30564] = {"title": f"{TITLE} and more", "files": [file("3.root", 3), file("index.json")]}
    return server


FILES = [CatalogueFile(f"{ROOT}/{size}.root", size, f"adler32:{size}") for size in (1, 2)]


def test_by_number(records: CatalogueServer, settings: Settings) -> None:
    assert open_data_files("30563", settings) == FILES
    assert records.requests == ["/api/records/30563"]
    assert [entry.size for entry in open_data_files("30564", settings)] == [3]


@pytest.mark.parametrize(("name", "field"), [(TITLE, "title"), ("10.7483/OPENDATA.CMS.4BUS.64MV", "doi")])
def test_by_search(records: CatalogueServer, settings: Settings, name: str, field: str) -> None:
    assert open_data_files(name, settings) == FILES
    query = name.replace("/", "%2F")
    assert records.requests == [f"/api/records?q={field}%3A%22{query}%22&page=1&size=50", "/api/records/30563"]


def test_time_out(records: CatalogueServer, settings: Settings) -> None:
    records.faults[:] = ["hang"]
    # It may time out again while the machine is busy.
    assert open_data_files("30563", replace(settings, timeout=0.5, retries=100)) == FILES


def test_no_such_record(records: CatalogueServer, settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"api/records/5 answers 404: PID does not exist"):
        open_data_files("5", settings)
    with pytest.raises(DatasetError, match=f"no record of title {TITLE[:-3]}; it found {TITLE}, "):
        open_data_files(TITLE[:-3], settings)
    with pytest.raises(DatasetError, match=r"no record of doi 10\.7483/NONE$"):
        open_data_files("10.7483/NONE", settings)


def test_two_records_of_one_title(records: CatalogueServer, settings: Settings) -> None:
    records.records[9] = {"title": TITLE}
    with pytest.raises(DatasetError, match=f"several records of title {TITLE}: 30563, 9; name one by its number"):
        open_data_files(TITLE, settings)


def test_record_without_root_files(records: CatalogueServer, settings: Settings) -> None:
    records.records[6] = {"title": "six", "files": [file("index.json")]}
    with pytest.raises(DatasetError, match="record 6 of CERN Open Data has no ROOT file; it has 1 others"):
        open_data_files("6", settings)
