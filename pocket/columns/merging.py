"""Columns of branches merged out of their containers, a part of one file in memory at a time.

Where no branch is a container, :func:`pocket.columns.parquet.merge_columns` merges them. What both share stays in that
module: fingerprints of processed events hash its code, and reading containers decides nothing about events.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pocket.base.containers import existing_place, is_container, members
from pocket.columns import parquet
from pocket.columns.parquet import COLUMNS, Factors, Key, Names

#: Dataset → files of the branches: paths, or open files that have a ``stem`` likewise.
_Files = dict[str, list[Any]]


def merge_branch_columns(outputs: Iterable[Path], target: Path, factors: Factors, stored: Names | None = None) -> None:
    """Merge the columns of branches, containers or folders, into one file per dataset.

    Args:
        outputs: outputs of the branches.
        target: an existing folder.
        factors: as for :func:`pocket.columns.parquet.merge_columns`.
        stored: likewise.

    Raises:
        ColumnError: if the columns of a sample, category and variation differ between branches.
    """
    places = [existing_place(output) for output in outputs]
    if not any(map(is_container, places)):
        parquet.merge_columns(places, target, factors, stored)
        return
    parts: dict[Key, _Files] = {}
    for place in places:
        for (sample, category, variation), files in branch_columns(place).items():
            for file in files:
                known = sample, category, stored(file.stem, variation) if stored else variation
                parts.setdefault(known, {}).setdefault(file.stem, []).append(file)
    for key, datasets in parts.items():
        _merge(key, datasets, target, factors, stored)


def branch_columns(output: str | Path) -> dict[Key, list[Any]]:
    """Return sample, category and variation → files of columns, as :func:`pocket.columns.parquet.column_files` does.

    Args:
        output: the output of a branch. The files of a container are open files, which hold no descriptor.
    """
    place = existing_place(output)
    if not is_container(place):
        return {**parquet.column_files(place)}
    found: dict[Key, list[Any]] = {}
    for name, member in sorted(members(place).items()):
        match name.split("/"):
            case [first, sample, category, variation, file] if first == COLUMNS and file.endswith(".parquet"):
                found.setdefault((sample, category, variation), []).append(member.open())
    return found


def _merge(key: Key, datasets: _Files, target: Path, factors: Factors, stored: Names | None) -> None:
    sample, category, _ = key
    names = parquet._weight_names(datasets, stored) if stored else {}
    schema = parquet._common_schema(
        (
            (dataset, parquet._stored_schema(pq.read_schema(file), names.get(dataset)))
            for dataset, files in datasets.items()
            for file in files
        ),
        key,
    )
    for dataset, files in datasets.items():
        factor = factors[dataset][sample][category] if dataset in factors else 1.0
        with pq.ParquetWriter(parquet._file(target, key, dataset), schema, compression="zstd") as writer:
            for table in parquet._tables(files, schema, names.get(dataset)):
                writer.write_table(parquet._scaled(table, factor))
