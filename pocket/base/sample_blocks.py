"""Blocks of a configuration, which assign entries to samples and categories.

Weights, variations and columns share one form::

    {"common": {"inclusive": [...], "bycategory": {"4jets": [...]}},
     "bysample": {"TTToSemiLeptonic": {"inclusive": [...], "bycategory": {...}},
                  "TTToSemiLeptonic__ttbb": {...}}}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pocket.errors import ConfigError, check_known

Entry = TypeVar("Entry")

#: Separator of the names of a sample and its subsample.
SUBSAMPLE = "__"


class Block(Generic[Entry]):
    """Block of a configuration with its entries resolved by a function of each entry as written and its place."""

    def __init__(
        self,
        block: Mapping[str, Any],
        where: str,
        resolve: Callable[[Any, str], Entry],
        categories: Sequence[str],
        samples: Iterable[str],
    ) -> None:
        check_keys(block, ("common", "bysample"), where)
        self._resolve = resolve
        self._categories = categories
        self._common = self._part(block.get("common", {}), f"{where}.common")
        bysample = block.get("bysample", {})
        check_known("sample", bysample, samples, f"{where}.bysample")
        self._bysample = {sample: self._part(part, f"{where}.bysample.{sample}") for sample, part in bysample.items()}

    def __iter__(self) -> Iterator[Entry]:
        parts = [self._common, *self._bysample.values()]
        return (entry for part in parts for entries in part.values() for entry in entries)

    def of(self, sample: str, category: str) -> list[Entry]:
        """Return the entries for a sample or subsample in a category; a subsample's own entries follow its sample's."""
        owner = sample.partition(SUBSAMPLE)[0]
        parts = [self._common, *(self._bysample.get(name, {}) for name in dict.fromkeys((owner, sample)))]
        return [entry for part in parts for key in ("", category) for entry in part.get(key, ())]

    def _part(self, part: Mapping[str, Any], where: str) -> dict[str, list[Entry]]:
        check_keys(part, ("inclusive", "bycategory"), where)
        bycategory = part.get("bycategory", {})
        check_known("category", bycategory, self._categories, f"{where}.bycategory")
        resolved = {"": self._list(part.get("inclusive", ()), f"{where}.inclusive")}
        for category, entries in bycategory.items():
            resolved[category] = self._list(entries, f"{where}.bycategory.{category}")
        return resolved

    def _list(self, entries: Any, where: str) -> list[Entry]:
        if isinstance(entries, str) or not isinstance(entries, Sequence):
            raise ConfigError(f"{where} must be a list, not {entries!r}")
        return [self._resolve(entry, where) for entry in entries]


def check_keys(block: object, known: Sequence[str], where: str) -> None:
    """Check the keys of a part of a configuration."""
    if not isinstance(block, Mapping):
        raise ConfigError(f"{where} must be a dictionary with {' and '.join(known)}, not {block!r}")
    check_known("key", block, known, where)
