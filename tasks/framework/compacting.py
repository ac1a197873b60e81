"""Packing of what earlier versions left: branches in folders, and a log for each job."""

from __future__ import annotations

from typing import Any

import law

from pocket.io.store.compaction import compact
from tasks.batch.logs import pack_logs
from tasks.core.console import counted
from tasks.core.targets import remembering
from tasks.core.terminal import print_note
from tasks.settings.batch_systems import BATCH_SYSTEMS


def compact_outputs(root: law.Task) -> None:
    """Pack the branches and logs of a task and of all workflows that it requires, and print what was done.

    Branches in all outputs of the tasks' versions are packed, also in those that an edit has left behind. Tasks whose
    outputs people open are left alone.
    """
    with remembering():
        tasks = (task for task, *_ in root.walk_deps() if getattr(task, "in_containers", False))
        found = (task.as_workflow() if task.is_branch() else task for task in tasks)
        workflows = {workflow.directory.parent: workflow for workflow in found}
        for folder, workflow in workflows.items():
            done = compact(folder)
            logs = _pack_logs(workflow)
            number = f"{counted(logs, 'log of a job', 'logs of jobs')} {'is' if logs == 1 else 'are'}"
            packed = f"; {number} in the archive now" if logs else ""
            print(f"{workflow.progress_label}: {done}{packed}", flush=True)
            for sentence in done.left:
                print_note(f"{workflow.progress_label}: left as it is: {sentence}")
        if not workflows:
            print(f"{root.task_family}: neither this task nor its requirements have branches to pack")


def _pack_logs(workflow: Any) -> int:
    """Pack the logs of a workflow's jobs if it is complete, and return their number."""
    if not workflow.branches_are_known or not workflow.complete():
        return 0
    return sum(pack_logs(workflow.control_directory(kind)) for kind in BATCH_SYSTEMS)
