"""Answers to law that workflows on any batch system share: the location of files, the start and the end of jobs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import law
from law.contrib.htcondor.workflow import HTCondorWorkflow
from law.job.base import JobInputFile

from pocket.base.snapshots.process import current_snapshot, original
from pocket.base.snapshots.trees import use
from pocket.errors import ConfigError
from pocket.executors.proxy import check_proxy
from pocket.io.store import store_root
from pocket.io.store.paths import private_folder
from tasks.batch.causes import Needs
from tasks.batch.environment import NOTHING_KNOWN, JobEnvironment, job_environment
from tasks.batch.options import OF_SITE
from tasks.batch.submission import BatchProxy
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem, register
from tasks.settings.sites import FLAVOURS, Site, placement_problems, read_site

T = TypeVar("T")
#: folder of the bundles, in the store or in the log directory of the site
BUNDLES = ".bundles"
#: batch system → class of its workflows
WORKFLOWS: dict[str, type[Any]] = {}
#: methods that law calls with the name of the batch system in front, such as ``htcondor_poll_callback``
_HOOKS = (
    "output_directory",
    "bootstrap_file",
    "cmdline_args",
    "poll_callback",
    "check_job_completeness",
    "use_local_scheduler",
    "post_submit_delay",
)
#: methods of law's workflows on HTCondor that answer for any batch system
_USUAL = (
    "workflow_run_context",
    "workflow_requires",
    "output_postfix",
    "job_resources",
    "dump_intermediate_job_data",
    "check_job_completeness_delay",
    "post_poll_callback",
    "destination_info",
)
#: methods that the class of a batch system's workflows must have, with the name of the batch system in front
REQUIRED = ("create_job_manager", "create_job_file_factory")
#: methods that its proxy must have
REQUIRED_OF_PROXY = ("create_job_file", "write_group")


def on_batch_system(system: BatchSystem) -> Callable[[type[T]], type[T]]:
    """Return a decorator that registers a batch system and its class of workflows, which gets law's usual hooks."""

    def decorate(cls: type[T]) -> type[T]:
        check_workflow(system.kind, cls)
        register(system)
        WORKFLOWS[system.kind] = cls
        add_hooks(system.kind, cls)
        return cls

    return decorate


def check_workflow(kind: str, cls: type[Any]) -> None:
    """Check that the class of a batch system's workflows and its proxy have what no base can have."""
    where = f"batch system {kind!r}: {cls.__name__}"
    if not issubclass(cls, BatchControl):
        raise ConfigError(f"{where} doesn't derive from BatchControl")
    proxy: Any = getattr(cls, "workflow_proxy_cls", None)
    if not (isinstance(proxy, type) and issubclass(proxy, BatchProxy)):
        raise ConfigError(f"{where} needs workflow_proxy_cls, a class that derives from BatchProxy")
    if (found := getattr(proxy, "workflow_type", None)) != kind:
        raise ConfigError(f"{where}: workflow_type of {proxy.__name__} is {found!r}, expected {kind!r}")
    missing = [f"{kind}_{name}" for name in REQUIRED if not hasattr(cls, f"{kind}_{name}")]
    missing += [f"{proxy.__name__}.{name}" for name in REQUIRED_OF_PROXY if _is_missing(proxy, name)]
    if missing:
        raise ConfigError(f"{where} lacks {' and '.join(missing)}, see docs/how-to/extending.md")


def _is_missing(proxy: type[BatchProxy], name: str) -> bool:
    method = getattr(proxy, name, None)
    return method is None or method is getattr(BatchProxy, name, None) or getattr(method, "__isabstractmethod__", False)


def add_hooks(kind: str, cls: type[Any]) -> None:
    """Add the hooks of law to the class of a batch system's workflows: ours, and law's usual ones if it has none."""
    for hook in _HOOKS:
        setattr(cls, f"{kind}_{hook}", vars(BatchControl)[hook])
    usual = {hook: vars(HTCondorWorkflow)[f"htcondor_{hook}"] for hook in _USUAL}
    for hook, answer in {**usual, "job_kwargs": ()}.items():
        if not hasattr(cls, f"{kind}_{hook}"):
            setattr(cls, f"{kind}_{hook}", answer)


class BatchControl(law.Task):
    """Base of workflows on a batch system, see :func:`on_batch_system`."""

    # This isn't an option: with one look a minute, a queue is given up after an hour.
    poll_fails = 60
    exclude_index = True

    @property
    def site_inst(self) -> Site:
        """The site, with the options of the command line applied."""
        site = read_site(self.site)
        options = {name: getattr(self, name) for name in OF_SITE if getattr(self, name) != law.NO_STR}
        if self.runtime != law.NO_FLOAT:
            # A flavour stands for a running time, too.
            options.setdefault("flavour", "")
        return replace(site, **options)

    @cached_property
    def job_environment(self) -> JobEnvironment:
        return self.make_job_environment()

    def make_job_environment(self, make: bool = True) -> JobEnvironment:
        """Return the environment of jobs, see :func:`tasks.batch.environment.job_environment`."""
        site = self.site_inst
        folder = Path(site.log_directory or store_root()) / BUNDLES
        return job_environment(site.environment, folder, self.analysis, make)

    def placement_problems(self, workflow: str) -> list[str]:
        """Return the result of :func:`tasks.settings.sites.placement_problems` for a batch system."""
        return placement_problems(self.site_inst, workflow, Path(original(os.environ["POCKET_ROOT"])), store_root())

    @property
    def needs(self) -> Needs:
        """The resources that a job requests at first."""
        site = self.site_inst
        memory = site.memory if self.memory == law.NO_FLOAT else self.memory
        runtime = site.runtime if self.runtime == law.NO_FLOAT else self.runtime
        return Needs(float(memory), float(FLAVOURS.get(site.flavour, runtime)))

    @property
    def most_needs(self) -> Needs:
        """The largest resources that a job requests after retries."""
        return Needs(self.site_inst.max_memory, self.site_inst.max_runtime)

    def job_proxy(self, hours: float) -> Path | None:
        """Return the X.509 proxy that jobs get, ``None`` if they get none."""
        site = self.site_inst
        if not site.proxy:
            return None
        path = check_proxy(site.proxy, hours)
        if why := site.objection(str(path), "the proxy"):
            raise ConfigError(f"{why}: make it elsewhere with voms-proxy-init -out, and set X509_USER_PROXY")
        return path

    def proxy_problem(self, hours: float) -> str:
        """Return the error message of :meth:`job_proxy`, empty if there is none."""
        try:
            self.job_proxy(hours)
        except ConfigError as error:
            return str(error)
        return ""

    @property
    def control(self) -> Path:
        """The control folder, one for each store path and batch system."""
        folder: Path = self.control_directory(self.effective_workflow)
        return folder

    @property
    def submission_directory(self) -> Path:
        """Folder of the files that are submitted to the batch system."""
        return self.control / "submissions"

    @property
    def batch_name(self) -> str:
        """Name of the jobs in the queue."""
        return f"{self.task_family}.{self.config_part}.{self.version}"

    @property
    def job_cores(self) -> int:
        return 1

    def output_directory(self) -> law.LocalDirectoryTarget:
        """The control folder, for the record of the jobs and their logs."""
        return law.LocalDirectoryTarget(str(self.control))

    def job_files(self, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments of law's factory of job files, which writes beside the record of the jobs by default."""
        if "dir" in kwargs:
            return kwargs
        private_folder(self.control)
        private_folder(self.submission_directory)
        return {**kwargs, "dir": str(self.submission_directory), "mkdtemp": True}

    def bootstrap_file(self) -> JobInputFile:
        """The script that a job starts with."""
        return JobInputFile(str(self.job_environment.bootstrap_file), copy=True, render_job=True)

    def cmdline_args(self) -> dict[str, str]:
        """Return the option that tells jobs where the analysis is."""
        return {"--analysis": self.job_environment.analysis}

    def check_placement(self) -> None:
        """Check that the site takes the folders of a submission, and that its machines see them."""
        if problems := self.placement_problems(str(self.effective_workflow)):
            raise ConfigError("; ".join(problems))

    def prepare(self, config: Any) -> None:
        """Check the characters of paths, and pass on the variables that the bootstrap file needs."""
        # The variables that jobs get are quoted, so only these paths must have plain characters.
        for path in (self.control, *self.job_environment.files.values()):
            BATCH_SYSTEMS[str(self.effective_workflow)].check_characters(str(path))
        variables = {**self.job_environment.variables, **self.job_variables()}
        # The values become words of a shell script.
        config.render_variables.update({name: shlex.quote(value) for name, value in variables.items()})

    def job_variables(self) -> dict[str, str]:
        """Return the variables that jobs get about the task, in addition to those of their environment."""
        site = self.site_inst
        told = {"host_kind": str(self.effective_workflow), "container": site.container, "site_setup": site.setup}
        own_store = {"own_store": "yes"} if site.store == "remote" else {}
        return {**NOTHING_KNOWN, **told, **own_store}

    def usage_of(self, branch: int) -> Mapping[str, Any]:
        """Return the resources that a branch used, as far as its output records them."""
        return {}

    def publish_message(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Print a message of law under the task's name, since several tasks may watch jobs at the same time."""
        text, label = str(msg), self.progress_label
        super().publish_message(text if text.startswith(label) else f"{label}: {text}", *args, **kwargs)

    def modify_polling_status_line(self, status_line: str) -> str:
        """Return the status of the jobs, with the number of events."""
        return str(self.workflow_proxy.status_line())

    def poll_callback(self, poll_data: Any) -> bool:
        """Return whether to keep polling, and mark the snapshot that jobs run from as used."""
        if (snapshot := current_snapshot()) is not None:
            use(snapshot)
        return bool(self.workflow_proxy.stop_if_decided())

    def check_job_completeness(self) -> bool:
        """Return ``False``: the proxy that watches the jobs has checked their outputs already."""
        return False

    def use_local_scheduler(self) -> bool:
        """Return ``True``: jobs have no scheduler to talk to."""
        return True

    def post_submit_delay(self) -> float:
        """Return 0 s: the queue lists a new job at once."""
        return 0.0
