"""luigi's worker with a report."""

from __future__ import annotations

import law
import pytest

from tasks.chain.plotting import PlotTemplates
from tasks.chain.show import ShowChain
from tasks.command.run import parse
from tasks.core.reporting_worker import ReportingWorker, Workers


def test_luigi_makes_a_worker_with_a_report() -> None:
    factory = Workers(ShowChain())
    worker = factory.create_worker(factory.create_local_scheduler(), 1)
    assert type(worker) is ReportingWorker
    assert law.config.get_expanded_bool("luigi_core", "local_scheduler")


def test_luigi_runs_several_tasks_only_with_a_batch_system(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for workflow in ("local", "htcondor"):
        factory = Workers(PlotTemplates(version="v1", workflow=workflow))
        worker = factory.create_worker(factory.create_local_scheduler(), 2)
        found[workflow] = worker.worker_processes, worker.runs_all
    assert found == {"local": (1, True), "htcondor": (2, False)}
    assert "--workers is for batch systems" in capsys.readouterr().err


def test_addresses_of_dask_and_luigi() -> None:
    arguments = "--version v1 --executor dask --scheduler tcp://dask:1 --scheduler-host there --scheduler-port 2"
    given = parse("RunProcessor", arguments.split())
    assert given.own["scheduler"] == "tcp://dask:1"
    assert given.others == ["--scheduler-host=there", "--scheduler-port=2"]
