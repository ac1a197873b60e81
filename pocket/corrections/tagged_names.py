"""Names of corrections with a version, such as ``Summer22_22Sep2023_V2_MC``, in files of another tag."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pocket.base.runtime.remarks import remark, some_of
from pocket.corrections.files import find_corrections, names_of
from pocket.errors import PocketError
from pocket.parameters.eras import eras

#: the number of a version, as in ``_V2_`` and ``_JRV1_``
_NUMBER = re.compile(r"(?<=V)\d+(?=_|$)")


def with_names_of_files(named: DictConfig, tagged: DictConfig, years: Collection[str]) -> DictConfig:
    """Return parameters in which names have the versions that the files of their tags have.

    A name that its file has stays; otherwise the file may have the same name with another number of the version, of
    which the highest is taken.

    Args:
        named: parameters with the names of files before tags replaced them.
        tagged: parameters with the files of the tags.
        years: data-taking periods whose parameters are read; those of others stay.
    """
    if named is tagged:
        return tagged
    before, after = (OmegaConf.to_container(each, resolve=False) for each in (named, tagged))
    others = frozenset(eras()) - frozenset(years)
    renewed: dict[str, str] = {}
    found: DictConfig = OmegaConf.create(_renewed(before, after, others, renewed))
    if renewed:
        changes = [f"{name} → {newer}" for name, newer in renewed.items()]
        remark(f"correction_tags: the files have other versions, which are read: {some_of(changes)}")
    return found if renewed else tagged


def newest(name: str, known: Sequence[str]) -> str:
    """Return the name that a file has instead of one that it lacks, or else the same name.

    Args:
        name: of a correction, or what names of several begin with.
        known: names of the corrections of the file, or of all files that it may be in.

    Examples:
        >>> newest("Summer22_V2_MC", ["Summer22_V9_MC_L2_AK4", "Summer22_V10_MC_L2_AK4", "Summer22_V11_DATA_L2_AK4"])
        'Summer22_V10_MC'
    """
    if any(each == name or each.startswith(f"{name}_") for each in known):
        return name
    with_any_number = re.compile(r"(\d+)".join(map(re.escape, _NUMBER.split(name))) + r"(?=_|$)")
    matches = filter(None, map(with_any_number.match, known))
    versions = {match.group(): tuple(map(int, match.groups())) for match in matches}
    return max(versions, key=lambda each: versions[each], default=name)


def _renewed(before: Any, after: Any, skipped: Collection[str], renewed: dict[str, str]) -> Any:
    """Return a part of the parameters with new names, and note these."""
    if isinstance(after, dict):
        files = [value for key, value in after.items() if isinstance(value, str) and value != before[key]]
        return {
            key: value
            if key in skipped
            else _with_versions(value, files, renewed)
            if files
            else _renewed(before[key], value, skipped, renewed)
            for key, value in after.items()
        }
    if isinstance(after, list):
        return [_renewed(one, other, skipped, renewed) for one, other in zip(before, after, strict=True)]
    return after


def _with_versions(value: Any, files: list[str], renewed: dict[str, str]) -> Any:
    """Return names beside files, or tables of them, with the versions of the files."""
    if isinstance(value, dict):
        return {key: _with_versions(item, files, renewed) for key, item in value.items()}
    if not isinstance(value, str) or value in files or not _NUMBER.search(value):
        return value
    known: list[str] = []
    for file in files:
        # What can't be read is said where it is used.
        with contextlib.suppress(PocketError):
            known += names_of(find_corrections(file))
    if (found := newest(value, known)) != value:
        renewed[value] = found
    return found
