"""Reasons why a task runs: what its output lacks, or how its fingerprint differs from that of an earlier output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import law

from pocket.base.fingerprint import differences, specification
from pocket.io.store import why_incomplete
from pocket.io.store.records import read_specification, record_file
from tasks.core.targets import StoreTarget, store_targets

#: type in front of a value of a specification
_TYPE = re.compile(r"(?<![\w.])(?:float|int|str|bool|NoneType) (?=\S)")
#: place of a parameter of something that has a name, such as a cut
_PARAMETER = re.compile(r"(?P<owner>.+?)\.(?:params(?P<parameter>\..+)|function\b.*)")
#: parts of a place that say nothing to people
_PLACES = re.compile(r"^(?:config\.)?(?:parameters\.)?")
#: number of differences that are shown
_SHOWN = 2


def reason_of(task: Any) -> str:
    """Return why a task is to run, as a clause for the plan; empty if nothing is known.

    Args:
        task: a task in the store that isn't complete.
    """
    outputs = store_targets(task.output())
    there = [output for output in outputs if output.manifest is not None]
    for output in there:
        if reason := _unsuitable(output):
            return reason
    return "" if there else change_since(task)


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


def change_since(task: Any) -> str:
    """Return what has changed since the last output of a task with the same version, empty if there was none."""
    earlier = _last_output(task.directory)
    if earlier is None:
        return ""
    before = read_specification(record_file("spec", earlier))
    if before is None:
        return ""
    required = law.util.flatten(task.requires())
    upstream = {each.fingerprint for each in required if hasattr(each, "fingerprint")}
    now = specification(task.fingerprint_spec())
    found = []
    for difference in differences(before, now):
        # What those upstream make is explained there, and a module has one line.
        if not any(fingerprint in difference for fingerprint in upstream) and ".modules[" not in difference:
            found.append(_readable(difference, now.values))
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _last_output(directory: Path) -> str | None:
    """Return the fingerprint of the newest other output beside one, ``None`` if there is none."""
    try:
        others = [path for path in directory.parent.iterdir() if path != directory and not path.name.startswith(".")]
        return max(others, key=lambda path: path.stat().st_mtime).name if others else None
    except OSError:
        return None


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
