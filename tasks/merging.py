"""Merged, normalised templates of a configuration."""

from __future__ import annotations

from typing import Any

from pocket.fingerprint import code_closure
from pocket.store import write_output
from tasks.base import ConfigTask
from tasks.processing import RunProcessor

CONFIG_FILE = "config.json"
PARAMETERS_FILE = "parameters.yaml"


class MergeOutputs(ConfigTask):
    """Adds the outputs of all branches and normalises them to the luminosity."""

    exclude_index = False

    def requires(self) -> RunProcessor:
        """All branches of the processor."""
        return RunProcessor.req(self, branch=-1)

    def fingerprint_spec(self) -> Any:
        """What the processor does, what the datasets are normalised by, and the code that merges."""
        processor = self.requires()
        datasets = processor.required_tasks["datasets"].values()
        definitions = {name: definition for task in datasets for name, definition in task.definitions.items()}
        return {
            "processor": processor.fingerprint,
            "normalisation": {
                name: (definitions[name].xsec, definitions[name].before_skim) for name in self.config_inst.definitions
            },
            "code": [
                code_closure(module) for module in ("pocket.merging", "pocket.columns.parquet", "pocket.dumps.config")
            ],
        }

    def input_ids(self) -> dict[str, str] | None:
        """The outputs of all branches, and the metadata of the datasets."""
        return self.requires().merging_ids()

    def make(self) -> None:
        """Merge and write the templates and columns."""
        from pocket.columns.parquet import merge_columns
        from pocket.dumps.config import dump_config
        from pocket.merging import merge_outputs, normalisation_factors
        from pocket.outputs import read_output, write_sums_and_histograms
        from pocket.parameters.defaults import dump_parameters

        config = self.config_inst
        processor = self.requires()
        branches = processor.finished_branches()
        folders = [task.output().directory for task in branches.values()]
        missing = processor.missing_events(branches)
        metadata = {name: part["metadata"] for name, part in processor.fileset.items()}
        skipped = processor.skipped_files()
        outputs = (read_output(folder) for folder in folders)
        merged = merge_outputs(config, outputs, metadata, all_files=not skipped and not missing)
        factors = {
            dataset: normalisation_factors(config, merged, dataset, meta)
            for dataset, meta in metadata.items()
            if meta["isMC"]
        }
        with write_output(**self.write_info(), skipped=skipped, missing=missing) as folder:
            write_sums_and_histograms(folder, merged)
            merge_columns(folders, folder, factors)
            (folder / CONFIG_FILE).write_text(dump_config(config, self.config), encoding="utf-8")
            (folder / PARAMETERS_FILE).write_text(dump_parameters(config.parameters), encoding="utf-8")
