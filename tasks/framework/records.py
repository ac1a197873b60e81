"""The records that a task's manifests name, written once per task by the scheduling process and never by jobs."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import law

from pocket.base.snapshots.process import analysis_snapshot, current_snapshot
from pocket.io.store.records import keep_code, keep_lock, keep_specification
from pocket.parameters.locations import project_root
from tasks.core.console import say
from tasks.core.states import specification_of

if TYPE_CHECKING:
    from tasks.framework.base import AnalysisTask, StoreTask

#: environment variable of jobs: kind and id of the records that they name, e.g. ``code:1a2b,lock:3c4d``
VARIABLE = "POCKET_RECORDS"


def as_variable(records: Mapping[str, str]) -> str:
    """Return kind → id of records as the value of :data:`VARIABLE`."""
    return ",".join(f"{kind}:{identifier}" for kind, identifier in records.items())


def task_records(task: StoreTask) -> dict[str, str]:
    """Write the records of a task's outputs, and return the id of each by its kind; jobs only get these."""
    if given := os.environ.get(VARIABLE):
        return dict(record.split(":", 1) for record in given.split(","))
    fingerprint = task.fingerprint
    try:
        keep_specification(fingerprint, lambda: specification_of(task))
        return {"spec": fingerprint, **_of_process(task.analysis)}
    except OSError as error:
        # The output may still be written, and is worth more than its records.
        say(f"{task.task_family}: the record of its code and packages can't be written: {error}")
        return {}


@functools.cache
def _of_process(analysis: str) -> dict[str, str]:
    from pocket.configuration.loading import absolute_reference

    root = current_snapshot()
    records = {"lock": keep_lock(root or project_root())}
    if root is not None:
        outside = analysis_snapshot(absolute_reference(analysis))
        folders = [("checkout", root)]
        if outside not in (None, root):
            folders.append(("outside", outside))
        records["code"] = keep_code(folders)
    return records


def significant_parameters(task: AnalysisTask) -> dict[str, Any]:
    """Return the parameters of a task that affect its output, with values for JSON."""
    # The parameters that select branches don't affect the output.
    of_law = {name for name, _ in law.LocalWorkflow.get_params()}
    names = [name for name, parameter in task.get_params() if parameter.significant and name not in of_law]
    return {name: _plain(getattr(task, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
