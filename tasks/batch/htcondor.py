"""Jobs on HTCondor."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import law
from law.contrib.htcondor.job import HTCondorJobManager
from law.contrib.htcondor.workflow import HTCondorWorkflow, HTCondorWorkflowProxy
from law.job.base import JobInputFile

from pocket.base.runtime.file_state import file_checksum
from pocket.io.store.paths import opened, private_folder
from tasks.batch.causes import Cause, Failure
from tasks.batch.control import BatchControl, on_batch_system
from tasks.batch.queues import QueueError, QueueManager, ask, branches_of
from tasks.batch.submission import OTHER_SCRIPTS, BatchProxy
from tasks.settings.batch_systems import BatchSystem
from tasks.settings.options import dial

#: how far back a history is searched, in s
HISTORY = 14 * 24 * 3600.0

#: number of jobs that one question to a history names, since commands take so many characters only
_AT_ONCE = 5000

#: environment variable, and its value that selects commands instead of the bindings
VARIABLE, COMMANDS = "POCKET_HTCONDOR", "commands"

Ads = dict[str, dict[str, Any]]

#: the bindings, once the pool has answered a command but refused them
_not_let_in: list[ModuleType] = []


@dataclass(frozen=True)
class CondorQueue:
    """The jobs of a schedd that a constraint selects, by bindings or else commands; empty names are this machine's."""

    constraint: str
    attributes: Sequence[str]
    pool: str = ""
    scheduler: str = ""

    def jobs(self) -> Ads:
        """Return the attributes of the jobs in the queue by id, such as ``"12.0"``."""
        return self._answer(
            lambda schedd: schedd.query(self.constraint, list(self.attributes)), ["condor_q", "-allusers"]
        )

    def history(self, jobs: Iterable[str]) -> Ads:
        """Return the attributes of some jobs by id, those that have left the queue."""
        found: Ads = {}
        for some in law.util.iter_chunks(sorted(jobs), _AT_ONCE):
            found |= replace(self, constraint=f"({self.constraint}) && ({among(some)})")._history(len(some))
        return found

    def _history(self, most: int) -> Ads:
        # A history may span years, so its search ends: with the last of the jobs, or where it is too old.
        since = f"EnteredCurrentStatus < {int(time.time() - HISTORY)}"
        return self._answer(
            lambda schedd: schedd.history(self.constraint, list(self.attributes), most, since),
            ["condor_history", "-limit", str(most), "-since", since],
        )

    def _answer(self, question: Callable[[Any], Any], command: Sequence[str]) -> Ads:
        condor = bindings()
        if condor is None:
            return self._printed(command)
        # A pool may refuse bindings of another version, and they raise RuntimeError, IOError and errors of their own.
        with contextlib.suppress(Exception):
            return by_id(question(self._schedd(condor)))
        found = self._printed(command)
        _not_let_in.append(condor)
        return found

    def _schedd(self, condor: ModuleType) -> Any:
        if not (self.pool or self.scheduler):
            return condor.Schedd()
        collector = condor.Collector(self.pool or None)
        return condor.Schedd(collector.locate(condor.DaemonType.Schedd, self.scheduler or None))

    def _printed(self, command: Sequence[str]) -> Ads:
        place = [*(["-pool", self.pool] if self.pool else []), *(["-name", self.scheduler] if self.scheduler else [])]
        wanted = ["-constraint", self.constraint, "-json", "-attributes", ",".join(self.attributes)]
        return by_id(json.loads(ask([command[0], *place, *command[1:], *wanted]).strip() or "[]"))


def bindings() -> ModuleType | None:
    """Return HTCondor's Python bindings, ``None`` if they aren't installed, are disabled, or don't work here."""
    if os.environ.get(VARIABLE) == COMMANDS or _not_let_in:
        return None
    try:
        import htcondor2
    except ImportError:
        return None
    return cast(ModuleType, htcondor2)


def among(jobs: Iterable[str]) -> str:
    """Return the constraint that selects jobs by their ids, such as ``"12.0"``."""
    processes: dict[str, list[str]] = {}
    for job in jobs:
        cluster, _, process = job.partition(".")
        processes.setdefault(cluster, []).append(process)
    return " || ".join(f"ClusterId == {one} && member(ProcId, {{{','.join(ids)}}})" for one, ids in processes.items())


def by_id(ads: Sequence[Mapping[str, Any]]) -> Ads:
    # The bindings return an expression where a value is undefined.
    plain = [{name: value for name, value in ad.items() if isinstance(value, str | int | float)} for ad in ads]
    return {f"{ad['ClusterId']}.{ad['ProcId']}": ad for ad in plain}


#: attributes that identify jobs in the queue: the control folder, and the branches as in ``_0To1``
CONTROL, BRANCHES = "PocketlawControl", "PocketlawBranches"
_ASKED = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "ExitCode",
    "ExitSignal",
    "HoldReason",
    "HoldReasonCode",
    "RemoveReason",
    "RemoteHost",
    "LastRemoteHost",
    BRANCHES,
)
#: values of JobStatus; jobs that are suspended or transfer their output count as running
_IDLE, _REMOVED, _COMPLETED, _HELD = 1, 3, 4, 5
#: HoldReasonCode of condor_hold
_BY_A_PERSON = 1

HTCONDOR = BatchSystem(
    kind="htcondor",
    name="HTCondor",
    commands=("condor_submit", "condor_q", "condor_history", "condor_rm", "condor_status"),
    queue=("condor_q", "-limit", "1", "-af", "ClusterId"),
    machines=("condor_status", "-limit", "1", "-af", "Name"),
    why="condor_q -better-analyze",
    options={
        "htcondor_pool": dial("pool of HTCondor that jobs are sent to", law.NO_STR, "this one"),
        "htcondor_scheduler": dial("schedd that jobs are sent to", law.NO_STR, "this machine's"),
    },
    # These are macros of submit files, the ends of strings, and separators of lists.
    unsuitable=re.compile(r'[$",\\\x00-\x1f]'),
)


class HTCondorManager(QueueManager, HTCondorJobManager):
    """Queries all jobs of a workflow at once, by their control folder."""

    def __init__(self, control: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.queue = CondorQueue(f'{CONTROL} == "{control}"', _ASKED, self.pool or "", self.scheduler or "")

    def submit(self, job_file: str, *arguments: Any, **kwargs: Any) -> Any:
        """Submit jobs, and return their ids; HTCondor reads the file in the private folder that it was written to."""
        path = Path(job_file)
        with opened(path.parent) as place:
            return super().submit(str(place / path.name), *arguments, **kwargs)

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        asked = law.util.make_list(job_id)
        ads = self.queue.jobs()
        if missing := set(asked) - set(ads):
            try:
                ads = {**self.queue.history(missing), **ads}
            except QueueError as error:
                # For jobs that have left the queue, the outputs show whether they succeeded.
                self.say(f"{error}; jobs that have left the queue are done if their outputs are there")
        states = {each: self._state(each, ads.get(each)) for each in asked}
        return states if isinstance(job_id, list | tuple) else states[job_id]

    def waiting_or_running(self) -> dict[str, tuple[int, ...]]:
        return {
            job_id: branches_of(ad.get(BRANCHES, ""))
            for job_id, ad in self.queue.jobs().items()
            if ad["JobStatus"] not in (_REMOVED, _COMPLETED, _HELD) or is_held_by_a_person(ad)
        }

    def in_queue(self) -> list[str]:
        return [job_id for job_id, ad in self.queue.jobs().items() if ad["JobStatus"] not in (_REMOVED, _COMPLETED)]

    def _state(self, job_id: str, ad: Mapping[str, Any] | None) -> dict[str, Any]:
        if ad is None:
            return self.failed(job_id, found=False)
        status, code = ad["JobStatus"], ad.get("ExitCode")
        host = ad.get("RemoteHost") or ad.get("LastRemoteHost")
        if is_held_by_a_person(ad):
            return self.state(job_id, self.PENDING, host, on_hold=True)
        if status == _HELD:
            why = {"reason": ad.get("HoldReason", ""), "hold_code": ad.get("HoldReasonCode", 0)}
            return self.failed(job_id, host, held=True, **why)
        if status == _REMOVED:
            return self.failed(job_id, host, reason=ad.get("RemoveReason", ""))
        if status == _COMPLETED and (code or ad.get("ExitSignal")):
            return self.failed(job_id, host, code=code, signal=ad.get("ExitSignal") or 0)
        kind = {_IDLE: self.PENDING, _COMPLETED: self.FINISHED}.get(status, self.RUNNING)
        return self.state(job_id, kind, host)


def is_held_by_a_person(ad: Mapping[str, Any]) -> bool:
    """Whether a person put a job on hold; pools that watch their jobs do so by the same code, but give a reason."""
    by_a_person = ad["JobStatus"] == _HELD and ad.get("HoldReasonCode") == _BY_A_PERSON
    return bool(by_a_person and Failure(held=True, reason=ad.get("HoldReason", "")).cause is Cause.HELD)


#: What a job runs first, as an argument, which nobody can change once it is submitted.
_FIRST = (
    "set -f; ({sums}) | sha256sum --check --quiet && exec bash $0 $@; "
    f"echo error: {OTHER_SCRIPTS} | tee -a $2 >&2; exit 1"
)


def compared_first(text: str, sums: Mapping[str, str]) -> str:
    """Return a submit file whose jobs compare their scripts (name → SHA-256) before the first of them runs."""
    first = _FIRST.format(sums="; ".join(f"echo {checksum} *{name}" for name, checksum in sums.items()))
    begin, _, end = text.partition("executable = ")
    script, _, rest = end.partition("\n")
    command = f"""/bin/bash\ntransfer_executable = False\narguments = "-c '{first}' {script} $(job_arguments)\""""
    text = f"{begin}executable = {command}\n{rest}"
    return text.replace("queue law_job_postfix, arguments from", "queue law_job_postfix, job_arguments from")


class HTCondorProxy(BatchProxy, HTCondorWorkflowProxy):
    """Runs branches as jobs on HTCondor."""

    def create_job_file(self, *arguments: Any) -> dict[str, Any]:
        """Write the submit file and the scripts of jobs, which compare the latter when they start."""
        private_folder(Path(self.job_file_factory.dir))
        made: dict[str, Any] = super().create_job_file(*arguments)
        job = Path(made["job"])
        scripts = [Path(file.path_sub_abs).name for file in made["config"].input_files.values() if file.copy]
        with opened(job.parent) as place:
            text = (place / job.name).read_text(encoding="utf-8")
            (place / job.name).write_text(
                compared_first(text, {name: file_checksum(place / name) for name in scripts}), encoding="utf-8"
            )
        return made

    def write_group(self, jobs: OrderedDict[int, list[int]]) -> list[Path]:
        return [Path(self.create_job_file(jobs)["job"])]

    def _tidy(self) -> None:
        """Remove the output streams of finished jobs, which are in law's log as well."""
        control = self.task.control
        for data in self.job_data.jobs.values():
            if data["status"] == self.job_manager.FINISHED:
                name = f"job_{data['branches'][0]}To{data['branches'][-1] + 1}"
                for suffix in ("out", "err"):
                    (control / f"{name}.{suffix}").unlink(missing_ok=True)


@on_batch_system(HTCONDOR)
class HTCondorBatch(BatchControl, HTCondorWorkflow):
    """Adds ``--workflow htcondor`` to a workflow in the store."""

    workflow_proxy_cls = HTCondorProxy
    exclude_index = True

    def htcondor_create_job_manager(self, **kwargs: Any) -> HTCondorManager:
        places = {"pool": self.htcondor_pool, "scheduler": self.htcondor_scheduler}
        given = {name: place for name, place in places.items() if place != law.NO_STR}
        return HTCondorManager(str(self.control), **given, **kwargs)

    def htcondor_job_config(self, config: Any, job_num: Any, branches: Any) -> Any:
        """Add the resources that jobs request, and the attributes that identify them in the queue."""
        site, needs = self.site_inst, self.workflow_proxy.needs(law.util.make_list(job_num)[0])
        self.prepare(config)
        environment = self.job_environment
        for name, file in environment.files.items():
            config.input_files[name] = JobInputFile(str(file), copy=False)
        config.custom_content += [
            (f"MY.{CONTROL}", f'"{self.control}"'),
            (f"MY.{BRANCHES}", '"$(law_job_postfix)"'),
            ("JobBatchName", self.batch_name),
            # law's own log begins when the job does. An error before that is in these files, which condor_tail reads.
            ("log", "jobs.log"),
            ("output", "job$(law_job_postfix).out"),
            ("error", "job$(law_job_postfix).err"),
            ("request_memory", round(needs.memory)),
            ("request_cpus", self.job_cores),
        ]
        seconds = round(needs.runtime * 3600)
        # A retry may request a longer time than the flavour stands for.
        if site.flavour and needs.runtime <= self.needs.runtime:
            config.custom_content.append(("MY.JobFlavour", f'"{site.flavour}"'))
        else:
            config.custom_content += [("MY.MaxRuntime", seconds), ("allowed_job_duration", seconds)]
        strings = {"WantOS": site.want_os, "SingularityImage": site.container, "ProjectName": site.project}
        config.custom_content += [(f"MY.{key}", f'"{value}"') for key, value in strings.items() if value]
        disk = max(environment.disk / 1e6, site.disk)
        wanted = [f"({site.requirements})"] if site.requirements else []
        wanted += [f'(TARGET.Machine != "{host}")' for host in self.workflow_proxy.blocked_hosts]
        optional = {
            "accounting_group": site.accounting_group,
            "request_disk": f"{round(disk)} MB" if disk else "",
            "request_gpus": site.gpus,
            "MY.SendCredential": "True" if site.send_credential else "",
            # HTCondor copies the file to the job's folder, readable for the user only, and sets X509_USER_PROXY.
            "x509userproxy": self.job_proxy(needs.runtime),
            "requirements": " && ".join(wanted),
        }
        config.custom_content += [(key, value) for key, value in optional.items() if value]
        config.custom_content += site.submit_lines(needs.memory, needs.runtime)
        return config
