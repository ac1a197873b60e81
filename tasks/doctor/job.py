"""The doctor's test job, which reports where it runs and what it sees, submitted like jobs of other workflows."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import law
import luigi

from pocket.base.snapshots.process import original
from pocket.errors import ConfigError, PocketError
from pocket.executors.proxy import in_words, proxy_ends
from pocket.io.store.publishing import replacing_file
from tasks.batch.own_store import has_own_store
from tasks.batch.systems import BATCH, BATCH_BASES
from tasks.doctor.result import Result, Status
from tasks.framework.base import AnalysisTask
from tasks.settings.batch_systems import BATCH_SYSTEMS

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
