"""The processor: every configuration's raw histograms and sums, one branch per entry range."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import law

from pocket.fingerprint import code_closure, digest
from tasks.base import ConfigTask, input_ids
from tasks.datasets import BuildDatasets
from tasks.jobs import ProcessingJob
from tasks.pool import Job
from tasks.targets import StoreTarget
from tasks.toys import MakeToySamples
from tasks.workflow import PoolWorkflow

if TYPE_CHECKING:
    from pocket.datasets.fileset import Fileset
    from pocket.datasets.segments import Branch
    from pocket.engine.resources import Resources


class RunProcessor(ConfigTask, PoolWorkflow):
    """Runs the processor of a configuration over its datasets."""

    exclude_index = False

    @cached_property
    def has_toys(self) -> bool:
        """Whether some of the datasets are toys."""
        return any(definition.source == "toys" for definition in self.config_inst.definitions.values())

    def workflow_requires(self) -> dict[str, Any]:
        """Filesets, the toys in them, and the scale factors that the weights apply."""
        from tasks.scale_factors import ComputeScaleFactors

        required: dict[str, Any] = {
            "datasets": {file: BuildDatasets.req(self, definition=file) for file in self.config_inst.definition_files},
            "scale_factors": {
                name: ComputeScaleFactors.req(self, scale_factor=name) for name in self.config_inst.scale_factors
            },
        }
        if self.has_toys:
            required["toys"] = MakeToySamples.req(self, branch=-1)
        return required

    def fingerprint_spec(self) -> Any:
        """The configuration, the engine's code, the toys and the scale factors."""
        required = self.workflow_requires()
        return {
            "config": self.config_inst.processing_spec(),
            "engine": code_closure("pocket.engine.run"),
            "toys": required["toys"].fingerprint if self.has_toys else None,
            "scale_factors": {name: task.fingerprint for name, task in required["scale_factors"].items()},
        }

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
        return StoreTarget(folder, self.input_ids, accept_skipped=self.skip_bad_files)

    @property
    def fileset(self) -> Fileset:
        """The datasets of the configuration."""
        return self.as_workflow().workflow_fileset

    @cached_property
    def workflow_fileset(self) -> Fileset:
        """The datasets of the configuration, read once per workflow."""
        from pocket.datasets.fileset import select_datasets

        fileset: Fileset = {}
        for task in self.workflow_requires()["datasets"].values():
            fileset.update(task.fileset())
        return select_datasets(fileset, self.config_inst.dataset_filter)

    def input_ids(self) -> dict[str, str] | None:
        """The files by UUID and entry range, and the scale factors."""
        scale_factors = self.workflow_requires()["scale_factors"]
        ids = input_ids({f"scale factor {name}": task.output() for name, task in scale_factors.items()})
        if ids is None:
            return None
        segments = [(segment.uuid, segment.start, segment.stop) for segment in self.branch_data.segments]
        return {"files": digest(segments), **ids}

    def job(self) -> Job:
        """Return the work of this branch."""
        branch = self.branch_data
        return ProcessingJob(
            analysis=self.analysis,
            overrides=tuple(self.params),
            config=self.config,
            branch=branch,
            metadata=self.fileset[branch.dataset]["metadata"],
            resources=self.made_files(),
            chunk_size=self.chunk_size,
            skip_bad_files=self.skip_bad_files,
            output={**self.write_info(), "directory": self.output().directory},
        )

    def made_files(self) -> Resources:
        """Return the files that required tasks made."""
        from pocket.engine.resources import Resources

        required = self.workflow_requires()
        return Resources(
            toys=str(required["toys"].corrections) if self.has_toys else None,
            scale_factors={name: str(task.correction_file) for name, task in required["scale_factors"].items()},
        )
