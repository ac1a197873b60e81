"""Checks of a whole configuration: of the names of its variations, of those that it stores, and of cuts on triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from pocket.base.runtime.remarks import remark
from pocket.configuration.era_names import check_era_names
from pocket.configuration.stored_variations import check_sample_variations
from pocket.errors import ConfigError, DatasetError, UnknownNameError
from pocket.parameters.access import parameter

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator
    from pocket.cuts.cut import Cut
    from pocket.datasets.definitions import DatasetDefinition

#: Tables of the parameters that all years have, with the name by which code reads them; any plot may show the energy.
_OF_YEARS = {
    "lumi.sqrt_s": "",
    "lumi.goldenJSON": "goldenJSON",
    "event_flags": "event_flags",
    "btagging.working_point": "btagging",
}
#: parameter that cuts on the triggers of primary datasets have
_CHOSEN = "primaryDatasets"


def check_whole(cfg: Configurator) -> None:
    """Check variations, their names in several eras, years of the parameters, and cuts on triggers."""
    check_sample_variations(cfg)
    check_years(cfg)
    if cfg.correlated is not None:
        check_era_names(cfg)
    try:
        check_trigger_cuts(cfg)
    except (ConfigError, DatasetError) as error:
        # PocketCoffea finds out when it processes the dataset.
        cfg._cannot_process(str(error))


def check_years(cfg: Configurator) -> None:
    """Say which tables of the parameters that are used lack a year of the datasets, such as one of the user's own."""
    tables = {name: OmegaConf.select(cfg.parameters, name, throw_on_resolution_failure=False) for name in _OF_YEARS}
    data = {definition.year for definition in cfg.definitions.values() if not definition.is_mc}
    for year in dict.fromkeys(definition.year for definition in cfg.definitions.values()):
        lacking = [name for name, table in tables.items() if isinstance(table, DictConfig) and year not in table]
        if year not in data:
            lacking = [name for name in lacking if name != "lumi.goldenJSON"]
        if lacking:
            # Names of all code take long to collect, and few configurations get here.
            names = cfg.reader.names
            used = [name for name in lacking if not _OF_YEARS[name] or _OF_YEARS[name] in names]
            if used:
                remark(f"the parameters have no year {year!r} in {', '.join(used)}: set it in params/eras/{year}.yaml")


def check_trigger_cuts(cfg: Configurator) -> None:
    """Check that the parameters have the triggers of all cuts of :func:`pocket.cuts.get_HLTsel` and ``get_L1sel``."""
    for cut, where, sample in _trigger_cuts(cfg):
        for definition in cfg.definitions.values():
            if sample in (None, definition.sample):
                _check_dataset(cfg, cut, f"cut {cut.name!r} of {where}", definition)


def _trigger_cuts(cfg: Configurator) -> Iterator[tuple[Cut, str, str | None]]:
    """Yield the cuts with their place, and the sample that they are applied to, ``None`` for all."""
    groups: list[tuple[str, str | None, Any]] = [
        ("skim", None, cfg.skim),
        ("preselections", None, cfg.preselections),
        *((f"categories.{name}", None, cuts) for name, cuts in cfg.categories.categories.items()),
    ]
    for divided, selection in cfg.subsamples.items():
        groups += [(f"subsamples.{divided}.{name}", divided, cuts) for name, cuts in selection.categories.items()]
    for where, sample, cuts in groups:
        for cut in cuts:
            if isinstance(cut.params, Mapping) and _CHOSEN in cut.params:
                # The import takes awkward, which a configuration without such a cut may not need.
                from pocket.cuts.library import apply_triggers

                if cut.function is apply_triggers:
                    yield cut, where, sample


def _check_dataset(cfg: Configurator, cut: Cut, label: str, definition: DatasetDefinition) -> None:
    """Check what a cut needs for one dataset."""
    section = f"{cut.params['level']}_triggers"
    years = parameter(cfg.parameters, section)
    year = definition.year
    if year not in years:
        raise UnknownNameError("year", year, years, f"{section}, which {label} needs for {definition.where}")
    known = [str(name) for name in years[year]]
    for name in cut.params[_CHOSEN] or ():
        if name not in known:
            raise UnknownNameError("primary dataset", name, known, f"{label}, {section}.{year}")
    if cut.params[_CHOSEN] or definition.is_mc:
        return
    name = definition.metadata().get("primaryDataset")
    if name is None:
        raise DatasetError(
            f"{definition.where} lacks 'primaryDataset' in its metadata, by which {label} chooses triggers: one of "
            f"{', '.join(map(repr, known))}"
        )
    if name not in known:
        raise UnknownNameError(
            "primary dataset", name, known, f"the metadata of {definition.where}, {section}.{year} for {label}"
        )
