"""Names of variations across eras: a source that eras don't share has the era in it, e.g. ``sf_btag_hfstats1_2018``.

Names stay as weights and calibrators give them, unless ``variations`` of a configuration has ``"correlated"``. That is
a table by weight, calibrator or source: ``True`` for one nuisance parameter in all eras, ``False`` for one per era, or
era → name for one per group of eras. Sources that it doesn't name follow ``correlated`` of their class. Branches don't
depend on it: variations are renamed when outputs are merged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pocket.configuration.stored_variations import Source, sources_of
from pocket.datasets.sample_variations import usual_datasets, varied_datasets
from pocket.errors import ConfigError, check_known
from pocket.histograms.one_sided import NOMINAL, stem_of
from pocket.plan.processing import processing_metadata

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

#: whether eras share a source, or era → name of the group that shares it
Correlated = bool | Mapping[str, str]


class EraNames:
    """The stored names of the variations of all datasets."""

    def __init__(self, cfg: Configurator) -> None:
        self._table = _checked(cfg.correlated)
        self._years = {dataset: one.year for dataset, one in cfg.definitions.items()}
        #: dataset → source without side → its stored name
        self.by_dataset: dict[str, dict[str, str]] = {}
        #: names of the weights and calibrators
        self.owners: tuple[str, ...] = ()
        #: dataset → calibrators whose names come later
        self._late: dict[str, list[Source]] = {}
        if self._table is None:
            return
        filled = varied_datasets(cfg.definitions)
        for dataset, definition in usual_datasets(cfg.definitions).items():
            if not definition.is_mc:
                continue
            names = self.by_dataset[dataset] = {}
            for source in sources_of(cfg, dataset):
                self.owners = tuple(dict.fromkeys([*self.owners, source.name]))
                if not source.is_complete:
                    self._late.setdefault(dataset, []).append(source)
                for stem in dict.fromkeys(map(stem_of, source.variations)):
                    names[stem] = self._stored(dataset, stem, source)
            for other, targets in filled.items():
                varies = cfg.definitions[other].varies
                if varies is not None and dataset in targets:
                    stem = stem_of(varies.variation)
                    names[stem] = self._stored(dataset, stem, None)
            _refuse_twice(dataset, names)

    @property
    def are_complete(self) -> bool:
        """Whether no calibrator knows the names of its variations only once there are events."""
        return not self._late

    def __bool__(self) -> bool:
        """Tell whether any variation may have another name than its weight or calibrator gives it."""
        return self._table is not None

    def stored(self, dataset: str, variation: str) -> str:
        """Return the name of a variation in the templates of a dataset, given the one of the weight or calibrator."""
        if self._table is None or variation == NOMINAL or dataset not in self.by_dataset:
            return variation
        stem = stem_of(variation)
        names = self.by_dataset[dataset]
        if stem not in names:
            late = self._late.get(dataset, [])
            owner = next((one for one in late if stem.startswith(one.name)), next(iter(late), None))
            names[stem] = self._stored(dataset, stem, owner)
            _refuse_twice(dataset, names)
        return f"{names[stem]}{variation.removeprefix(stem)}"

    def _stored(self, dataset: str, stem: str, source: Source | None) -> str:
        """Return the stored name of a source, given without side."""
        owner = source.name if source else ""
        assert self._table is not None
        decided = _entry(self._table, [stem], owner)
        if decided is None and source is not None:
            of_class = source.instance.correlated
            decided = (
                of_class
                if isinstance(of_class, bool)
                else _entry(of_class, [stem, stem.removeprefix(f"{owner}_")], owner)
            )
        year = self._years[dataset]
        if isinstance(decided, Mapping):
            if year not in decided:
                raise ConfigError(
                    f"variations.correlated of {stem!r} has the eras {', '.join(decided)}, but not {year}, that of "
                    f"dataset {dataset!r}"
                )
            return f"{stem}_{decided[year]}" if decided[year] else stem
        return stem if decided in (None, True) or has_era(stem, year) else f"{stem}_{year}"


def has_era(source: str, year: str) -> bool:
    """Tell whether the name of a source has an era already, as those of regrouped uncertainties of jets."""
    number = re.match(r"\d{4}", year)
    if number is None:
        return source.endswith(f"_{year}")
    return any(part.startswith(number.group()) for part in source.split("_"))


def _checked(table: Any) -> Mapping[str, Correlated] | None:
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise ConfigError(f"variations.correlated is {table!r}, expected source → True, False or era → name")
    for source, value in table.items():
        is_table = isinstance(value, Mapping) and all(isinstance(name, str) for each in value.items() for name in each)
        if not (isinstance(value, bool) or is_table):
            raise ConfigError(f"variations.correlated.{source} is {value!r}, expected True, False or era → name")
    return table


def _entry(table: Mapping[str, Correlated], names: Sequence[str], owner: str) -> Correlated | None:
    """Return the entry of a source: that of one of its names, of a pattern, or else of its weight or calibrator."""
    for name in names:
        if name in table:
            return table[name]
    for pattern, value in table.items():
        if pattern != owner and any(fnmatchcase(name, pattern) for name in names):
            return value
    return table.get(owner)


def _refuse_twice(dataset: str, names: Mapping[str, str]) -> None:
    stored: dict[str, str] = {}
    for stem, name in names.items():
        if (other := stored.setdefault(name, stem)) != stem:
            raise ConfigError(
                f"dataset {dataset!r}: the variations {other!r} and {stem!r} would both be stored as {name!r}"
            )


def check_era_names(cfg: Configurator) -> None:
    """Check the names across eras of a configuration."""
    if cfg.correlated is None:
        return
    names = EraNames(cfg)
    known = [
        *dict.fromkeys([*names.owners, *(stem for of_dataset in names.by_dataset.values() for stem in of_dataset)])
    ]
    if not names.are_complete:
        return
    for pattern in cfg.correlated:
        if not any(fnmatchcase(name, pattern) for name in known):
            check_known("source", [pattern], known, "variations.correlated")


def merging_names(cfg: Configurator) -> dict[str, Any]:
    """Return what determines merged outputs beside those of the processor: names across eras, and dedicated samples."""
    dedicated = {
        name: processing_metadata(one.metadata()) for name, one in cfg.definitions.items() if one.varies is not None
    }
    named = {"dedicated_samples": dedicated} if dedicated else {}
    if cfg.correlated is None:
        return named
    return {**named, "era_names": {"correlated": cfg.correlated, "names": EraNames(cfg).by_dataset}}
