from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.settings import Settings, SiteRules
from pocket.errors import DatasetError
from tests.catalogue_server import CatalogueServer

NAME = "/DY/private-v1/USER"
PRIVATE = "prod/phys03"
SITES = {"T2_DE_DESY": "root://desy.example/", "T2_IT_Pisa": {"/store/(.*)": "root://pisa.example//cms/$1"}}


@pytest.fixture
def make(
    server: CatalogueServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Catalogues]:
    """Make the catalogues: a dataset of two blocks, each at a site of its own, that only DBS knows."""
    monkeypatch.setenv("RUCIO_HOME", str(tmp_path / "no_rucio"))
    sites_map = tmp_path / "sites.json"
    sites_map.write_text(json.dumps(SITES))
    server.add_file(NAME, "/store/a.root", 10, block_name=f"{NAME}#1")
    server.add_file(NAME, "/store/b.root", 20, block_name=f"{NAME}#2")
    server.blocks[NAME] = [
        {"block_name": f"{NAME}#1", "origin_site_name": "T2_DE_DESY"},
        {"block_name": f"{NAME}#2", "origin_site_name": "T2_IT_Pisa"},
    ]

    def catalogues(fresh: bool = False, sites: SiteRules = SiteRules(), **more: object) -> Catalogues:  # noqa: B008
        changed = replace(settings, **{"sites_map": str(sites_map), "sites": sites, **more})  # type: ignore[arg-type]
        return Catalogues(changed, tmp_path / "cache", fresh)

    return catalogues


def urls(catalogues: Catalogues, instance: str = PRIVATE, storage_prefix: str = "") -> list[tuple[str, ...]]:
    return [listed.urls for listed in catalogues.das(NAME, instance, storage_prefix)]


AT_SITES = [("root://desy.example//store/a.root",), ("root://pisa.example//cms/b.root",)]
BY_REDIRECTOR = [(f"root://xrootd-cms.infn.it//store/{name}.root",) for name in "ab"]


def test_sites_of_blocks(make: Callable[..., Catalogues]) -> None:
    listed = make().das(NAME, PRIVATE)
    assert [file.urls for file in listed] == AT_SITES
    assert [(file.file.name, file.file.entries) for file in listed] == [("/store/a.root", 10), ("/store/b.root", 20)]


def test_answers_are_remembered(make: Callable[..., Catalogues], server: CatalogueServer) -> None:
    urls(make())
    server.add_file(NAME, "/store/c.root", 30)
    server.requests.clear()
    assert urls(make()) == AT_SITES
    assert server.requests == []
    assert len(urls(make(fresh=True))) == 3
    # and what was asked again is what is remembered now
    assert len(urls(make())) == 3


def test_invalid_files_are_named_each_time(
    make: Callable[..., Catalogues], server: CatalogueServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.add_file(NAME, "/store/bad.root", 99, is_file_valid=0)
    for _ in range(2):
        caplog.clear()
        assert urls(make()) == AT_SITES
        assert caplog.messages == [f"{NAME}: 1 of 3 files are invalid in DBS and left out"]


def test_rules_of_sites(make: Callable[..., Catalogues], caplog: pytest.LogCaptureFixture) -> None:
    catalogues = make(sites=SiteRules(block=("T2_DE_DESY",)), redirector="root://other.example//")
    assert urls(catalogues) == [("root://other.example//store/a.root",), AT_SITES[1]]
    assert caplog.messages == [
        f"{NAME}: 1 of 2 files are at no allowed site, e.g. /store/a.root; they are read through root://other.example//"
    ]
    # the same answers serve other rules
    assert urls(make()) == AT_SITES


def test_storage_of_ones_own(make: Callable[..., Catalogues], tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.root").touch()
    first, second = urls(make(), storage_prefix=str(tmp_path))
    assert first == (f"{tmp_path}/store/a.root", *AT_SITES[0])
    assert second == AT_SITES[1]
    remote, _ = urls(make(), storage_prefix="root://own.example//pnfs/")
    assert remote == ("root://own.example//pnfs//store/a.root", *AT_SITES[0])


@pytest.mark.parametrize("instance", ["prod/global", PRIVATE])
def test_sites_are_unknown(
    make: Callable[..., Catalogues], instance: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalogues = make(sites_map=str(tmp_path / "none.json")) if instance == PRIVATE else make()
    reason = "the map of sites .*none.json can't be read" if instance == PRIVATE else f"Rucio on {NAME}: "
    with caplog.at_level(logging.WARNING):
        assert urls(catalogues, instance) == BY_REDIRECTOR
        assert urls(catalogues, instance) == BY_REDIRECTOR
    # a failure of one dataset isn't remembered, and said each time; without a configuration, Rucio is asked once
    of_one = instance == PRIVATE
    assert len(caplog.messages) == (2 if of_one else 1)
    for message in caplog.messages:
        assert message.startswith(reason.partition(" .*")[0])
        of_which = f"{NAME} is" if of_one else "it isn't asked again, and files are"
        assert message.endswith(f"; {of_which} read through root://xrootd-cms.infn.it//")


def test_rucio_that_does_not_answer_is_asked_once(
    make: Callable[..., Catalogues], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []
    errors = iter(["Rucio knows no files of it", "Rucio on it: no answer within 180 s"])

    def fail(*args: object) -> None:
        asked.append(args)
        raise DatasetError(next(errors))

    monkeypatch.setattr("pocket.datasets.catalogues.lookup.rucio_replicas", fail)
    catalogues = make()
    for number in (1, 2, 2, 2):
        assert urls(catalogues, "prod/global") == BY_REDIRECTOR
        assert len(asked) == number
    assert len(caplog.messages) == 2


def test_dbs_is_down(make: Callable[..., Catalogues], server: CatalogueServer) -> None:
    server.faults[:] = [503] * 3
    catalogues = make()
    with pytest.raises(DatasetError, match="answers 503"):
        urls(catalogues)
    assert urls(catalogues) == AT_SITES


def test_a_server_that_does_not_answer_is_asked_once(
    make: Callable[..., Catalogues], server: CatalogueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults[:] = ["hangup"] * 3
    catalogues = make()
    for _ in range(3):
        with pytest.raises(DatasetError, match="DBSReader/files doesn't answer after 3 tries: "):
            urls(catalogues)
    assert len(server.requests) == 3
    assert urls(make()) == AT_SITES


def test_open_data(make: Callable[..., Catalogues], server: CatalogueServer) -> None:
    uri = "root://eospublic.cern.ch//eos/a.root"
    server.records[7] = {"title": "seven", "files": [{"uri": uri, "size": 5, "checksum": "adler32:1"}]}
    (listed,) = make().open_data("7")
    assert listed.urls == (uri,)
    assert listed.file.size == 5
    assert make().open_data("7") == [listed]
    assert len(server.requests) == 1
