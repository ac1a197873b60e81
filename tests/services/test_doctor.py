"""Doctor with a test job on a real HTCondor pool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.batch.htcondor import CONTROL
from tests.grid import write_proxy
from tests.law_runner import Run
from tests.services.checkout import Checkout, copy_analysis, own

pytestmark = [pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool"), pytest.mark.slow]


def doctor(checkout: Checkout, *options: str) -> Run:
    return checkout.run(" ".join(["law", "run", "Doctor", "--workflow", "htcondor", *options]))


def row(run: Run, name: str) -> tuple[str, str]:
    """Return the status of a check and what was found."""
    (found,) = re.findall(rf"^(ok|warning|problem) +{name} +(.*)$", run.text, re.MULTILINE)
    return found


def in_queue(checkout: Checkout) -> str:
    """Return the test jobs in the queue that aren't being removed."""
    ours = f'regexp("/[.]doctor/", {CONTROL}) && JobStatus != 3'
    return checkout.user.run("condor_q", "-constraint", ours, "-af", "ClusterId")


def test_job_says_what_it_sees(checkout: Checkout) -> None:
    proxy = write_proxy(checkout.user.folder / "doctor-proxy", 8 * 3600)
    own(proxy, checkout.user)
    run = doctor(checkout, "--proxy", str(proxy))
    assert run.code == 0, run.text
    status, found = row(run, "test job")
    assert status == "ok"
    host = subprocess.run(["hostname"], capture_output=True, text=True).stdout.strip()
    assert re.fullmatch(
        rf"done in \d+ s on {host}, with Python 3\.\d+\.\d+, the checkout {checkout.folder}, the "
        rf"analysis zmumu and the store {checkout.store}, and a proxy for 7 h 5\d min",
        found,
    )
    assert row(run, "HTCondor") == ("ok", "the queue answers, and there are machines")
    status, found = row(run, "proxy")
    assert (status, found[: len(str(proxy))]) == ("warning", str(proxy))
    assert "without attributes of VOMS → voms-proxy-init -voms cms" in found
    # nothing is left of it
    assert list(Path(checkout.store, ".doctor").iterdir()) == []
    assert in_queue(checkout) == ""


@pytest.mark.slow
def test_job_that_never_starts_is_removed(checkout: Checkout) -> None:
    run = doctor(checkout, "--memory", "100000GB", "--wait", "3s")
    assert run.code != 0
    status, found = row(run, "test job")
    assert status == "problem"
    assert (
        found == "not done within 3 s, and removed → wait longer (--wait 1h), or ask why with condor_q -better-analyze"
    )
    assert run.errors == ["jobs at site 'local' would fail because of test job: see above"]
    assert in_queue(checkout) == ""
    assert list(Path(checkout.store, ".doctor").iterdir()) == []


@pytest.mark.slow
def test_job_that_fails_keeps_its_log(checkout: Checkout) -> None:
    analysis = copy_analysis(checkout).folder
    with (analysis / "__init__.py").open("a") as module:
        module.write("import os\nassert '_CONDOR_SCRATCH_DIR' not in os.environ, 'only where it was written'\n")
    run = checkout.run(f"law run Doctor --workflow htcondor --analysis {analysis}")
    assert run.code != 0
    status, found = row(run, "test job")
    assert status == "problem"
    log = Path(found.rpartition("(log: ")[2].partition(")")[0])
    assert "only where it was written" in log.read_text()
    shutil.rmtree(log.parents[1])


def test_nothing_is_submitted_while_there_are_problems(checkout: Checkout) -> None:
    proxy = write_proxy(checkout.user.folder / "doctor-proxy", 60)
    own(proxy, checkout.user)
    run = doctor(checkout, "--proxy", str(proxy))
    assert run.code != 0
    status, found = row(run, "proxy")
    assert status == "problem"
    assert re.search(r"expires in \d+ s, but jobs may run for 3 h 0 min → voms-proxy-init", found)
    assert row(run, "test job")[1] == "not submitted because of the problems above → solve them first"
    assert run.errors == ["jobs at site 'local' would fail because of proxy: see above"]
