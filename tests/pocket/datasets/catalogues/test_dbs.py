from __future__ import annotations

import pytest

from pocket.datasets.catalogues.dbs import dbs_files, dbs_sites
from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError
from tests.catalogue_server import CatalogueServer

NAME = "/DY/RunIISummer20UL18-v1/NANOAODSIM"


def test_files(server: CatalogueServer, settings: Settings) -> None:
    server.add_file(NAME, "/store/b.root", 20, 200, adler32="bb")
    server.add_file(NAME, "/store/bad.root", 99, is_file_valid=0)
    server.add_file(NAME, "/store/a.root", 10, 100, adler32="aa")
    files = dbs_files(NAME, "prod/global", settings)
    block = f"{NAME}#1"
    assert files[:2] == [
        CatalogueFile("/store/a.root", 100, "aa", 10, block),
        CatalogueFile("/store/b.root", 200, "bb", 20, block),
    ]
    assert [(file.name, file.valid) for file in files][2:] == [("/store/bad.root", False)]
    name = NAME.replace("/", "%2F")
    assert server.requests == [f"/dbs/prod/global/DBSReader/files?dataset={name}&detail=True"]


def test_sites(server: CatalogueServer, settings: Settings) -> None:
    server.blocks[NAME] = [
        {"block_name": f"{NAME}#1", "origin_site_name": "T2_DE_DESY"},
        {"block_name": f"{NAME}#2", "origin_site_name": "UNKNOWN"},
    ]
    assert dbs_sites(NAME, "prod/phys03", settings) == {f"{NAME}#1": "T2_DE_DESY", f"{NAME}#2": "UNKNOWN"}
    assert server.requests[0].startswith("/dbs/prod/phys03/DBSReader/blocks?")


def test_no_valid_file(server: CatalogueServer, settings: Settings) -> None:
    server.add_file(NAME, "/store/bad.root", 99, is_file_valid=0)
    with pytest.raises(DatasetError, match=f"none of the 1 files of {NAME} is valid in DBS prod/global"):
        dbs_files(NAME, "prod/global", settings)


@pytest.mark.parametrize("name", ["/DY/x*/NANOAODSIM", "DY", "/DY/x", "root://host//store"])
def test_wrong_name(server: CatalogueServer, settings: Settings, name: str) -> None:
    with pytest.raises(DatasetError, match="is no dataset name of CMS"):
        dbs_files(name, "prod/global", settings)
    assert server.requests == []


def test_unknown_dataset(settings: Settings) -> None:
    with pytest.raises(DatasetError, match=f"DBS prod/global knows no files of {NAME}; is the name right"):
        dbs_files(NAME, "prod/global", settings)


def test_answer_of_another_shape(server: CatalogueServer, settings: Settings) -> None:
    server.datasets[NAME] = [{"logical_file_name": "/store/a.root"}]
    with pytest.raises(DatasetError, match="answers without 'event_count'"):
        dbs_files(NAME, "prod/global", settings)
    server.datasets[NAME] = {"error": "none"}  # type: ignore[assignment]
    with pytest.raises(DatasetError, match="something else than a list of files"):
        dbs_files(NAME, "prod/global", settings)
