"""Placement of a submission: whether a site takes, and its machines see, the checkout, the store and the logs."""

from __future__ import annotations

from pathlib import Path

from tasks.settings.batch_systems import BATCH_SYSTEMS
from tasks.settings.sites import PREFIX, Site

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
