"""No proxy and no token is where others, or those who get a log or an output, can read it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.grid import write_proxy
from tests.services.checkout import Analysis, own
from tests.services.xrootd_servers import ControlledServer

pytestmark = [pytest.mark.htcondor, pytest.mark.xrootd, pytest.mark.usefixtures("htcondor_pool")]

TOKEN = "SECRETtokenOfTheTests"
HTCONDOR = ("--workflow", "htcondor", "--poll-interval", "1s", "--retry-delay", "0.5", "--retries", "1")
DASK = ("--executor", "dask", "--max-workers", "1")


def files_below(folder: Path) -> Iterator[Path]:
    # files come and go meanwhile, and other users' folders stay closed
    for parent, _, names in os.walk(folder, onerror=lambda error: None):
        yield from (Path(parent, name) for name in names)


def readers_of(secrets: list[bytes], folders: list[Path], since: float) -> list[Path]:
    """Return the files below some folders, changed since a time, that hold one of the secrets."""
    found = []
    for path in (path for folder in folders for path in files_below(folder)):
        try:
            recent = path.is_file() and path.stat().st_mtime >= since and path.stat().st_size < 50e6
            if recent and any(secret in path.read_bytes() for secret in secrets):
                found.append(path)
        except OSError:
            continue
    return found


def on_server(analysis: Analysis, server: ControlledServer) -> None:
    """Let the datasets be files on a server, which are opened with a token."""
    urls = {}
    toys = analysis.checkout.store / "small" / "MakeToySamples"
    for name, toy in {"dy_0.root": "dy_000", "data.root": "data_000"}.items():
        (path,) = toys.rglob(f"{toy}/events.root")
        urls[name] = server.add(path, name) + "?authz=Bearer%20$BEARER_TOKEN"
    of_dy = {"paths": [urls["dy_0.root"]], "metadata": {"year": "toys", "isMC": True, "xsec": 2000.0}}
    of_data = {"paths": [urls["data.root"]], "metadata": {"year": "toys", "isMC": False}}
    content = {
        "DYJetsToMuMu": {"sample": "DYJetsToMuMu", "files": [of_dy]},
        "DATA_SingleMuon": {"sample": "DATA_SingleMuon", "files": [of_data]},
    }
    (analysis.folder / "datasets.json").write_text(json.dumps(content))


def test_nothing_secret_is_written(
    analysis: Analysis,
    make_xrootd_server: Callable[[], ControlledServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, since = analysis.checkout.user, time.time() - 1
    # beside what is searched
    safe = user.folder / "safe"
    safe.mkdir()
    proxy = write_proxy(safe / "proxy", 8 * 3600)
    (safe / "token").write_text(TOKEN)
    (safe / "token").chmod(0o600)
    own(safe, user)
    key = proxy.read_text().partition("PRIVATE KEY-----")[2].split()
    secrets = [TOKEN.encode(), key[3].encode()]
    monkeypatch.setenv("BEARER_TOKEN", TOKEN)
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(safe / "token"))
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    printed = ""

    # what fails leaves most behind: the files of submissions, and logs with tracebacks
    analysis.fault("raise ValueError(f'attempt {number}')")
    run = analysis.run("MergeOutputs", *HTCONDOR, "--proxy", "auto")
    assert run.code != 0
    assert "ValueError: attempt" in run.text
    assert any("x509userproxy" in path.read_text() for path in analysis.control("htcondor").rglob("*.jdl"))
    printed += run.text
    doctor = analysis.checkout.run("law run Doctor --workflow htcondor --proxy auto")
    assert doctor.code == 0, doctor.text
    printed += doctor.text

    # read from a server with the token, here and on workers that get the proxy
    server = make_xrootd_server()
    monkeypatch.setenv("XRD_REQUESTTIMEOUT", "3")
    on_server(analysis, server)
    cuts = analysis.folder / "cuts.py"
    cuts.write_text(cuts.read_text().replace("raise ValueError(f'attempt {number}')", "pass"))
    run = analysis.run("MergeOutputs", *DASK, "--executor-options", f"proxy={proxy}")
    assert run.code == 0, run.text
    printed += run.text
    # and a file that is gone
    (server.store / "dy_0.root").unlink()
    run = analysis.run("MergeOutputs", "--version", "v2")
    assert run.code != 0
    assert "dy_0.root?authz=Bearer%20$BEARER_TOKEN" in run.errors[0]
    printed += run.text

    assert not any(secret.decode() in printed for secret in secrets)
    logs = Path(subprocess.run(["condor_config_val", "LOG"], capture_output=True, text=True).stdout.strip())
    places = [analysis.checkout.store, analysis.checkout.folder, analysis.folder, logs, Path("/var/tmp")]
    assert readers_of(secrets, places, since) == []
    # files that are the user's alone may be temporary ones
    assert [path for path in readers_of(secrets, [Path("/tmp")], since) if path.stat().st_mode & 0o077] == []
    # the search finds what is there
    assert set(readers_of(secrets, [safe], since)) == {proxy, safe / "token"}
