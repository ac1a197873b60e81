"""Metadata of a dataset in a definition file: JSON values, or PocketCoffea's strings of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.datasets.sample_variations import read_variation
from pocket.datasets.skim_sums import SUMS, BeforeSkim
from pocket.errors import DatasetError, UnknownNameError, nearest

_REQUIRED = ("year", "isMC")
USED = (*_REQUIRED, "xsec", "era", "part", "primaryDataset", "isSkim", "varies", *SUMS)
#: Keys whose values are known otherwise: from the name of a dataset and from its files.
IGNORED = ("dataset", "nevents", "size")
#: Sums that PocketCoffea also writes for datasets that aren't skims, which have no meaning there.
SUMS_OF_FILES = ("sum_genweights", "sum_signOf_genweights")
#: Metadata that PocketCoffea's tools write; they are free, like those of the user.
_POCKETCOFFEA = ("das_names", "das_parents_names", "dbs_instance", "nano_version")
#: Similarity from which a key counts as a misspelling of a known one.
MISSPELT = 0.75
#: Spellings that PocketCoffea accepts.
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_metadata(metadata: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the metadata of a dataset, without ``sample``, as arguments of its definition.

    An empty string counts as absent, except for the year, which may be empty.
    """
    check_spelling(metadata, where)
    if "sample" in metadata:
        raise DatasetError(f"{where}: 'sample' is said by the dataset, not by the metadata of its files")
    given = {key: value for key, value in metadata.items() if value != "" or key in _REQUIRED}
    missing = [required for required in _REQUIRED if required not in given]
    if missing:
        raise DatasetError(f"{where}: metadata lacks {' and '.join(map(repr, missing))}")

    free = {key: value for key, value in given.items() if key not in (*USED, *IGNORED)}
    if "nano_version" in free:
        version = _number(free, "nano_version", where)
        if not version.is_integer():
            raise DatasetError(f"{where}: 'nano_version' is {free['nano_version']!r}, expected an integer")
        free["nano_version"] = int(version)

    def optional(name: str) -> str | None:
        return text(given, name, where) if name in given else None

    is_mc = boolean(given, "isMC", where)
    return {
        # A dataset that no configuration uses needs none.
        "year": text(given, "year", where) if given["year"] != "" else "",
        "is_mc": is_mc,
        "xsec": _number(given, "xsec", where) if "xsec" in given and (is_mc or not is_data(given)) else None,
        "era": optional("era"),
        "part": optional("part"),
        "primary_dataset": optional("primaryDataset"),
        "before_skim": _before_skim(given, where),
        "varies": read_variation(given, is_mc, where),
        "free": free,
    }


def check_spelling(metadata: Mapping[str, Any], where: str) -> None:
    """Check that no key looks like a misspelt one, unless that one is there, too."""
    known = (*USED, *IGNORED, *_POCKETCOFFEA)
    for key in metadata:
        if key not in known and (meant := nearest(key, known, 1, MISSPELT)) and meant[0] not in metadata:
            raise UnknownNameError("metadata key", key, known, where)


def text(content: Mapping[str, Any], key: str, where: str) -> str:
    """Return a value that must be a string; integers are converted."""
    value = content[key]
    # A year is often written as a number.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise DatasetError(f"{where}: {key!r} is {value!r}, expected a string")
    return value


def _before_skim(metadata: dict[str, Any], where: str) -> BeforeSkim | None:
    sums = {key: _number(metadata, key, where) for key in SUMS if key in metadata}
    is_skim = "isSkim" in metadata and boolean(metadata, "isSkim", where)
    if not is_skim:
        sums = {key: value for key, value in sums.items() if key not in SUMS_OF_FILES}
    if sums and not is_skim:
        raise DatasetError(f"{where}: metadata give {next(iter(sums))!r}, which only a skim has; is 'isSkim' missing?")
    try:
        return BeforeSkim.of({"isSkim": is_skim, **sums})
    except (DatasetError, OverflowError, ValueError) as error:
        raise DatasetError(f"{where}: {error}") from None


def boolean(content: Mapping[str, Any], key: str, where: str) -> bool:
    """Return a value that must be true or false, in one of their spellings."""
    value = content[key]
    spelling = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if spelling not in _BOOLEANS:
        raise DatasetError(f"{where}: {key!r} is {value!r}, expected true or false")
    return _BOOLEANS[spelling]


def is_data(metadata: Mapping[str, Any]) -> bool:
    """Tell whether metadata have keys that only data have, so that ``isMC`` isn't false by mistake."""
    return any(metadata.get(key) for key in ("era", "primaryDataset"))


def _number(content: Mapping[str, Any], key: str, where: str) -> float:
    value = content[key]
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        pass
    raise DatasetError(f"{where}: {key!r} is {value!r}, expected a number")
