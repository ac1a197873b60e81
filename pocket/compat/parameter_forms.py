"""Forms of PocketCoffea's parameters, brought into the ones that are read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pocket.parameters.public_places import LATEST, ROOT

#: PocketCoffea's name of a section → the name here; the former refers to the latter, so that code may read both.
RENAMED = {"pileupJSONfiles": "pileup"}
#: Leptons → corrections, for all of which older versions have one name of the year.
_NAMED_YEARS = {"electron_sf": ("reco", "id", "trigger"), "muon_sf": ("reco", "id", "iso", "trigger")}
#: PocketCoffea's form of a name, ``${cvmfs:<period>,<group>,<file>,<tag>}``.
_CVMFS = re.compile(r"\$\{\s*cvmfs\s*:([^{}]*)\}")
#: Group → period → tag, for files that parameters name without one.
_tags: dict[str, Mapping[str, str]] = {}


def set_tags(tags: Mapping[str, Mapping[str, str]]) -> None:
    """Set group → period → tag, for files that are named without one; the latest ones by default."""
    _tags.clear()
    _tags.update(tags)


def cvmfs_path(period: str, group: str, file: str, tag: str | None = None) -> str:
    """Return the path of a file of a group, of the latest version or of the one with a tag."""
    return f"{ROOT}/{group}/{period}/{tag or _tags.get(group, {}).get(period, LATEST)}/{file}"


#: Resolvers that give the same value next time.
RESOLVERS = ("cvmfs", "pico_to_femto")
OmegaConf.register_resolver("cvmfs", cvmfs_path, replace=True)
OmegaConf.register_resolver("pico_to_femto", lambda number: float(number) / 1000, replace=True)


def correction_name(name: str) -> str:
    """Return the path of a correction file that has a name of PocketCoffea, and any other string as it is."""
    match = _CVMFS.fullmatch(name.strip())
    return cvmfs_path(*(part.strip() for part in match[1].split(","))) if match else name


def in_own_form(part: DictConfig) -> DictConfig:
    """Return parameters in the form that is read here; those that are in it already aren't copied."""
    renamed = [name for name in RENAMED if isinstance(_written(part, name), DictConfig)]
    years = [
        (leptons, year)
        for leptons in _NAMED_YEARS
        for eras in [_table(part, "lepton_scale_factors", leptons, "era_mapping")]
        for year in eras or ()
        if isinstance(_written(eras, year), str) and not _refers(eras, year)
    ]
    if not renamed and not years:
        return part
    changed: Any = OmegaConf.create({})
    for name in renamed:
        changed[RENAMED[name]] = part._get_node(name)
    plain = OmegaConf.merge(changed, OmegaConf.masked_copy(part, [str(key) for key in part if key not in renamed]))
    assert isinstance(plain, DictConfig)
    for name in renamed:
        plain[name] = f"${{{RENAMED[name]}}}"
    for leptons, year in years:
        of_years = plain.lepton_scale_factors[leptons].era_mapping
        of_years[year] = dict.fromkeys(_NAMED_YEARS[leptons], of_years[year])
    return plain


def _table(part: DictConfig, *path: str) -> DictConfig | None:
    node: Any = part
    for key in path:
        node = _written(node, key)
    return node if isinstance(node, DictConfig) else None


def _written(node: Any, key: Any) -> Any:
    """Return an entry of a table, interpolations and missing values as strings."""
    if not isinstance(node, DictConfig) or not isinstance(node._content, dict) or key not in node._content:
        return None
    entry = node._content[key]
    return entry if isinstance(entry, DictConfig) and isinstance(entry._content, dict) else entry._value()


def _refers(node: Any, key: Any) -> bool:
    return OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key)
