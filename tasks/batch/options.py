"""Options of workflows that may run on a batch system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import law

from pocket.errors import ConfigError, check_known
from pocket.io.store import store_root
from tasks.batch.actions import cancel_jobs, dry_run
from tasks.batch.causes import BACK_OFF
from tasks.batch.own_store import check_own_store
from tasks.settings.batch_systems import BATCH_SYSTEMS
from tasks.settings.options import OptionGroup, dial
from tasks.settings.own_modules import check_modules
from tasks.settings.sites import ENVIRONMENTS, Site, read_site

_OF_SITE = "the site's"
#: options that can also be set in the site
OF_SITE = ("flavour", "container", "environment", "accounting_group", "proxy")
#: options that single branches have, too
_OF_BRANCHES = ("workflow", "retries", "poll_interval", "parallel_jobs", "transfer_logs")
#: MB that every job needs; a smaller number was probably given without its unit
_LEAST_MEMORY = 50


def workflow_types(task: Any) -> tuple[str, ...]:
    """Return the values of ``--workflow`` that a class of tasks allows."""
    return ("local", *BATCH_SYSTEMS) if hasattr(task, "site") else ("local",)


def check_workflow_type(task: Any, params: Mapping[str, Any]) -> None:
    """Check that the type of workflow is known: law would replace an unknown one by another one."""
    if params.get("workflow") not in (None, law.NO_STR):
        check_known("workflow", [params["workflow"]], workflow_types(task), f"{task.task_family}, --workflow")


def check_batch(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Refuse an unknown batch system or site, and options that the batch system doesn't support."""
    check_workflow_type(task, params)
    if "site" in params:
        site, workflow = read_site(params["site"]), params["workflow"]
        if workflow != "local":
            system = BATCH_SYSTEMS[workflow]
            system.check_characters(str(Path(site.log_directory or store_root()).absolute()))
            for name in system.lacks:
                value = getattr(site, name) if params[name] == law.NO_STR else params[name]
                if value != getattr(Site, name):
                    others = " or ".join(kind for kind, other in BATCH_SYSTEMS.items() if name not in other.lacks)
                    raise ConfigError(f"--{name} {value} is for --workflow {others}, not {workflow}")
            site.check_workflow(workflow)
            _check_given(params, workflow)
            site = replace(site, **{name: params[name] for name in OF_SITE if params[name] != law.NO_STR})
            check_own_store(site, workflow)
            check_modules(system.name, site.environment, system.keeps_environment)
            site.check_required()
    for name in ("cancel_jobs", "dry_run"):
        if params.get(name) and params["workflow"] not in BATCH_SYSTEMS:
            batch = f"--{name.replace('_', '-')} is for --workflow {' or '.join(BATCH_SYSTEMS)}"
            raise ConfigError(f"{batch}, not {params['workflow']}")
    if params.get("environment") not in (None, law.NO_STR):
        check_known("environment", [params["environment"]], ENVIRONMENTS, "--environment")
    return params


def _check_given(params: Mapping[str, Any], workflow: str) -> None:
    for kind, system in BATCH_SYSTEMS.items():
        for name, parameter in system.options.items():
            if kind != workflow and params[name] != parameter.task_value("", name):
                given = f"--{name.replace('_', '-')} {params[name]}"
                raise ConfigError(f"{given} is for --workflow {kind}, not {workflow}")
    memory = params["memory"]
    if memory != law.NO_FLOAT and memory < _LEAST_MEMORY:
        raise ConfigError(f"--memory is {memory:g} MB, too little for any job: give a unit, such as 3GB")


#: options for batch jobs, besides those of single batch systems; none of them changes an output
PARAMETERS = {
    "workflow": dial("where branches run", "local"),
    "site": dial("preset of law.cfg for batch jobs", "local"),
    "memory": dial("memory per job, e.g. 3GB", law.NO_FLOAT, _OF_SITE, law.BytesParameter, unit="MB"),
    "runtime": dial("running time per job, e.g. 90min", law.NO_FLOAT, _OF_SITE, law.DurationParameter, unit="h"),
    "flavour": dial("+JobFlavour, instead of a running time", law.NO_STR, _OF_SITE),
    "container": dial("image that jobs run in", law.NO_STR, _OF_SITE),
    "environment": dial("shared (this checkout) or bundle (a copy that jobs bring)", law.NO_STR, _OF_SITE),
    "accounting_group": dial("accounting group of the jobs", law.NO_STR, _OF_SITE),
    "proxy": dial("X.509 proxy: a path, or auto for that of voms-proxy-init", law.NO_STR, _OF_SITE),
    "retry_delay": dial("seconds before a failed job is retried, doubled each time", BACK_OFF, f"{BACK_OFF:g}"),
    "retries": dial("how often a failed job is retried", 5),
    "poll_interval": dial("minutes between two queries of the queue", 1, kind=law.DurationParameter, unit="m"),
    "parallel_jobs": dial("largest number of jobs of a configuration in the queue, 0 for no limit", 0),
    "transfer_logs": dial("keep the logs of jobs", True),
    "clear_logs": dial("remove the logs of jobs that are done", False),
    "tasks_per_job": dial("number of branches that a job runs", 1),
    "submission_threads": dial("threads that submit jobs", 4),
    "ignore_submission": dial("forget an earlier submission", False),
    "cancel_jobs": dial("remove the queued jobs of the chain, and run nothing", False),
    "dry_run": dial("write and show the files for submission, and run nothing", False),
}


def batch_group() -> OptionGroup:
    """Return the options for jobs on the batch systems that are registered."""
    own = {name: parameter for system in BATCH_SYSTEMS.values() for name, parameter in system.options.items()}
    PARAMETERS["workflow"].description = f"where branches run: {', '.join(('local', *BATCH_SYSTEMS))}; default: local"
    return OptionGroup(
        "options for jobs on a batch system, by default those of the site",
        {**PARAMETERS, **own},
        heading="Batch jobs",
        check=check_batch,
        explained=("workflow", "site"),
        help="batch",
        # A single branch runs in the process that calls it.
        of_workflow=frozenset(own) | PARAMETERS.keys() - set(_OF_BRANCHES),
        actions={"cancel_jobs": cancel_jobs, "dry_run": dry_run},
    )
