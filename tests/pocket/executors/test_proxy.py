from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.executors.proxy import check_proxy, in_words, proxy_ends, proxy_path, read_proxy
from tests.grid import write_proxy

PROXY = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\ny\n"


@pytest.fixture
def proxy(tmp_path: Path) -> Path:
    path = tmp_path / "proxy"
    path.write_text(PROXY)
    path.chmod(0o400)
    return path


def test_read(proxy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_proxy(str(proxy)) == PROXY.encode()
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    assert read_proxy("auto") == PROXY.encode()


def test_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X509_USER_PROXY", raising=False)
    assert proxy_path("auto") == Path(f"/tmp/x509up_u{os.getuid()}")


def test_refused(proxy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"X509 proxy .*/none: No such file .*; make one with voms-proxy-init"):
        read_proxy(str(tmp_path / "none"))
    for mode in (0o440, 0o604, 0o420):
        proxy.chmod(mode)
        with pytest.raises(ConfigError, match=r"can be used by others than its owner: chmod 400 /.*/proxy$"):
            read_proxy(str(proxy))
    proxy.chmod(0o700)
    with pytest.raises(ConfigError, match="has the mode 0700, expected 0600 or 0400"):
        read_proxy(str(proxy))
    proxy.chmod(0o600)
    for content in ("", PROXY.replace("PRIVATE KEY", "x"), PROXY.replace("CERTIFICATE", "x")):
        proxy.write_text(content)
        with pytest.raises(ConfigError, match="is no X509 proxy: it holds no certificate with its key"):
            read_proxy(str(proxy))


def test_that_of_somebody_else_is_refused(proxy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: proxy.stat().st_uid + 1)
    with pytest.raises(ConfigError, match=r"X509 proxy .* belongs to somebody else: make your own one with voms-proxy"):
        read_proxy(str(proxy))


def test_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert proxy_path("~/proxy") == Path("/home/me/proxy")
    assert proxy_path("proxy") == Path.cwd() / "proxy"
    monkeypatch.setenv("X509_USER_PROXY", "/a/b")
    assert proxy_path("auto") == Path("/a/b")


def test_end_is_that_of_the_first_certificate_to_expire(tmp_path: Path) -> None:
    path = write_proxy(tmp_path / "proxy", 3600)
    ends, attributes = proxy_ends(str(path))
    assert abs((ends - datetime.now(UTC)).total_seconds() - 3600) < 60
    assert attributes is None
    # that of the user ends first
    ends, _ = proxy_ends(str(write_proxy(tmp_path / "proxy", 3600, user=600)))
    assert abs((ends - datetime.now(UTC)).total_seconds() - 600) < 60


def test_lifetime(tmp_path: Path, proxy: Path) -> None:
    path = write_proxy(tmp_path / "good", 3600)
    assert check_proxy(str(path), 0.9) == path
    with pytest.raises(ConfigError, match=r"/good expires in 59 min, but jobs may run for 3 h 0 min: voms-proxy-init"):
        check_proxy(str(path), 3)
    expired = write_proxy(tmp_path / "expired", -60)
    with pytest.raises(ConfigError, match=r"^X509 proxy /.*/expired expired at 20.* UTC: voms-proxy-init -voms cms"):
        check_proxy(str(expired), 0)
    with pytest.raises(ConfigError, match=r"^the certificates in X509 proxy /.*/proxy can't be read"):
        check_proxy(str(proxy), 0)


def test_package_that_reads_certificates_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_proxy(tmp_path / "proxy", 3600)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigError, match="is read with the package cryptography: pip install cryptography"):
        proxy_ends(str(path))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (61.0, "1 min"), (3599.0, "59 min"), (7300.0, "2 h 1 min")]
)
def testin_wordss(seconds: float, text: str) -> None:
    assert in_words(seconds) == text
