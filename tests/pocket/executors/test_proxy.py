from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.executors.proxy import default_proxy, read_proxy

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
    assert default_proxy() == Path(f"/tmp/x509up_u{os.getuid()}")


def test_refused(proxy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"X509 proxy .*/none: No such file .*; make one with voms-proxy-init"):
        read_proxy(str(tmp_path / "none"))
    for mode in (0o440, 0o604, 0o420):
        proxy.chmod(mode)
        with pytest.raises(ConfigError, match=r"can be used by others than its owner: chmod 400 /.*/proxy$"):
            read_proxy(str(proxy))
    proxy.chmod(0o600)
    for content in ("", PROXY.replace("PRIVATE KEY", "x"), PROXY.replace("CERTIFICATE", "x")):
        proxy.write_text(content)
        with pytest.raises(ConfigError, match="is no X509 proxy: it holds no certificate with its key"):
            read_proxy(str(proxy))
