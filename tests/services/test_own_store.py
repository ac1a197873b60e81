"""Jobs that see neither the checkout nor the store nor the home of who submits them, on a real HTCondor pool."""

from __future__ import annotations

import pwd
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pocket.histograms.files import list_variables, read_templates
from tasks.batch.control import BUNDLES
from tests.law_runner import Run, job_logs
from tests.services.checkout import Analysis, Checkout, make_folder, site_settings, submitted
from tests.services.conftest import HIDDEN
from tests.services.xrootd_servers import ControlledServer

pytestmark = [pytest.mark.htcondor, pytest.mark.xrootd, pytest.mark.usefixtures("htcondor_pool"), pytest.mark.slow]

# a job takes long to unpack its bundle, so it has two branches
QUICK = "--workflow htcondor --poll-interval 0.2s --retry-delay 0.5 --tasks-per-job 2"


@pytest.fixture
def server(make_xrootd_server: Callable[..., ControlledServer]) -> ControlledServer:
    return make_xrootd_server(access="r/w", checksums=True)


@pytest.fixture
def settings(checkout: Checkout, server: ControlledServer) -> str:
    """Settings of a site whose jobs see nothing of the user's home, where checkout, store and environment are."""
    home = pwd.getpwuid(checkout.user.uid).pw_dir
    section = {
        "store": "remote",
        "environment": "bundle",
        "submit": f'+{HIDDEN} = "{home}"',
        "setup": f"[ -z \"$(ls {home})\" ] && echo 'nothing of home here'",
    }
    return f"POCKET_REMOTE_STORE={server.url}/results {site_settings(section)}"


@pytest.fixture
def stores(checkout: Checkout) -> Iterator[tuple[Path, Path]]:
    """A store for what is made here, and one for what jobs make."""
    folders = [make_folder(checkout.user, checkout.user.folder / name) for name in ("made-here", "made-by-jobs")]
    # the bundle of the packages, which takes long to make, is that of other tests
    (folders[1] / BUNDLES).symlink_to(make_folder(checkout.user, checkout.store / BUNDLES))
    yield folders[0], folders[1]
    for folder in folders:
        shutil.rmtree(folder)


def templates(store: Path, config: str) -> dict[str, bytes]:
    """Return the merged templates of a configuration."""
    (folder,) = store.glob(f"*/MergeOutputs/{config}/v1/*")
    return {
        f"{variable}/{sample}": histogram.view(flow=True).tobytes()
        for variable in list_variables(folder)
        for sample, histogram in read_templates(folder, variable).items()
    }


def run_both(checkout: Checkout, stores: tuple[Path, Path], settings: str, command: str) -> Run:
    """Run a task here and by jobs; return what the latter gave."""
    here, by_jobs = stores
    first = checkout.run(f"POCKET_STORE={here} {command} --cores 1", timeout=900)
    assert first.code == 0, first.text
    return checkout.run(f"POCKET_STORE={by_jobs} {settings} {command} --cores 1 {QUICK}", timeout=1800)


def logs(store: Path) -> list[str]:
    """Return the logs of all jobs."""
    controls = store.glob("*/RunProcessor/*/v1/*/.htcondor")
    return [log for control in controls for log in job_logs(control).values()]


def test_jobs_apply_what_was_measured_here(
    analysis: Analysis, stores: tuple[Path, Path], settings: str, server: ControlledServer
) -> None:
    command = analysis.law("MergeOutputs", "--config", "corrected", "--chunk-size", "500")
    run = run_both(analysis.checkout, stores, settings, command)
    assert run.code == 0, run.text
    assert templates(stores[1], "corrected") == templates(stores[0], "corrected")
    # for the configuration that it is measured in, and for the one that it is applied in
    assert submitted(run.text) == [1, 1]
    # the folder of the jobs had nothing of the home, and is gone
    assert len(logs(stores[1])) == 2
    assert all("nothing of home here" in log for log in logs(stores[1]))
    # each job has two branches
    assert len(list(server.store.glob("results/*/RunProcessor/*/v1/*/*/*.zip"))) == 4
    # nothing is kept on the server that a second run would not find
    again = analysis.checkout.run(f"POCKET_STORE={stores[1]} {settings} {command} {QUICK}")
    assert again.executed == []


def test_doctor_gets_the_report_of_its_job(checkout: Checkout, settings: str) -> None:
    run = checkout.run(f"{settings} law run Doctor --workflow htcondor --wait 20m", timeout=1500)
    (line,) = [line for line in run.text.splitlines() if " test job " in line]
    assert line.startswith("ok"), run.text
    assert "/bundle/checkout, the analysis zmumu and the store " in line
    assert f"the store {checkout.store}" not in line
