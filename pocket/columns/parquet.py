"""Columns in parquet files: one row per event, one folder for each sample, category and variation.

The files in ``columns/{sample}/{category}/{variation}`` have one schema, so that awkward, pyarrow and pandas can read
the folder as one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow as pa
import pyarrow.parquet as pq

from pocket.errors import ColumnError, UnknownNameError

COLUMNS = "columns"

#: Sample, category and variation.
Key = tuple[str, str, str]
#: Sample → dataset → category → variation → records of the chunks.
Columns = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Iterable[ak.Array]]]]]


def write_columns(directory: Path, columns: Columns) -> None:
    """Write the columns of a branch, sample → dataset → category → variation, with unnormalised weights."""
    for sample, datasets in columns.items():
        for dataset, categories in datasets.items():
            for category, variations in categories.items():
                for variation, records in variations.items():
                    tables = [_table(part) for part in records]
                    key = (sample, category, variation)
                    schema = common_schema(((dataset, table.schema) for table in tables), key)
                    whole = pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])
                    pq.write_table(whole, columns_file(directory, key, dataset), compression="zstd")


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


def columns_file(directory: Path, key: Key, dataset: str) -> Path:
    """Return the path of the columns of a dataset, whose folder is created if needed."""
    folder = directory.joinpath(COLUMNS, *key)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{dataset}.parquet"


def _table(records: ak.Array) -> Any:
    # All readers know arrow's plain types; lists have 64-bit offsets, since awkward can't sort others.
    return ak.to_arrow_table(records, string_to32=True, extensionarray=False).replace_schema_metadata()


def common_schema(schemas: Iterable[tuple[str, Any]], key: Key) -> Any:
    """Return the common schema of several, with numbers as wide as the widest."""
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
