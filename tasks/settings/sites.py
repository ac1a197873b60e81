"""Sites where jobs run, presets of law.cfg with one section ``site_NAME`` each, and the places that they accept."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import law

from pocket.errors import ConfigError, check_known
from tasks.settings.batch_systems import BATCH_SYSTEMS

PREFIX = "site_"
#: environments of jobs: the checkout and the packages as they see them, or a copy that is sent along
ENVIRONMENTS = ("shared", "bundle")
#: store that jobs read and write: the one of the user who submits, or only the remote one
STORES = ("shared", "remote")
#: running time in hours that each flavour stands for at CERN (https://batchdocs.web.cern.ch/local/submit.html)
FLAVOURS = {
    "espresso": 1 / 3,
    "microcentury": 1,
    "longlunch": 2,
    "workday": 8,
    "tomorrow": 24,
    "testmatch": 72,
    "nextweek": 168,
}


@dataclass(frozen=True)
class Site:
    """Settings for the submission of jobs at a site.

    Args:
        memory: memory of a job in MB.
        max_memory: limit in MB up to which the memory is doubled when a job needed more.
        runtime: running time of a job in hours.
        max_runtime: limit in hours up to which the running time is doubled when a job needed longer.
        flavour: ``+JobFlavour``, which stands for a running time at CERN.
        want_os: ``MY.WantOS``, such as ``el9``.
        container: image that jobs run in, ``MY.SingularityImage``.
        environment: environment of jobs, ``shared`` or ``bundle``.
        store: store that jobs use: ``shared`` if they see that of the user who submits, ``remote`` if they don't see
            the machine that submits, so that they read and write the remote store.
        project: ``MY.ProjectName``, which OSG uses for accounting.
        required: options without a value that is valid for all users, separated by commas; users must set them.
        accounting_group: group that the jobs are charged to; the account on Slurm.
        partition: partition of Slurm that jobs are sent to.
        send_credential: pass the Kerberos ticket to jobs, which CERN's EOS needs.
        log_directory: folder for logs and files of jobs, if they may not be in the store; it has one folder for each
            store path.
        submit_from: prefix of all paths of a submission, if a site accepts no others, e.g. ``/eos/``.
        not_from: prefixes of paths that a site refuses, separated by commas, e.g. ``/eos/``.
        not_shared: prefixes of paths that only the submitting machine has, separated by commas, e.g. ``/tmp/``.
        proxy: X.509 proxy that jobs get: a path, or ``auto`` for where ``voms-proxy-init`` writes it; empty for none.
        block: hosts that jobs aren't sent to, separated by commas.
        disk: scratch space of a job in MB, 0 for the batch system's default.
        setup: shell commands at the start of a job, such as ``source /cvmfs/…/setup.sh`` of a view. Variables such as
            ``$PATH`` are those of the job; in all other options they are those of the machine that submits.
        requirements: expression that HTCondor's machines must fulfil.
        submit: further lines of the submission, one in each line: ``key = value`` of a submit file of HTCondor, options
            of Slurm such as ``gres=gpu:1``. ``{memory}`` stands for the memory in MB, ``{seconds}`` and ``{minutes}``
            for the running time.
        workflows: batch systems of the site, empty for all, or ``none`` if it accepts no jobs.
        dask: options of the executor ``dask`` at this site, one per line: ``key = value`` with the keys of
            ``docs/how-to/executors.md``. ``required = scheduler`` names those that the user has to set.
    """

    name: str
    memory: float = 2000.0
    max_memory: float = 16000.0
    runtime: float = 3.0
    max_runtime: float = 48.0
    flavour: str = ""
    want_os: str = ""
    container: str = ""
    environment: str = "shared"
    store: str = "shared"
    project: str = ""
    required: tuple[str, ...] = ()
    accounting_group: str = ""
    partition: str = ""
    send_credential: bool = False
    log_directory: str = ""
    submit_from: str = ""
    not_from: tuple[str, ...] = ()
    not_shared: tuple[str, ...] = ()
    proxy: str = ""
    block: tuple[str, ...] = ()
    disk: float = 0.0
    gpus: int = 0
    setup: str = ""
    requirements: str = ""
    submit: tuple[tuple[str, str], ...] = ()
    workflows: tuple[str, ...] = ()
    dask: tuple[tuple[str, str], ...] = ()

    def submit_lines(self, memory: float, runtime: float) -> list[tuple[str, str]]:
        """Return the further lines of a submission with the requests of a job filled in."""
        values = {"{memory}": memory, "{seconds}": runtime * 3600, "{minutes}": runtime * 60}
        lines = []
        for key, value in self.submit:
            for name, number in values.items():
                value = value.replace(name, str(math.ceil(number)))
            lines.append((key, value))
        return lines

    def check_workflow(self, workflow: str) -> None:
        """Check that the site has a batch system."""
        if self.workflows and workflow not in self.workflows:
            systems = [name for name in self.workflows if name in BATCH_SYSTEMS]
            others = f"only of {' or '.join(systems)}" if systems else "it is for --executor dask"
            raise ConfigError(f"site {self.name!r} takes no jobs of {workflow}, {others}")

    def check_required(self) -> None:
        if missing := [option for option in self.required if not getattr(self, option)]:
            raise ConfigError(
                f"site {self.name!r} takes no jobs without a {missing[0]}: set {missing[0]} in [{PREFIX}{self.name}] "
                "of law.cfg"
            )

    def objection(self, path: str, what: str = "") -> str:
        """Return why a path can't be part of a submission, empty if it can."""
        shown = f"{what} {path}".lstrip()
        if path.startswith(self.not_shared):
            return f"other machines of site {self.name!r} don't see {shown}"
        if self.submit_from and not path.startswith(self.submit_from):
            return f"site {self.name!r} takes no submission from {shown}, only from {self.submit_from}"
        if path.startswith(self.not_from):
            return f"site {self.name!r} takes no submission from {shown}"
        return ""


def site_names() -> list[str]:
    return [section.removeprefix(PREFIX) for section in law.config.sections() if section.startswith(PREFIX)]


def read_site(name: str) -> Site:
    check_known("site", [name], site_names(), "--site")
    section = f"{PREFIX}{name}"
    return parse_site(name, {option: _option(section, option) for option in law.config.options(section)})


def _option(section: str, option: str) -> str:
    """Return the value of an option with variables filled in: in commands of jobs, these are variables of the job."""
    if option == "setup":
        return _as_written(section, option)
    if option == "dask":
        lines = _as_written(section, option).splitlines()
        return "\n".join(line if re.match(r"\s*setup\s*=", line) else os.path.expandvars(line) for line in lines)
    return str(law.config.get_expanded(section, option))


def _as_written(section: str, option: str) -> str:
    return str(law.config.get_expanded(section, option, expand_vars=False, expand_user=False))


def parse_site(name: str, options: Mapping[str, object]) -> Site:
    """Return a site from its options in law.cfg."""
    known = {field.name: field.type for field in dataclasses.fields(Site) if field.name != "name"}
    check_known("option", options, known, f"[{PREFIX}{name}] of law.cfg")
    values: dict[str, object] = {}
    for option, value in options.items():
        text = str(value).strip()
        try:
            values[option] = _READ[str(known[option])](text)
        except (KeyError, ValueError):
            raise ConfigError(f"{option} = {text} in [{PREFIX}{name}] of law.cfg is no {known[option]}") from None
    site = Site(name, **values)  # type: ignore[arg-type]
    where = f"[{PREFIX}{name}] of law.cfg"
    check_known("environment", [site.environment], ENVIRONMENTS, where)
    check_known("store", [site.store], STORES, where)
    check_known("workflow", site.workflows, (*BATCH_SYSTEMS, "none"), where)
    check_known("option", site.required, known, f"required in {where}")
    return site


def _line(text: str) -> tuple[str, str]:
    """Return the key and the value of a line."""
    key, _, value = text.partition("=")
    if not re.fullmatch(r"[+\w.-]+", key.strip()):
        raise ValueError(text)
    return key.strip(), value.strip()


#: annotation of an option → function that converts its string
_READ: dict[str, Callable[[str], object]] = {
    "str": str,
    "float": float,
    "int": int,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "tuple[tuple[str, str], ...]": lambda text: tuple(map(_line, filter(None, map(str.strip, text.splitlines())))),
    "tuple[str, ...]": lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}


_SHARED = "a file system that they see"


def placement_problems(site: Site, workflow: str, checkout: Path, store: Path) -> list[str]:
    """Return a sentence for each folder that is in a wrong place, with the remedy after a colon.

    >>> site = Site("mine", not_from=("/eos/",), environment="bundle")
    >>> placement_problems(site, "htcondor", Path("/eos/checkout"), Path("/home/me/store"))
    []
    >>> (problem,) = placement_problems(site, "htcondor", Path("/home/me"), Path("/eos/store"))
    >>> problem.partition(": ")[2]
    'set log_directory in [site_mine] of law.cfg'
    """
    return [problem for problem in (_of_checkout(site, workflow, checkout), *_of_outputs(site, store)) if problem]


def _of_checkout(site: Site, workflow: str, checkout: Path) -> str:
    """Return the problem of the checkout, empty if there is none; not every batch system can bring a bundle."""
    why = site.objection(str(checkout), "the checkout")
    if not why or site.environment != "shared":
        return ""
    if "environment" in BATCH_SYSTEMS[workflow].lacks:
        return f"{why}: move it"
    return f"{why}: move it, or let jobs bring a copy with --environment bundle"


def _of_outputs(site: Site, store: Path) -> list[str]:
    """Return the problems of the store and of the logs."""
    problems = []
    path, setting = str(store.absolute()), f"log_directory in [{PREFIX}{site.name}] of law.cfg"
    if site.store == "shared" and path.startswith(site.not_shared):
        problems.append(f"{site.objection(path, 'the store')}: set POCKET_STORE to {_SHARED}")
    if site.log_directory:
        logs = str(Path(site.log_directory).absolute())
        if why := site.objection(logs, "the logs"):
            problems.append(f"{why}: set {setting} to another folder")
    elif not problems and (why := site.objection(path, "the logs and job files in the store")):
        problems.append(f"{why}: set {setting}")
    return problems
