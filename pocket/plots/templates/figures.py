"""Plots of a configuration: which figures a variable in a category gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.configuration.configurator import Configurator
from pocket.plots.axes import projections
from pocket.plots.canvas import Period
from pocket.plots.specification import figure_names, figure_style, period_spec
from pocket.plots.style import PlotStyle
from pocket.plots.templates.before_after import before_after
from pocket.plots.templates.stack import data_mc

if TYPE_CHECKING:
    from hist import Hist

#: stem of the file names, figure, and what it shows as numbers
Plot: TypeAlias = tuple[str, Figure, dict[str, Any]]


def draw_templates(
    cfg: Configurator,
    variable: str,
    category: str,
    templates: Mapping[str, Hist[Any]],
    before: Mapping[str, Hist[Any]] | None = None,
    before_name: str = "",
    root: Mapping[str, Hist[Any]] | None = None,
) -> Iterator[Plot]:
    """Draw data over stacked simulation, and before and after where there is a before and there are data.

    Histograms with several axes are drawn as projections on each.

    Args:
        cfg: the configuration.
        variable: name of the histogram.
        category: the category.
        templates: sample → merged histogram with axes (cat, variation, …), for data (cat, …).
        before: the same of the configuration to compare with.
        before_name: its name.
        root: the same of their square roots (:func:`pocket.configuration.comparison.square_roots`), for the error of
            after / before.

    Yields:
        One plot after the other; ``{variable}[_{axis}][_vs_{before_name}]`` is its stem.
    """
    style = PlotStyle.from_parameters(figure_style(cfg, variable, category))
    conf = cfg.variables[variable]
    after_parts = _split(cfg, variable, category, templates)
    before_parts = _split(cfg, variable, category, before) if before else {}
    root_parts = _split(cfg, variable, category, root) if root else {}
    for name, axis in zip(figure_names(cfg, variable), conf.axes, strict=True):
        data, mc = after_parts[axis.name]
        shared: dict[str, Any] = {
            "style": style,
            "period": period_of(cfg),
            "histogram": name,
            "category": category,
            "xlim": axis.lim,
        }
        if mc:
            yield (name, *data_mc(data, mc, **shared))
        if mc and data is not None and axis.name in before_parts and before_parts[axis.name][1]:
            shared["root"] = root_parts[axis.name][1] if root_parts else None
            yield (f"{name}_vs_{before_name}", *before_after(data, before_parts[axis.name][1], mc, **shared))


def period_of(cfg: Configurator) -> Period:
    """Return luminosity, years and energy of a configuration's datasets, as far as the parameters have them."""
    luminosities, energies = period_spec(cfg)
    values = [value for _, value in luminosities]
    return Period(
        lumi=None if None in values else float(np.sum(values)),
        year="+".join(year for year, _ in luminosities),
        com=None if energies[0] is None else float(energies[0]),
    )


def _split(
    cfg: Configurator, variable: str, category: str, templates: Mapping[str, Hist[Any]]
) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return axis → (data summed over samples, sample → simulation), for one category."""
    parts: dict[str, tuple[Any, dict[str, Any]]] = {axis.name: (None, {}) for axis in cfg.variables[variable].axes}
    for sample, histogram in templates.items():
        for axis in cfg.variables[variable].axes:
            # the label may have changed since the histogram was filled
            histogram.axes[axis.name].label = axis.label or axis.name
        in_category: Any = histogram[{"cat": category}]
        for axis_name, projected in projections(in_category).items():
            data, mc = parts[axis_name]
            if cfg.samples[sample.partition(SUBSAMPLE)[0]]:
                mc[sample] = projected
            else:
                parts[axis_name] = (projected if data is None else data + projected, mc)
    return parts
