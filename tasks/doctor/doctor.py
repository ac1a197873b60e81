"""The task that finds obstacles to jobs before they are submitted."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import law

from pocket.base.snapshots.process import original
from pocket.errors import PocketError
from pocket.executors.proxy import proxy_path
from pocket.io.store import store_root
from tasks.batch.control import BatchControl
from tasks.batch.systems import BATCH
from tasks.doctor.credentials import authorities, grid_proxy, token
from tasks.doctor.job import DoctorJob
from tasks.doctor.packages import decompression, packages
from tasks.doctor.places import index, placement, writable
from tasks.doctor.result import Result, Status
from tasks.doctor.systems import batch_system, systems_here, xrootd_client
from tasks.framework.base import AnalysisTask
from tasks.settings.batch_systems import BATCH_SYSTEMS
from tasks.settings.options import dial
from tasks.settings.sites import read_site

#: options of this task that the test job gets, so that it resembles other jobs
_OF_JOBS = ("analysis", "params", "site", "memory", "runtime", "flavour", "container", "accounting_group", "proxy")


class DoctorError(PocketError):
    """A check found a problem that would make jobs fail."""


class Doctor(BatchControl, AnalysisTask):
    """Checks proxy, folders, packages and batch system, submits a test job, and gives advice."""

    options = (BATCH,)

    workflow = dial("where branches would run: local or a batch system", law.NO_STR, "that of the site")
    test_job = dial("submit a job to the batch system and wait for it", True)
    wait = dial("minutes to wait for the test job before it is removed", 10.0, "10", law.DurationParameter, unit="m")

    progress_label = "Doctor"

    # These aren't options, since there is only one job, submitted once.
    retries = 0
    retry_delay = 0.0
    poll_interval = 0.0
    parallel_jobs = 0
    transfer_logs = True

    _done = False

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Resolve the default workflow."""
        if params.get("workflow") == law.NO_STR:
            site = read_site(params["site"])
            params["workflow"] = "local" if site.name == "local" else "slurm" if site.partition else "htcondor"
        return super().modify_param_values(params)

    def complete(self) -> bool:
        """Whether all checks were made in this process; a diagnosis is never reused."""
        return self._done

    def run(self) -> None:
        results = []
        for result in self.results():
            print(result.line, flush=True)
            results.append(result)
        self._done = True
        if problems := [result.name for result in results if result.status is Status.PROBLEM]:
            names = ", ".join(dict.fromkeys(problems))
            raise DoctorError(f"jobs at site {self.site!r} would fail because of {names}: see above")

    def results(self) -> Iterator[Result]:
        """Yield the result of each check, last that of the test job."""
        found = list(self.checks())
        yield from found
        if self.workflow == "local" or not self.test_job:
            return
        if any(result.status is Status.PROBLEM for result in found):
            yield Result("test job", Status.WARNING, "not submitted because of the problems above", "solve them first")
            return
        folder = store_root() / ".doctor" / secrets.token_hex(4)
        folder.mkdir(parents=True)
        options = {name: getattr(self, name) for name in _OF_JOBS}
        job = DoctorJob(folder=str(folder), workflow=self.workflow, walltime=self.wait / 60, **options)
        yield job.diagnose(self, self.wait)

    def checks(self) -> Iterator[Result]:
        """Yield the results of all checks except the test job."""
        site, checkout, logs = self.site_inst, Path(original(os.environ["POCKET_ROOT"])), self.site_inst.log_directory
        yield grid_proxy(self)
        if site.proxy or proxy_path("auto").exists():
            yield authorities()
        if found := token():
            yield found
        yield xrootd_client()
        yield packages(checkout / "requirements.lock")
        yield decompression()
        yield index(Path(law.config.get_expanded("core", "index_file")), checkout)
        yield writable("store", store_root(), "POCKET_STORE")
        if logs:
            yield writable("logs", Path(logs), f"log_directory in [site_{site.name}] of law.cfg")
        if self.workflow == "local":
            yield systems_here()
            return
        # law's job_file_dir isn't checked, because files of submissions are beside the record of the jobs.
        yield from placement(self.placement_problems(self.workflow), site.name)
        yield batch_system(BATCH_SYSTEMS[self.workflow])
