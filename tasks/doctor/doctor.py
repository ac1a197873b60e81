"""The task that finds obstacles to jobs before they are submitted, and its test job."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import law
import luigi

from pocket.base.snapshots.process import original
from pocket.errors import ConfigError, PocketError
from pocket.executors.proxy import in_words, proxy_ends, proxy_path
from pocket.io.store import store_root
from pocket.io.store.publishing import replacing_file
from tasks.batch.control import BatchControl
from tasks.batch.own_store import has_own_store
from tasks.batch.systems import BATCH, BATCH_BASES
from tasks.doctor.checks import (
    Result,
    Status,
    authorities,
    batch_system,
    decompression,
    grid_proxy,
    index,
    packages,
    placement,
    systems_here,
    token,
    writable,
    xrootd_client,
)
from tasks.framework.base import AnalysisTask
from tasks.settings.batch_systems import BATCH_SYSTEMS
from tasks.settings.options import dial
from tasks.settings.sites import read_site

#: file name of the report, and its name after law has added the branches of the job
REPORT, OF_JOB = "report.json", "report_0To1.json"
#: minutes between two looks at the queue
POLL = 1 / 12
_OF_RUNNING = ("set_status_message", "set_progress_percentage", "decrease_running_resources", "scheduler_messages")


class DoctorJob(*BATCH_BASES, AnalysisTask):  # type: ignore[misc]
    """A single job that writes its report into a folder of the store."""

    options = (BATCH,)

    folder = luigi.Parameter(description="folder that the report is written into; no default")

    # These aren't options, since there is only one job, submitted once.
    retries = 0
    retry_delay = 0.0
    poll_interval = POLL
    parallel_jobs = 0
    transfer_logs = True

    # These are parts of the names of submitted jobs.
    config_part = "test"
    version = "job"
    progress_label = "test job"
    work_unit = "events"
    exclude_index = True

    def create_branch_map(self) -> list[None]:
        return [None]

    def branch_size(self, branch: int) -> int:
        """Return 0, since the job processes no events."""
        return 0

    def accepts(self, branches: Collection[int]) -> bool:
        return bool(branches)

    def prepare_branches(self, fetch_needed: bool = True) -> None:
        """Do nothing, since the job reads no output of another task."""

    def control_directory(self, batch: str) -> Path:
        elsewhere = self.site_inst.log_directory
        return Path(elsewhere, ".doctor", Path(self.folder).name) if elsewhere else Path(self.folder, f".{batch}")

    @property
    def report_file(self) -> Path:
        if has_own_store():
            # HTCondor transfers the report from the folder where the job began.
            return Path(os.environ["LAW_JOB_INIT_DIR"], OF_JOB)
        return Path(self.folder, OF_JOB if self.site_inst.store == "remote" else REPORT)

    def output(self) -> law.LocalFileTarget:
        return law.LocalFileTarget(str(self.report_file))

    def branch_output(self, number: int) -> law.LocalFileTarget:
        return self.output()

    def htcondor_job_config(self, config: Any, job_num: Any, branches: Any) -> Any:
        """Make HTCondor transfer the report, if the job doesn't see the folder."""
        if self.site_inst.store == "remote":
            config.output_files[REPORT] = str(Path(self.folder, REPORT))
        return super().htcondor_job_config(config, job_num, branches)

    def run(self) -> None:
        """Write the report atomically."""
        with replacing_file(self.report_file) as file:
            file.write(json.dumps(report(self.analysis_inst.name), indent=1).encode())

    def diagnose(self, reporter: law.Task, minutes: float) -> Result:
        """Submit the job, wait for it, and return the result."""
        # luigi sets these on the running task, which is not this one.
        for name in _OF_RUNNING:
            setattr(self, name, getattr(reporter, name, None))
        proxy = self.workflow_proxy
        begin = time.monotonic()
        control = self.control_directory(self.workflow)
        failed = False
        try:
            proxy.run()
            seconds = time.monotonic() - begin
            return judge(json.loads(self.report_file.read_bytes()), seconds, bool(self.site_inst.proxy))
        except PocketError as error:
            failed = time.monotonic() - begin < minutes * 60
            if failed:
                return Result("test job", Status.PROBLEM, str(error), f"read the logs in {control}")
            advice = f"wait longer (--wait 1h), or ask why with {BATCH_SYSTEMS[self.workflow].why}"
            return Result("test job", Status.PROBLEM, f"not done within {in_words(minutes * 60)}, and removed", advice)
        finally:
            ended = (proxy.job_manager.FINISHED, proxy.job_manager.FAILED)
            if any(data["status"] not in ended for data in proxy.job_data.jobs.values()):
                proxy.cancel()
            if not failed:
                shutil.rmtree(control, ignore_errors=True)
                shutil.rmtree(self.folder, ignore_errors=True)


def report(analysis: str) -> dict[str, Any]:
    """Return the properties of this process: where it runs and what it sees there."""
    try:
        ends, attributes = proxy_ends(os.environ["X509_USER_PROXY"])
        proxy: str | float = min(ends, attributes or ends).timestamp() - time.time()
    except KeyError:
        proxy = "X509_USER_PROXY isn't set"
    except ConfigError as error:
        proxy = str(error)
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "checkout": original(os.environ.get("POCKET_ROOT") or Path(__file__).parents[2]),
        "analysis": analysis,
        "store": os.environ.get("POCKET_STORE", ""),
        "proxy": proxy,
    }


def judge(found: Mapping[str, Any], seconds: float, proxy_wanted: bool) -> Result:
    """Return the result of the test job from its report."""
    proxy = found["proxy"]
    has = isinstance(proxy, float) and proxy > 0
    words = (
        f"done in {in_words(seconds)} on {found['host']}, with Python {found['python']}, the checkout "
        f"{found['checkout']}, the analysis {found['analysis']} and the store {found['store']}, "
        + (f"and a proxy for {in_words(proxy)}" if has else f"but no proxy ({proxy})" if proxy_wanted else "no proxy")
    )
    if proxy_wanted and not has:
        advice = "ask the site whether it hands out proxies of jobs (x509userproxy)"
        return Result("test job", Status.PROBLEM, words, advice)
    return Result("test job", Status.OK, words)


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
