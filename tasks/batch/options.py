"""Parameters of workflows that may run on a batch system."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import law
import luigi

from pocket.base.snapshots.process import original
from pocket.errors import ConfigError, check_known
from pocket.executors.proxy import check_proxy
from pocket.io.store import store_root
from tasks.batch.cancelling import cancel_jobs
from tasks.batch.causes import BACK_OFF, Needs
from tasks.batch.dry_run import dry_run
from tasks.batch.environment import JobEnvironment, job_environment
from tasks.batch.own_store import check_own_store
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem
from tasks.settings.own_modules import check_modules
from tasks.settings.placement import placement_problems
from tasks.settings.sites import ENVIRONMENTS, FLAVOURS, Site, read_site

#: folder of the bundles, in the store or in the log directory of the site
BUNDLES = ".bundles"

_OF_SITE = "default: the site's"
#: options that can also be set in the site
_OF_SITE_TOO = ("flavour", "container", "environment", "accounting_group", "proxy")
#: MB that every job needs; a smaller number was probably given without its unit
_LEAST_MEMORY = 50


class WorkflowTypes(law.Task):
    """A task that knows where its branches, or those of its requirements, may run."""

    #: allowed values of ``--workflow``
    workflow_types: ClassVar[tuple[str, ...]] = ("local",)

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown type of workflow, which law would replace by another one."""
        if params.get("workflow") not in (None, law.NO_STR):
            check_known("workflow", [params["workflow"]], cls.workflow_types, f"{cls.task_family}, --workflow")
        return super().modify_param_values(params)


class BatchOptions(WorkflowTypes):
    """Adds the options for batch jobs; none of them changes an output."""

    workflow = luigi.Parameter(default="local", significant=False, description="where branches run; default: local")
    site = luigi.Parameter(
        default="local", significant=False, description="preset of law.cfg for batch jobs; default: local"
    )
    memory = law.BytesParameter(
        default=law.NO_FLOAT, unit="MB", significant=False, description=f"memory per job, e.g. 3GB; {_OF_SITE}"
    )
    runtime = law.DurationParameter(
        default=law.NO_FLOAT, unit="h", significant=False, description=f"running time per job, e.g. 90min; {_OF_SITE}"
    )
    flavour = luigi.Parameter(
        default=law.NO_STR, significant=False, description=f"+JobFlavour, instead of a running time; {_OF_SITE}"
    )
    container = luigi.Parameter(
        default=law.NO_STR, significant=False, description=f"image that jobs run in; {_OF_SITE}"
    )
    environment = luigi.Parameter(
        default=law.NO_STR,
        significant=False,
        description=f"shared (this checkout) or bundle (a copy that jobs bring); {_OF_SITE}",
    )
    accounting_group = luigi.Parameter(
        default=law.NO_STR, significant=False, description=f"accounting group of the jobs; {_OF_SITE}"
    )
    proxy = luigi.Parameter(
        default=law.NO_STR,
        significant=False,
        description=f"X.509 proxy: a path, or auto for that of voms-proxy-init; {_OF_SITE}",
    )
    retry_delay = luigi.FloatParameter(
        default=BACK_OFF,
        significant=False,
        description="seconds before a failed job is retried, doubled each time; default: 30",
    )
    retries = luigi.IntParameter(
        default=5, significant=False, description="how often a failed job is retried; default: 5"
    )
    poll_interval = law.DurationParameter(
        default=1, unit="m", significant=False, description="minutes between two queries of the queue; default: 1"
    )
    parallel_jobs = luigi.IntParameter(
        default=0, significant=False, description="largest number of jobs in the queue, 0 for no limit; default: 0"
    )
    transfer_logs = luigi.BoolParameter(
        default=True, significant=False, description="keep the logs of jobs; default: True"
    )
    clear_logs = luigi.BoolParameter(
        default=False, significant=False, description="remove the logs of jobs that are done; default: False"
    )
    tasks_per_job = luigi.IntParameter(
        default=1, significant=False, description="number of branches that a job runs; default: 1"
    )
    submission_threads = luigi.IntParameter(
        default=4, significant=False, description="threads that submit jobs; default: 4"
    )
    ignore_submission = luigi.BoolParameter(
        default=False,
        significant=False,
        description="forget an earlier submission; default: False",
    )
    cancel_jobs = luigi.BoolParameter(
        default=False,
        significant=False,
        description="remove the queued jobs of the chain, and run nothing; default: False",
    )

    dry_run = luigi.BoolParameter(
        default=False,
        significant=False,
        description="write and show the files for submission, and run nothing; default: False",
    )

    interactive_params: ClassVar = [*law.Task.interactive_params, "cancel_jobs", "dry_run"]

    exclude_index = True

    # A single branch runs in the process that calls it.
    exclude_params_branch: ClassVar = {
        "site",
        "memory",
        "runtime",
        "flavour",
        "container",
        "environment",
        "accounting_group",
        "proxy",
        "retry_delay",
        "clear_logs",
        "tasks_per_job",
        "submission_threads",
        "ignore_submission",
        "cancel_jobs",
        "dry_run",
    }

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown site, and options that the batch system doesn't support."""
        params = super().modify_param_values(params)
        if "site" in params:
            site, workflow = read_site(params["site"]), params["workflow"]
            if workflow != "local":
                system = BATCH_SYSTEMS[workflow]
                system.check_characters(str(Path(site.log_directory or store_root()).absolute()))
                for option in system.lacks:
                    value = getattr(site, option) if params[option] == law.NO_STR else params[option]
                    if value != getattr(Site, option):
                        others = " or ".join(kind for kind, other in BATCH_SYSTEMS.items() if option not in other.lacks)
                        raise ConfigError(f"--{option} {value} is for --workflow {others}, not {workflow}")
                site.check_workflow(workflow)
                _check_given(params, workflow)
                site = site.changed(**{name: params[name] for name in _OF_SITE_TOO if params[name] != law.NO_STR})
                check_own_store(site, workflow)
                check_modules(system.name, site.environment, system.keeps_environment)
                site.check_required()
        for option in ("cancel_jobs", "dry_run"):
            if params.get(option) and params["workflow"] not in cls.workflow_types[1:]:
                batch = " or ".join(cls.workflow_types[1:])
                name = f"--{option.replace('_', '-')}"
                raise ConfigError(f"{name} is for --workflow {batch}, not {params['workflow']}")
        if params.get("environment") not in (None, law.NO_STR):
            check_known("environment", [params["environment"]], ENVIRONMENTS, "--environment")
        return params

    def _cancel_jobs(self, value: Any) -> None:
        """Remove the jobs from the queue; law calls this if ``cancel_jobs`` is given, and exits afterwards."""
        cancel_jobs(self)

    def _dry_run(self, value: Any) -> None:
        """Write and show the files of a submission; law calls this if ``dry_run`` is given, and exits afterwards."""
        dry_run(self)

    @property
    def site_inst(self) -> Site:
        """The site, with the options of the command line applied."""
        site = read_site(self.site)
        options = {name: getattr(self, name) for name in _OF_SITE_TOO if getattr(self, name) != law.NO_STR}
        if self.runtime != law.NO_FLOAT:
            # A flavour stands for a running time, too.
            options.setdefault("flavour", "")
        return site.changed(**options)

    @cached_property
    def job_environment(self) -> JobEnvironment:
        """The environment of jobs."""
        return self.make_job_environment()

    def make_job_environment(self, make: bool = True) -> JobEnvironment:
        """Return the environment of jobs, see :func:`tasks.batch.environment.job_environment`."""
        site = self.site_inst
        folder = Path(site.log_directory or store_root()) / BUNDLES
        return job_environment(site.environment, folder, self.analysis, make)

    def placement_problems(self, workflow: str) -> list[str]:
        """Return the result of :func:`tasks.settings.placement.placement_problems` for a batch system."""
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
        """Return the X.509 proxy that jobs get, ``None`` if they get none.

        Args:
            hours: how long the proxy is needed from now on.

        Raises:
            ConfigError: if it doesn't exist, isn't private, expires too early, or is where the site accepts no files.
        """
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


def add_batch_system(system: BatchSystem) -> None:
    """Make a registered batch system a choice of ``--workflow``, and add the options that only this system has."""
    BatchOptions.workflow_types = ("local", *BATCH_SYSTEMS)
    BatchOptions.workflow.description = f"where branches run: {', '.join(BatchOptions.workflow_types)}; default: local"
    for name, parameter in system.options.items():
        setattr(BatchOptions, name, parameter)
        # Python calls this only for attributes in the body of a class.
        parameter.__set_name__(BatchOptions, name)


def _check_given(params: Mapping[str, Any], workflow: str) -> None:
    """Check the options for batch jobs.

    Raises:
        ConfigError: if one is for another batch system, or the memory is less than any job needs.
    """
    for kind, system in BATCH_SYSTEMS.items():
        for option, parameter in system.options.items():
            if kind != workflow and params[option] != parameter.task_value("", option):
                name = f"--{option.replace('_', '-')}"
                raise ConfigError(f"{name} {params[option]} is for --workflow {kind}, not {workflow}")
    memory = params["memory"]
    if memory != law.NO_FLOAT and memory < _LEAST_MEMORY:
        raise ConfigError(f"--memory is {memory:g} MB, too little for any job: give a unit, such as 3GB")
