"""Reasons why a task runs: what its output lacks, or what has changed since the newest one beside it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import law

from pocket.base.fingerprint import Specification, differences, specification
from pocket.io.store import why_incomplete
from pocket.io.store.records import read_specification, record_file
from tasks.core.targets import StoreTarget, store_targets

#: type in front of a value of a specification
_TYPE = re.compile(r"(?<![\w.])(?:float|int|str|bool|NoneType) (?=\S)")
#: place of a parameter of something that has a name, such as a cut
_PARAMETER = re.compile(r"(?P<owner>.+?)\.(?:params(?P<parameter>\..+)|function\b.*)")
#: parts of a place that say nothing to people
_PLACES = re.compile(r"^(?:config\.)?(?:parameters\.)?")
# Fingerprints and specifications of required tasks are part of a specification, but what differs is said there.
_FINGERPRINT = re.compile(r"(?:str )?'?[0-9a-f]{12,}'?")
_UPSTREAM = re.compile(r"^templates\.|^\['measured in'\]|\bprocessor\b")

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
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
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
    required = law.util.flatten(task.requires())
    upstream = {each.fingerprint for each in required if hasattr(each, "fingerprint")}
    now = specification(task.fingerprint_spec())
    return list(dict.fromkeys(_own_differences(earlier, now, upstream)))


def _newest_specification(directory: Path) -> Specification | None:
    """Return the specification of the newest output beside a folder."""
    beside: list[tuple[float, str]] = []
    with contextlib.suppress(OSError):
        beside = sorted(
            (path.stat().st_mtime, path.name)
            for path in directory.parent.iterdir()
            if not path.name.startswith(".") and path != directory
        )
    known = (read_specification(record_file("spec", name)) for _, name in reversed(beside))
    return next(known, None)


def _own_differences(earlier: Specification, now: Specification, upstream: set[str]) -> Iterator[str]:
    """Yield the differences of specifications that aren't those of required tasks, of which each has one line."""
    for difference in differences(earlier, now):
        place, _, change = difference.partition(": ")
        is_upstream = _UPSTREAM.search(place) or any(fingerprint in difference for fingerprint in upstream)
        if is_upstream or all(_FINGERPRINT.fullmatch(side) or side == "nothing" for side in change.split(" → ")):
            continue
        # A module has one line, which says that its words differ, too.
        if ".modules[" not in difference and ".words[" not in place:
            yield _readable(difference, now.values)


def _readable(difference: str, values: Mapping[str, str]) -> str:
    """Return a difference of specifications in few words.

    Args:
        difference: place and values.
        values: place → value of one of the specifications.

    Example:
        >>> _readable("config.preselections[0].params.pt: float 27.0 → float 28.0", {})
        'preselections[0].params.pt 27.0 → 28.0'
        >>> _readable("config.preselections[0].params.pt: float 27.0 → float 28.0", {
        ...     "config.preselections[0].name": "str 'dimuon'"})
        'dimuon.pt 27.0 → 28.0'
        >>> _readable("engine: module pocket.engine.run differs", {})
        'pocket.engine.run differs'
    """
    place, _, change = difference.partition(": ")
    text = _PLACES.sub("", place)
    if (part := _PARAMETER.match(place)) and (name := values.get(f"{part['owner']}.name", "")).startswith("str "):
        text = f"{name[5:-1]}{part['parameter'] or ':'}"
    if change.startswith("module "):
        text, change = change.removeprefix("module ").partition(" ")[::2]
    text = f"{text} {_TYPE.sub('', change)}"
    for root in ("<checkout>/", "<analysis>/"):
        text = text.replace(root, "")
    return text
