"""Merged, normalised templates of a configuration."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import law

from pocket.base.containers import SUFFIX
from pocket.base.fingerprint import code_closure
from pocket.datasets.definition_files import those_of
from pocket.executors import Job
from pocket.histograms.readings import Reading
from pocket.io.store import write_output
from tasks.chain.branch_jobs import MergingJob
from tasks.chain.branches import BatchWorkflow
from tasks.chain.processing import RunProcessor, print_normalisation_notes
from tasks.core.console import counted, short_path
from tasks.core.targets import StoreTarget, store_targets
from tasks.core.terminal import print_left_out, print_note
from tasks.framework.analysis_task import CONFIG
from tasks.framework.base import ConfigTask
from tasks.framework.iterations import ITERATION

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

_log = logging.getLogger(__name__)
#: modules whose code is in fingerprints of merged outputs
_CODE = ("outputs.merging", "outputs.renaming", "columns.merging", "histograms.contents")


class MergeBranches(BatchWorkflow):
    """Adds raw sums and histograms of ``--branches-per-merge`` branches each, if one merge would take too long."""

    options = (CONFIG, ITERATION)
    in_containers = True

    @property
    def processor(self) -> RunProcessor:
        return self.required_tasks["processor"]

    def workflow_requires(self) -> dict[str, Any]:
        """Return all branches of the processor; ``--branches`` are those of this task."""
        return {"processor": RunProcessor.req(self, branch=-1, branches=())}

    @law.dynamic_workflow_condition
    def workflow_condition(self) -> bool:
        """Branches are known once those of the processor are."""
        return bool(self.processor.workflow_condition())

    @workflow_condition.create_branch_map
    def create_branch_map(self) -> list[tuple[int, ...]]:
        numbers = law.util.iter_chunks(sorted(self.processor.get_branch_map()), self.branches_per_merge)
        return [tuple(chunk) for chunk in numbers]

    @workflow_condition.output
    def output(self) -> StoreTarget:
        numbers = self.branch_data
        return self.target(self.directory / f"{numbers[0]:06d}-{numbers[-1]:06d}{SUFFIX}")

    def fingerprint_spec(self) -> Any:
        return {"processor": self.processor.fingerprint, "code": code_closure("pocket.histograms.raw_sums")}

    def input_ids(self) -> dict[str, str] | None:
        return self.processor.branch_ids(self.processor.finished_outputs(self.branch_data))

    def needed(self) -> list[StoreTarget]:
        among = self.branch_data if self.is_branch() else None
        return list(self.processor.finished_outputs(among).values())

    def branch_size(self, branch: int) -> int:
        return sum(map(self.processor.branch_size, self.get_branch_map()[branch]))

    def job(self) -> Job:
        folders = tuple(output.directory for output in self.needed())
        return MergingJob(folders, self.branch_size(self.branch), self.write_info())


class MergeOutputs(ConfigTask):
    """Adds the outputs of all branches and normalises them to the luminosity."""

    options = (ITERATION,)

    @property
    def processor(self) -> RunProcessor:
        return RunProcessor.req(self, branch=-1)

    def requires(self) -> RunProcessor | MergeBranches:
        """Return all branches of the processor, or the outputs that were merged from several branches each."""
        return MergeBranches.req(self, branch=-1) if self.branches_per_merge else self.processor

    def fingerprint_spec(self) -> Any:
        return {"processor": self.processor.fingerprint, **self._merging_spec(self.config_inst)}

    def spec_of(self, readings: Iterable[Reading]) -> Any:
        """Return what determines the given templates only.

        Tasks that read these templates have this in their fingerprints instead of the fingerprint of this task: all
        templates of a configuration are filled in one pass, into another folder when any of them changes.
        """
        from pocket.configuration.parts import part_of

        config = part_of(self.config_inst, readings)
        return {"processor": self.processor.spec_of(config), **self._merging_spec(config)}

    def _merging_spec(self, config: Configurator) -> dict[str, Any]:
        datasets = self.processor.required_tasks["datasets"].values()
        definitions = those_of(config.definitions, (task.definitions for task in datasets))
        code = [code_closure(f"pocket.{module}") for module in _CODE]
        return {**config.merging_plan().spec(definitions), "code": code}

    def input_ids(self) -> dict[str, str] | None:
        return self.processor.merging_ids()

    def needed(self) -> list[StoreTarget]:
        merged = store_targets(self.input()) if self.branches_per_merge else []
        return [*merged, *self.processor.finished_outputs().values()]

    def describe_work(self) -> str:
        return counted(len(self.config_inst.definitions), "dataset")

    describe_output = describe_work

    def describe_place(self) -> list[tuple[str, str]]:
        return [("templates", short_path(self.directory))]

    def make(self) -> None:
        from pocket.configuration.description import recorded_texts
        from pocket.histograms.raw_sums import add_raw
        from pocket.outputs.folders import write_merged
        from pocket.outputs.merging import merge_outputs
        from pocket.outputs.normalisation import normalisation_sentences
        from pocket.outputs.odd_results import hidden_data, odd_results

        config = self.config_inst
        plan = config.merging_plan()
        # These notes are printed once per process, even if RunProcessor runs in the same one.
        print_normalisation_notes(self.config, plan)
        processor = self.processor
        outputs = processor.finished_outputs()
        folders = [output.directory for output in outputs.values()]
        missing = processor.missing_events(outputs)
        metadata = {name: part["metadata"] for name, part in processor.fileset.items()}
        skipped = processor.skipped_files()
        print_left_out(self.progress_label, skipped)
        required = self.requires()
        added = [output.directory for output in required.branch_outputs.values()]
        total = add_raw(added if self.branches_per_merge else folders)
        merged = merge_outputs(plan, [total], metadata, all_files=not skipped and not missing)
        for sentence in normalisation_sentences(merged["divided_by"]):
            _log.info("%s: %s", self.progress_label, sentence)
        info: dict[str, Any] = {"skipped": skipped, "missing": missing}
        if absent := processor.absent_triggers():
            from pocket.datasets.absent_triggers import absent_sentence

            info["absent_triggers"] = absent
            files = {name: list(part["files"]) for name, part in processor.fileset.items()}
            print_note(f"{self.progress_label}: {absent_sentence(absent, files)}")
        hidden = hidden_data(
            self.analysis_inst.blind_categories(str(self.config)),
            config.parameters.get("plotting_style", {}).get("blind_hists") or {},
        )
        steps = {"skim": config.skim, "presel": config.preselections, **config.categories.categories}
        cuts = {step: [cut.name for cut in some] for step, some in steps.items()}
        info["odd"] = list(odd_results(plan, merged, cuts, hidden))
        for sentence in info["odd"]:
            print_note(f"{self.config}: {sentence}")
        with write_output(**self.write_info(), **info) as folder:
            write_merged(folder, plan, merged, folders, recorded_texts(config, self.config))
