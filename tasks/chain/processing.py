"""The processor task, which fills a configuration's raw histograms and sums, one branch per entry range."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError
from pocket.executors import Job
from tasks.chain.branch_jobs import ProcessingJob, share
from tasks.chain.branches import DatasetWorkflow
from tasks.chain.datasets import BuildDatasets
from tasks.chain.links import scale_factors_of
from tasks.chain.skimming import BuildSkimDatasets
from tasks.core.graph import ready
from tasks.core.loaded import processing_code
from tasks.core.targets import StoreTarget, store_targets
from tasks.core.terminal import print_note
from tasks.framework.base import input_ids, load
from tasks.framework.executors import OPTIONS
from tasks.framework.iterations import ITERATION
from tasks.framework.workflow import Pass

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator
    from pocket.engine.resources import Resources
    from pocket.plan.merging import MergingPlan


class RunProcessor(DatasetWorkflow):
    """Runs the processor of a configuration over its datasets, or over a skim of them.

    Examples:
        law run RunProcessor --version v1 --test
        law run RunProcessor --version v1 --config "*" --workflow htcondor
        law run RunProcessor --version v1 --print-status 0,1
    """

    options = (ITERATION,)
    in_containers = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if load(params).only_skims(params["config"]):
            raise ConfigError(
                f"configuration {params['config']!r} only makes a skim (save_skimmed_files): run BuildSkimDatasets, "
                "whose datasets.json another configuration reads, or take save_skimmed_files out to fill templates"
            )
        return params

    def dataset_tasks(self) -> dict[str, BuildDatasets | BuildSkimDatasets]:
        """Return the tasks with the filesets: of the skim that the configuration reads, or of its definition files."""
        skim = self.analysis_inst.skims.get(self.config)
        if skim is not None:
            return {skim.config: BuildSkimDatasets.req(self, config=skim.config)}
        return {**self.definition_tasks()}

    @property
    def reads_skim(self) -> bool:
        return self.config in self.analysis_inst.skims

    def workflow_requires(self) -> dict[str, Any]:
        """Return the filesets, the toys in them, and the scale factors that the weights apply."""
        toys = {"toys": self.toys} if self.has_toys else {}
        return {"datasets": self.dataset_tasks(), "scale_factors": scale_factors_of(self), **toys}

    def needed(self) -> list[StoreTarget]:
        skims = [task for task in self.dataset_tasks().values() if isinstance(task, BuildSkimDatasets)]
        return [*super().needed(), *store_targets([task.input() for task in skims])]

    def fingerprint_spec(self) -> Any:
        return self.spec_of(self.config_inst)

    def spec_of(self, config: Configurator) -> Any:
        """Return what determines the outputs of a configuration, which may be a part of this task's."""
        required = self.required_tasks
        skims = [task for task in required["datasets"].values() if isinstance(task, BuildSkimDatasets)]
        applied = config.scale_factors
        return {
            "config": config.plan().spec(),
            **processing_code(),
            **self.limits,
            "toys": required["toys"].fingerprint if self.has_toys else None,
            "skim": [task.requires().fingerprint for task in skims],
            "scale_factors": {
                name: task.fingerprint for name, task in required["scale_factors"].items() if name in applied
            },
        }

    def ids_of(self, number: int) -> dict[str, str] | None:
        scale_factors = self.required_tasks["scale_factors"]
        ids = input_ids({f"scale factor {name}": task.output() for name, task in scale_factors.items()})
        return None if ids is None else {**self.event_ids(number), **ids}

    def prepare_branches(self, fetch_needed: bool = True) -> None:
        from pocket.datasets.sections import overlaps

        print_normalisation_notes(self.config, self.config_inst.merging_plan())
        print_disagreements(self.config, self.config_inst)
        if len(self.required_tasks["datasets"]) > 1:
            for overlap in overlaps(self.fileset):
                print_note(f"{overlap}: events in both are counted twice")
        skims = [name for name, definition in self.config_inst.definitions.items() if definition.has_sums]
        if self.limits and skims:
            print_note(
                f"{', '.join(skims)}: normalised by the sums in the metadata, although only a part of the skim is read"
            )
        super().prepare_branches(fetch_needed)

    def job(self) -> Job:
        return ProcessingJob(**self.job_arguments())

    def with_others(self, jobs: dict[str, Job]) -> Pass:
        """Return jobs that also process the branches of other configurations that read the same and are ready."""
        others: dict[RunProcessor, dict[str, Job]] = {}
        for task in ready(RunProcessor):
            if task is not self and not self.one_by_one and self._runs_like(task):
                # An error belongs to the task, which luigi runs later.
                with contextlib.suppress(Exception):
                    others[task] = task.incomplete_jobs()
        shared, tasks = share(jobs, others)
        label = ", ".join([self.progress_label, *(task.config_part for task in tasks)])
        return Pass(shared, (self, *tasks), label, sum(job.size for job in jobs.values()))

    def _runs_like(self, task: RunProcessor) -> bool:
        """Whether the jobs of another task may run as those of this one."""
        options = ("workflow", "executor", "cores", *OPTIONS, "executor_custom_setup", "custom_run_options")
        return not task.is_branch() and all(getattr(self, name) == getattr(task, name) for name in options)

    def made_files(self) -> Resources:
        scale_factors = self.required_tasks["scale_factors"]
        left_out: dict[str, str | None] = dict.fromkeys(self.config_inst.scale_factors)
        files = left_out | {name: str(task.correction_file) for name, task in scale_factors.items()}
        return replace(super().made_files(), scale_factors=files)


def print_normalisation_notes(name: str, plan: MergingPlan) -> None:
    """Print which of the usual weights of simulation a configuration lacks, once per process."""
    from pocket.outputs.normalisation import normalisation_notes

    for sentence in normalisation_notes(plan):
        print_note(f"configuration {name!r}: {sentence}")


def print_disagreements(name: str, config: Configurator) -> None:
    """Print what may be wrong with a configuration's eras, working points and corrections, once per process."""
    from pocket.configuration.notes import disagreements

    for sentence in disagreements(config):
        print_note(f"configuration {name!r}: {sentence}")
