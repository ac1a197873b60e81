"""Skims: selected events as NanoAOD, and the datasets made of them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pocket.base.fingerprint import code_closure
from pocket.datasets.definition_files import those_of
from pocket.datasets.definitions import DatasetDefinition
from pocket.executors import Job
from pocket.io.store import verify, write_output
from tasks.chain.branch_jobs import SkimJob
from tasks.chain.branches import DatasetWorkflow
from tasks.chain.datasets import read_fileset, write_fileset
from tasks.core.targets import fetch, fetch_verified
from tasks.core.terminal import print_left_out
from tasks.framework.analysis_task import CONFIG
from tasks.framework.base import TemplateTask, load
from tasks.settings.options import Groups

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.datasets.fileset import Fileset

DEFINITIONS = "datasets.json"
#: copy of :data:`pocket.skims.record.RECORD`
RECORD = "skim.json"


class SkimTask(TemplateTask):
    """A task for a configuration whose selection makes a skim."""

    options: ClassVar[Groups] = (CONFIG,)
    exclude_index = True

    @classmethod
    def suits(cls, analysis: Analysis, config: str) -> bool:
        return config in {skim.config for skim in analysis.skims.values()}

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        load(params).skim_of(params["config"])
        return params


class SkimEvents(SkimTask, DatasetWorkflow):
    """Writes the events that pass the selection of a configuration as NanoAOD, in one file per branch."""

    def workflow_requires(self) -> dict[str, Any]:
        return {"datasets": self.definition_tasks(), **({"toys": self.toys} if self.has_toys else {})}

    def fingerprint_spec(self) -> Any:
        return {
            **self.analysis_inst.skim_of(self.config).plan().spec(self.config_inst.plan()),
            "engine": code_closure("pocket.skims.run"),
            **self.limits,
            "toys": self.toys.fingerprint if self.has_toys else None,
        }

    def job(self) -> Job:
        return SkimJob(**self.job_arguments())


class BuildSkimDatasets(SkimTask):
    """Collects the files of a skim as datasets, whose metadata have the sums over all events before the skim."""

    def requires(self) -> SkimEvents:
        return SkimEvents.req(self, branch=-1)

    @cached_property
    def definitions(self) -> dict[str, DatasetDefinition]:
        """The datasets by name, as defined for the original files."""
        tasks = self.requires().required_tasks["datasets"].values()
        found = those_of(self.config_inst.definitions, (task.definitions for task in tasks))
        return {name: found[name] for name in self.config_inst.definitions}

    def fingerprint_spec(self) -> Any:
        return {
            "skim": self.requires().fingerprint,
            "metadata": {name: definition.metadata() for name, definition in self.definitions.items()},
            "code": code_closure("pocket.skims.datasets"),
        }

    def input_ids(self) -> dict[str, str] | None:
        return self.requires().merging_ids()

    def fetch_needed(self) -> None:
        """Fetch the branches of the skim; only their records are verified here, event files when they are read."""
        fetch(self.needed())
        for target in self.needed():
            verify(target.directory, {RECORD})

    def make(self) -> None:
        """Write the fileset, and a definition file to process the skim elsewhere."""
        from pocket.skims.datasets import skim_definitions, skim_fileset
        from pocket.skims.record import SkimRecord

        skim = self.requires()
        branches, outputs = skim.get_branch_map(), skim.finished_outputs()
        folders = [(branches[number].dataset, output.directory) for number, output in outputs.items()]
        records = ((dataset, folder, SkimRecord.read(folder)) for dataset, folder in folders)
        fileset = skim_fileset(skim.fileset, records)
        definitions = skim_definitions(fileset, self.definitions)
        missing, skipped = skim.missing_events(outputs), skim.skipped_files()
        print_left_out(self.progress_label, skipped)
        with write_output(**self.write_info(), skipped=skipped, missing=missing) as folder:
            write_fileset(fileset, folder)
            (folder / DEFINITIONS).write_text(json.dumps(definitions, indent=1), encoding="utf-8")

    def fileset(self) -> Fileset:
        fetch_verified([self.output()])
        return read_fileset(self.directory)
