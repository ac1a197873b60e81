"""PocketCoffea's executors, run options and options of the command line, in the words that are used here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import law

from pocket.base.runtime.file_state import near_files
from pocket.errors import ConfigError, UnknownNameError, nearest
from tasks.settings.sites import read_site, site_names

#: PocketCoffea's name of a site → ours; others are sections of law.cfg of the same name
SITES = {
    "lxplus": "lxplus",
    "swan": "swan",
    "T3_CH_PSI": "t3-psi",
    "purdue-af": "purdue",
    "DESY": "naf",
    "infn-af": "infn-af",
    "casa": "coffea-casa",
}

#: option of ``pocket-coffea run`` → what it is here, for options that don't exist here
ELSEWHERE = {
    "--cfg": "the configuration file is --analysis",
    "--outputdir": "outputs are in the store, in the folder of their --version",
    "-o": "outputs are in the store, in the folder of their --version",
    "-ro": "run options are --custom-run-options",
    "-t": "a run for a test is --test",
    "-lf": "a limit on files is --limit-files",
    "-lc": "a limit on chunks is --limit-chunks",
    "-e": "the executor is --executor",
    "-s": "the number of workers of Dask is --max-workers, that of processes on this machine --cores",
    "--scaleout": "the number of workers of Dask is --max-workers, that of processes on this machine --cores",
    "-c": "the size of chunks is --chunk-size",
    "--chunksize": "the size of chunks is --chunk-size",
    "-q": "the queue of jobs is --flavour, that of Dask's workers queue=… in --executor-options",
    "--queue": "the queue of jobs is --flavour, that of Dask's workers queue=… in --executor-options",
    "-ll": "the level of messages is --log-level",
    "--loglevel": "the level of messages is --log-level",
    "-ps": "datasets are in branches of their own always",
    "--process-separately": "datasets are in branches of their own always",
    "--resubmit-failed": "the same command runs again what failed",
    "--recreate-jobs": "the same command runs again what failed",
    "--recreate-queue": "the same command runs again what failed, with more time if that was too short",
    "--blocklist-sites": "hosts to avoid are block in the site of law.cfg",
    "--use-redirector": "all replicas of a file are known, and another one is read if one fails",
}

#: PocketCoffea's executor → the options that stand for it
_WAYS = {"condor": "--workflow htcondor", "parsl": "--executor dask or --workflow htcondor or slurm with"}

#: run option → option here, for branches that run on Dask
_DASK = {
    "scaleout": "max_workers",
    "mem-per-worker": "worker_memory",
    "sched-url": "scheduler",
    "retries": "executor_options.retries",
    "voms-proxy": "executor_options.proxy",
    "death-timeout": "executor_options.death_timeout",
    "gateway-address": "executor_options.gateway",
    "gateway-proxy-address": "executor_options.gateway_proxy",
}
#: the same for some kinds of clusters
_CLUSTERS: Mapping[str, Mapping[str, str]] = {
    "slurm": {"queue": "executor_options.queue", "walltime": "executor_options.walltime"},
    "htcondor": {"disk-per-worker": "executor_options.disk"},
    "lxplus": {
        "disk-per-worker": "executor_options.disk",
        "queue": "executor_options.directive.+JobFlavour",
    },
}
_BATCH = {
    "mem-per-worker": "memory",
    "walltime": "runtime",
    "max-run-time": "runtime",
    "max-retries": "retries",
    "voms-proxy": "proxy",
}
#: the same for batch systems
_SYSTEMS: Mapping[str, Mapping[str, str]] = {"htcondor": {"queue": "flavour"}}
_EVERYWHERE = {
    "chunksize": "chunk_size",
    "limit-files": "limit_files",
    "limit-chunks": "limit_chunks",
    "skip-bad-files": "skip_bad_files",
}
#: run options that have no counterpart anywhere
_WITHOUT = (
    *("adaptive", "blocklist-sites", "conda-env", "cores-per-worker", "custom-setup-commands", "eos-prefix"),
    *("executor", "group-samples", "ignore-grid-certificate", "local-virtualenv", "logs-dir", "notify-user"),
    *("performance-report", "recreate-queue", "slurm", "split-by-category", "tree-reduction", "use-redirector"),
    *("worker-debug", "worker-image"),
)
_LATER = "starting-time"


def known_run_options() -> set[str]:
    some = (_DASK, _BATCH, _EVERYWHERE, *_CLUSTERS.values(), *_SYSTEMS.values())
    return {*(name for each in some for name in each), *_WITHOUT, _LATER}


@dataclass(frozen=True)
class Translation:
    """Run options in the words of the command line: of a task, and of ``--executor-options``."""

    options: Mapping[str, str]
    executor_options: Mapping[str, str]
    ignored: tuple[str, ...]


def translate(given: Mapping[str, Any], where: str, params: Mapping[str, Any]) -> Translation:
    """Return run options in the words of the command line, which depend on where branches of the task run."""
    words = _words_for(params, given)
    options: dict[str, str] = {}
    keys: dict[str, str] = {}
    ignored = []
    known = known_run_options()
    for name, value in given.items():
        if name not in known and nearest(str(name), known, likeness=0.8):
            raise UnknownNameError("run option", name, known, where)
        if value is None:
            continue
        if name == _LATER:
            raise ConfigError(f"{where}: {name} {value!r} has no counterpart, use `at` or cron to begin later")
        target = words.get(str(name))
        if target is None:
            ignored.append(str(name))
        elif target.startswith("executor_options."):
            keys[target.partition(".")[2]] = _text(target, value)
        else:
            options[target] = _text(target, value)
    return Translation(options, keys, tuple(ignored))


def _words_for(params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Return run option → option here, for the place where branches run and the given run options."""
    workflow = params.get("workflow", "local")
    if workflow != "local":
        return {**_EVERYWHERE, **_BATCH, **_SYSTEMS.get(workflow, {})}
    if params.get("executor") != "dask":
        return _EVERYWHERE
    if given.get("sched-url") is not None:
        # Nothing about workers concerns a scheduler that is there.
        return {**_EVERYWHERE, **{name: _DASK[name] for name in ("sched-url", "voms-proxy")}}
    from pocket.executors.dask_executor import has_effect

    site = dict(read_site(params["site"]).dask)
    cluster = site.get("cluster", "") if params["cluster"] == law.NO_STR else params["cluster"]
    words = {**_EVERYWHERE, **_DASK, **_CLUSTERS.get(cluster, {})}
    return {
        name: word
        for name, word in words.items()
        if has_effect(word.removeprefix("executor_options."), cluster or "local")
    }


def _text(target: str, value: Any) -> str:
    """Return a value as on the command line; numbers of PocketCoffea are memory in GB, and times in seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = {"memory": "GB", "worker_memory": "GB", "runtime": "s"}.get(target, "")
        return f"{value}{unit}"
    text = str(value)
    return f'"{text}"' if target.endswith("+JobFlavour") else text


def read_run_options(file: str) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from pocket.parameters.explaining import yaml_reason

    path = Path(file).expanduser()
    if not path.is_file():
        raise ConfigError(f"--custom-run-options {file}: there is no such file{near_files(path.absolute())}")
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"--custom-run-options {yaml_reason(error, file)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"--custom-run-options {file} has no options, expected lines such as 'chunksize: 100000'")
    return {str(name): value for name, value in content.items()}


def find_executor(name: str) -> dict[str, str]:
    """Return the options of tasks that stand for an executor of PocketCoffea, ``{}`` if it isn't one with a site.

    >>> find_executor("dask@lxplus")
    {'executor': 'dask', 'site': 'lxplus'}
    """
    kind, at, place = name.partition("@")
    if kind in ("condor", "parsl") and not at:
        raise ConfigError(
            f"--executor {name}: use {_WAYS[kind]} --site …, see docs/how-to/executors.md and docs/how-to/batch.md"
        )
    if not at:
        return {}
    if kind in ("iterative", "futures"):
        return {"executor": kind}
    if kind not in ("condor", "dask"):
        raise ConfigError(
            f"--executor {name}: there is no executor {kind!r}, use {_WAYS['parsl']} --site {SITES.get(place, place)}, "
            "see docs/how-to/sites.md"
        )
    site = find_site(place, f"--executor {name}")
    if kind == "dask":
        return {"executor": "dask", "site": site}
    return {"executor": "futures", "workflow": "htcondor", "site": site}


def find_site(place: str, where: str) -> str:
    """Return the name in law.cfg of a site that has PocketCoffea's name, or is there by its own.

    >>> find_site("T3_CH_PSI", "--executor dask@T3_CH_PSI")
    't3-psi'
    """
    site = SITES.get(place, place)
    if site not in site_names():
        if nearest(place, known := [*SITES, *site_names()]):
            raise UnknownNameError("site", place, known, where)
        raise ConfigError(f"{where}: law.cfg has no section [site_{place}], write one as docs/how-to/sites.md says")
    return site
