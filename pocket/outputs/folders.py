"""Folders of outputs: the files of a branch, and those of merged branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pocket.base.fingerprint.places import portable
from pocket.base.runtime.kept import keeping_tables
from pocket.columns.merging import merge_columns
from pocket.columns.parquet import write_columns
from pocket.configuration.configurator import Configurator
from pocket.configuration.description import dump_config
from pocket.histograms.contents import write_contents
from pocket.histograms.files import write_histograms, write_sums
from pocket.histograms.raw import write_raw
from pocket.outputs.dedicated_samples import DEDICATED, dedicated_metadata
from pocket.outputs.normalisation import normalisation_factors
from pocket.outputs.renaming import ColumnNames
from pocket.parameters.defaults import dump_parameters

CONFIG_FILE = "config.json"
PARAMETERS_FILE = "parameters.yaml"


def write_branch(folder: Path, output: Mapping[str, Any]) -> None:
    """Write the raw sums, histograms and columns of a branch."""
    write_raw(folder, output)
    write_columns(folder, output["columns"])


def write_merged(
    folder: Path, cfg: Configurator, name: str, merged: Mapping[str, Any], branches: Iterable[Path]
) -> None:
    """Write the templates and columns of merged branches, with the configuration and its parameters."""
    # Each dataset resolves the same parameters.
    with keeping_tables():
        factors = {
            dataset: normalisation_factors(cfg, merged, dataset, metadata)
            for dataset, metadata in merged["datasets_metadata"].items()
            if metadata["isMC"]
        }
        for dataset, metadata in dedicated_metadata(merged).items():
            factors[dataset] = normalisation_factors(cfg, merged[DEDICATED], dataset, metadata)
    write_sums(folder, merged)
    write_histograms(folder, write_contents(folder, iter(merged["variables"].items())))
    merge_columns(branches, folder, factors, ColumnNames(cfg))
    # Paths of a machine or a snapshot would change the output although its content is the same.
    (folder / CONFIG_FILE).write_text(portable(dump_config(cfg, name)), encoding="utf-8")
    (folder / PARAMETERS_FILE).write_text(portable(dump_parameters(cfg.parameters)), encoding="utf-8")
