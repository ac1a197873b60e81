"""Checks of declared models against the configurations of their analysis, before anything runs.

Errors name the line of the region, process, nuisance or model that they are about.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pocket.base.edges import missing_edge
from pocket.base.file_names import check_store_name
from pocket.configuration.deferred import are_deferred
from pocket.configuration.stored_variations import stored_variations
from pocket.cuts.cut import Cut
from pocket.errors import BrokenConfigError, ConfigError, PocketError, UnknownNameError, check_known
from pocket.histograms.edges import declared_edges
from pocket.histograms.one_sided import NOMINAL, stem_of
from pocket.histograms.readings import Reading
from pocket.statistics.combined import CombinedModel
from pocket.statistics.consistency import check_groups, require_declared
from pocket.statistics.declarations import Free, LogNormal, Region, StatisticalModel, Stored, Years, share_events
from pocket.statistics.declared_grids import grids_of
from pocket.statistics.declared_places import declared_at
from pocket.statistics.names import fits
from pocket.statistics.parameter_options import KnownParameters

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator


def check_model(name: str, model: StatisticalModel | CombinedModel, analysis: Analysis) -> None:
    """Check a declared model against the configurations of its analysis.

    Configurations that can't be used are left out, since they raise their errors where they are used.
    """
    if isinstance(model, CombinedModel):
        with declared_at(model):
            _check_combined(name, model, analysis)
        return
    if not isinstance(model, StatisticalModel):
        raise ConfigError(f"models of analysis {analysis.name!r}: {name!r} is {model!r}, not a StatisticalModel(…)")
    where = f"model {name!r}"
    years: set[str] = set()
    usable = _usable(model, analysis, where)
    for region_name, region in model.regions.items():
        if region.config in usable:
            of_config = set(analysis.years_of(region.config).values())
            with declared_at(region):
                check_known("year", region.years, of_config, f"region {region_name!r} of {where}")
                years |= set(region.years) or of_config
                _check_region(region, usable[region.config], model, f"region {region_name!r} of {where}")
    for (one, first), (other, second) in itertools.combinations(model.regions.items(), 2):
        with declared_at(second):
            _check_parts(first, second, analysis, f"regions {one!r} and {other!r} of {where}")
    if len(usable) == len(model.configs):
        _check_log_normals(model, years, where)
        found, is_complete = _stored(model, usable)
        with declared_at(model):
            require_declared(model, found, where, is_complete=is_complete)
            if is_complete and model.groups:
                known = [name for name in _parameters(model, found, analysis) if name not in model.pois]
                check_groups(model, known, f" of {where}")


def _check_combined(name: str, model: CombinedModel, analysis: Analysis) -> None:
    """Check that the models of a combined one are there and can be fitted together."""
    where = f"the combined model {name!r}"
    parts: dict[str, StatisticalModel] = {}
    for part in model.models:
        if part not in analysis.models:
            raise UnknownNameError("model", part, set(analysis.models) - {name}, where)
        declared = analysis.models[part]
        if not isinstance(declared, StatisticalModel):
            raise ConfigError(f"{where}: {part!r} combines models itself: name those")
        parts[part] = declared
    for (first, one), (second, other) in itertools.combinations(parts.items(), 2):
        for name in one.regions:
            if name in other.regions:
                raise ConfigError(
                    f"{where}: the models {first!r} and {second!r} both have a region {name!r}: give one of them "
                    "another name"
                )
        for (name, region), (other_name, other_region) in itertools.product(one.regions.items(), other.regions.items()):
            both = f"{where}: region {name!r} of {first!r} and region {other_name!r} of {second!r}"
            if share_events(region, other_region):
                raise ConfigError(
                    f"{both} have the same events, of category {region.category!r} of configuration {region.config!r}"
                )
            _check_parts(region, other_region, analysis, both)
        free, other_free = _free(one), _free(other)
        for name in free:
            if name in other_free and free[name] != other_free[name]:
                raise ConfigError(
                    f"{where}: the parameter {name!r} is {free[name]} in {first!r} and {other_free[name]} in "
                    f"{second!r}: make them the same, or give one of them another name"
                )


def _check_parts(region: Region, other: Region, analysis: Analysis, where: str) -> None:
    """Check that no region is a part of another one, whose events would count twice."""
    # Of one category, they share events if they share the configuration and a year.
    if not share_events(region, dataclasses.replace(other, category=region.category)):
        return
    with contextlib.suppress(BrokenConfigError):
        categories = analysis.config(region.config, where).categories.categories
        for outer, inner in itertools.permutations((region.category, other.category)):
            if outer in categories and inner in categories and _includes(categories[outer], categories[inner]):
                raise ConfigError(
                    f"{where} have events in common, which would count twice: category {inner!r} of configuration "
                    f"{region.config!r} has all cuts of {outer!r}; give {outer!r} a cut against the events of {inner!r}"
                )


def _includes(outer: Sequence[Cut], inner: Sequence[Cut]) -> bool:
    """Tell whether all cuts of one category are cuts of the other one."""
    from pocket.cuts import passthrough

    required = [cut for cut in outer if cut.function is not passthrough.function]
    # Cuts are compared by their ids, since an array among their parameters has no single result of a comparison.
    return all(any(cut.function is one.function and cut.id == one.id for one in inner) for cut in required)


def _free(model: StatisticalModel) -> dict[str, object]:
    """Return name → declaration without places, of all parameters that are no stored variation."""
    found: dict[str, object] = dict(model.pois)
    found |= {
        one.name: (one.formula, tuple(one.arguments)) if one.formula is not None else one.parameter
        for one in model.of_kind(Free)
    }
    return found | {one.name: "a nuisance" for one in model.of_kind(LogNormal)}


def check_models(analysis: Analysis) -> dict[str, str]:
    """Check the models of an analysis, and return name → error message of those that only their own tasks need."""
    wrong, grids = dict[str, str](), grids_of(analysis.models)
    for name, model in analysis.models.items():
        check_store_name("model", name, f"analysis {analysis.name!r}")
        if name in grids:
            continue  # Its points are models of their own.
        try:
            check_model(name, model, analysis)
        except PocketError as error:
            if not are_deferred() or not _can_wait(model, error):
                raise
            wrong[name] = str(error)
    return wrong


def _can_wait(model: object, error: PocketError) -> bool:
    if isinstance(model, CombinedModel):
        return True
    if not isinstance(model, StatisticalModel):
        return False
    # The data of a category whose name is misspelt would be shown meanwhile.
    return not (isinstance(error, UnknownNameError) and any(map(model.is_blind, model.regions)))


def known_parameters(model: StatisticalModel, analysis: Analysis) -> KnownParameters:
    """Return what is known of the parameters of a model before it is made.

    Effects that are too small may be left out later, so that the model has fewer parameters.
    """
    usable = _usable(model, analysis, "a model")
    found, is_complete = _stored(model, usable)
    free = {one.name: one.parameter for one in model.of_kind(Free) if one.formula is None}
    return KnownParameters(
        tuple(_parameters(model, found, analysis)),
        dict.fromkeys(model.groups, ()),
        {name: (one.low, one.high) for name, one in {**model.pois, **free}.items()},
        is_complete=is_complete and len(usable) == len(model.configs),
    )


def _usable(model: StatisticalModel, analysis: Analysis, where: str) -> dict[str, Configurator]:
    """Return the configurations of a model that can be used."""
    usable: dict[str, Configurator] = {}
    for region in model.regions.values():
        with contextlib.suppress(BrokenConfigError), declared_at(region):
            usable[region.config] = analysis.config(region.config, f"regions of {where}")
    return usable


def _parameters(model: StatisticalModel, found: Iterable[tuple[str, str, str]], analysis: Analysis) -> list[str]:
    """Return the names of all parameters that a model may have, of the given variations (process, region)."""
    names = dict.fromkeys([*model.pois, *(one.name for one in model.of_kind(Free) if one.formula is None)])
    years = {
        name: tuple(dict.fromkeys(region.years or analysis.years_of(region.config).values()))
        for name, region in model.regions.items()
        if region.config in analysis.configs
    }

    of_variations: dict[tuple[int, str], tuple[Stored, dict[str, None]]] = {}
    for variation, process, region in sorted(found):
        declared = model.declared_for(variation, process, region)
        if isinstance(declared, Stored):
            _, of_years = of_variations.setdefault((id(declared), variation), (declared, {}))
            of_years.update(dict.fromkeys(years[region]))
    for (_, variation), (stored, of_years) in of_variations.items():
        names |= dict.fromkeys(_names(stored.years, partial(stored.parameter, variation), of_years))
    every_year = dict.fromkeys(year for of_region in years.values() for year in of_region)
    for one in model.of_kind(LogNormal):
        names |= dict.fromkeys(_names(one.years, one.parameter, every_year))
    return list(names)


def _names(correlation: Years, name: Callable[[str], str], years: Iterable[str]) -> Iterator[str]:
    """Yield the names of the parameters of a nuisance in some years."""
    if correlation != "apart":
        yield name("")
    if correlation is not True:
        yield from map(name, years)


def readings_of(model: StatisticalModel, stored: Iterable[str]) -> tuple[Reading, ...]:
    """Return the parts of templates, with variations without ``Up`` and ``Down``, that a model is made of."""
    taken = sorted(
        variation
        for variation in stored
        if any(isinstance(one, Stored) and fits(one.pattern, variation) for one in model.nuisances)
    )
    samples = (*model.samples, *model.data)
    return tuple(
        Reading(region.config, region.variable, (region.category,), samples, tuple(taken))
        for region in model.regions.values()
    )


def stored_variations_of(region: Region, config: Configurator, samples: Iterable[str]) -> tuple[frozenset[str], bool]:
    """Return the variations that a region's templates have, and whether these are all that are known beforehand.

    Returns:
        Names without ``Up`` and ``Down``; and ``False`` if calibrators name more of them once there are events.
    """
    fills = config.variables[region.variable].fills_variation
    names = set(stored_variations(config, tuple(samples), region.years))
    stems = {stem_of(name) for name in names if name not in (None, NOMINAL) and fills(str(name))}
    return frozenset(stems), None not in names


def _check_region(region: Region, config: Configurator, model: StatisticalModel, where: str) -> None:
    check_known("category", [region.category], config.categories.names, where)
    check_known("variable", [region.variable], config.variables, where)
    histogram = config.variables[region.variable]
    if not histogram.fills_category(region.category):
        raise ConfigError(f"{where}: histogram {region.variable!r} isn't filled in category {region.category!r}")
    if histogram.storage != "weight":
        raise ConfigError(
            f"{where}: histogram {region.variable!r} has storage {histogram.storage!r}, without the sums of squared "
            "weights that a model needs; use 'weight'"
        )
    stored = [name for sample in config.samples for name in config.stored_samples(sample)]
    is_mc = {name: config.samples[sample] for sample in config.samples for name in config.stored_samples(sample)}
    for process_name, process in model.processes.items():
        with declared_at(process):
            check_known("sample", process.samples, stored, f"process {process_name!r}, {where}")
            for sample in process.samples:
                if not is_mc[sample]:
                    raise ConfigError(f"process {process_name!r}, {where}: sample {sample!r} is data, not simulation")
    check_known("sample", model.data, stored, f"data, {where}")
    for sample in model.data:
        if is_mc[sample]:
            raise ConfigError(f"data, {where}: sample {sample!r} is simulation, not data")
    for sample in (*model.samples, *model.data):
        if not histogram.fills_sample(sample):
            raise ConfigError(f"{where}: histogram {region.variable!r} isn't filled for sample {sample!r}")
    if not region.is_counting:
        _check_axis(region, config, where)


def _check_axis(region: Region, config: Configurator, where: str) -> None:
    axes = config.variables[region.variable].axes
    if len(axes) > 1:
        names = ", ".join(axis.name for axis in axes)
        raise ConfigError(
            f"{where}: histogram {region.variable!r} has the axes {names}, but a region has one: use another histogram "
            "or bins='counting'"
        )
    if region.edges is None:
        return
    known = declared_edges(axes[0])
    if known is None:
        raise ConfigError(f"{where}: histogram {region.variable!r} has categories, so the region can't have edges")
    if missing := missing_edge(region.edges, known):
        raise ConfigError(
            f"{where}: {missing[0]:g} is no edge of histogram {region.variable!r}, nearest: {missing[1]:g}; change the "
            "edges of the region or the bins of the histogram"
        )


def _check_log_normals(model: StatisticalModel, years: set[str], where: str) -> None:
    known = {*years, *model.processes, *model.regions}
    for one in model.of_kind(LogNormal):
        for key in one.keys:
            if not any(fits(key, name) for name in known):
                with declared_at(one):
                    raise UnknownNameError("year, process or region", key, known, f"LogNormal({one.name!r}) of {where}")


def _stored(model: StatisticalModel, configs: dict[str, Configurator]) -> tuple[set[tuple[str, str, str]], bool]:
    """Return variation, process and region of all that is stored, and whether these are all."""
    found: set[tuple[str, str, str]] = set()
    is_complete = True
    for region_name, region in model.regions.items():
        for process_name, process in model.processes.items() if region.config in configs else ():
            stored, complete = stored_variations_of(region, configs[region.config], process.samples)
            is_complete &= complete
            found |= {(variation, process_name, region_name) for variation in stored}
    return found, is_complete
