"""Efficiency curves: the share of entries that pass, in data and in simulation, along each axis of a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats, Mask
from pocket.errors import HistogramError
from pocket.histograms.combined import Combination, combined_shifts
from pocket.plan.figures import FigurePlan
from pocket.plots.axes import fit_legend, label_x, label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.palettes import PETROFF_6
from pocket.plots.specification import figure_names, figure_style
from pocket.plots.statistics import Prediction, contents, total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot, period_of, split_templates
from pocket.plots.templates.panels import (
    Points,
    caption,
    draw_band,
    draw_points,
    draw_ratio,
    points_numbers,
    prediction_numbers,
    ratio_range,
    relative_band,
    relative_errors,
    scale_ratio,
    shared_binning,
)
from pocket.plots.templates.processes import drawn_processes
from pocket.scale_factors.methods.efficiency.statistics import counted_efficiency, weighted_efficiency

if TYPE_CHECKING:
    from hist import Hist

COLOR = PETROFF_6[2]
#: efficiency from which the axis reaches up to 1
WHOLE_RANGE = 0.5
BAND: dict[str, Any] = {"facecolor": COLOR, "alpha": 0.3, "linewidth": 0.0}


@dataclass(frozen=True)
class Selected:
    """Passing entries and all entries on one axis, of data and of simulation by sample."""

    data: tuple[Hist[Any], Hist[Any]] | None
    mc: tuple[Mapping[str, Hist[Any]], Mapping[str, Hist[Any]]]


def draw_efficiencies(
    plan: FigurePlan,
    variable: str,
    category: str,
    templates: Mapping[str, Hist[Any]],
    *,
    total: str = "",
    passing_axis: str = "",
    blind: bool = False,
) -> Iterator[Plot]:
    """Draw the efficiency along each axis of a histogram: of a category in another one, or of an axis with two bins.

    Without ``total``, the category of all entries with the weights of the passing ones, the second bin of
    ``passing_axis`` has the passing entries. Plots are ``{histogram}_over_{total}``, or ``{histogram}`` for an axis;
    there are none without simulation.
    """
    style = PlotStyle.from_parameters(figure_style(plan, variable, category))
    ranges = [(style, category)]
    if total:
        passing = split_templates(plan, variable, category, templates, combined=False)
        everything = split_templates(plan, variable, total, templates, combined=False)
        ranges.append((PlotStyle.from_parameters(figure_style(plan, variable, total)), total))
    else:
        passing, everything = (
            split_templates(
                plan,
                variable,
                category,
                {name: _chosen(h, passing_axis, bins) for name, h in templates.items()},
                combined=False,
            )
            for bins in ((1,), (0, 1))
        )
    title = f"{category} / {total}" if total else f"{category}: {passing_axis}"
    for name, axis in zip(figure_names(plan.variables, variable), plan.variables[variable].axes, strict=True):
        mc = passing[axis.name][1], everything[axis.name][1]
        if axis.name == passing_axis or not mc[1]:
            continue
        data = passing[axis.name][0], everything[axis.name][0]
        selected = Selected(None if blind or data[1] is None else data, mc)
        binning = shared_binning(mc[1].items(), name)
        hidden = np.any([one.blind_hists.hidden(where, name, binning.bounds) for one, where in ranges], axis=0)
        figure, numbers = draw_efficiency(
            selected,
            style=style,
            period=period_of(plan),
            histogram=name,
            title=title,
            hidden=hidden,
            xlim=axis.lim,
            combinations=plan.combinations,
            blind=blind and data[1] is not None,
        )
        numbers = {"histogram": name, "category": category, "total": total, "passing_axis": passing_axis, **numbers}
        yield f"{name}_over_{total}" if total else name, figure, numbers


def draw_efficiency(
    selected: Selected,
    *,
    style: PlotStyle,
    period: Period,
    histogram: str,
    title: str,
    hidden: Mask,
    xlim: tuple[float, float] | None = None,
    combinations: Sequence[Combination] = (),
    blind: bool = False,
) -> tuple[Figure, dict[str, Any]]:
    """Draw the efficiencies of data and simulation, and below them their ratio.

    Data have the central 68.3 % Clopper-Pearson interval. The band is the statistics of simulation, by error
    propagation of weighted entries, and the systematics: each source moves passing and all entries together. Bins
    without entries have no efficiency, nor those of simulation whose passing or failing weights sum to less than 0.

    ``combinations`` are those of variations such as a PDF set's. The efficiencies of the members are combined, since
    those of passing and of all entries don't tell how they are correlated.
    """
    binning = shared_binning(
        [*selected.mc[0].items(), *selected.mc[1].items(), *(("data", h) for h in selected.data or ())], histogram
    )
    passing, everything = (total_of(each.prediction for each in drawn_processes(mc, style)) for mc in selected.mc)
    simulation = simulated_efficiency(passing, everything, combinations)
    numbers: dict[str, Any] = {
        "axis": binning.label,
        "edges": binning.edges.tolist(),
        "mc": prediction_numbers(simulation),
    }
    points = None
    if selected.data is not None:
        points = data_efficiency(*selected.data, hidden, histogram)
        ratio = points.over(simulation.values)
        numbers |= {"data": points_numbers(points), "ratio": points_numbers(ratio)}
    with cms_style(style.fontsize):
        figure = new_figure(10, 10, style.dpi)
        main, lower = figure.add_axes((0.15, 0.34, 0.81, 0.595)), figure.add_axes((0.15, 0.11, 0.81, 0.215))
        cms_label(main, style.label, data=points is not None, period=period)
        up, down = simulation.total
        # No efficiency is beyond 0 and 1, where the interval has one side.
        up, down = np.minimum(up, 1 - simulation.values), np.minimum(down, simulation.values)
        entries: list[tuple[Any, str]] = []
        tops = [np.nan_to_num(simulation.values + up)]
        if points is not None:
            entries.append(
                (draw_points(main, binning, points, **style.points_look), style.opts_data.get("label", "Data"))
            )
            tops.append(np.nan_to_num(points.high))
        look: dict[str, Any] = {"color": COLOR, "linewidth": 2.5}
        main.stairs(simulation.values, binning.edges, baseline=None, **look)
        draw_band(main, binning, simulation.values - down, simulation.values + up, **BAND)
        draw_band(lower, binning, *relative_band((up, down), simulation.values), **BAND)
        label = r"Simulation, stat. $\oplus$ syst." if simulation.shifts else "Simulation, stat."
        entries.append(((Patch(**BAND), Line2D([], [], **look)), label))
        if np.max(tops) > WHOLE_RANGE:
            main.axhline(1.0, color="#9c9ca1", linewidth=1.0, linestyle="--", zorder=1)
            tops.append(np.ones(binning.centers.size))
        label_x((main, lower), binning, xlim)
        lines = caption(title, hidden if points is not None else np.zeros_like(hidden), blind=blind)
        fit_legend(main, binning.edges, tops, entries, lines, font_size=style.fontsize_legend)
        label_y(main, "Efficiency")
        if points is None:
            scale_ratio(lower, ratio_range(relative_errors(simulation)), "Rel. unc.")
        else:
            scale_ratio(lower, ratio_range(ratio), "Data / MC")
            draw_ratio(lower, binning, ratio, **style.points_look)
    return figure, numbers


def data_efficiency(passing: Hist[Any], everything: Hist[Any], hidden: Mask, histogram: str) -> Points:
    """Return the efficiency of data with its interval, NaN in bins without entries and in ``hidden`` ones.

    Counts have the central 68.3 % Clopper-Pearson interval; weighted data the errors of simulation.
    """
    (passed, squares), (total, all_squares) = contents(passing, "passing data"), contents(everything, "data")
    if (passed > total).any():
        raise HistogramError(f"{histogram}: more data pass than there are, so this is no efficiency")
    if not (np.array_equal(passed, squares) and np.array_equal(total, all_squares)):
        return _as_points(Prediction(passed, squares), Prediction(total, all_squares), hidden)
    shown = (total > 0) & ~hidden
    values, low, high = (np.full(total.shape, np.nan) for _ in range(3))
    found = counted_efficiency(passed[shown], (total - passed)[shown])
    values[shown], low[shown], high[shown] = found.value, found.value - found.down, found.value + found.up
    return Points(values, low, high)


def simulated_efficiency(
    passing: Prediction, everything: Prediction, combinations: Sequence[Combination] = ()
) -> Prediction:
    """Return the efficiency of simulation with its variance and the shift of each source; NaN where it isn't defined.

    All entries have the same weights as passing ones; a source that only one of them has leaves the other at nominal.
    """
    points = _as_points(passing, everything, np.zeros(passing.values.shape, dtype=np.bool_))
    zero = np.zeros_like(passing.values)
    shifts = {}
    for source in {**everything.shifts, **passing.shifts}:
        pairs = zip(passing.shifts.get(source, (zero, zero)), everything.shifts.get(source, (zero, zero)), strict=True)
        up, down = (_divided(passing.values + one, everything.values + other) - points.values for one, other in pairs)
        shifts[source] = up, down
    for each in combinations:
        shifts = _combined(each, shifts)
    # The two sides are the same, but for efficiencies of 0 and 1, which have one.
    return Prediction(points.values, np.maximum(points.high - points.values, points.values - points.low) ** 2, shifts)


def _combined(
    combination: Combination, shifts: Mapping[str, tuple[Floats, Floats]]
) -> dict[str, tuple[Floats, Floats]]:
    """Return shifts in which the members of a combination are replaced by it; the same ones if there are none."""
    sources = [f"{source}Up" for source in shifts]
    members = combination.find(sources)
    further = combination.find(sources, combination.quadrature) if combination.quadrature else []
    if not members:
        return dict(shifts)
    bins = shifts[members[0]][0].shape

    def sides(stems: Sequence[str]) -> tuple[Floats, Floats]:
        up, down = (np.array([shifts[stem][side] for stem in stems]).reshape(len(stems), *bins) for side in (0, 1))
        return up, down

    rest = {source: pair for source, pair in shifts.items() if source not in (*members, *further)}
    return {**rest, combination.name: combined_shifts(combination.rule, sides(members), sides(further))}


def _as_points(passing: Prediction, everything: Prediction, hidden: Mask) -> Points:
    """Return the efficiency of weighted entries, with linear errors."""
    failing = everything.values - passing.values
    # Differences of sums of weights that are all positive may be negative by rounding.
    failing = np.where(np.abs(failing) < 1e-9 * np.abs(everything.values), 0.0, failing)
    squares = np.maximum(everything.variances - passing.variances, 0.0)
    shown = (everything.values > 0) & (passing.values >= 0) & (failing >= 0) & (everything.variances > 0) & ~hidden
    values, low, high = (np.full(failing.shape, np.nan) for _ in range(3))
    found = weighted_efficiency(passing.values[shown], failing[shown], passing.variances[shown], squares[shown])
    values[shown], low[shown], high[shown] = found.value, found.value - found.down, found.value + found.up
    return Points(values, low, high)


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan))


def _chosen(h: Hist[Any], axis: str, bins: tuple[int, ...]) -> Hist[Any]:
    """Return a histogram that is empty outside of some bins of an axis."""
    position = h.axes.name.index(axis)
    if h.axes[position].size != 2:
        size = h.axes[position].size
        raise HistogramError(f"axis {axis!r} has {size} bins, expected two: of failing and of passing entries")
    result = h.copy()
    first = int(h.axes[position].traits.underflow)
    view = np.moveaxis(result.view(flow=True), position, 0)
    for number in range(view.shape[0]):
        if number - first not in bins:
            view[number] = np.zeros_like(view[number])
    return result
