"""Actions instead of a run: dry runs, which write and show the files of a submission, and removal of jobs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import law

from pocket.errors import ConfigError, PocketError
from pocket.executors.proxy import in_words
from pocket.io.store.paths import private_folder
from tasks.batch.causes import Needs
from tasks.core.console import counted, say
from tasks.core.targets import are_complete, find_remote, remembering
from tasks.settings.sites import PREFIX, Site


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


#: folder of the files, beside the record of the jobs
FOLDER = "dry-run"
#: parameters that a command for all branches doesn't have
_NOT_GIVEN = ("branch", "branches")
#: number of lines shown of a list of jobs
_SHOWN = 2


def dry_run(root: law.Task) -> None:
    """Write and show the files that would be submitted for a task and all that it requires; problems are warnings."""
    with remembering():
        # Upstream workflows are shown first.
        workflows = workflows_behind(root)[::-1]
        known = [workflow for workflow in workflows if workflow.branches_are_known]
        archives = {path for workflow in known for path in _show(workflow) if not path.exists()}
        _say_unknown([workflow for workflow in workflows if workflow not in known])
        waiting = [workflow for workflow in workflows if workflow not in known or not workflow.complete()]
        found = [problem for each in waiting for problem in each.placement_problems(str(each.effective_workflow))]
        for problem in dict.fromkeys(found):
            say(f"warning: a submission from here would stop: {problem}")
    if archives:
        print(f"archives that jobs get would be made: {', '.join(map(str, sorted(archives)))}")
    if not workflows:
        print(f"{root.task_family}: no required task runs on a batch system")


def _show(workflow: Any) -> list[Path]:
    """Write and show the files of a workflow, or say why there are none; return the archives that its jobs need."""
    label = workflow.progress_label
    if workflow.complete():
        print(f"{label}: complete, nothing to submit")
        return []
    find_remote(workflow.branch_outputs.values())
    # A bundle takes time and space, so it is only named.
    workflow.job_environment = workflow.make_job_environment(make=False)
    folder = workflow.control / FOLDER
    _empty(folder, workflow.site_inst)
    groups = workflow.workflow_proxy.write_submission(folder)
    for files, needs, jobs in groups:
        more = f" and {len(files) - 1} more in the same folder, the first" if len(files) > 1 else ""
        print(f"{label}: {_summary(workflow, needs, jobs)}\n{files[0]}{more}:\n")
        print("\n".join(f"    {line}" for line in shortened(files[0].read_text(encoding="utf-8").splitlines())))
        print()
    if not groups:
        print(f"{label}: nothing to submit, all branches are done")
    if list(workflow.control.glob(f"{workflow.effective_workflow}_jobs*.json")):
        print(f"{label}: jobs of an earlier submission that are in the queue wouldn't be submitted again")
    return list(workflow.job_environment.files.values())


def _empty(folder: Path, site: Site) -> None:
    try:
        private_folder(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    except (OSError, PocketError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        setting = f"log_directory in [{PREFIX}{site.name}] of law.cfg" if site.log_directory else "POCKET_STORE"
        raise ConfigError(
            f"the files of the dry run can't be written to {folder}: {reason}; set {setting} to a folder that "
            "you can write"
        ) from error


def _say_unknown(workflows: Sequence[Any]) -> None:
    """Say which workflows have jobs that aren't known yet, and the command after which they are."""
    groups: dict[str, list[Any]] = {}
    for workflow in workflows:
        groups.setdefault(workflow.awaited(), []).append(workflow)
    for awaited, waiting in groups.items():
        labels = ", ".join([waiting[0].progress_label, *(str(workflow.config_part) for workflow in waiting[1:])])
        print(f"{labels}: jobs aren't known before {awaited} is complete; make it first:")
        required = law.util.flatten(waiting[0].requires())
        print(f"  {command_of(next(task for task in required if not are_complete(task)))}")


def command_of(task: Any) -> str:
    """Return the command that makes a task, with the options that decide its output and aren't the default."""
    words = ["law", "run", task.task_family]
    for name, parameter in task.get_params():
        value = getattr(task, name)
        is_default = parameter.has_task_value(task.task_family, name) and value == parameter.task_value(
            task.task_family, name
        )
        if parameter.significant and name not in _NOT_GIVEN and not is_default:
            words += [f"--{name.replace('_', '-')}", parameter.serialize(value)]
    return shlex.join(words)


def _summary(workflow: Any, needs: Needs, jobs: Sequence[Sequence[int]]) -> str:
    """Return a description of the number of jobs and of what each requests."""
    branches = [branch for job in jobs for branch in job]
    amount = sum(map(workflow.branch_size, branches))
    site = workflow.site_inst
    asks = [f"{needs.memory:.0f} MB of memory"]
    asks.append(f"the time of flavour {site.flavour}" if site.flavour else in_words(needs.runtime * 3600))
    if workflow.job_cores > 1:
        asks.append(f"{workflow.job_cores} cores")
    if site.gpus:
        asks.append(counted(site.gpus, "GPU"))
    size = f"{counted(len(branches), 'branch', 'branches')}, {amount:,} {workflow.work_unit}"
    limit = f", {workflow.parallel_jobs} at a time" if 0 < workflow.parallel_jobs < len(jobs) else ""
    return f"{counted(len(jobs), 'job')} ({size}){limit}, each with {' and '.join(asks)}"


def shortened(lines: Sequence[str]) -> list[str]:
    """Return the lines of a submit file with its list of jobs shortened.

    >>> shortened(["queue a from (", "1", "2", "3", "4", "5", ")"])
    ['queue a from (', '1', '2', '… 3 more', ')']
    """
    begin = next((number for number, line in enumerate(lines) if line.endswith("(")), len(lines))
    end = next((number for number, line in enumerate(lines) if number > begin and line == ")"), begin)
    left = end - begin - 1 - _SHOWN
    if left < 2:
        return list(lines)
    return [*lines[: begin + 1 + _SHOWN], f"… {left} more", *lines[end:]]
