"""Checks that the configurations, scale factors, skims and models of an analysis fit each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pocket.base.file_names import check_store_name
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.configuration.skim import Skim
from pocket.configuration.stored_variations import stored_variations
from pocket.errors import BrokenConfigError, ConfigError, PocketError, UnknownNameError, check_known
from pocket.histograms.one_sided import NOMINAL, stem_of
from pocket.scale_factors.declarations.closure import places
from pocket.scale_factors.declarations.coupled import check_coupled

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator
    from pocket.histograms.readings import Reading
    from pocket.scale_factors import ScaleFactor

#: context of a check that may need a broken configuration, whose error is raised when it is used
_DEFERRED = contextlib.suppress(BrokenConfigError)


def check_names(analysis: Analysis) -> None:
    """Check the names that are part of paths in the store."""
    check_store_name("analysis", analysis.name)
    names = {"configuration": [*analysis.configs, *analysis.broken], "scale factor": list(analysis.scale_factors)}
    for kind, of_kind in names.items():
        for name in of_kind:
            check_store_name(kind, name, f"analysis {analysis.name!r}")


def check_analysis(analysis: Analysis) -> None:
    """Check an analysis, apart from its models."""
    where = f"analysis {analysis.name!r}"
    with _DEFERRED:
        analysis.config(analysis.default_config, f"default_config of {where}")
    for after in analysis.compare:
        comparison = analysis.comparison(after)
        for name in filter(None, (after, comparison.before, comparison.covariance_config)):
            with _DEFERRED:
                analysis.config(name, f"compare of {where}")
    _ = analysis.all_plots
    for name, declaration in analysis.scale_factors.items():
        for measured in declaration.measured():
            with _DEFERRED:
                _check_scale_factor(analysis, name, measured)
    for name, config in analysis.configs.items():
        for used in config.scale_factors:
            analysis.scale_factor(used, f"weights of configuration {name!r}")
        _check_systematics(analysis, name)
        _check_inputs(analysis, name)
    check_coupled(analysis.groups, {name: _measured_in(analysis, name) for name in analysis.scale_factors}, where)
    for reader in analysis.skims:
        with _DEFERRED:
            _check_skim(analysis, reader)


def _check_scale_factor(analysis: Analysis, name: str, declaration: ScaleFactor) -> None:
    where = f"scale factor {name!r}"
    _check_measurement(analysis, declaration, where)
    for systematic, changed in declaration.changed():
        _check_measurement(analysis, changed, f"systematic {systematic.name!r} of {where}")
    _check_closure(analysis, name, declaration)


def _check_measurement(
    analysis: Analysis, declaration: ScaleFactor, where: str, categories: Sequence[str] = ()
) -> None:
    config = analysis.config(declaration.input, f"input of {where}")
    check_known("variable", [declaration.variable], config.variables, where)
    check_known("category", categories or declaration.categories(), config.categories.names, where)
    declaration.check_axes(config.variables[declaration.variable].axes, where)
    _check_samples(config, declaration.roles(), where)
    check_known("year", declaration.years, analysis.years_of(declaration.input).values(), where)
    _check_shapes(config, declaration.reading(), f"systematics of {where}")
    check_known("scale factor", declaration.upstream, analysis.scale_factors, f"upstream of {where}")
    for upstream in declaration.upstream:
        _check_applied(analysis, upstream, declaration.input, f"upstream of {where}")


def _check_samples(cfg: Configurator, roles: Mapping[str, Sequence[str]], where: str) -> None:
    """Check that the samples of a scale factor have templates, of data in the role ``data`` and else of simulation."""
    kinds = {name: is_mc for sample, is_mc in cfg.samples.items() for name in cfg.stored_samples(sample)}
    for role, samples in roles.items():
        check_known("sample", samples, kinds, where)
        for sample in samples:
            if (is_mc := kinds[sample]) == (role == "data"):
                raise ConfigError(f"{where}: {role} has {sample!r}, which is {'simulation' if is_mc else 'data'}")


def _check_shapes(cfg: Configurator, reading: Reading, where: str) -> None:
    """Check that a configuration stores the variations that uncertainties name."""
    try:
        names = set(stored_variations(cfg)) if reading.variations else {None}
    except PocketError:
        # A weight or calibrator can't be made, which is said where the configuration is used.
        return
    if None not in names:
        fills = cfg.variables[reading.variable].fills_variation
        stored = [str(name) for name in names if name != NOMINAL and fills(str(name))]
        unknown = [
            name
            for name in reading.variations
            if not any(map(replace(reading, variations=(name,)).reads_variation, stored))
        ]
        check_known("variation", unknown, map(stem_of, stored), where)


def _check_closure(analysis: Analysis, name: str, declaration: ScaleFactor) -> None:
    where = f"the closure of scale factor {name!r}"
    if declaration.closure.same_events and analysis.coupled_with(name):
        raise ConfigError(
            f"{where}: a coupled scale factor has converged, but not exactly; its closure is remeasured=, split= "
            "or preserved="
        )
    for argument, of_argument in places(declaration).items():
        for place in of_argument:
            at = f"{argument} of {where}"
            _check_measurement(analysis, place, at, place.same_events_categories() if argument == "same_events" else ())
            if argument not in ("split", "all_objects"):
                _check_applied(analysis, name, place.input, at)
    for preserved in declaration.closure.preserved:
        at = f"preserved of {where}"
        config = analysis.config(preserved.config, at)
        check_known("category", preserved.categories(), config.categories.names, at)
        stored = [counted for sample in config.samples for counted in config.counted_samples(sample)]
        check_known("sample", preserved.samples or declaration.mc, stored, at)
        check_known("year", declaration.years, analysis.years_of(preserved.config).values(), at)
        _check_applied(analysis, name, preserved.config, at)


def _check_applied(analysis: Analysis, scale_factor: str, config: str, where: str) -> None:
    applied = analysis.configs[config].scale_factors
    if scale_factor not in applied:
        raise ConfigError(
            f"{where}: configuration {config!r} doesn't apply scale factor {scale_factor!r}, but "
            f"{', '.join(map(repr, applied)) or 'none'}"
        )


def _check_systematics(analysis: Analysis, config: str) -> None:
    for weight in analysis.configs[config].weights.classes.values():
        for name, keys in weight.systematics().items():
            written = analysis.scale_factors[name].systematics_written()
            if written is not None:
                where = f"scale factor {name!r}, which weight {weight.name!r} of configuration {config!r} varies"
                check_known("systematic", keys, written, where)


def _check_inputs(analysis: Analysis, config: str) -> None:
    for weight in analysis.configs[config].weights.classes.values():
        inputs = [analysis.scale_factors[name].input_names() for name in weight.scale_factors()]
        known = [name for names in inputs if names is not None for name in names]
        if None not in inputs:
            where = f"inputs of weight {weight.name!r} of configuration {config!r}"
            check_known("input", weight.named_inputs(), known, where)


def _measured_in(analysis: Analysis, scale_factor: str) -> dict[str, tuple[str, ...]]:
    read = analysis.scale_factors[scale_factor].configs()
    return {config: analysis.configs[config].scale_factors for config in read if config not in analysis.broken}


def _check_skim(analysis: Analysis, reader: str) -> None:
    where = f"skims of analysis {analysis.name!r}"
    skim = analysis.skims[reader]
    if not isinstance(skim, Skim):
        raise ConfigError(f"{where}: {reader!r} reads {skim!r}, expected a Skim(config=…)")
    read, skimmed = analysis.config(reader, where), analysis.config(skim.config, where)
    if analysis.skim_of(skim.config) != skim:
        raise ConfigError(f"{where}: configuration {skim.config!r} is skimmed in two ways; its readers must agree")
    if analysis.skims.get(skim.config, skim).config != skim.config:
        raise ConfigError(
            f"{where}: {reader!r} reads the skim of {skim.config!r}, which itself reads that of "
            f"{analysis.skims[skim.config].config!r}; a skim is made of original files"
        )
    check_known("dataset", read.definitions, skimmed.definitions, f"the skim of configuration {skim.config!r}")
    for name, definition in read.definitions.items():
        if definition != skimmed.definitions[name]:
            raise ConfigError(
                f"{where}: {definition.where} isn't the one of {skim.config!r}, whose skim {reader!r} reads"
            )


def check_blind(analysis: Analysis) -> tuple[str, ...]:
    """Return the patterns of categories that an analysis blinds, each of which fits one."""
    where = f"blind of analysis {analysis.name!r}"
    patterns = (analysis.blind,) if isinstance(analysis.blind, str) else analysis.blind
    if not isinstance(patterns, list | tuple) or not all(isinstance(one, str) and one for one in patterns):
        raise ConfigError(f"{where} must be patterns of categories such as ('sr_*',), not {analysis.blind!r}")
    known = list(dict.fromkeys(name for config in analysis.configs.values() for name in config.categories.names))
    for pattern in patterns:
        # A configuration that can't be used may have the category.
        if not analysis.broken and not any(fnmatchcase(name, pattern) for name in known):
            raise UnknownNameError("category", pattern, known, where)
    return tuple(patterns)


def check_measurable(analysis: Analysis, scale_factor: str) -> None:
    """Check that a scale factor is measured in enough toys, and in datasets that aren't left out.

    Raises:
        ConfigError: if there are too few toys, or a dataset is left out.
    """
    for declaration in analysis.scale_factor(scale_factor).measured():
        config = analysis.config(declaration.input)
        has_toys = any(definition.source == "toys" for definition in config.definitions.values())
        if analysis.least_toys and has_toys and (scale := config.parameters.toys.scale) < analysis.least_toys:
            raise ConfigError(
                f"toys.scale is {scale:g}, but the scale factor {scale_factor!r} of {analysis.name!r} can't be "
                f"measured in fewer toys than with {analysis.least_toys:g}"
            )
        wanted = dict.fromkeys(name.partition(SUBSAMPLE)[0] for name in declaration.samples())
        lacking = [name for name in wanted if name not in config.samples]
        lacking += [year for year in declaration.years if year not in analysis.years_of(declaration.input).values()]
        if lacking:
            raise ConfigError(
                f"scale factor {scale_factor!r} is measured in {', '.join(lacking)} of configuration "
                f"{declaration.input!r}, which the options --filter-… leave out: name them there, too"
            )
