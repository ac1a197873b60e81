"""No proxy and no token is where others, or those who get a log or an output, can read it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.grid import write_proxy
from tests.services.checkout import Analysis, own, submitted
from tests.services.xrootd_servers import ControlledServer

pytestmark = pytest.mark.slow

TOKEN = "SECRETtokenOfTheTests"
QUICK = ("--poll-interval", "0.2s", "--retry-delay", "0.5", "--retries", "1")
HTCONDOR = ("--workflow", "htcondor", *QUICK)
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
    toys = analysis.checkout.store / "shared" / "MakeToySamples"
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


@dataclass(frozen=True)
class Secrets:
    """What nobody else may see, and the programs that ran meanwhile.

    Args:
        folder: where the files are.
        proxy: an X.509 proxy.
        token: a file with a token.
        values: what is in them.
        since: when they were made.
        commands: command lines of all processes of this machine.
    """

    folder: Path
    proxy: Path
    token: Path
    values: list[bytes]
    since: float
    commands: set[bytes]

    def check(self, analysis: Analysis, printed: str, *more: Path) -> None:
        """Check that they are nowhere else: below some folders, in what was printed, or in a list of processes."""
        places = [analysis.checkout.store, analysis.checkout.folder, analysis.folder, Path("/var/tmp"), *more]
        assert not any(value.decode() in printed for value in self.values)
        assert not any(value in command for value in self.values for command in self.commands)
        assert readers_of(self.values, places, self.since) == []
        # files that are the user's alone may be temporary ones
        temporary = readers_of(self.values, [Path("/tmp")], self.since)
        assert [path for path in temporary if path.stat().st_mode & 0o077] == []
        # the searches find what is there
        assert set(readers_of(self.values, [self.folder], self.since)) == {self.proxy, self.token}
        assert any(b"RunProcessor" in command or b"MergeOutputs" in command for command in self.commands)


@contextlib.contextmanager
def watched_processes() -> Iterator[set[bytes]]:
    """Note the command lines of all processes that there are while the block runs, as anybody sees them."""
    seen: set[bytes] = set()
    ends = threading.Event()

    def watch() -> None:
        while not ends.wait(0.2):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    command = process.read_bytes()
                    # the tests hand their own variables to the user's shell by env
                    if b"POCKET_PYTHON=" not in command:
                        seen.add(command)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        ends.set()
        watching.join()


@pytest.fixture
def secrets(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secrets]:
    """A proxy and tokens that the user's commands have, beside what is searched."""
    user, since = analysis.checkout.user, time.time() - 1
    safe = user.folder / "safe"
    safe.mkdir(exist_ok=True)
    proxy, token = write_proxy(safe / "proxy", 8 * 3600), safe / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    own(safe, user)
    key = proxy.read_text().partition("PRIVATE KEY-----")[2].split()
    monkeypatch.setenv("BEARER_TOKEN", TOKEN)
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(token))
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    with watched_processes() as commands:
        yield Secrets(safe, proxy, token, [TOKEN.encode(), key[3].encode()], since, commands)


@pytest.mark.htcondor
@pytest.mark.xrootd
def test_nothing_secret_is_written(
    analysis: Analysis,
    secrets: Secrets,
    htcondor_pool: list[str],
    make_xrootd_server: Callable[[], ControlledServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    run = analysis.run("MergeOutputs", *DASK, "--executor-options", f"proxy={secrets.proxy}")
    assert run.code == 0, run.text
    printed += run.text
    # and a file that is gone
    (server.store / "dy_0.root").unlink()
    run = analysis.run("MergeOutputs", "--version", "v2")
    assert run.code != 0
    assert "dy_0.root?authz=Bearer%20$BEARER_TOKEN" in run.errors[0]
    printed += run.text

    logs, spool = (
        Path(subprocess.run(["condor_config_val", name], capture_output=True, text=True).stdout.strip())
        for name in ("LOG", "SPOOL")
    )
    secrets.check(analysis, printed, logs, spool)


@pytest.mark.slurm
def test_nothing_secret_is_written_with_slurm(analysis: Analysis, secrets: Secrets, slurm_cluster: None) -> None:
    # jobs are told where it is
    analysis.fault("raise ValueError(f'attempt {number}, {os.environ[\"X509_USER_PROXY\"]}')")
    run = analysis.run("MergeOutputs", "--workflow", "slurm", *QUICK, "--proxy", "auto")
    assert run.code != 0
    assert "ValueError: attempt" in run.text
    assert str(secrets.proxy) in run.text
    (sentence,) = run.errors
    assert sentence.startswith("RunProcessor main: 2 of 2 jobs failed for good; the first is of branch ")
    assert "cut 'leading_muon' failed in " in sentence
    log = Path(sentence.rpartition("(log: ")[2].rstrip(")"))
    assert log in {analysis.control("slurm") / f"stdall_{n}To{n + 1}.txt" for n in range(2)}
    assert "ValueError: attempt" in log.read_text()
    # The same error a second time is enough.
    assert sum(submitted(run.text)) == 4
    asked = ["squeue", "--noheader", "--states=pending,running"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == ""
    doctor = analysis.checkout.run("law run Doctor --workflow slurm --proxy auto")
    assert doctor.code == 0, doctor.text
    secrets.check(analysis, run.text + doctor.text, Path(os.environ["SLURM_CONF"]).parent)


@pytest.mark.htcondor
def test_nothing_secret_is_written_with_dask_on_htcondor(
    analysis: Analysis, secrets: Secrets, htcondor_pool: list[str]
) -> None:
    analysis.fault("raise ValueError(f'attempt {number}, {os.environ[\"X509_USER_PROXY\"]}')")
    options = (*DASK, "--cluster", "htcondor", "--executor-options", f"proxy={secrets.proxy}")
    run = analysis.run("MergeOutputs", *options)
    assert run.code != 0
    assert "ValueError: attempt" in run.text
    assert "pocketlaw-x509-proxy" in run.text
    secrets.check(analysis, run.text)
