"""Jobs on Slurm."""

from __future__ import annotations

import math
import re
import shlex
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import law
from law.contrib.slurm.job import SlurmJobManager
from law.contrib.slurm.workflow import SlurmWorkflow, SlurmWorkflowProxy

from pocket.base.runtime.file_state import file_checksum
from pocket.io.store.paths import opened, private_folder
from tasks.batch.control import BatchControl, on_batch_system
from tasks.batch.queues import QueueError, QueueManager, ask, branches_of
from tasks.batch.submission import OTHER_SCRIPTS, BatchProxy
from tasks.settings.batch_systems import BatchSystem
from tasks.settings.options import dial

#: fields that squeue prints of a job, with the width of each; longer values are cut off
_FIELDS = {"JobArrayID": 40, "State": 20, "Reason": 80, "exit_code": 12, "NodeList": 80, "Command": 1024}
#: states in Slurm's words (https://slurm.schedmd.com/job_state_codes.html), except those of running jobs
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"}
_COMPLETED, _FAILED = "COMPLETED", "FAILED"
#: states of jobs that were ended → reason
_ENDED = {
    "OUT_OF_MEMORY": "out of memory",
    "TIMEOUT": "time limit",
    "BOOT_FAIL": "the node didn't boot",
    "NODE_FAIL": "the node failed",
    "LAUNCH_FAILED": "the launch failed",
    "RECONFIG_FAIL": "the node wasn't reconfigured",
    "CANCELLED": "cancelled",
    "DEADLINE": "deadline",
    "PREEMPTED": "preempted",
    "REVOKED": "revoked",
    "SPECIAL_EXIT": "special exit",
}
# These reasons of waiting jobs mean that a person holds the job, or that nothing will release it.
_BY_A_PERSON = re.compile(r"JobHeld(User|Admin)")
_ON_HOLD = re.compile(r"\bheld\b|JobHeld|JobHoldMaxRequeue")

SLURM = BatchSystem(
    kind="slurm",
    name="Slurm",
    commands=("sbatch", "squeue", "sacct", "scancel", "sinfo"),
    queue=("squeue", "--noheader", "--me"),
    machines=("sinfo", "--noheader"),
    why="squeue --start",
    options={
        "slurm_partition": dial("partition of Slurm that jobs are sent to", law.NO_STR, "the site's"),
    },
    lacks=("container", "environment", "flavour"),
    # law writes paths into the lines of scripts without quotes.
    unsuitable=re.compile(r"[^\w./+=@:~-]"),
)

_ARRAY = """\
#!/usr/bin/env bash
{header}

jobs=(
{names}
)
job="${{jobs[$SLURM_ARRAY_TASK_ID]}}"
# law lists the folder that a job begins in: that of the logs has a file for each job
scratch="$(mktemp -d "${{TMPDIR:-/tmp}}/pocketlaw_XXXXXXXX")" && cd "$scratch" || exit 1
trap 'cd /; rm -rf "$scratch"' EXIT
# Others may put a folder of theirs in the place of the scripts, so copies are compared with what was submitted.
grep -F "_${{job##*_}}" >sums <<'END'
{sums}
END
cut -c 67- sums | while read -r name; do cp {folder}/"$name" .; done
if ! sha256sum --check --quiet sums; then
    echo "error: {changed}" >>{control}/stdall_"$(basename "${{job##*_}}" .sh)".txt
    exit 1
fi
sed -i 's|^law_job_|./&|' "$job"
bash "$job"
"""


@dataclass(frozen=True)
class QueuedJob:
    """A job as Slurm reports it, with its state in Slurm's words."""

    state: str
    reason: str = ""
    code: int = 0
    signal: int = 0
    host: str = ""
    script: str = ""


class SlurmManager(QueueManager, SlurmJobManager):
    """Submits jobs as arrays, and queries all of them at once, by their control folder."""

    # Slurm accepts 1000 jobs per array by default.
    chunk_size_submit = 1000

    def __init__(self, control: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._control = Path(control)

    def submit(self, job_file: list[str], **kwargs: Any) -> list[str]:
        """Submit job files with equal requests as one array, and return the ids."""
        array = self.write_array(job_file)
        with opened(array.parent) as place:
            number = super().submit(str(place / array.name), **kwargs)
        return [f"{number}_{index}" for index in range(len(job_file))]

    def write_array(self, job_file: list[str]) -> Path:
        """Write the array script of job files with equal requests beside them."""
        files = [Path(path) for path in job_file]
        array = files[0].with_name(f"array_{uuid.uuid4().hex}.sh")
        # The scripts of a job have its name at their end.
        ends = tuple(f"_{path.name.rpartition('_')[2]}" for path in files)
        with opened(array.parent) as place:
            text = (place / files[0].name).read_text(encoding="utf-8")
            header = [line for line in text.splitlines() if line.startswith("#SBATCH ")]
            header.append(f"#SBATCH --array=0-{len(files) - 1}")
            scripts = sorted(path.name for path in place.iterdir() if path.name.endswith(ends))
            text = _ARRAY.format(
                header="\n".join(header),
                names="\n".join(path.name for path in files),
                sums="\n".join(f"{file_checksum(place / name)}  {name}" for name in scripts),
                folder=shlex.quote(str(array.parent)),
                control=shlex.quote(str(self._control)),
                changed=OTHER_SCRIPTS,
            )
            (place / array.name).write_text(text, encoding="utf-8")
        return array

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        asked = law.util.make_list(job_id)
        jobs = self.jobs()
        if missing := [each for each in asked if each not in jobs]:
            jobs = {**accounted(missing), **jobs}
        states = {each: self._state(each, jobs.get(each)) for each in asked}
        return states if isinstance(job_id, list | tuple) else states[job_id]

    def jobs(self) -> dict[str, QueuedJob]:
        """Return the workflow's jobs by id, including those that ended some minutes ago."""
        fields = ",".join(f"{name}:{width}" for name, width in _FIELDS.items())
        text = ask(["squeue", "--me", "--states=all", "--array", "--noheader", f"--Format={fields}"])
        # Slurm knows the scripts by their real paths.
        control = self._control.resolve()
        jobs = dict(map(parse_job, text.splitlines()))
        return {job_id: job for job_id, job in jobs.items() if Path(job.script).is_relative_to(control)}

    def waiting_or_running(self) -> dict[str, tuple[int, ...]]:
        active = (self.PENDING, self.RUNNING)
        jobs = {job_id: job for job_id, job in self.jobs().items() if self._state(job_id, job)["status"] in active}
        arrays = {script: branches_of_array(Path(script)) for script in {job.script for job in jobs.values()}}
        return {job_id: arrays[job.script].get(int(job_id.rpartition("_")[2]), ()) for job_id, job in jobs.items()}

    def _state(self, job_id: str, job: QueuedJob | None) -> dict[str, Any]:
        if job is None:
            return self.failed(job_id, found=False)
        if job.state in _ENDED:
            return self.failed(job_id, job.host, reason=_ENDED[job.state])
        if job.state == _FAILED:
            return self.failed(job_id, job.host, code=job.code, signal=job.signal)
        if job.state in _WAITING and _BY_A_PERSON.search(job.reason):
            return self.state(job_id, self.PENDING, on_hold=True)
        if job.state in _WAITING and _ON_HOLD.search(job.reason):
            return self.failed(job_id, job.host, held=True, reason=job.reason)
        waits = self.PENDING if job.state in _WAITING else self.RUNNING
        kind = self.FINISHED if job.state == _COMPLETED else waits
        return self.state(job_id, kind, job.host)


def parse_job(line: str) -> tuple[str, QueuedJob]:
    """Return the id of a job and the job from a line of squeue."""
    values, begin = [], 0
    for width in _FIELDS.values():
        values.append(line[begin : begin + width].strip())
        begin += width
    job_id, state, reason, codes, host, script = values
    code, _, signal = codes.partition(":")
    return job_id, QueuedJob(state, reason, int(code), int(signal), host, script)


def accounted(job_ids: Iterable[str]) -> dict[str, QueuedJob]:
    """Return ended jobs by id, as far as Slurm's accounting knows them; not every site has accounting."""
    arrays = sorted({job_id.partition("_")[0] for job_id in job_ids})
    fields = "--format=JobID,State,ExitCode,NodeList"
    try:
        options = ("--allocations", "--array", "--parsable2", "--noheader", fields)
        text = ask(["sacct", *options, f"--jobs={','.join(arrays)}"])
    except QueueError:
        return {}
    jobs = {}
    for line in text.splitlines():
        job_id, state, codes, host = line.split("|")
        # The state may be followed by the user who caused it, as in "CANCELLED by 1000".
        word = state.partition(" ")[0]
        if word in {_COMPLETED, _FAILED, *_ENDED}:
            code, _, signal = codes.partition(":")
            jobs[job_id] = QueuedJob(word, "", int(code), int(signal), host)
    return jobs


def branches_of_array(script: Path) -> dict[int, tuple[int, ...]]:
    """Return the branches of each job of an array, by index; none if its script was removed since enough are done."""
    text = script.read_text(encoding="utf-8") if script.exists() else ""
    names = re.findall(r"^slurm_job\w*(_\d+To\d+)\.sh$", text, re.MULTILINE)
    return {index: branches_of(postfix) for index, postfix in enumerate(names)}


class SlurmProxy(BatchProxy, SlurmWorkflowProxy):
    """Runs branches as jobs on Slurm."""

    def create_job_file(self, *arguments: Any) -> dict[str, Any]:
        private_folder(Path(self.job_file_factory.dir))
        made: dict[str, Any] = super().create_job_file(*arguments)
        return made

    def write_group(self, jobs: OrderedDict[int, list[int]]) -> list[Path]:
        files = [self.create_job_file(job_num, branches)["job"] for job_num, branches in jobs.items()]
        manager = self.job_manager
        return [manager.write_array(part) for part in law.util.iter_chunks(files, manager.chunk_size_submit)]


@on_batch_system(SLURM)
class SlurmBatch(BatchControl, SlurmWorkflow):
    """Adds ``--workflow slurm`` to a workflow in the store."""

    workflow_proxy_cls = SlurmProxy

    # The ids are enough for all commands, and the partition is in the job file.
    slurm_job_kwargs: ClassVar[list[str]] = []
    exclude_index = True

    def slurm_create_job_manager(self, **kwargs: Any) -> SlurmManager:
        return SlurmManager(str(self.control), **kwargs)

    def slurm_job_config(self, config: Any, job_num: int, branches: list[int]) -> Any:
        """Add the resources that a job requests."""
        site, needs = self.site_inst, self.workflow_proxy.needs(job_num)
        self.prepare(config)
        config.job_name = self.batch_name
        # law writes a log of its own.
        config.stdout = config.stderr = "/dev/null"
        # A job runs copies of its scripts, in the folder that it begins in.
        config.absolute_paths = False
        # The temporary folder is then beside the job's other files, which are removed with it.
        del config.render_variables["law_job_tmp"]
        config.custom_content += [
            ("mem", f"{round(needs.memory)}M"),
            ("cpus-per-task", self.job_cores),
            ("time", math.ceil(needs.runtime * 60)),
            ("ntasks", 1),
            # The bootstrap file sets up the environment.
            ("export", "HOME,USER,LOGNAME,PATH,LANG"),
            # The process that watches the jobs retries those that lost their node.
            ("no-requeue",),
        ]
        if self.slurm_partition == law.NO_STR and site.partition:
            config.partition = site.partition
        optional = {
            "account": site.accounting_group,
            "exclude": ",".join(self.workflow_proxy.blocked_hosts),
            "gpus": site.gpus,
            "tmp": f"{round(site.disk)}M" if site.disk else "",
        }
        config.custom_content += [(key, value) for key, value in optional.items() if value]
        lines = site.submit_lines(needs.memory, needs.runtime)
        config.custom_content += [(key, in_one_word(value)) if value else (key,) for key, value in lines]
        if proxy := self.job_proxy(needs.runtime):
            # HTCondor transfers a copy; on Slurm, jobs read the file in its place.
            config.render_variables["proxy"] = shlex.quote(str(proxy.absolute()))
        return config


def in_one_word(value: str) -> str:
    """Return a value quoted so that it is one word in a line of a job file."""
    return f'"{value}"' if re.search(r"\s", value) and value[0] not in "\"'" else value
