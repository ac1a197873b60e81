"""Names of variations across eras (:mod:`pocket.plan.era_names`), from a table and from weights and calibrators."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pocket.configuration.stored_variations import sources_of
from pocket.datasets.sample_variations import dedicated_variations, usual_datasets
from pocket.errors import ConfigError, check_known
from pocket.histograms.one_sided import stem_of
from pocket.plan.era_names import Correlated, EraNames, OfClass, refuse_twice

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


def era_names(cfg: Configurator) -> EraNames:
    """Return the stored names of the variations of all datasets."""
    rules = EraNames(_checked(cfg.correlated), {dataset: one.year for dataset, one in cfg.definitions.items()})
    if not rules:
        return rules
    found: dict[str, dict[str, str]] = {name: {} for name, one in usual_datasets(cfg.definitions).items() if one.is_mc}
    late: dict[str, dict[str, OfClass]] = {}
    for dataset, names in found.items():
        for source in sources_of(cfg, dataset):
            rule = source.name, source.instance.correlated
            if not source.is_complete:
                late.setdefault(dataset, {}).update([rule])
            names |= {stem: rules.of_source(dataset, stem, *rule) for stem in map(stem_of, source.variations)}
    for variation in dedicated_variations(cfg.definitions):
        stem = stem_of(variation.name)
        for dataset in variation.targets:
            found[dataset][stem] = rules.of_source(dataset, stem)
    for dataset, names in found.items():
        refuse_twice(dataset, names)
    return EraNames(rules.correlated, rules.years, found, late)


def check_era_names(cfg: Configurator) -> None:
    """Check the names across eras of a configuration that has a table of them."""
    names = era_names(cfg)
    if names.late:
        return
    weights = [name for plan in cfg.weights.samples.values() for each in plan.variations.values() for name in each]
    stems = [stem for of_dataset in names.by_dataset.values() for stem in of_dataset]
    known = list(dict.fromkeys([*weights, *cfg.shapes.requested(list(cfg.shapes.samples)), *stems]))
    for pattern in cfg.correlated:
        if not any(fnmatchcase(name, pattern) for name in known):
            check_known("source", [pattern], known, "variations.correlated")


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
