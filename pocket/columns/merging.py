"""Columns of branches merged into one file per dataset, a part of one file in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow as pa
import pyarrow.parquet as pq

from pocket.base.containers import existing_place, is_container, members
from pocket.columns.config import WEIGHT, WEIGHT_VARIATION
from pocket.columns.formats import ColumnFormat
from pocket.columns.parquet import COLUMNS, Key, column_files, columns_file, common_schema

ROWS_AT_ONCE = 100_000

#: Dataset → sample → category → factor.
Factors = Mapping[str, Mapping[str, Mapping[str, float]]]
#: Dataset and variation → the name under which it is stored.
Names = Callable[[str, str], str]
#: Dataset → files of the branches: paths, or open files that have a ``stem`` likewise.
_Files = dict[str, list[Any]]


def merge_columns(
    outputs: Iterable[Path],
    target: Path,
    factors: Factors,
    stored: Names | None = None,
    formats: Iterable[type[ColumnFormat]] = (),
) -> None:
    """Merge the columns of all branches into one file per dataset, and normalise their weights.

    Few rows are in memory at the same time. Where only some datasets have a variation of the weight under its stored
    name, as that of another era, it is the nominal weight in the others. Data are left out of the factors.

    Args:
        formats: what is written beside each file of parquet.
    """
    parts: dict[Key, _Files] = {}
    for output in outputs:
        for (sample, category, variation), files in branch_columns(output).items():
            for file in files:
                known = sample, category, stored(file.stem, variation) if stored else variation
                parts.setdefault(known, {}).setdefault(file.stem, []).append(file)
    for key, datasets in parts.items():
        names = _weight_names(datasets, stored) if stored else {}
        schemas = (
            (dataset, _stored_schema(pq.read_schema(file), names.get(dataset)))
            for dataset, files in datasets.items()
            for file in files
        )
        schema = common_schema(schemas, key)
        sample, category, _ = key
        for dataset, files in datasets.items():
            factor = factors[dataset][sample][category] if dataset in factors else 1.0
            merged = columns_file(target, key, dataset)
            with pq.ParquetWriter(merged, schema, compression="zstd") as writer:
                for table in _tables(files, schema, names.get(dataset)):
                    writer.write_table(_scaled(table, factor))
            for one in formats:
                one().write(merged.with_name(f"{dataset}{one.suffix}"), map(ak.from_arrow, _tables([merged], schema)))


def branch_columns(output: str | Path) -> dict[Key, list[Any]]:
    """Return sample, category and variation → files of columns of a branch, which a container has as open files."""
    place = existing_place(output)
    if not is_container(place):
        return {**column_files(place)}
    found: dict[Key, list[Any]] = {}
    for name, member in sorted(members(place).items()):
        match name.split("/"):
            case [first, sample, category, variation, file] if first == COLUMNS and file.endswith(".parquet"):
                found.setdefault((sample, category, variation), []).append(member.open())
    return found


def _weight_names(datasets: _Files, stored: Names) -> dict[str, dict[str, str]]:
    """Return dataset → column of the result → column of the file, for variations of the weight with other names."""
    names: dict[str, dict[str, str]] = {}
    for dataset, files in datasets.items():
        columns = dict.fromkeys(name for file in files for name in pq.read_schema(file).names)
        varied = [name for name in columns if name.startswith(WEIGHT_VARIATION)]
        names[dataset] = {
            f"{WEIGHT_VARIATION}{stored(dataset, name.removeprefix(WEIGHT_VARIATION))}": name for name in varied
        }
    if not any(new != old for of_dataset in names.values() for new, old in of_dataset.items()):
        return {}
    every = dict.fromkeys(new for of_dataset in names.values() for new in of_dataset)
    # Data have no variations, and a variation of another one's era doesn't change the weight.
    return {dataset: {new: of_dataset.get(new, WEIGHT) for new in every} for dataset, of_dataset in names.items()}


def _stored_schema(schema: Any, names: Mapping[str, str] | None) -> Any:
    return _renamed(schema.empty_table(), names).schema if names else schema


def _renamed(table: Any, names: Mapping[str, str] | None) -> Any:
    """Return a table with variations of the weight under other names, see :func:`_weight_names`."""
    if not names:
        return table
    position = table.schema.get_field_index(WEIGHT) + 1
    varied = {new: table.column(old) for new, old in names.items()}
    table = table.drop_columns([name for name in table.column_names if name.startswith(WEIGHT_VARIATION)])
    for number, (new, column) in enumerate(varied.items()):
        table = table.add_column(position + number, new, column)
    return table


def _tables(files: Iterable[Any], schema: Any, names: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Yield at least one table with the rows of files; only the last table may be small."""
    # awkward can't read a file without any row group.
    batches: list[Any] = [schema.empty_table()]
    rows = 0
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(ROWS_AT_ONCE):
                batches.append(_renamed(pa.Table.from_batches([batch]), names).select(schema.names).cast(schema))
                rows += batch.num_rows
                if rows >= ROWS_AT_ONCE:
                    yield pa.concat_tables(batches)
                    batches, rows = [], 0
    if batches:
        yield pa.concat_tables(batches)


def _scaled(table: Any, factor: float) -> Any:
    # This defines hundreds of functions when it is imported, for which most merges would wait in vain.
    import pyarrow.compute as pc

    for number, name in enumerate(table.schema.names):
        if name == WEIGHT or name.startswith(WEIGHT_VARIATION):
            table = table.set_column(number, table.schema.field(number), pc.multiply(table.column(number), factor))
    return table
