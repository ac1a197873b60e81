from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uproot

from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.replicas import rucio_replicas
from pocket.datasets.catalogues.settings import Settings, SiteRules
from pocket.errors import DatasetError
from tests.catalogue_server import CatalogueServer, catalogue_server
from tests.law_runner import Law, Run
from tests.services.conftest import XRootDServer
from tests.services.processes import service
from tests.services.server_environment import server_python
from tests.services.xrootd_servers import free_port

pytestmark = [pytest.mark.rucio, pytest.mark.xrootd, pytest.mark.slow]

NAME = "/DYJetsToMuMu/RunIISummer20UL18-v1/NANOAODSIM"
EVENTS = {"/store/mc/a.root": 100, "/store/mc/b.root": 200}
SITES = {"/store/mc/a.root": ["T2_DE_DESY", "T2_IT_PISA"], "/store/mc/b.root": ["T2_IT_PISA"]}


@pytest.fixture(scope="session")
def rucio_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Rucio server that knows a dataset; the folder with the configuration of its clients."""
    folder = tmp_path_factory.mktemp("rucio")
    files = [{"name": name, "size": 1000, "sites": sites} for name, sites in SITES.items()]
    # DBS says that this one is invalid, which Rucio doesn't know
    files.append({"name": "/store/mc/bad.root", "size": 1000, "sites": ["T2_DE_DESY"]})
    (folder / "content.json").write_text(json.dumps({"datasets": {NAME: files}}))
    home = folder / "home"
    script = Path(__file__).with_name("rucio_server.py")
    command = [
        str(server_python("rucio", "rucio==41.5.1", "POCKET_RUCIO_VENV")),
        str(script),
        str(home),
        str(free_port()),
        str(folder / "content.json"),
    ]
    with service(command, (home / "ready").exists):
        yield home


@pytest.fixture
def dbs() -> Iterator[CatalogueServer]:
    with catalogue_server() as server:
        for name, events in EVENTS.items():
            server.add_file(NAME, name, events)
        server.add_file(NAME, "/store/mc/bad.root", 1, is_file_valid=0)
        yield server


@pytest.fixture
def make(
    rucio_home: Path,
    dbs: CatalogueServer,
    xrootd_server: XRootDServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[SiteRules], Catalogues]:
    """Make the catalogues; both sites are one XRootD server, by different names."""
    monkeypatch.setenv("RUCIO_HOME", str(rucio_home))
    (xrootd_server.store / "mc").mkdir(exist_ok=True)
    for name, events in EVENTS.items():
        with uproot.recreate(xrootd_server.store.parent / name.lstrip("/")) as file:
            file["Events"] = {"pt": np.arange(events, dtype=np.float32)}
    host = xrootd_server.url.removesuffix("/store").removeprefix("root://")
    port = host.strip("/").rpartition(":")[2]
    sites_map = {
        "T2_DE_DESY": f"root://127.0.0.1:{port}/",
        "T2_IT_PISA": {"(/store/.*)": f"root://localhost:{port}/$1"},
    }
    (tmp_path / "sites.json").write_text(json.dumps(sites_map))

    def catalogues(rules: SiteRules) -> Catalogues:
        settings = Settings(
            dbs_url=f"{dbs.url}/dbs", sites_map=str(tmp_path / "sites.json"), sites=rules, timeout=10, retries=1
        )
        return Catalogues(settings, tmp_path / "cache")

    return catalogues


def test_replicas_are_found_and_read(make: Callable[[SiteRules], Catalogues]) -> None:
    catalogues = make(SiteRules(priority=("T2_IT_PISA",)))
    first, second = catalogues.das(NAME)
    assert [url.partition("//store")[0][:16] for url in first.urls] == ["root://localhost", "root://127.0.0.1"]
    assert len(second.urls) == 1
    for listed in (first, second):
        assert listed.file.entries == EVENTS[listed.file.name]
        for url in listed.urls:
            with uproot.open(f"{url}:Events") as tree:
                assert tree.num_entries == listed.file.entries


def test_rules_of_sites(make: Callable[[SiteRules], Catalogues], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        first, second = make(SiteRules(allow=("T2_DE_DESY",))).das(NAME)
    assert len(first.urls) == 1
    assert first.urls[0].startswith("root://127.0.0.1")
    assert second.urls == ("root://xrootd-cms.infn.it//store/mc/b.root",)
    assert "1 of 2 files are at no allowed site, e.g. /store/mc/b.root" in caplog.text


def test_dataset_that_rucio_does_not_know(
    make: Callable[[SiteRules], Catalogues], dbs: CatalogueServer, caplog: pytest.LogCaptureFixture
) -> None:
    name = "/DYJetsToMuMu/other-v1/NANOAODSIM"
    dbs.add_file(name, "/store/mc/a.root", 100)
    (listed,) = make(SiteRules()).das(name)
    assert listed.urls == ("root://xrootd-cms.infn.it//store/mc/a.root",)
    assert f"Rucio knows no files of {name}; {name} is read through" in caplog.text


def test_rucio_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    url = f"http://127.0.0.1:{free_port()}"
    text = f"[client]\nrucio_host = {url}\nauth_host = {url}\naccount = root\nauth_type = userpass\n"
    (tmp_path / "etc" / "rucio.cfg").write_text(f"{text}username = a\npassword = b\n")
    monkeypatch.setenv("RUCIO_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match=f"Rucio on {NAME}: "):
        rucio_replicas(NAME, Settings(timeout=2, retries=1), tmp_path / "cache")


def test_datasets_are_built_and_checked(
    make: Callable[[SiteRules], Catalogues],
    rucio_home: Path,
    dbs: CatalogueServer,
    xrootd_server: XRootDServer,
    tmp_path: Path,
) -> None:
    """The whole way: DBS, Rucio and XRootD servers behind one task, which notices later what is wrong."""
    make(SiteRules())
    metadata = {"year": "2018", "isMC": True, "xsec": 6077.22}
    definition = tmp_path / "dy.json"
    definition.write_text(json.dumps({"DY": {"sample": "DY", "files": [{"das_names": [NAME], "metadata": metadata}]}}))
    extra = {
        "RUCIO_HOME": str(rucio_home),
        "LAW__catalogues__dbs_url": f"{dbs.url}/dbs",
        "LAW__catalogues__sites_map": str(tmp_path / "sites.json"),
        "LAW__catalogues__priority_sites": "T2_DE_DESY",
        "LAW__catalogues__timeout": "10",
    }
    law = Law(tmp_path, extra)

    def build(*options: str) -> Run:
        return law.run("BuildDatasets", "--version", "v1", "--definition", str(definition), *options)

    run = build()
    assert run.code == 0, run.text
    assert f"{NAME}: 1 of 3 files are invalid in DBS and left out" in run.text
    (folder,) = law.outputs("BuildDatasets")
    files = json.loads((folder / "fileset.json").read_text())["DY_2018"]["files"]
    (first, of_first), (second, of_second) = files.items()
    assert first.startswith("root://127.0.0.1")
    assert first.endswith("//store/mc/a.root")
    assert [url.rpartition(":")[0] for url in of_first["replicas"]] == ["root://localhost"]
    assert second.startswith("root://localhost")
    assert [of_first["num_entries"], of_second["num_entries"]] == [100, 200]

    assert build("--check", "True").code == 0
    # the event count of DBS is another, and a file has vanished from all sites
    dbs.datasets[NAME][0]["event_count"] = 101
    (xrootd_server.store / "mc" / "b.root").unlink()
    bad = build("--check", "True")
    assert bad.code != 0
    assert bad.errors[-1].endswith(": 1 unreadable, 1 vanished")
    assert "101" in bad.text
