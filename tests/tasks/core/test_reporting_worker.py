"""luigi's worker with a report."""

from __future__ import annotations

from pathlib import Path

import law
import pytest

from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.show import ShowChain
from tasks.command.run import parse
from tasks.core.reporting_worker import ReportingWorker, Workers
from tasks.core.several import make_tasks


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
        found[workflow] = worker.worker_processes
    assert found == {"local": 1, "htcondor": 2}
    assert "--workers is for batch systems" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("chosen", "workflow", "configs", "number"),
    [
        (False, "htcondor", ["tnp", "nominal"], 2),
        (False, "htcondor", ["tnp", "trigger_eff"], 1),
        (False, "local", ["tnp", "nominal"], 1),
        (True, "htcondor", ["tnp", "nominal"], 1),
    ],
)
def test_as_many_processes_as_configurations_can_be_in_the_queue(
    chosen: bool, workflow: str, configs: list[str], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[int] = []
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    monkeypatch.setattr("tasks.core.reporting_worker.divide_cores", shared.append)
    task = make_tasks(MergeOutputs, {"version": "v1", "workflow": workflow, "config": ",".join(configs)})
    factory = Workers(task, chosen)
    worker = factory.create_worker(factory.create_local_scheduler(), 1)
    worker.add(task)
    assert worker.worker_processes == number
    assert shared == [number]


def test_addresses_of_dask_and_luigi() -> None:
    arguments = "--version v1 --executor dask --scheduler tcp://dask:1 --scheduler-host there --scheduler-port 2"
    given = parse("RunProcessor", arguments.split())
    assert given.own["scheduler"] == "tcp://dask:1"
    assert given.others == ["--scheduler-host=there", "--scheduler-port=2"]
