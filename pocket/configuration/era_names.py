"""Names of variations across eras (:mod:`pocket.plan.era_names`), from a table and from weights and calibrators."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pocket.configuration.stored_variations import Source, sources_of
from pocket.datasets.sample_variations import dedicated_variations, usual_datasets
from pocket.errors import ConfigError, check_known
from pocket.histograms.one_sided import stem_of
from pocket.plan.era_names import Correlated, EraNames, Owner, refuse_twice

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


def era_names(cfg: Configurator) -> EraNames:
    """Return the stored names of the variations of all datasets."""
    return _named(cfg, {} if cfg.correlated is None else _sources(cfg))


def check_era_names(cfg: Configurator) -> None:
    """Check the names across eras of a configuration that has a table of them."""
    sources = _sources(cfg)
    names = _named(cfg, sources)
    if names.late:
        return
    owners = (source.name for of_dataset in sources.values() for source in of_dataset)
    known = list(dict.fromkeys([*owners, *(stem for of_dataset in names.by_dataset.values() for stem in of_dataset)]))
    for pattern in cfg.correlated:
        if not any(fnmatchcase(name, pattern) for name in known):
            check_known("source", [pattern], known, "variations.correlated")


def _sources(cfg: Configurator) -> dict[str, list[Source]]:
    """Return simulated dataset → weights and calibrators whose variations it stores."""
    return {name: list(sources_of(cfg, name)) for name, one in usual_datasets(cfg.definitions).items() if one.is_mc}


def _named(cfg: Configurator, sources: Mapping[str, list[Source]]) -> EraNames:
    rules = EraNames(_checked(cfg.correlated), {dataset: one.year for dataset, one in cfg.definitions.items()})
    found: dict[str, dict[str, str]] = {}
    late: dict[str, list[Owner]] = {}
    for dataset, of_dataset in sources.items():
        names = found[dataset] = {}
        for source in of_dataset:
            owner = Owner(source.name, source.instance.correlated)
            if not source.is_complete:
                late.setdefault(dataset, []).append(owner)
            names |= {stem: rules.of_source(dataset, stem, owner) for stem in map(stem_of, source.variations)}
    for variation in dedicated_variations(cfg.definitions) if sources else ():
        stem = stem_of(variation.name)
        for dataset in variation.targets:
            found[dataset][stem] = rules.of_source(dataset, stem, None)
    for dataset, names in found.items():
        refuse_twice(dataset, names)
    return EraNames(rules.correlated, rules.years, found, late)


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
