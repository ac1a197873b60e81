"""Proxies with attributes of VOMS, made by its own command."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.executors.proxy import check_proxy, proxy_ends
from tasks.doctor.checks import Status, grid_proxy
from tasks.doctor.doctor import Doctor

pytestmark = pytest.mark.openssl


def run(folder: Path, command: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def proxy(tmp_path: Path) -> Path:
    """A proxy for five hours, with attributes for two."""
    for name in ("user", "host"):
        files = f"-keyout {name}.key -out {name}.pem"
        run(tmp_path, f"openssl req -x509 -days 1 -nodes -newkey rsa:2048 {files} -subj /O=tests/CN={name}")
        (tmp_path / f"{name}.key").chmod(0o600)
    identity = "-cert user.pem -key user.key -certdir . -hostcert host.pem -hostkey host.key -rfc -out proxy"
    run(tmp_path, f"voms-proxy-fake {identity} -hours 5 -vomslife 2 -voms cms -uri voms:15000 -fqan /cms/Role=NULL")
    return tmp_path / "proxy"


def test_attributes_end_before_the_proxy(proxy: Path) -> None:
    now = datetime.now(UTC)
    ends, attributes = proxy_ends(str(proxy))
    assert attributes is not None
    assert (ends - now).total_seconds() / 3600 == pytest.approx(5, abs=0.1)
    assert (attributes - now).total_seconds() / 3600 == pytest.approx(2, abs=0.1)
    assert check_proxy(str(proxy), 1.5) == proxy
    with pytest.raises(
        ConfigError, match=r"^the membership \(VOMS\) in X509 proxy /.*/proxy expires in 1 h 59 min, but"
    ):
        check_proxy(str(proxy), 3)


def test_doctor_looks_at_the_attributes(proxy: Path) -> None:
    result = grid_proxy(Doctor(proxy=str(proxy), runtime=1.5))
    assert (result.status, result.found) == (Status.OK, f"{proxy} lives for 1 h 59 min")
    assert grid_proxy(Doctor(proxy=str(proxy), runtime=3.0)).status is Status.PROBLEM
