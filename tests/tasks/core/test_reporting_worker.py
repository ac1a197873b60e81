"""luigi's worker with a report."""

from __future__ import annotations

from typing import Any

import law
import luigi.interface
from luigi.cmdline_parser import CmdlineParser

from tasks.core.reporting_worker import ReportingWorker, use_reporting_worker


def test_luigi_makes_a_worker_with_a_report() -> None:
    use_reporting_worker()
    factory: Any = luigi.interface._WorkerSchedulerFactory()
    worker = factory.create_worker(factory.create_local_scheduler(), 1)
    assert type(worker) is ReportingWorker
    assert law.config.get_expanded_bool("luigi_core", "local_scheduler")


def test_addresses_of_dask_and_luigi() -> None:
    arguments = "--version v1 --executor dask --scheduler tcp://dask:1 --scheduler-host there --scheduler-port 2"
    parser: Any = CmdlineParser
    parsed = parser(["RunProcessor", *arguments.split()]).known_args
    assert (parsed.scheduler, parsed.core_scheduler_host, parsed.core_scheduler_port) == ("tcp://dask:1", "there", "2")
