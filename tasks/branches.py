"""Workflows over the events of a configuration's datasets, one branch per entry range."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.fingerprint import digest
from pocket.store import store_root
from tasks.base import ConfigTask, input_ids
from tasks.batch.htcondor import HTCondorBatch
from tasks.targets import StoreTarget, find_remote
from tasks.toys import MakeToySamples
from tasks.workflow import PoolWorkflow

if TYPE_CHECKING:
    from pocket.datasets.fileset import Fileset
    from pocket.datasets.segments import Branch
    from pocket.engine.resources import Resources


class DatasetWorkflow(ConfigTask, PoolWorkflow, HTCondorBatch):
    """Base of workflows whose :meth:`workflow_requires` has, as ``"datasets"``, the tasks that have the filesets."""

    exclude_index = True

    @cached_property
    def has_toys(self) -> bool:
        """Whether some of the datasets are toys."""
        return any(definition.source == "toys" for definition in self.config_inst.definitions.values())

    @property
    def toys(self) -> MakeToySamples:
        """The task that makes the toys and their corrections."""
        return MakeToySamples.req(self, branch=-1)

    @law.dynamic_workflow_condition
    def workflow_condition(self) -> bool:
        """Branches are known once the filesets are built."""
        return all(task.complete() for task in self.workflow_requires()["datasets"].values())

    @workflow_condition.create_branch_map
    def create_branch_map(self) -> list[Branch]:
        """One branch per dataset and entry range."""
        from pocket.datasets.segments import split

        return split(self.fileset, self.events_per_branch)

    @workflow_condition.output
    def output(self) -> StoreTarget:
        """The branch's folder."""
        branch = self.branch_data
        folder = self.directory / branch.dataset / f"{branch.start:010d}-{branch.stop:010d}"
        return self.target(folder)

    @property
    def branch_label(self) -> str:
        """What errors call this branch: its number, dataset and entries."""
        branch = self.branch_data
        return f"{super().branch_label} ({branch.dataset}, events {branch.start} to {branch.stop})"

    @property
    def fileset(self) -> Fileset:
        """The datasets of the configuration."""
        return self.as_workflow().workflow_fileset

    @cached_property
    def workflow_fileset(self) -> Fileset:
        """The datasets of the configuration, read once per workflow."""
        fileset: Fileset = {}
        for task in self.workflow_requires()["datasets"].values():
            fileset.update(task.fileset())
        return {name: fileset[name] for name in self.config_inst.definitions}

    def branch_size(self, branch: int) -> int:
        """Return the number of events of a branch."""
        of_branch = self.get_branch_map()[branch]
        return int(of_branch.stop - of_branch.start)

    def control_directory(self, batch: str) -> Path:
        """Return the folder of the batch jobs' record and logs, one for each store path and batch system."""
        if elsewhere := self.site_inst.log_directory:
            return Path(elsewhere, *self.directory.relative_to(store_root()).parts, batch)
        return self.directory / f".{batch}"

    def segment_ids(self) -> dict[str, str]:
        """The files by UUID and entry range, as inputs of the branch."""
        segments = [(segment.uuid, segment.start, segment.stop) for segment in self.branch_data.segments]
        return {"files": digest(segments)}

    def made_files(self) -> Resources:
        """Return the files that required tasks made."""
        from pocket.engine.resources import Resources

        return Resources(toys=str(self.toys.corrections) if self.has_toys else None)

    def job_arguments(self) -> dict[str, Any]:
        """Return the arguments of the branch's job."""
        from pocket.analysis import absolute_reference

        branch = self.branch_data
        return {
            "analysis": absolute_reference(self.analysis),
            "overrides": tuple(self.params),
            "config": self.config,
            "branch": branch,
            "metadata": self.fileset[branch.dataset]["metadata"],
            "resources": self.made_files(),
            "chunk_size": self.chunk_size,
            "skip_bad_files": self.skip_bad_files,
            "output": self.write_info(),
        }

    def merging_ids(self) -> dict[str, str] | None:
        """The outputs of all branches and the metadata of the datasets, as inputs of the task that merges them."""
        if not self.workflow_condition():
            return None
        branches = self.get_branch_tasks().values()
        find_remote(task.output() for task in branches)
        ids = input_ids(
            {f"{task.branch_data.dataset}/{task.output().directory.name}": task.output() for task in branches}
        )
        if ids is None:
            return None
        return {**ids, "metadata": digest({name: part["metadata"] for name, part in self.fileset.items()})}

    def skipped_files(self) -> dict[str, str]:
        """Unreadable files that were left out of the filesets or of a branch, with the reason."""
        skipped: dict[str, str] = {}
        for task in (*self.workflow_requires()["datasets"].values(), *self.get_branch_tasks().values()):
            manifest = task.output().manifest
            skipped.update(manifest.info.get("skipped", {}) if manifest else {})
        return skipped
