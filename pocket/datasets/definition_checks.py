"""Checks of the keys of dataset definitions: misspelt ones are refused, those without effect are noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pocket.base.runtime.remarks import remark, some_of
from pocket.datasets.definitions import SOURCES, DatasetDefinition, is_source
from pocket.datasets.metadata import MISSPELT, SUMS_OF_FILES, boolean, is_data
from pocket.errors import UnknownNameError, nearest

DATASET_KEYS = ("sample", "files", "json_output", "storage_prefix")
ENTRY_KEYS = (*SOURCES, "dbs_instance", "metadata")
BUILT_KEYS = ("metadata", "files")
#: Keys of PocketCoffea that have no effect there either.
_WITHOUT_EFFECT = ("description", "das_parents_names")
#: Primary dataset in a name of CMS, /primary/processed/tier, which extensions share.
_PRIMARY = re.compile(r"(?<![\w./-])/([\w.-]+)/[\w.-]+/[A-Z]+\b")


def check_keys(kind: str, content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Check that no key of a dataset, or of an entry of one, looks like a misspelt one."""
    for key in content:
        if key not in (*known, *_WITHOUT_EFFECT) and not is_source(key) and nearest(key, known, 1, MISSPELT):
            raise UnknownNameError(kind, key, known, where)


def remark_on(content: Mapping[str, Any], path: Path, datasets: Iterable[DatasetDefinition]) -> None:
    """Note what in a definition file has no effect, and which datasets are numbered."""
    if twice := [dataset.name for dataset in datasets if dataset.number == 2 and dataset.origin == path]:
        remark(f"{path}: 'part' doesn't tell datasets apart, so they are numbered: {', '.join(twice)}")
    for names in _scaled_twice(dataset for dataset in datasets if dataset.origin == path):
        remark(
            f"{path}: {some_of(names)} are of one process, and each of them is scaled to its whole cross section: "
            "name their files in one entry, or it counts more than once"
        )
    if ignored := dict.fromkeys(key for dataset in content.values() for key in _without_effect(dataset)):
        remark(f"{path}: {', '.join(map(repr, ignored))} of datasets have no effect, so they are ignored")


def _scaled_twice(datasets: Iterable[DatasetDefinition]) -> Iterator[list[str]]:
    """Yield the names of datasets of one process and sample that have the same cross section, such as extensions."""
    found: dict[tuple[str, str, float, str], list[str]] = {}
    for one in datasets:
        if one.xsec and one.varies is None:
            names = str(one.values if one.source == "das_names" else one.free.get("das_names", ""))
            # Without such names, entries of one key are of one process if no part tells them apart.
            for process in set(_PRIMARY.findall(names)) or {f"{one.key}/{one.part}"}:
                found.setdefault((one.sample, one.year, one.xsec, process), []).append(one.name)
    yield from (names for names in found.values() if len(names) > 1)


def remark_on_replaced(first: DatasetDefinition, last: DatasetDefinition) -> None:
    """Note that a dataset takes the place of one in an earlier file."""
    remark(f"{last.where} replaces the one of the same name in {first.origin}")


def _without_effect(dataset: Mapping[str, Any]) -> Iterable[str]:
    """Yield the keys of a dataset, of its entries and of their metadata that have no effect."""
    is_built = "metadata" in dataset
    yield from (key for key in dataset if key not in (BUILT_KEYS if is_built else DATASET_KEYS))
    for entry in (dataset,) if is_built else dataset["files"]:
        if not is_built:
            yield from (key for key in entry if key not in ENTRY_KEYS and not is_source(key))
        yield from metadata_without_effect(entry.get("metadata", {}))


def metadata_without_effect(metadata: Mapping[str, Any]) -> list[str]:
    """Return the keys of valid metadata that have no effect in these, but would have one in others."""
    sums = () if _is_true(metadata, "isSkim") else SUMS_OF_FILES
    xsec = ("xsec",) if not _is_true(metadata, "isMC") and is_data(metadata) else ()
    return [key for key in (*sums, *xsec) if metadata.get(key, "") != ""]


def _is_true(metadata: Mapping[str, Any], key: str) -> bool:
    return key in metadata and boolean(metadata, key, "")
