"""Removal of a task's jobs, and those of its upstream tasks, from the queue."""

from __future__ import annotations

from typing import Any

import law


def cancel_jobs(root: law.Task) -> None:
    """Remove the jobs of a task and of all workflows that it requires from the queue, and print how many there were."""
    workflows = workflows_behind(root)
    for workflow in workflows:
        jobs = workflow.workflow_proxy.remove_jobs()
        print(f"{workflow.progress_label}: {f'{jobs} jobs' if jobs != 1 else '1 job'} removed from the queue")
    if not workflows:
        print(f"{root.task_family}: no required task runs on a batch system")


def workflows_behind(root: law.Task) -> list[Any]:
    """Return the workflows on a batch system that a task is or requires, each once."""
    return list({task.control: task for task, *_ in root.walk_deps() if runs_jobs(task)}.values())


def runs_jobs(task: Any) -> bool:
    """Whether a task is a workflow whose branches are jobs of a batch system."""
    return isinstance(task, law.BaseWorkflow) and task.is_workflow() and hasattr(task.workflow_proxy, "remove_jobs")
