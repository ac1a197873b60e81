"""Folders of outputs: the files of a branch, and those of merged branches."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pocket.columns.merging import merge_columns
from pocket.columns.parquet import write_columns
from pocket.histograms.contents import write_contents
from pocket.histograms.files import write_histograms, write_sums
from pocket.histograms.raw import write_raw
from pocket.outputs.dedicated_samples import DEDICATED, dedicated_metadata
from pocket.outputs.normalisation import normalisation_factors
from pocket.outputs.renaming import column_name
from pocket.plan.merging import MergingPlan


def write_branch(folder: Path, output: Mapping[str, Any]) -> None:
    """Write the raw sums, histograms and columns of a branch."""
    write_raw(folder, output)
    write_columns(folder, output["columns"])


def write_merged(
    folder: Path, plan: MergingPlan, merged: Mapping[str, Any], branches: Iterable[Path], texts: Mapping[str, str]
) -> None:
    """Write the templates and columns of merged branches, and the given texts by the names of their files."""
    factors = {
        dataset: normalisation_factors(plan, merged, dataset, metadata)
        for dataset, metadata in merged["datasets_metadata"].items()
        if metadata["isMC"]
    }
    for dataset, metadata in dedicated_metadata(merged).items():
        factors[dataset] = normalisation_factors(plan, merged[DEDICATED], dataset, metadata)
    write_sums(folder, merged)
    write_histograms(folder, write_contents(folder, iter(merged["variables"].items())))
    merge_columns(branches, folder, factors, functools.partial(column_name, plan), plan.column_formats)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
