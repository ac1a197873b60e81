"""Execution of jobs: options that select the executor for those of branches, the executors by name, and processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import law

from pocket.errors import ConfigError
from pocket.executors import Executor, ExecutorFactoryABC, Job, Progress, available_cores
from pocket.executors.base import find_factory, run_iteratively
from tasks.core.terminal import print_note
from tasks.framework.pool import are_there, run_in_workers
from tasks.framework.progress import progress_bar
from tasks.settings.options import DEFAULT, OptionGroup, dial, read_resources
from tasks.settings.run_options import find_executor, read_run_options, translate
from tasks.settings.sites import read_site, site_names

EXECUTORS = {
    "iterative": "pocket.executors.base:IterativeExecutorFactory",
    "futures": "tasks.framework.executors:FuturesExecutorFactory",
    "dask": "pocket.executors.dask_executor:DaskExecutorFactory",
}
#: executor for custom executor files of PocketCoffea
CUSTOM = "tasks.framework.custom_executors:CustomExecutorFactory"

#: executors that always run on this machine, at any site
LOCAL = ("iterative", "futures")

OPTIONS = ("cluster", "scheduler", "min_workers", "max_workers", "worker_memory", "executor_options")


def _in_own_words(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return the options with PocketCoffea's executor and run options in the words that are used here."""
    file = params["custom_run_options"]
    custom = params["executor_custom_setup"] != law.NO_STR
    if file == law.NO_STR and params["executor"] in EXECUTORS:
        return params
    known = dict(task.get_params())
    # The file wins over the preset of --resources, which is no value that somebody gave for an option.
    usual = {name: each.task_value("", name) for name, each in known.items() if each.has_task_value("", name)}
    usual |= read_resources(params.get("resources", DEFAULT))
    given = {name for name in known if name in params and params[name] != usual.get(name)}
    found = find_executor(params["executor"])
    for name, value in found.items():
        if name in given - {"executor"} and params[name] != value:
            raise ConfigError(f"--executor {params['executor']} means --{name} {value}, not {params[name]}")
    params = {**params, **found}
    if file == law.NO_STR:
        return params
    # The factory of a custom executor file gets the run options as they are.
    translated = translate(read_run_options(file), file, {**params, "executor": "futures"} if custom else params)
    options = {name: value for name, value in translated.options.items() if name in known and name not in given}
    for name, value in options.items():
        try:
            params[name] = known[name].parse(value)
        except ValueError:
            raise ConfigError(f"{file}: {value!r} is no value for --{name.replace('_', '-')}") from None
    there = {text.partition("=")[0] for text in params["executor_options"]}
    more = (f"{key}={value}" for key, value in translated.executor_options.items() if key not in there)
    if translated.ignored and not custom:
        print_note(f"{file}: options without a counterpart are ignored: {', '.join(translated.ignored)}")
    return {
        **params,
        "executor_options": (*params["executor_options"], *more),
        "custom_run_options": file if custom else law.NO_STR,
    }


def _check(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Refuse an unknown executor, and options that it doesn't accept, before anything runs."""
    custom = params["executor_custom_setup"] != law.NO_STR
    if custom or params["executor"] != "futures" or given_options(params):
        if params.get("workflow") not in (None, law.NO_STR, "local"):
            given = "--executor-custom-setup" if custom else f"--executor {params['executor']}"
            raise ConfigError(
                f"{given} is for --workflow local, not {params['workflow']}: a branch that is a job of a batch "
                "system has no executor"
            )
        factory, options = chosen_executor(params)
        factory.check(options)
    return params


#: of tasks whose jobs, or those of their requirements, run with an executor
EXECUTOR = OptionGroup(
    "options for executors of local branches",
    {
        "executor": dial(
            "iterative, futures (processes on this machine), dask, one of the analysis' executors, or "
            "my.module:MyFactory",
            "futures",
        ),
        "cluster": dial("Dask cluster to start: local, htcondor, slurm, lxplus or gateway", law.NO_STR, "local"),
        "scheduler": dial("address or file of a running Dask scheduler", law.NO_STR),
        "min_workers": dial("Dask workers to keep, locally 0 for --max-workers", 0),
        "max_workers": dial("largest number of Dask workers, 0 for 20 or --cores", 0),
        "worker_memory": dial("memory per Dask worker, e.g. 3GB", law.NO_STR, "2GB"),
        "executor_options": dial("more options of the executor, key=value,…", ()),
        "custom_run_options": dial("YAML file with run options of PocketCoffea", law.NO_STR),
        "executor_custom_setup": dial("executor file of PocketCoffea with a Dask client", law.NO_STR),
    },
    heading="Executors",
    # A file of run options may have those of other groups.
    prepare=_in_own_words,
    check=_check,
    explained=("executor",),
    help="batch",
    # A single branch runs in its own process.
    of_workflow=frozenset({"executor", "custom_run_options", "executor_custom_setup", *OPTIONS}),
)


def chosen_executor(params: Mapping[str, Any]) -> tuple[type[ExecutorFactoryABC], dict[str, Any]]:
    """Return the class of a task's executor, of whichever module, with its options, the user's and the site's."""
    from pocket.configuration.loading import load_analysis

    given, executor, analysis = given_options(params), params["executor"], params["analysis"]
    if (file := params["executor_custom_setup"]) != law.NO_STR:
        run_options = params["custom_run_options"]
        found = {"file": file, "executor": executor, "run_options": "" if run_options == law.NO_STR else run_options}
        return find_factory(CUSTOM, {}), {**given, "custom": found}
    # The analysis is loaded for a module, too, which may be beside it. A task of a datacard has none.
    own = load_analysis(analysis, tuple(params["params"])).executors if analysis != law.NO_STR else {}
    factory = find_factory(executor, {**EXECUTORS, **own})
    return factory, all_options(factory, executor, params.get("site", "local"), given)


def all_options(
    factory: type[ExecutorFactoryABC], executor: str, site_name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of an executor: the user's, and those of the site for Dask."""
    if executor in LOCAL or site_name == "local":
        return dict(given)
    site = dict(read_site(site_name).dask)
    if not site:
        with_dask = [name for name in site_names() if read_site(name).dask]
        raise ConfigError(
            f"site {site_name!r} has no options for --executor {executor} (dask in [site_{site_name}] of law.cfg); "
            f"sites that have: {', '.join(with_dask)}"
        )
    required = site.pop("required", "").split()
    for name in required:
        if name not in given:
            lack = f"--{name.replace('_', '-')}" if name in OPTIONS else f"--executor-options {name}=…"
            raise ConfigError(f"site {site_name!r} needs {lack} with --executor {executor}, see docs/how-to/sites.md")
    return factory.combined(site, given)


def given_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the executor that differ from their defaults."""
    own = OPTIONS[:-1]
    given = {name: params[name] for name in own if params.get(name) not in (None, 0, law.NO_STR)}
    for text in params.get("executor_options") or ():
        key, equals, value = str(text).partition("=")
        if not (key and equals):
            raise ConfigError(f"--executor-options has {text!r}, expected key=value")
        if key in own:
            raise ConfigError(f"--executor-options has {key!r}, which is the option --{key.replace('_', '-')}")
        given[key] = value
    return given


def run_jobs(jobs: Mapping[str, Job], cores: int, label: str, unit: str, done_until_started: float = 0) -> None:
    """Run jobs in up to ``cores`` processes, 0 for all cores, with a progress bar; one process means this one.

    This process does ``done_until_started`` jobs until others have started; if all are done as soon, none are started.
    """
    with progress_bar(label, sum(job.size for job in jobs.values()), unit) as advance:
        _run(jobs, cores, advance, done_until_started=0 if are_there() else done_until_started)


def run_with(
    factory: type[ExecutorFactoryABC], options: Mapping[str, Any], jobs: Mapping[str, Job], label: str, unit: str
) -> None:
    """Run jobs, name → job, with an executor and a progress bar; ``options`` are those of the executor."""
    executor = factory(options)
    try:
        executor.setup()
        with progress_bar(label, sum(job.size for job in jobs.values()), unit) as advance:
            executor.get()(jobs, advance)
    finally:
        executor.close()


class FuturesExecutorFactory(ExecutorFactoryABC):
    """Runs jobs in ``cores`` processes of this machine."""

    known_options = ()

    def get(self) -> Executor:
        return lambda jobs, progress: _run(jobs, self.run_options["cores"], progress)


def _run(jobs: Mapping[str, Job], cores: int, advance: Progress, done_until_started: float = 0) -> None:
    if cores < 0:
        raise ConfigError(f"the number of cores is {cores}, expected 0 for all cores or more")
    most = cores or available_cores()
    workers = min(most, len(jobs))
    # With others, the jobs take the time of done_until_started and of those that one of them does.
    if workers <= 1 or len(jobs) <= done_until_started + len(jobs) / workers:
        run_iteratively(jobs, advance)
    else:
        # Big jobs come first, so that no core waits long for the last one.
        calls = {name: jobs[name].run for name in sorted(jobs, key=lambda name: -jobs[name].size)}
        smaller = {name: job.halved().run for name, job in jobs.items() if hasattr(job, "halved")}
        run_in_workers(calls, most, advance, smaller)
