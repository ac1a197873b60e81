from __future__ import annotations

import base64
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.doctor import checks
from tasks.doctor.checks import Status, authorities, grid_proxy, token
from tasks.doctor.doctor import Doctor
from tests.grid import write_proxy


@pytest.fixture(autouse=True)
def nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("X509_USER_PROXY", str(tmp_path / "proxy"))


def jwt(seconds: float) -> str:
    """Return a token that ends so many seconds from now."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"exp": time.time() + seconds})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".secret"


def test_no_proxy(tmp_path: Path) -> None:
    result = grid_proxy(Doctor())
    assert (result.status, result.found[:4]) == (Status.OK, "none")
    result = grid_proxy(Doctor(proxy="auto"))
    assert result.status is Status.PROBLEM
    assert result.found == f"X509 proxy {tmp_path / 'proxy'}: No such file or directory"
    assert result.advice == "make one with voms-proxy-init"


def test_proxy_that_others_can_use(tmp_path: Path) -> None:
    path = write_proxy(tmp_path / "proxy", 3600)
    path.chmod(0o644)
    for proxy, status in (("", Status.WARNING), ("auto", Status.PROBLEM)):
        result = grid_proxy(Doctor(proxy=proxy) if proxy else Doctor())
        assert result.status is status
        assert result.advice == f"chmod 400 {path}"


def test_lifetime_of_a_proxy(tmp_path: Path) -> None:
    path = write_proxy(tmp_path / "proxy", 3600)
    result = grid_proxy(Doctor())
    assert (result.status, result.found) == (Status.WARNING, f"{path} lives for 59 min, without attributes of VOMS")
    # jobs may run for three hours
    result = grid_proxy(Doctor(proxy="auto"))
    assert result.status is Status.PROBLEM
    assert result.found.endswith("expires in 59 min, but jobs may run for 3 h 0 min")
    assert result.advice == "voms-proxy-init -voms cms -rfc -valid 192:00"
    write_proxy(path, -60)
    assert grid_proxy(Doctor()).status is Status.WARNING


def test_a_proxy_lives_as_long_as_its_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_proxy(tmp_path / "proxy", 8 * 3600)
    now = datetime.now(UTC)
    for attributes, words in ((1, "59 min"), (24, "7 h 59 min")):
        ends = now + timedelta(hours=8), now + timedelta(hours=attributes)
        monkeypatch.setattr(checks, "proxy_ends", lambda _, ends=ends: ends)
        assert grid_proxy(Doctor()).found == f"{path} lives for {words}"


def test_proxy_where_a_site_takes_none(tmp_path: Path) -> None:
    write_proxy(tmp_path / "proxy", 8 * 3600)
    result = grid_proxy(Doctor(site="lxplus-eos", proxy="auto"))
    assert result.status is Status.PROBLEM
    assert result.advice == "make it elsewhere with voms-proxy-init -out, and set X509_USER_PROXY"


def test_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X509_CERT_DIR", str(tmp_path))
    assert authorities().status is Status.WARNING
    (tmp_path / "0a1b2c3d.0").touch()
    assert (authorities().status, authorities().found) == (Status.OK, f"1 in {tmp_path}")
    (tmp_path / "0a1b2c3d.r0").touch()
    assert authorities().status is Status.OK
    old = time.time() - 20 * 86400
    os.utime(tmp_path / "0a1b2c3d.r0", (old, old))
    assert authorities().status is Status.WARNING
    assert authorities().found.endswith("with revocation lists 20 days old")
    assert authorities().advice == "fetch-crl"


def test_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARER_TOKEN_FILE", "/none")
    assert token() is None


@pytest.mark.parametrize(
    ("seconds", "status", "words"), [(7300, Status.OK, "lives for 2 h 1 min"), (-120, Status.WARNING, "expired 2 min")]
)
def test_lifetime_of_a_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float, status: Status, words: str
) -> None:
    text = jwt(seconds)
    file = tmp_path / f"bt_u{os.getuid()}"
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    found = token()
    monkeypatch.setenv("BEARER_TOKEN", text)
    for result, where in ((found, f"in {file}"), (token(), "in BEARER_TOKEN")):
        assert result is not None
        assert result.status is status
        assert f"the one {where} {words}" in result.found
        assert "secret" not in result.line


def test_token_that_others_can_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("opaque")
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(file))
    file.chmod(0o640)
    result = token()
    assert result is not None
    assert (result.status, result.advice) == (Status.PROBLEM, f"chmod 600 {file}")
    file.chmod(0o600)
    result = token()
    assert result is not None
    assert (result.status, result.found) == (Status.OK, f"one is in {file}; it doesn't say how long it lives")
