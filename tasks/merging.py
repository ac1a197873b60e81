"""Merged, normalised templates of a configuration."""

from __future__ import annotations

from typing import Any

from pocket.fingerprint import code_closure, digest
from pocket.store import read_manifest, write_output
from tasks.base import ConfigTask, input_ids
from tasks.processing import RunProcessor


class MergeOutputs(ConfigTask):
    """Adds the outputs of all branches and normalises them to the luminosity."""

    exclude_index = False

    def requires(self) -> RunProcessor:
        """All branches of the processor."""
        return RunProcessor.req(self, branch=-1)

    def fingerprint_spec(self) -> Any:
        """What the processor does, the cross sections, and the code that merges."""
        processor = self.requires()
        datasets = processor.workflow_requires()["datasets"].values()
        xsec = {name: definition.xsec for task in datasets for name, definition in task.definitions.items()}
        return {
            "processor": processor.fingerprint,
            "xsec": {name: xsec[name] for name in self.config_inst.definitions},
            "code": code_closure("pocket.merging"),
        }

    def input_ids(self) -> dict[str, str] | None:
        """The outputs of all branches, and the metadata of the datasets."""
        processor = self.requires()
        if not processor.workflow_condition():
            return None
        branches = processor.get_branch_tasks().values()
        outputs = {f"{task.branch_data.dataset}/{task.output().directory.name}": task.output() for task in branches}
        ids = input_ids(outputs)
        if ids is None:
            return None
        return {**ids, "metadata": digest({name: part["metadata"] for name, part in processor.fileset.items()})}

    def make(self) -> None:
        """Merge and write the templates."""
        from pocket.merging import merge_outputs
        from pocket.outputs import read_output, write_sums_and_histograms

        processor = self.requires()
        folders = [task.output().directory for task in processor.get_branch_tasks().values()]
        metadata = {name: part["metadata"] for name, part in processor.fileset.items()}
        merged = merge_outputs(self.config_inst, (read_output(folder) for folder in folders), metadata)
        skipped: dict[str, str] = {}
        for folder in [task.directory for task in processor.workflow_requires()["datasets"].values()] + folders:
            manifest = read_manifest(folder)
            skipped.update(manifest.info.get("skipped", {}) if manifest else {})
        with write_output(**self.write_info(), skipped=skipped) as folder:
            write_sums_and_histograms(folder, merged)
