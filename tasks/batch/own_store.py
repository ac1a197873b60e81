"""Stores of jobs that don't see the machine that submitted them: each job has its own, which is deleted at its end.

Such a job reads from the remote store and uploads its outputs there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError
from pocket.io.remote.client import is_remote
from tasks.core.loaded import VARIABLE as EXPECTED
from tasks.core.targets import StoreTarget
from tasks.settings.remote_store import VARIABLE as REMOTE
from tasks.settings.remote_store import remote_store
from tasks.settings.sites import Site

#: environment variable of such jobs, with the path of the store of the user who submitted them
VARIABLE = "POCKET_SUBMITTED_STORE"
#: prefixes of paths that are the same on all nodes
_EVERYWHERE = ("/cvmfs/",)


def has_own_store() -> bool:
    return VARIABLE in os.environ


def is_made_elsewhere(family: str) -> bool:
    """Whether this job has its own store, and the output of a task was made and checked before the job was submitted.

    Otherwise, each of thousands of jobs would look for thousands of outputs in the remote store.
    """
    return has_own_store() and family != os.environ.get(EXPECTED, "").partition("=")[0]


def check_own_store(site: Site, workflow: str) -> None:
    """Check that jobs of a site that don't see the store of the submitting user can run without it."""
    if site.store != "remote":
        return
    why = f"jobs at site {site.name!r} see nothing of this machine (store: remote)"
    if workflow != "htcondor":
        raise ConfigError(f"{why}, which is for --workflow htcondor, not {workflow}")
    if site.environment != "bundle":
        raise ConfigError(f"{why}, so they need --environment bundle, not {site.environment}")
    if remote_store() is None:
        raise ConfigError(f"{why}, so they need a remote store: set {REMOTE} to an address such as root://host//folder")


def check_reach(site: Site, outputs: Iterable[StoreTarget], branches: Iterable[Any]) -> None:
    """Check that jobs can access all files that they read and write."""
    folders = set()
    for output in outputs:
        folders.add(output.directory)
        if output.remote is None:
            raise ConfigError(
                f"jobs at site {site.name!r} don't see {output.directory}, and tasks in [store] of law.cfg keeps it "
                "out of the remote store: name its task there, too"
            )
    for branch in branches:
        for segment in branch.segments:
            is_everywhere = any(is_remote(place) or place.startswith(_EVERYWHERE) for place in segment.locations)
            if not is_everywhere and folders.isdisjoint(Path(segment.path).parents):
                raise ConfigError(
                    f"jobs at site {site.name!r} don't see {segment.path}: put it on a server, and name it by root://"
                )
