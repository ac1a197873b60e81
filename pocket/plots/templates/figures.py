"""Figures of templates: the context of a plot, and the drawing of all plots."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from pocket.base.runtime.remarks import remark
from pocket.base.runtime.user_code import UserCall
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.errors import ConfigError, HistogramError
from pocket.histograms.combined import with_combined
from pocket.plan.figures import FigurePlan
from pocket.plan.plot import SHIPPED, TemplatePlot
from pocket.plots.axes import projections
from pocket.plots.canvas import Period
from pocket.plots.specification import figure_style, names_of_plot
from pocket.plots.style import PlotStyle

if TYPE_CHECKING:
    from hist import Hist

#: stem of the file names, figure, and the numbers it shows
Plot: TypeAlias = tuple[str, Figure, dict[str, Any]]


@dataclass(frozen=True)
class PlotContext:
    """Inputs of a plot: a histogram on one of its axes, or on two, in one category.

    Args:
        histogram: name of the figure: the histogram, or ``{histogram}_{axis}`` if it has several axes, of which the
            plot shows one.
        data: the data of all samples, with one dense axis, or two for plots of two; ``None`` if there are none, or the
            category is blind.
        mc: sample → histogram with axes ("variation", those of the data).
        xlim: range to show; ``None`` for the whole axis.
        before: like ``mc``, for the configuration to compare with; empty if there is none, or the plot doesn't compare.
        data_before: like ``data``, for that configuration; its calibrators may change data, too.
        covariance: like ``mc``, for the configuration whose sums of squared weights are the covariances of both
            (:func:`pocket.configuration.comparison.square_roots`), for the error of after / before; ``None`` if
            there is none.
        blind: whether there would be data, but the category is blind.
        ylim: for plots of two axes, the range of the second one to show; ``None`` for the whole axis.
        configuration: what :attr:`config` returns.
    """

    plan: FigurePlan
    histogram: str
    category: str
    data: Hist[Any] | None
    mc: Mapping[str, Hist[Any]]
    style: PlotStyle
    period: Period
    xlim: tuple[float, float] | None = None
    before: Mapping[str, Hist[Any]] = field(default_factory=dict)
    before_name: str = ""
    data_before: Hist[Any] | None = None
    covariance: Mapping[str, Hist[Any]] | None = None
    blind: bool = False
    ylim: tuple[float, float] | None = None
    configuration: Any = None

    @property
    def config(self) -> Any:
        """The configuration, which plots get in this release only; :attr:`plan` has its samples and histograms."""
        sentence = "PlotContext.config goes with the next release: read PlotContext.plan"
        remark(sentence)
        warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        return self.configuration


def draw_templates(
    plan: FigurePlan,
    variable: str,
    category: str,
    templates: Mapping[str, Hist[Any]],
    before: Mapping[str, Hist[Any]] | None = None,
    before_name: str = "",
    covariance: Mapping[str, Hist[Any]] | None = None,
    plots: Iterable[TemplatePlot] = SHIPPED,
    blind: bool = False,
    config: Any = None,
) -> Iterator[Plot]:
    """Draw plots of a histogram in a category, one by one.

    Histograms with several axes are drawn as projections onto each, and those with two also by plots of two axes.
    Without the category in ``before``, the templates of another configuration, there is no comparison. No plot gets the
    data of a blind category. The ``config`` is :attr:`PlotContext.config`.
    """
    style = PlotStyle.from_parameters(figure_style(plan, variable, category))
    axes = plan.variables[variable].axes
    given = {"after": templates, "before": before, "covariance": covariance}

    @functools.cache
    def parts(which: str, shown: int) -> list[tuple[Any, dict[str, Any]]]:
        # Another configuration may have other categories.
        found = {name: each for name, each in (given[which] or {}).items() if category in each.axes["cat"]}
        return list(split_templates(plan, variable, category, found, joint=shown == 2).values()) if found else []

    for plot in plots:
        draw = _function(plot)
        compared = parts("before", plot.axes) if plot.compares else []
        covariances = parts("covariance", plot.axes) if compared else []
        for number, name in enumerate(names_of_plot(plan.variables, variable, plot)):
            data, mc = parts("after", plot.axes)[number]
            context = PlotContext(
                plan=plan,
                histogram=name,
                category=category,
                data=None if blind else data,
                mc=mc,
                style=style,
                period=period_of(plan),
                xlim=axes[number].lim,
                before=compared[number][1] if compared else {},
                data_before=compared[number][0] if compared and not blind else None,
                before_name=before_name if compared else "",
                covariance=covariances[number][1] if covariances else None,
                ylim=axes[1].lim if plot.axes == 2 else None,
                blind=blind and data is not None,
                configuration=config,
            )
            with UserCall("plot", plot.name):
                drawn = draw(context)
            if drawn is not None:
                yield (plot.stem(name, before_name), *_checked(plot, drawn))


def _function(plot: TemplatePlot) -> Any:
    if not isinstance(plot.draw, str):
        return plot.draw
    module, _, name = plot.draw.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"plot {plot.name!r}: {plot.draw} can't be loaded: {error}") from None


def _checked(plot: TemplatePlot, drawn: Any) -> tuple[Figure, dict[str, Any]]:
    if isinstance(drawn, tuple) and len(drawn) == 2 and isinstance(drawn[0], Figure) and isinstance(drawn[1], dict):
        return drawn
    raise ConfigError(
        f"plot {plot.name!r} returned {type(drawn).__name__}, expected a figure of matplotlib and a dictionary of what "
        "it shows, or None"
    )


def period_of(plan: FigurePlan) -> Period:
    """Return luminosity, years and energy of a configuration's datasets, if the parameters have them."""
    return period_from(plan.period())


def period_from(spec: Sequence[Any]) -> Period:
    """Return the luminosity, years and energy of what :meth:`pocket.plan.figures.FigurePlan.period` returns."""
    luminosities, energies = spec
    values = [value for _, value in luminosities]
    several = () if None in energies else tuple(sorted({float(energy) for energy in energies}))
    return Period(
        lumi=None if None in values else float(np.sum(values)),
        year="+".join(year for year, _ in luminosities),
        com=several[0] if len(several) == 1 else several or None,
    )


def split_templates(
    plan: FigurePlan,
    variable: str,
    category: str,
    templates: Mapping[str, Hist[Any]],
    *,
    combined: bool = True,
    joint: bool = False,
) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return axis → (data summed over samples, sample → simulation), for one category.

    Members of combined variations, such as those of a PDF set, are combined in each sample and each projection, unless
    ``combined`` is false. A ``joint`` histogram keeps all axes, and has the name of the histogram instead of an axis.
    """
    combinations = plan.combinations if combined else ()
    parts: dict[str, tuple[Any, dict[str, Any]]] = {}
    for sample, histogram in templates.items():
        for axis in plan.variables[variable].axes:
            if axis.name not in histogram.axes.name:
                names = ", ".join(histogram.axes.name)
                raise HistogramError(f"{sample}: a histogram to compare with has no axis {axis.name!r}, only {names}")
            # The label may have changed since the histogram was filled.
            histogram.axes[axis.name].label = axis.label or axis.name
        in_category: Any = histogram[{"cat": category}]
        for name, part in ({variable: in_category} if joint else projections(in_category)).items():
            data, mc = parts.setdefault(name, (None, {}))
            # Another configuration may have other samples.
            if plan.samples.get(sample.partition(SUBSAMPLE)[0], "variation" in histogram.axes.name):
                mc[sample] = with_combined(part, combinations)
            else:
                parts[name] = (part if data is None else data + part, mc)
    return parts
