from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from pocket.datasets.catalogues.dbs import dbs_files
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError
from tests.catalogue_server import catalogue_server

pytestmark = pytest.mark.openssl

NAME = "/DY/x-v1/NANOAODSIM"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is trusted only if an authority vouches for it; it sees the certificate of the user."""
    options = ["-x509", "-days", "1", "-nodes", "-newkey", "rsa:2048", "-addext", "subjectAltName=IP:127.0.0.1"]
    for name in ("server", "user"):
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.pem")]
        openssl("req", *options, *files, "-subj", f"/CN={name}")
    proxy = tmp_path / "proxy"
    proxy.write_text((tmp_path / "user.pem").read_text() + (tmp_path / "user.key").read_text())
    proxy.chmod(0o400)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "user.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    nobody, authorities = tmp_path / "nobody", tmp_path / "authorities"
    nobody.mkdir()
    authorities.mkdir()
    shutil.copy(tmp_path / "server.pem", authorities)
    openssl("rehash", str(authorities))
    with catalogue_server(context) as server:
        server.add_file(NAME, "/store/mc/a.root", 100)
        settings = Settings(dbs_url=f"{server.url}/dbs", timeout=5, retries=0)
        monkeypatch.setenv("X509_CERT_DIR", str(nobody))
        with pytest.raises(DatasetError, match=r"doesn't answer: .*certificate verify failed"):
            dbs_files(NAME, "prod/global", settings)
        assert server.requests == []
        monkeypatch.setenv("X509_CERT_DIR", str(authorities))
        assert [file.name for file in dbs_files(NAME, "prod/global", settings)] == ["/store/mc/a.root"]
        # a certificate that the server doesn't know
        stranger = tmp_path / "stranger"
        stranger.write_text((tmp_path / "server.pem").read_text() + (tmp_path / "server.key").read_text())
        monkeypatch.setenv("X509_USER_PROXY", str(stranger))
        with pytest.raises(DatasetError, match="DBSReader/files doesn't answer: "):
            dbs_files(NAME, "prod/global", settings)
        assert len(server.requests) == 1
