"""A part of the default analysis by jobs of HTCondor and of Slurm, with options that are given to a task after them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.checkout import Checkout, make_folder, submitted

TOYS = "--version v1 --params toys.scale=0.004 --cores 1"
PART = f"{TOYS} --config nominal --chunk-size 500"
#: workflow → the fixture with what it needs
SERVICES = {"htcondor": "htcondor_pool", "slurm": "slurm_cluster"}


@pytest.fixture(scope="module")
def stores(checkout: Checkout) -> Iterator[Path]:
    """A folder for stores."""
    folder = make_folder(checkout.user, checkout.user.folder / "default-analysis")
    yield folder
    shutil.rmtree(folder)


def templates(store: Path) -> bytes:
    """Return the merged templates as they are on disk."""
    (folder,) = (store / "zmumu" / "MergeOutputs" / "nominal" / "v1").iterdir()
    return (folder / "histograms.h5").read_bytes()


@pytest.fixture(scope="module")
def expected(checkout: Checkout, stores: Path) -> bytes:
    """The templates that a local workflow makes."""
    run = checkout.run(f"POCKET_STORE={stores}/local law run MergeOutputs {PART}")
    assert run.code == 0, run.text
    return templates(stores / "local")


@pytest.mark.slow
@pytest.mark.parametrize("workflow", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in SERVICES])
def test_jobs_give_the_same_templates(
    checkout: Checkout, stores: Path, expected: bytes, workflow: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(SERVICES[workflow])
    store = f"POCKET_STORE={stores}/{workflow}"
    batch = f"{PART} --workflow {workflow} --poll-interval 0.2s --retry-delay 0.5"
    made = checkout.run(f"{store} law run BuildDatasets {TOYS} --definition datasets/toys.json")
    assert made.code == 0, made.text

    shown = checkout.run(f"{store} law run PlotTemplates {batch} --dry-run")
    assert shown.code == 0, shown.text
    assert "RunProcessor nominal: 4 jobs (4 branches, 3,084 events), each with 2000 MB of memory" in shown.text
    assert submitted(shown.text) == []

    run = checkout.run(f"{store} law run MergeOutputs {batch}")
    assert run.code == 0, run.text
    assert submitted(run.text) == [4], run.text
    assert templates(stores / workflow) == expected

    # nothing is in the queue any more
    none = checkout.run(f"{store} law run PlotTemplates {batch} --cancel-jobs")
    assert none.code == 0, none.text


@pytest.mark.slow
@pytest.mark.htcondor
@pytest.mark.usefixtures("htcondor_pool")
def test_independent_configurations_are_in_the_queue_together(checkout: Checkout, stores: Path) -> None:
    batch = f"{TOYS} --workflow htcondor --poll-interval 0.2s --retry-delay 0.5"
    run = checkout.run(f"POCKET_STORE={stores}/together law run MergeOutputs {batch} --config nominal,tnp")
    assert run.code == 0, run.text
    lines = [line for line in run.text.splitlines() if "RunProcessor" in line]
    began = {name: lines.index(next(line for line in lines if f" {name} [" in line)) for name in ("nominal", "tnp")}
    ended = min(number for number, line in enumerate(lines) if "✓" in line)
    assert max(began.values()) < ended, run.text
