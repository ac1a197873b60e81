"""The look of single figures, known without drawing, so that only changed figures are drawn again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pocket.base.fingerprint import Closure, code_closure
from pocket.errors import ConfigError, check_known
from pocket.histograms.config import HistConf
from pocket.plan.figures import FigurePlan
from pocket.plan.plot import TemplatePlot

#: options of the style with an entry for each sample or group
_BY_SAMPLE = ("labels_mc", "colors_mc", "rescale_samples", "signal_samples", "samples_groups")
#: options that list samples or groups
_SAMPLES = ("order_mc", "only_samples", "exclude_samples")
#: options that decide which sums of processes there are, and their order
_SUMMED = (*_SAMPLES, "samples_groups", "rescale_samples", "blind_hists")


def figure_names(variables: Mapping[str, HistConf], variable: str) -> tuple[str, ...]:
    """Return the names of a histogram's figures: its own, or one for each of its axes if it has several."""
    axes = variables[variable].axes
    return (variable,) if len(axes) == 1 else tuple(f"{variable}_{axis.name}" for axis in axes)


def names_in_style(variables: Mapping[str, HistConf], variable: str) -> tuple[str, ...]:
    """Return the names by which the style may mean a histogram: its own, and those of its projections."""
    return tuple(dict.fromkeys([variable, *figure_names(variables, variable)]))


def names_of_plot(variables: Mapping[str, HistConf], variable: str, plot: TemplatePlot) -> tuple[str, ...]:
    """Return the names of the figures that a plot draws of a histogram, without the ends that the plot gives them.

    A plot of two axes has the name of a histogram with two axes, and none of others.
    """
    if plot.axes == 1:
        return figure_names(variables, variable)
    return (variable,) if len(variables[variable].axes) == plot.axes else ()


def figure_specs(
    plan: FigurePlan, figures: Iterable[tuple[str, str]], blind: Collection[str] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return everything that determines the figures of histograms in categories, except for contents and code."""
    period = plan.period()
    return {
        (category, variable): {
            "axes": [(axis.name, axis.label, axis.lim) for axis in plan.variables[variable].axes],
            "samples": list(plan.samples.items()),
            "period": period,
            "style": figure_style(plan, variable, category),
            **({"combined": plan.combinations} if plan.combinations else {}),
            **({"blind": True} if category in blind else {}),
        }
        for category, variable in figures
    }


def sum_specs(
    plan: FigurePlan, figures: Iterable[tuple[str, str]], blind: Collection[str] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what determines the sums of processes and of data in figures: not what only looks, such as colours."""
    specs = figure_specs(plan, figures, blind)
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


def figure_style(plan: FigurePlan, variable: str, category: str) -> dict[str, Any]:
    """Return the part of the style that concerns the figures of a histogram in a category, without formats.

    Wrong values stay, to be reported.
    """
    style: dict[str, Any] = plan.spec()["style"]
    histograms = names_in_style(plan.variables, variable)
    groups = style.get("samples_groups", {})
    samples = (name for sample in plan.samples for name in plan.counted_samples(sample))
    drawn = {*samples, *(groups if isinstance(groups, Mapping) else ())}
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


def formats_of(plan: FigurePlan | None) -> tuple[str, ...]:
    """Return the formats of plots that the style asks for, by default the shipped one."""
    from pocket.plots.style import PlotStyle

    return tuple(PlotStyle.from_parameters(plan.style if plan else {}).formats)


def check_style(
    plan: FigurePlan, categories: Iterable[str] | None = None, histograms: Iterable[str] | None = None
) -> None:
    """Check the style of all figures of a configuration, without drawing anything.

    Several configurations may share a style, so what is blind must be among the ``categories`` and ``histograms`` of
    any of them (:func:`names_in_style`); with none, these names aren't checked.
    """
    from pocket.plots.style import PlotStyle

    style = PlotStyle.from_parameters(plan.style)
    blind, where = style.blind_hists, "plotting_style.blind_hists"
    if categories is not None:
        check_known("category", blind.categories, categories, f"{where}.categories")
    if histograms is not None:
        check_known("histogram", blind.histograms, histograms, f"{where}.histograms")
    for name in blind.histograms:
        if name in plan.variables and name not in (projected := figure_names(plan.variables, name)):
            raise ConfigError(
                f"{where}.histograms.{name}: the histogram has several axes, so name the one of the "
                f"range: {' or '.join(projected)}"
            )


def joined_periods(specs: Iterable[Sequence[Any]]) -> list[Any]:
    """Return what :meth:`FigurePlan.period` does for all years of some periods, which may share them.

    >>> joined_periods([[[("2018", 59830.0)], [13]], [[("2017", 41480.0), ("2018", 59830.0)], [13, 13]]])
    [[('2017', 41480.0), ('2018', 59830.0)], [13, 13]]
    """
    found = {
        year: (lumi, energy) for years, energies in specs for (year, lumi), energy in zip(years, energies, strict=True)
    }
    years = sorted(found)
    return [[(year, found[year][0]) for year in years], [found[year][1] for year in years]]


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
