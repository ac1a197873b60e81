"""Options of all tasks with outputs in the store, and of the processing behind templates, among them compaction."""

from __future__ import annotations

from typing import Any

import law

from pocket.errors import ConfigError
from pocket.io.store.compaction import compact
from pocket.parameters.tags import without_tags
from tasks.batch.logs import pack_logs
from tasks.core.console import counted
from tasks.core.names import VersionParameter
from tasks.core.targets import remembering
from tasks.core.terminal import print_note
from tasks.framework.restrictions import CHAIN, CHUNK_SIZE
from tasks.settings.batch_systems import BATCH_SYSTEMS
from tasks.settings.options import DEFAULT, OptionGroup, dial, resource_names


def compact_outputs(root: law.Task) -> None:
    """Pack the branches and logs of a task and of all workflows that it requires, and print what was done.

    Branches of all outputs of the versions are packed, but no outputs that people open.
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


def _take_away(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Take away parameters without an effect, so that the tasks of both sides of a comparison are the same."""
    return params if task.reads_corrections else {**params, "params": without_tags(params["params"])}


#: of all tasks with an output
STORE = OptionGroup(
    CHAIN,
    {
        "version": VersionParameter(description="name of this version of the outputs, e.g. v1; no default"),
        "resources": dial(f"size and parallelism: {', '.join(resource_names())}", DEFAULT),
        "cores": dial("processes on this machine, 0 for all cores", 0),
        "skip_bad_files": dial("leave out unreadable input files, and record them", False),
        "one_by_one": dial("process one configuration after the other, and share no passes", False),
    },
    heading="Of all tasks with an output",
    check=_take_away,
    explained=("resources", "skip_bad_files"),
    help="experts",
    # Jobs get the numbers, so that they don't need the section of law.cfg.
    of_workflow=frozenset({"resources"}),
)


def _check(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Refuse a share of events that makes no sense."""
    if not 0 < params.get("acceptance", 1.0) <= 1:
        raise ConfigError(f"--acceptance is {params['acceptance']}, expected a share above 0 and up to 1")
    return params


#: of all tasks behind templates
PROCESSING = OptionGroup(
    CHAIN,
    {
        "events_per_branch": dial("largest number of events per branch", 200_000),
        "chunk_size": dial("largest number of events per chunk", CHUNK_SIZE),
        "chunk_memory": dial("MB that a chunk may take, 0 for no limit", 1000, least=0),
        "threads": dial("threads per process that decompress columns", 1, least=1),
        "acceptance": dial("share of the events of each simulated dataset that is enough to go on", 1.0),
        "branches_per_merge": dial("branches per partial merge, 0 to merge all at once", 0, least=0),
        "compact": dial("pack logs of jobs and old folders of branches, and run nothing", False),
    },
    heading="Of all tasks behind templates: branches and chunks",
    check=_check,
    help="experts",
    of_workflow=frozenset({"compact"}),
    actions={"compact": compact_outputs},
)
