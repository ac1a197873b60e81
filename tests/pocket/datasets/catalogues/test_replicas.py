from __future__ import annotations

import json
from pathlib import Path

import pytest

from pocket.datasets.catalogues import rucio_query
from pocket.datasets.catalogues.replicas import replicas_of, rucio_replicas, site_replicas
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError


def test_addresses_of_sites(tmp_path: Path) -> None:
    sites_map = tmp_path / "sites.json"
    sites_map.write_text(json.dumps({"T2_A": "root://a.example/", "T2_B": {"/other/(.*)": "root://b.example//$1"}}))
    settings = Settings(sites_map=str(sites_map))
    places = [("/store/a.root", "T2_A"), ("/store/b.root", "T2_B"), ("/store/c.root", "T2_C")]
    assert site_replicas(places, settings, tmp_path / "cache") == {
        "/store/a.root": [("T2_A", "root://a.example//store/a.root")],
        # no rule of the site fits, and a site that isn't known
        "/store/b.root": [],
        "/store/c.root": [],
    }
    # a cache of another user
    (tmp_path / "closed").write_text("")
    found = site_replicas(places[:1], settings, tmp_path / "closed")
    assert found == {"/store/a.root": [("T2_A", "root://a.example//store/a.root")]}


def test_no_map(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"the map of sites .*none\.json can't be read: No such file"):
        site_replicas([], Settings(sites_map=str(tmp_path / "none.json")), tmp_path)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DatasetError, match="the sites' addresses: JSONDecodeError: "):
        site_replicas([], Settings(sites_map=str(tmp_path / "broken.json")), tmp_path)


def test_rucio_is_not_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCIO_HOME", str(tmp_path / "none"))
    with pytest.raises(DatasetError, match=r"Rucio on /a/b/c: \w+: "):
        rucio_replicas("/a/b/c", Settings(), tmp_path)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import time; time.sleep(3000)", "Rucio on /a/b/c: no answer within 1 s"),
        ("import sys; sys.exit('killed')", "Rucio on /a/b/c: killed"),
    ],
)
def test_program_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str) -> None:
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(rucio_query, "__file__", str(tmp_path / "program.py"))
    monkeypatch.setattr("pocket.datasets.catalogues.replicas.MARGIN", 0.5)
    with pytest.raises(DatasetError, match=message):
        rucio_replicas("/a/b/c", Settings(timeout=0.1, retries=4), tmp_path)


def test_replicas_of_json() -> None:
    assert replicas_of({"a": [["T2_A", "root://a"]], "b": []}) == {"a": [("T2_A", "root://a")], "b": []}
