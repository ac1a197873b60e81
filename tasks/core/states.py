"""States of tasks: what the next run would do with them, and what has changed since their newest outputs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import law

from pocket.base.fingerprint import Specification, specification
from pocket.base.fingerprint.specification import SCHEME
from pocket.io.store import store_root
from pocket.io.store.records import read_specification, record_file
from tasks.core.changes import changes
from tasks.core.targets import COMPLETE, MAY_RUN, WOULD_RUN, State, StoreTarget, find_remote
from tasks.settings.remote_store import read_stores

# Specifications of required tasks are part of a specification, but what differs is said there.
_UPSTREAM = r"^templates\.|^\['measured in'\]|\bprocessor\b"
#: the reason if all that differs is in what other tasks have made
OTHER_INPUTS = "what it is made from has changed"
#: the reason if nothing can be compared
OTHER_RULES = "another version of Pocketlaw has made fingerprints by other rules"
#: attribute of a task with the content of its fingerprint
_SPECIFICATION = "_specification"


def state_of(task: Any) -> State:
    """Return what the next run would do with a task."""
    if is_workflow(task):
        outputs = task.branch_outputs if task.branches_are_known else {}
        find_remote(outputs.values())
        states = {number: output.state() for number, output in outputs.items()}
        return _state_of_workflow(task, states) if states else State(WOULD_RUN)
    if isinstance(output := task.output(), StoreTarget):
        find_remote([output])
        return output.state()
    return State(COMPLETE if task.complete() else WOULD_RUN)


def is_workflow(task: Any) -> bool:
    """Whether a task stands for all of its branches."""
    # The outputs themselves would be found by the question whether there is a property of them.
    return hasattr(task, "branch_size") and bool(task.is_workflow())


def is_branch(task: Any) -> bool:
    return isinstance(task, law.BaseWorkflow) and bool(task.is_branch())


def _state_of_workflow(task: Any, states: Mapping[int, State]) -> State:
    left = {number: state for number, state in states.items() if not state.is_complete}
    # With --acceptance, some of the branches are enough.
    if not left or (len(left) < len(states) and task.complete()):
        kind = COMPLETE
    else:
        kind = WOULD_RUN if any(state.kind == WOULD_RUN for state in left.values()) else MAY_RUN
    reasons = [state.reasons for state in (left or states).values()]
    # What all branches have in common is the store that they are in.
    found = next(filter(None, reasons), ()) if left or len(set(reasons)) == 1 else ()
    return State(kind, found, tuple(left), len(states))


def reasons_of(task: Any, state: State) -> tuple[str, ...]:
    """Return why a task is in a state: what its output lacks, or what has changed; empty if nothing is known."""
    # Where some branches exist, nothing has changed: the others were never made.
    if state.name != WOULD_RUN or state.reasons:
        return state.reasons
    if found := changes_since(task):
        return tuple(found)
    if callable(getattr(task, "awaited", None)) and (awaited := task.awaited()):
        return (f"after {awaited}",)
    return (OTHER_INPUTS,) if _earlier(task) is not None else ()


def changes_since(task: Any) -> list[str]:
    """Return what differs between what a task without an output would make and its newest one, each change once."""
    if (earlier := _earlier(task)) is None:
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


def _earlier(task: Any) -> Specification | None:
    """Return what the newest output beside the one of a task was made from, ``None`` if that isn't known."""
    directory = getattr(task, "directory", None)
    return _newest_specification(directory) if isinstance(directory, Path) else None


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
