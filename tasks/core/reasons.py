"""Reasons why a task runs: what its output lacks, or what has changed since the newest one beside it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, cast

import law

from pocket.base.fingerprint import Specification, specification
from pocket.base.fingerprint.specification import SCHEME
from pocket.io.store import store_root, why_incomplete
from pocket.io.store.records import read_specification, record_file
from tasks.core.changes import changes
from tasks.core.targets import StoreTarget, store_targets
from tasks.settings.remote_store import read_stores

# Specifications of required tasks are part of a specification, but what differs is said there.
_UPSTREAM = r"^templates\.|^\['measured in'\]|\bprocessor\b"

#: the reason if all that differs is in what other tasks have made
OTHER_INPUTS = "what it is made from has changed"

#: the reason if nothing can be compared
OTHER_RULES = "another version of Pocketlaw has made fingerprints by other rules"

#: attribute of a task with the content of its fingerprint
_SPECIFICATION = "_specification"
#: number of differences that are shown
_SHOWN = 2


def reason_of(task: Any) -> str:
    """Return why a task is to run, as a clause for the plan; empty if nothing is known.

    Args:
        task: a task in the store that isn't complete.
    """
    there = [output for output in store_targets(task.output()) if output.manifest is not None]
    for output in there:
        if reason := _unsuitable(output):
            return reason
    if there:
        return ""
    found = changes_since(task)
    if not found and has_earlier(task) and not task.awaited():
        return OTHER_INPUTS
    more = f" (and {len(found) - _SHOWN} more, shown by --print-status -1)" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _unsuitable(output: StoreTarget) -> str:
    """Return why an existing output isn't what is needed, empty if it is or if that isn't known yet."""
    if output.awaits_upload:
        return "it isn't in the remote store"
    if output.waits:
        return ""
    if reason := output.unsuitable():
        return reason
    damage = why_incomplete(output.directory) or ""
    return damage.replace(f" in {output.directory}", "").replace(str(output.directory), "it")


def changes_since(task: Any) -> list[str]:
    """Return what differs between what a task would make and its newest output, each once; empty if nothing is known.

    Args:
        task: a task without an output.
    """
    directory = getattr(task, "directory", None)
    if not isinstance(directory, Path) or (earlier := _newest_specification(directory)) is None:
        return []
    if earlier.scheme != SCHEME:
        return [OTHER_RULES]
    required = law.util.flatten(task.requires())
    upstream = {each.fingerprint for each in required if hasattr(each, "fingerprint")}
    return changes(earlier, specification_of(task), tuple(upstream), without=_UPSTREAM)


def specification_of(task: Any) -> Specification:
    """Return the content of a task's fingerprint, found once, since the plan and the records need it."""
    known: dict[str, Any] = vars(task)
    if _SPECIFICATION not in known:
        known[_SPECIFICATION] = specification(task.fingerprint_spec())
    return cast(Specification, known[_SPECIFICATION])


def has_earlier(task: Any) -> bool:
    """Whether a task has an output beside the one that it would make, of which is known what it was made from."""
    directory = getattr(task, "directory", None)
    return isinstance(directory, Path) and _newest_specification(directory) is not None


def _newest_specification(directory: Path) -> Specification | None:
    """Return the specification of the newest output beside a folder; one that failed counts if there is no other."""
    stores, folder = read_stores(), directory.parent
    for place in (folder, *(store / folder.relative_to(store_root()) for store in stores)):
        with contextlib.suppress(OSError):
            beside = [path for path in place.iterdir() if path.name[0] != "." and path.name != directory.name]
            beside.sort(key=lambda path: (path.stat().st_mtime, path.name), reverse=True)
            # There may be many outputs, so none is looked into beyond the first that is whole.
            if newest := next(filter(_is_whole, beside), next(iter(beside), None)):
                known = (read_specification(record_file("spec", newest.name, store)) for store in (None, *stores))
                return next(filter(None, known), None)
    return None


def _is_whole(directory: Path) -> bool:
    """Whether no dataset of an output is without branches, as when the first jobs have failed."""
    return not (directory.is_dir() and any(map(_is_empty, directory.iterdir())))


def _is_empty(path: Path) -> bool:
    """Whether a path is a folder with nothing in it; a folder may have thousands of entries."""
    if not path.is_dir():
        return False
    with os.scandir(path) as entries:
        return next(entries, None) is None
