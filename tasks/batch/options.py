"""Parameters of workflows that may run on a batch system."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import law
import luigi

from pocket.errors import check_known
from pocket.store import store_root
from tasks.batch.causes import BACK_OFF, Needs
from tasks.batch.environment import JobEnvironment, job_environment
from tasks.batch.sites import ENVIRONMENTS, Site, read_site

#: where branches may run
WORKFLOWS = ("local", "htcondor")

#: folder of the bundles, in the store or in the log directory of the site
BUNDLES = ".bundles"

_OF_SITE = "default: the site's"


class BatchOptions(law.Task):
    """Adds what jobs ask for; nothing of it changes an output."""

    workflow = luigi.Parameter(
        default="local",
        significant=False,
        description=f"where branches run: {', '.join(WORKFLOWS)}; default: local",
    )
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
        description="what jobs run in: shared (checkout and packages as jobs see them here) or bundle (a copy that is "
        f"sent with them); {_OF_SITE}",
    )
    accounting_group = luigi.Parameter(
        default=law.NO_STR, significant=False, description=f"group that jobs are charged to; {_OF_SITE}"
    )
    retry_delay = luigi.FloatParameter(
        default=BACK_OFF,
        significant=False,
        description="seconds before a failed job is tried again, doubled with each attempt; default: 30",
    )
    retries = luigi.IntParameter(
        default=5, significant=False, description="how often a failed job is tried again; default: 5"
    )
    poll_interval = law.DurationParameter(
        default=1, unit="m", significant=False, description="minutes between two looks at the queue; default: 1"
    )
    parallel_jobs = luigi.IntParameter(
        default=0, significant=False, description="largest number of jobs in the queue, 0 for no limit; default: 0"
    )
    transfer_logs = luigi.BoolParameter(
        default=True, significant=False, description="keep the logs of jobs; default: True"
    )

    exclude_index = True

    # a branch alone runs where it is called
    exclude_params_branch: ClassVar = {
        "site",
        "memory",
        "runtime",
        "flavour",
        "container",
        "environment",
        "accounting_group",
        "retry_delay",
    }

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown type of workflow, in whose place law would take another, and an unknown site."""
        params = super().modify_param_values(params)
        if "workflow" in params:
            check_known("workflow", [params["workflow"]], WORKFLOWS, "--workflow")
        if "site" in params:
            read_site(params["site"])
        if params.get("environment") not in (None, law.NO_STR):
            check_known("environment", [params["environment"]], ENVIRONMENTS, "--environment")
        return params

    @property
    def site_inst(self) -> Site:
        """The site, with what the command line says otherwise."""
        site = read_site(self.site)
        given = {name: getattr(self, name) for name in ("flavour", "container", "environment", "accounting_group")}
        return site.changed(**{name: value for name, value in given.items() if value != law.NO_STR})

    @cached_property
    def job_environment(self) -> JobEnvironment:
        """What jobs run in."""
        site = self.site_inst
        return job_environment(site.environment, Path(site.log_directory or store_root()) / BUNDLES, self.analysis)

    @property
    def needs(self) -> Needs:
        """What a job asks for at first."""
        site = self.site_inst
        memory = site.memory if self.memory == law.NO_FLOAT else self.memory
        runtime = site.runtime if self.runtime == law.NO_FLOAT else self.runtime
        return Needs(float(memory), float(runtime))

    @property
    def most_needs(self) -> Needs:
        """What it asks for at most."""
        return Needs(self.site_inst.max_memory, self.site_inst.max_runtime)
