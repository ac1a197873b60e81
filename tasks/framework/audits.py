"""Results of audits, found again by later tasks that depend on audited outputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pocket.io.store import store_root
from tasks.core.graph import requirements

if TYPE_CHECKING:
    from tasks.framework.base import StoreTask

#: name of the task, and of the file with its result
TASK, FILE = "Audit", "audit.json"
#: family of the tasks whose branches stand for all that is audited
PROCESSOR = "RunProcessor"


def describe_audit(task: StoreTask) -> list[tuple[str, str]]:
    """Return the last audit of what a task depends on, as label and text for the results of a run."""
    files = (store_root() / task.analysis_inst.name / TASK).glob(f"*/{task.version_part}/*/{FILE}")
    audits = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if not audits:
        return []
    needed = {each.fingerprint for each in requirements(task) if each.task_family == PROCESSOR}
    for result in sorted(audits, key=lambda result: str(result["time"]), reverse=True):
        if audited := needed & set(result["fingerprints"]):
            part = "" if len(audited) == len(needed) else f", of {len(audited)} of {len(needed)} configurations"
            return [("audited", result["summary"] + part)]
    return [("audited", "not as it is now")] if needed else []
