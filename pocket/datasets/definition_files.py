"""Dataset definitions: JSON files in PocketCoffea's form that list the files of each dataset.

``docs/reference/configuration.md`` and ``docs/reference/datasets.md`` describe it. A definition file has, per key, the
sample and a list of entries, each of which becomes a dataset and names its files by exactly one of
:data:`pocket.datasets.definitions.SOURCES`. A fileset that PocketCoffea built can be read, too: its files are
``paths``, and its datasets keep their names.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pocket.base.runtime.file_state import near_files
from pocket.datasets import definition_checks
from pocket.datasets.definitions import GLOBAL, SOURCES, DatasetDefinition, is_source
from pocket.datasets.metadata import read_metadata, text
from pocket.errors import DatasetError
from pocket.io.remote.tokens import holds_token, redacted


def read_definitions(paths: Iterable[str | Path]) -> dict[str, DatasetDefinition]:
    """Return the datasets in definition files by name, in the order of the files."""
    return by_name(read_all_definitions(paths))


def read_all_definitions(paths: Iterable[str | Path]) -> list[DatasetDefinition]:
    """Return the datasets in definition files, several of which may have the same name if they are in several files.

    The arguments and errors are those of :func:`read_definitions`.
    """
    definitions: list[DatasetDefinition] = []
    for path in map(Path, paths):
        content = _object(_load(path), f"{path}")
        if not content:
            raise DatasetError(f"{path} defines no dataset")
        found = [one for key, dataset in content.items() for one in _numbered(_read_dataset(key, dataset, path))]
        by_name(found)
        definitions += found
        definition_checks.remark_on(content, path, found)
    return definitions


def by_name(definitions: Iterable[DatasetDefinition], keep_last: bool = False) -> dict[str, DatasetDefinition]:
    """Return datasets by name; with ``keep_last``, one replaces another one in an earlier file, as in PocketCoffea."""
    named: dict[str, DatasetDefinition] = {}
    for definition in definitions:
        other = named.get(definition.name)
        if other is not None and not (keep_last and other.origin != definition.origin):
            raise DatasetError(
                f"{definition.where} has the name of the one in {other.origin}; 'part', 'year', 'era' or the "
                "key must differ"
            )
        if other is not None:
            definition_checks.remark_on_replaced(other, definition)
        named[definition.name] = definition
    return named


def those_of(
    wanted: Mapping[str, DatasetDefinition], files: Iterable[Mapping[str, DatasetDefinition]]
) -> dict[str, DatasetDefinition]:
    """Return the wanted datasets as they were read file by file, of which others may have the same name."""
    return {
        name: definition
        for definitions in files
        for name, definition in definitions.items()
        if name in wanted and wanted[name].origin == definition.origin
    }


def _numbered(datasets: Iterable[DatasetDefinition]) -> Iterator[DatasetDefinition]:
    """Number the datasets of a key that have equal names, of which PocketCoffea would keep the last one only."""
    numbers: dict[str, int] = {}
    for dataset in datasets:
        number = numbers[dataset.name] = numbers.get(dataset.name, 0) + 1
        yield replace(dataset, number=number)


def _load(path: Path) -> object:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # The JSON module would keep the last of two equal keys and lose a dataset.
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DatasetError(f"{path}: key {twice!r} appears twice")
        return content

    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    except OSError as error:
        near = "" if path.exists() else near_files(path)
        raise DatasetError(f"dataset definition {path} can't be read: {error.strerror}{near}") from error
    except ValueError as error:
        raise DatasetError(f"dataset definition {path} is not JSON: {error}") from error


def _read_dataset(key: str, content: object, origin: Path) -> list[DatasetDefinition]:
    where = f"dataset {key!r} in {origin}"
    dataset = _object(content, where)
    if "metadata" in dataset:
        return [_read_built(key, dataset, origin, where)]
    definition_checks.check_keys("dataset key", dataset, definition_checks.DATASET_KEYS, where)
    for required in ("sample", "files"):
        if not dataset.get(required):
            raise DatasetError(f"{where} lacks {required!r}")
    if not isinstance(dataset["files"], list):
        raise DatasetError(f"{where}: 'files' is not a list of entries")
    sample = text(dataset, "sample", where)
    prefix = text(dataset, "storage_prefix", where) if dataset.get("storage_prefix") else ""
    return [
        _read_entry(key, sample, prefix, _object(entry, place), origin, place)
        for number, entry in enumerate(dataset["files"])
        for place in [f"dataset {key!r}, files[{number}] in {origin}"]
    ]


def _read_entry(
    key: str, sample: str, prefix: str, entry: dict[str, Any], origin: Path, where: str
) -> DatasetDefinition:
    definition_checks.check_keys("key", entry, definition_checks.ENTRY_KEYS, where)
    sources = [key for key in entry if is_source(key)]
    if len(sources) != 1:
        given = " and ".join(map(repr, sources)) or "none"
        raise DatasetError(
            f"{where} must name its files by exactly one of {', '.join(SOURCES)} or module:function; it has {given}"
        )
    if "dbs_instance" in entry and sources != ["das_names"]:
        raise DatasetError(f"{where}: only 'das_names' have a 'dbs_instance'")
    metadata = dict(_object(entry.get("metadata", {}), f"metadata of {where}"))
    if "sample" in metadata:
        sample = text(metadata, "sample", where)
        del metadata["sample"]
    return DatasetDefinition(
        key=key,
        sample=sample,
        source=sources[0],
        values=_strings(entry, sources[0], where),
        origin=origin,
        **read_metadata(metadata, where),
        dbs_instance=text(entry, "dbs_instance", where) if "dbs_instance" in entry else GLOBAL,
        storage_prefix=prefix,
    )


def _read_built(key: str, dataset: dict[str, Any], origin: Path, where: str) -> DatasetDefinition:
    definition_checks.check_keys("dataset key", dataset, definition_checks.BUILT_KEYS, where)
    metadata = dict(_object(dataset["metadata"], f"metadata of {where}"))
    if "sample" not in metadata or "files" not in dataset:
        raise DatasetError(f"{where} lacks {'metadata.sample' if 'files' in dataset else 'files'!r}")
    sample = text(metadata, "sample", where)
    del metadata["sample"]
    return DatasetDefinition(
        key=key,
        sample=sample,
        source="paths",
        values=_strings(dataset, "files", where),
        origin=origin,
        is_built=True,
        **read_metadata(metadata, where),
    )


def _object(content: object, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DatasetError(f"{where} is not a JSON object")
    return content


def _strings(content: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = content[key]
    strings = value if isinstance(value, list) else [value]
    if key == "open_data":
        # The number of a record may be an integer.
        strings = [str(item) if type(item) is int else item for item in strings]
    for item in strings:
        if not isinstance(item, str) or not item:
            # Of thousands of files, only the wrong one is named; coffea's mappings of files are shortened.
            shown = f"{'has' if isinstance(value, list) else 'is'} {reprlib.repr(item)}"
            raise DatasetError(f"{where}: {key!r} {shown}, expected a string or a list of strings")
    for url in strings:
        if holds_token(url):
            raise DatasetError(
                f"{where}: {redacted(url)} holds an access token, which would end up in filesets and logs: write "
                "authz=Bearer%20$BEARER_TOKEN for that in the variable BEARER_TOKEN"
            )
    return tuple(strings)
