"""The executor on Dask with workers that are HTCondor jobs of an ordinary user."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.services.checkout import Analysis, same

pytestmark = [pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool")]

OPTIONS = ("--executor", "dask", "--cluster", "htcondor", "--max-workers", "2", "--worker-memory", "500MB")


@pytest.mark.slow
def test_templates_are_the_same(analysis: Analysis, expected: dict[str, np.ndarray]) -> None:
    run = analysis.run("MergeOutputs", *OPTIONS, "--executor-options", "host=127.0.0.1,disk=100MB")
    assert run.code == 0, run.text
    assert same(analysis.templates(), expected)
    # the workers wrote logs, and nothing that lets anybody in is left
    (logs,) = (analysis.checkout.store / "small" / "RunProcessor").rglob(".dask")
    assert list(logs.glob("worker-*.err"))
    assert not [path for path in logs.rglob("*") if path.is_dir()]
    assert logs.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE KEY" not in "".join(path.read_text() for path in logs.iterdir())
    assert workers(analysis) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("worker_timeout=5,directive.requirements=False", r"came within \d+ s; see"),
        ("directive.hold=True", r"came within \d+ s; held: submitted on hold at user's request; see"),
    ],
)
def test_workers_that_never_start(analysis: Analysis, options: str, reason: str) -> None:
    run = analysis.run("MergeOutputs", *OPTIONS, "--executor-options", f"host=127.0.0.1,disk=100MB,{options}")
    assert run.code == 30
    (error,) = run.errors
    assert re.match(rf"no worker of the Dask cluster \(htcondor\) {reason} the logs in /\S+/\.dask$", error)
    assert not list((analysis.checkout.store / "small" / "RunProcessor").rglob("*-*.zip"))
    assert workers(analysis) == []


def workers(analysis: Analysis) -> list[str]:
    """Return the workers that are in the queue."""
    constraint = "DaskWorkerName isnt undefined && JobStatus != 3"
    return analysis.checkout.user.run("condor_q", "-constraint", constraint, "-af", "ClusterId").split()
