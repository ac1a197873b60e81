from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocket.datasets.catalogues import web
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.catalogues.web import authorities, get_json, user_certificate
from pocket.errors import DatasetError
from tests.catalogue_server import CatalogueServer


@pytest.mark.parametrize("faults", [[503], ["hangup", 502], [429, 500], ["hang"]])
def test_request_is_repeated(server: CatalogueServer, settings: Settings, faults: list[int | str]) -> None:
    server.records[7] = {"title": "seven"}
    server.faults[:] = faults
    # The answer that hangs is waited for as long as this.
    found = get_json(f"{server.url}/api/records/7", {}, replace(settings, timeout=5.0))
    assert found["metadata"] == {"title": "seven"}
    assert len(server.requests) == len(faults) + 1


@pytest.mark.parametrize(
    ("faults", "requests", "message"),
    [
        ([503] * 5, 3, "answers 503: try later"),
        (["hangup"] * 5, 3, "doesn't answer after 3 tries: .*closed connection"),
        (["garbage"], 1, "answers something else than JSON: '<html>maintenance</html>'"),
        ([403], 1, r"refuses access \(403\)$"),
    ],
)
def test_server_fails(
    server: CatalogueServer, settings: Settings, faults: list[int | str], requests: int, message: str
) -> None:
    server.faults[:] = faults
    server.records[7] = {}
    with pytest.raises(DatasetError, match=message):
        get_json(f"{server.url}/api/records/7", {}, settings)
    assert len(server.requests) == requests


def test_server_hangs(server: CatalogueServer, settings: Settings) -> None:
    server.faults[:] = ["hang"] * 3
    with pytest.raises(DatasetError, match=r"doesn't answer after 3 tries: .*[Rr]ead timed out"):
        get_json(f"{server.url}/api/records/7", {}, replace(settings, timeout=0.5))
    assert len(server.requests) == 3


def test_no_server(settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"http://127.0.0.1:1/x doesn't answer: .*refused"):
        get_json("http://127.0.0.1:1/x", {}, replace(settings, retries=0))


def test_refused_access_to_the_grid(server: CatalogueServer, settings: Settings) -> None:
    server.faults[:] = [401]
    with pytest.raises(DatasetError, match=r"refuses access \(401\); is your grid proxy there and valid"):
        get_json(f"{server.url}/dbs/x", {}, settings, grid=True)


def test_no_proxy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "user_certificate", lambda: None)
    message = r"https://127\.0\.0\.1:1/x doesn't answer: .*refused.*; you have no grid proxy"
    with pytest.raises(DatasetError, match=message):
        get_json("https://127.0.0.1:1/x", {}, replace(settings, retries=0), grid=True)


def test_reason_of_dbs(server: CatalogueServer, settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"/dbs/x answers 400: no such API"):
        get_json(f"{server.url}/dbs/x", {}, settings)


def test_user_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY"):
        monkeypatch.delenv(name, raising=False)
    cert, key, proxy = (tmp_path / name for name in ("cert.pem", "key.pem", "proxy"))
    cert.touch()
    key.touch()
    monkeypatch.setenv("X509_USER_CERT", str(cert))
    monkeypatch.setenv("X509_USER_KEY", str(key))
    assert user_certificate() == (str(cert), str(key))
    # the proxy counts first
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    with pytest.raises(DatasetError, match=rf"\$X509_USER_PROXY is {proxy}, where there is no file"):
        user_certificate()
    proxy.touch()
    assert user_certificate() == str(proxy)


def test_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X509_CERT_DIR", str(tmp_path))
    assert authorities() == str(tmp_path)
    monkeypatch.delenv("X509_CERT_DIR")
    # whichever it is, it's never "don't verify"
    assert authorities() is True or Path(str(authorities())).is_dir()
