"""Jobs on a real HTCondor pool that get the X.509 proxy of their user."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.batch.htcondor import CONTROL
from tests.grid import write_proxy
from tests.law_runner import Run
from tests.services.checkout import Analysis, own, submitted
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool")]

QUICK = ("--workflow", "htcondor", "--poll-interval", "0.2s", "--retry-delay", "0.5")


@pytest.fixture(autouse=True)
def _nothing_left(analysis: Analysis) -> Iterator[None]:
    yield
    remove = ("condor_rm", "-constraint", f"{CONTROL} =!= undefined")
    subprocess.run(analysis.checkout.user.command(*remove), capture_output=True)


def proxy_of(analysis: Analysis, seconds: float) -> Path:
    """Write a proxy for the user who submits."""
    path = write_proxy(analysis.checkout.user.folder / "proxy", seconds)
    own(path, analysis.checkout.user)
    return path


def test_proxy_expires_while_jobs_run(analysis: Analysis) -> None:
    # Like a job that reads from a server which doesn't let it in any more.
    analysis.fault("hold(); raise OSError('[FATAL] Auth failed')")
    proxy = proxy_of(analysis, 4 * 3600)
    process = analysis.checkout.start(analysis.law("MergeOutputs", *QUICK, "--proxy", str(proxy)))
    wait_for(lambda: list(analysis.attempts.iterdir()) or process.poll() is not None)
    proxy_of(analysis, -1)
    analysis.go_on()
    text, _ = process.communicate(timeout=PATIENCE)
    run = Run(process.returncode, text)
    assert run.code != 0
    (sentence,) = run.errors
    assert f"its X.509 proxy expired: X509 proxy {proxy} expired at " in sentence
    assert ": voms-proxy-init -voms cms" in sentence
    assert sentence.endswith(".txt)")
    # tried again only when there is a new one
    assert submitted(run.text) == [2]
