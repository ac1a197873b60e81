"""The look of single figures, known without drawing, so that only changed figures are drawn again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pocket.base.dialects import dialect
from pocket.base.fingerprint import Closure, code_closure
from pocket.configuration.configurator import Configurator
from pocket.configuration.plot import TemplatePlot
from pocket.errors import ConfigError, check_known
from pocket.histograms.combined import combinations_of
from pocket.parameters.plain import plain_section

#: options of the style with an entry for each sample or group
_BY_SAMPLE = ("labels_mc", "colors_mc", "rescale_samples", "signal_samples", "samples_groups")
#: options that list samples or groups
_SAMPLES = ("order_mc", "only_samples", "exclude_samples")
#: options that decide which sums of processes there are, and their order
_SUMMED = (*_SAMPLES, "samples_groups", "rescale_samples", "blind_hists")


def figure_names(cfg: Configurator, variable: str) -> tuple[str, ...]:
    """Return the names of a histogram's figures: its own, or one for each of its axes if it has several."""
    axes = cfg.variables[variable].axes
    return (variable,) if len(axes) == 1 else tuple(f"{variable}_{axis.name}" for axis in axes)


def names_of_plot(cfg: Configurator, variable: str, plot: TemplatePlot) -> tuple[str, ...]:
    """Return the names of the figures that a plot draws of a histogram, without the ends that the plot gives them.

    A plot of two axes has the name of a histogram with two axes, and none of others.
    """
    if plot.axes == 1:
        return figure_names(cfg, variable)
    return (variable,) if len(cfg.variables[variable].axes) == plot.axes else ()


def figure_specs(
    cfg: Configurator, figures: Iterable[tuple[str, str]], blind: Collection[str] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return everything that determines the figures of histograms in categories, except for contents and code."""
    options, period = style_spec(cfg), period_spec(cfg)
    combined = combinations_of(cfg.weights.classes.values())
    return {
        (category, variable): {
            "axes": [(axis.name, axis.label, axis.lim) for axis in cfg.variables[variable].axes],
            "samples": list(cfg.samples.items()),
            "period": period,
            "style": style_for(options, _all_names(cfg, variable), category, _drawn(cfg)),
            **({"combined": combined} if combined else {}),
            **({"blind": True} if category in blind else {}),
        }
        for category, variable in figures
    }


def sum_specs(
    cfg: Configurator, figures: Iterable[tuple[str, str]], blind: Collection[str] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what determines the sums of processes and of data in figures: not what only looks, such as colours."""
    specs = figure_specs(cfg, figures, blind)
    return {
        figure: {
            **{name: spec[name] for name in ("samples", "combined", "blind") if name in spec},
            "style": {name: spec["style"][name] for name in _SUMMED if name in spec["style"]},
        }
        for figure, spec in specs.items()
    }


def plot_specs(plots: Mapping[str, TemplatePlot]) -> dict[str, Any]:
    """Return what determines plots, except for their contexts, by name: declaration and code."""
    return {name: (plot, _code_of(plot)) for name, plot in plots.items()}


def _code_of(plot: TemplatePlot) -> Closure | None:
    # Functions as objects are hashed with the declaration, references as strings are not.
    if not isinstance(plot.draw, str):
        return None
    try:
        return code_closure(plot.draw)
    except ConfigError as error:
        raise ConfigError(f"plot {plot.name!r}, draw {plot.draw!r}: {error}") from None


def figure_style(cfg: Configurator, variable: str, category: str) -> dict[str, Any]:
    """Return the part of the style that concerns the figures of a histogram in a category, without formats."""
    return style_for(style_spec(cfg), _all_names(cfg, variable), category, _drawn(cfg))


def style_for(
    options: Mapping[str, Any], histograms: Sequence[str], category: str, samples: Collection[str]
) -> dict[str, Any]:
    """Return the part of a style that concerns some histograms in a category; wrong values stay, to be reported."""
    groups = options.get("samples_groups", {})
    drawn = {*samples, *(groups if isinstance(groups, Mapping) else ())}
    style = dict(options)
    for key in _BY_SAMPLE:
        if isinstance(style.get(key), Mapping):
            style[key] = {name: value for name, value in style[key].items() if name in drawn}
    for key in _SAMPLES:
        # An empty only_samples means all samples, so the list must not become empty.
        if _are_names(style.get(key)) and (key != "only_samples" or drawn.intersection(style[key])):
            style[key] = [name for name in style[key] if name in drawn]
    if _are_names(style.get("log_histograms")):
        patterns = style["log_histograms"]
        style["log_histograms"] = [
            name for name in histograms if any(fnmatchcase(name, pattern) for pattern in patterns)
        ]
    style["blind_hists"] = _blinding(style.get("blind_hists", {}), histograms, category)
    return style


def style_spec(cfg: Configurator) -> dict[str, Any]:
    """Return the style that decides how plots look, as plain containers."""
    return {name: value for name, value in style_options(cfg).items() if name != "formats"}


def formats_of(cfg: Configurator) -> tuple[str, ...]:
    """Return the formats of plots that the style asks for."""
    from pocket.plots.style import PlotStyle

    return tuple(PlotStyle.from_parameters(style_options(cfg)).formats)


def check_style(cfg: Configurator, known: Iterable[Configurator] = ()) -> None:
    """Check the style of all figures of a configuration, without drawing anything.

    One of the ``known`` configurations, which share the style, must have each category and histogram to blind; with
    none, these names aren't checked.
    """
    from pocket.plots.style import PlotStyle

    style = PlotStyle.from_parameters(style_options(cfg))
    if sharing := list(known):
        blind, where = style.blind_hists, "plotting_style.blind_hists"
        categories = dict.fromkeys(name for each in sharing for name in each.categories.names)
        check_known("category", blind.categories, categories, f"{where}.categories")
        histograms = dict.fromkeys(
            name for each in sharing for variable in each.variables for name in _all_names(each, variable)
        )
        check_known("histogram", blind.histograms, histograms, f"{where}.histograms")
    for name in style.blind_hists.histograms:
        if name in cfg.variables and name not in (projected := figure_names(cfg, name)):
            raise ConfigError(
                f"plotting_style.blind_hists.histograms.{name}: the histogram has several axes, so name the one of the "
                f"range: {' or '.join(projected)}"
            )


def period_spec(cfg: Configurator, only: Collection[str] = ()) -> list[Any]:
    """Return the years with their luminosities, and their energies, as far as the parameters have them."""
    years = sorted({definition.year for definition in cfg.definitions.values() if not only or definition.year in only})
    lumi = plain_section(cfg.parameters, "lumi") or {}
    picobarns, energies = lumi.get("picobarns") or {}, lumi.get("sqrt_s") or {}
    return [[(year, picobarns.get(year, {}).get("tot")) for year in years], [energies.get(year) for year in years]]


def joined_periods(specs: Iterable[Sequence[Any]]) -> list[Any]:
    """Return what :func:`period_spec` does for all years of some periods, which may share them.

    >>> joined_periods([[[("2018", 59830.0)], [13]], [[("2017", 41480.0), ("2018", 59830.0)], [13, 13]]])
    [[('2017', 41480.0), ('2018', 59830.0)], [13, 13]]
    """
    found = {
        year: (lumi, energy) for years, energies in specs for (year, lumi), energy in zip(years, energies, strict=True)
    }
    years = sorted(found)
    return [[(year, found[year][0]) for year in years], [found[year][1] for year in years]]


def style_options(cfg: Configurator) -> Any:
    """Return the options of the style in the words that are used here, as plain containers."""
    # Other words are replaced here, so that fingerprints hold what is drawn and not the code that knows the words.
    style = plain_section(cfg.parameters, "plotting_style")
    return dialect().style_in_own_words(style) if isinstance(style, Mapping) else style


def _all_names(cfg: Configurator, variable: str) -> tuple[str, ...]:
    """Return the names by which the style may mean a histogram: its own, and those of its projections."""
    return tuple(dict.fromkeys([variable, *figure_names(cfg, variable)]))


def _drawn(cfg: Configurator) -> list[str]:
    return [name for sample in cfg.samples for name in cfg.counted_samples(sample)]


def _blinding(blind: Any, histograms: Sequence[str], category: str) -> Any:
    if not (isinstance(blind, Mapping) and isinstance(ranges := blind.get("histograms", {}), Mapping)):
        return blind
    if not _are_names(blind.get("categories", [])):
        return blind
    return {
        **blind,
        "categories": [name for name in blind.get("categories", []) if name == category],
        "histograms": {name: limits for name, limits in ranges.items() if name in histograms},
    }


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def missing_cuts(cfg: Configurator, category: str, total: str) -> list[str]:
    """Return the names of the cuts of a category that another one lacks, whose events may thus not be part of it."""
    from pocket.cuts.library import passthrough

    cuts = cfg.categories.categories
    return [cut.name for cut in cuts[total] if cut != passthrough and cut not in cuts[category]]


def drawn_sources(cfg: Configurator) -> list[str] | None:
    """Return the systematic sources of plots, without ``Up`` and ``Down``; ``None`` if some are known with events only.

    Members of combined variations, such as those of a PDF set, count as one.
    """
    from pocket.configuration.stored_variations import stored_variations
    from pocket.histograms.combined import combinations_of
    from pocket.histograms.one_sided import stem_of

    stored = list(stored_variations(cfg))
    if None in stored:
        return None
    names = list(dict.fromkeys(stem_of(name) for name in stored if name is not None))
    for combination in combinations_of(cfg.weights.classes.values()):
        members = combination.find(names)
        if combination.quadrature:
            members += combination.find(names, combination.quadrature)
        if members:
            names = [name for name in names if name not in members] + [combination.name]
    return names
