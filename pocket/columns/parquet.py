"""Columns in parquet files: one row per event, one folder for each sample, category and variation.

The files in ``columns/{sample}/{category}/{variation}`` have one schema, so that awkward, pyarrow and pandas can read
the folder as one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pocket.columns.config import WEIGHT, WEIGHT_VARIATION
from pocket.errors import ColumnError, UnknownNameError

COLUMNS = "columns"
ROWS_AT_ONCE = 100_000

#: Sample, category and variation.
Key = tuple[str, str, str]
#: Sample → dataset → category → variation → records of the chunks.
Columns = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Iterable[ak.Array]]]]]
#: Dataset → sample → category → factor.
Factors = Mapping[str, Mapping[str, Mapping[str, float]]]
#: Dataset and variation → the name under which it is stored.
Names = Callable[[str, str], str]


def write_columns(directory: Path, columns: Columns) -> None:
    """Write the columns of a branch with unnormalised weights.

    Args:
        directory: an existing folder.
        columns: sample → dataset → category → variation → records of the chunks, from
            :func:`~pocket.engine.columns.collect_columns`.

    Raises:
        ColumnError: if the chunks have different columns.
    """
    for sample, datasets in columns.items():
        for dataset, categories in datasets.items():
            for category, variations in categories.items():
                for variation, records in variations.items():
                    tables = [_table(part) for part in records]
                    key = (sample, category, variation)
                    schema = _common_schema(((dataset, table.schema) for table in tables), key)
                    whole = pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])
                    pq.write_table(whole, _file(directory, key, dataset), compression="zstd")


def merge_columns(directories: Iterable[Path], target: Path, factors: Factors, stored: Names | None = None) -> None:
    """Merge the columns of all branches into one file per dataset, and normalise their weights.

    Few rows are in memory at the same time. Where only some datasets have a variation of the weight under its stored
    name, as that of another era, it is the nominal weight in the others.

    Args:
        directories: folders that :func:`write_columns` wrote to.
        target: an existing folder.
        factors: dataset → sample → category → factor on the weights, from
            :func:`pocket.outputs.normalisation.normalisation_factors`; data are left out.
        stored: dataset and variation → name under which it is stored; by default, variations keep their names.

    Raises:
        ColumnError: if the columns of a sample, category and variation differ between branches.
    """
    parts: dict[Key, dict[str, list[Path]]] = {}
    for directory in directories:
        for key, files in column_files(directory).items():
            for file in files:
                sample, category, variation = key
                known = (sample, category, stored(file.stem, variation) if stored else variation)
                parts.setdefault(known, {}).setdefault(file.stem, []).append(file)
    for key, datasets in parts.items():
        names = _weight_names(datasets, stored) if stored else {}
        schemas = (
            (dataset, _stored_schema(pq.read_schema(file), names.get(dataset)))
            for dataset, files in datasets.items()
            for file in files
        )
        schema = _common_schema(schemas, key)
        sample, category, _ = key
        for dataset, files in datasets.items():
            factor = factors[dataset][sample][category] if dataset in factors else 1.0
            with pq.ParquetWriter(_file(target, key, dataset), schema, compression="zstd") as writer:
                for table in _tables(files, schema, names.get(dataset)):
                    writer.write_table(_scaled(table, factor))


def column_files(directory: str | Path) -> dict[Key, list[Path]]:
    """Return sample, category and variation → files of columns, one per dataset, in order."""
    found: dict[Key, list[Path]] = {}
    folder = Path(directory) / COLUMNS
    for file in sorted(folder.glob("*/*/*/*.parquet")):
        sample, category, variation = file.relative_to(folder).parent.parts
        found.setdefault((sample, category, variation), []).append(file)
    return found


def read_columns(directory: str | Path, sample: str, category: str, variation: str = "nominal") -> ak.Array:
    """Return the columns of all datasets of a sample.

    Args:
        directory: folder that contains the folder ``columns``.
        sample: the sample, or ``{sample}__{subsample}``.
        category: the category.
        variation: ``"nominal"``, or a shape variation.

    Returns:
        Records of shape (n events,).

    Raises:
        UnknownNameError: if there are no such columns.
    """
    files = column_files(directory)
    if (sample, category, variation) not in files:
        wanted = "/".join((sample, category, variation))
        raise UnknownNameError("columns", wanted, map("/".join, files), str(Path(directory) / COLUMNS))
    return ak.from_parquet([str(file) for file in files[sample, category, variation]])


def _file(directory: Path, key: Key, dataset: str) -> Path:
    folder = directory.joinpath(COLUMNS, *key)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{dataset}.parquet"


def _table(records: ak.Array) -> Any:
    # All readers know arrow's plain types; lists have 64-bit offsets, since awkward can't sort others.
    return ak.to_arrow_table(records, string_to32=True, extensionarray=False).replace_schema_metadata()


def _common_schema(schemas: Iterable[tuple[str, Any]], key: Key) -> Any:
    """Return the common schema of several, with numbers as wide as the widest.

    Args:
        schemas: dataset and schema of each part.
        key: sample, category and variation, for errors.
    """
    common: Any = None
    first = ""
    for dataset, schema in schemas:
        if common is None:
            common, first = schema, dataset
        if schema.equals(common):
            continue
        where = f"columns of {'/'.join(key)} in datasets {first!r} and {dataset!r}"
        if differing := sorted({*schema.names} ^ {*common.names}):
            raise ColumnError(f"{where}: {', '.join(differing)} is only in one of them")
        common = pa.schema([_common_field(common.field(name), schema.field(name), where) for name in common.names])
    return common


def _common_field(one: Any, other: Any, where: str) -> Any:
    try:
        return pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive").field(0)
    except pa.ArrowTypeError:
        raise ColumnError(f"{where}: column {one.name!r} is of type {one.type} and {other.type}") from None


def _weight_names(datasets: Mapping[str, list[Path]], stored: Names) -> dict[str, dict[str, str]]:
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


def _tables(files: Iterable[Path], schema: Any, names: Mapping[str, str] | None = None) -> Iterator[Any]:
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
    for number, name in enumerate(table.schema.names):
        if name == WEIGHT or name.startswith(WEIGHT_VARIATION):
            table = table.set_column(number, table.schema.field(number), pc.multiply(table.column(number), factor))
    return table
