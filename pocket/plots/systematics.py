"""Plots of systematic uncertainties: the shift of each source, and the sources ranked by yield and by shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.plan.figures import FigurePlan
from pocket.plots.axes import Binning, fit_legend, label_x, label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.palettes import PETROFF_6
from pocket.plots.specification import figure_names, figure_style
from pocket.plots.statistics import Prediction, total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot, period_of, split_templates
from pocket.plots.templates.panels import (
    TOTAL_BAND,
    Points,
    as_list,
    draw_band,
    log_floor,
    ratio_range,
    relative_band,
    scale_ratio,
    shared_binning,
)
from pocket.plots.templates.processes import drawn_processes

UP, DOWN = PETROFF_6[2], PETROFF_6[0]
#: sources that a ranking shows
RANKED = 30
#: smallest end of an axis of a ranking, in percent or statistical errors, so that rounding isn't seen
SMALLEST = 0.01
#: height of a row and width of a character of a name in inches, and the size of names in points
ROW, CHARACTER, FONT_SIZE = 0.34, 0.125, 15.0


def draw_systematics(
    plan: FigurePlan, variable: str, category: str, templates: Mapping[str, Any], sources: Collection[str] = ()
) -> Iterator[Plot]:
    """Draw the shift of each systematic source of a histogram in a category, and their ranking, which always has all.

    Plots are ``{histogram}_{source}`` and ``{histogram}_ranking``; there are none without simulation.
    """
    style = PlotStyle.from_parameters(figure_style(plan, variable, category))
    period = period_of(plan)
    parts = split_templates(plan, variable, category, templates)
    for name, axis in zip(figure_names(plan.variables, variable), plan.variables[variable].axes, strict=True):
        _, mc = parts[axis.name]
        if not mc:
            continue
        binning = shared_binning(mc.items(), name)
        total = total_of(process.prediction for process in drawn_processes(mc, style))
        for source in total.shifts:
            if not sources or source in sources:
                yield draw_source(total, source, binning, style, period, name, category, axis.lim)
        if total.shifts:
            yield draw_ranking(total, style, period, name, category)


def draw_source(
    total: Prediction,
    source: str,
    binning: Binning,
    style: PlotStyle,
    period: Period,
    histogram: str,
    category: str,
    xlim: tuple[float, float] | None = None,
) -> Plot:
    """Draw the sum of simulation with one source up and down, and the ratios to the nominal one."""
    shifts = dict(zip(("up", "down"), total.shifts[source], strict=True))
    expected = np.where(total.values > 0, total.values, np.nan)
    ratios = {side: 1 + shift / expected for side, shift in shifts.items()}
    numbers = {
        "histogram": histogram,
        "category": category,
        "source": source,
        "axis": binning.label,
        "edges": binning.edges.tolist(),
        "nominal": as_list(total.values),
        "stat": as_list(total.stat),
        **{side: as_list(total.values + shift) for side, shift in shifts.items()},
        **{f"yield_{side}": _relative(shift.sum(), total.values.sum()) for side, shift in shifts.items()},
    }
    with cms_style(style.fontsize):
        figure = new_figure(10, 10, style.dpi)
        main, lower = figure.add_axes((0.15, 0.34, 0.81, 0.595)), figure.add_axes((0.15, 0.11, 0.81, 0.215))
        cms_label(main, style.label, data=False, period=period)
        main.stairs(total.values, binning.edges, baseline=None, color="black", linewidth=2.5)
        draw_band(main, binning, total.values - total.stat, total.values + total.stat, **TOTAL_BAND)
        entries: list[tuple[Any, str]] = [
            ((Patch(**TOTAL_BAND), Line2D([], [], color="black", linewidth=2.5)), "Nominal, MC stat.")
        ]
        label_x((main, lower), binning, xlim)
        bars = [Points(np.ones_like(expected), ratio, ratio) for ratio in ratios.values()]
        reach = ratio_range(*(Points(bar.values, np.fmin(bar.low, 1), np.fmax(bar.high, 1)) for bar in bars))
        scale_ratio(lower, reach, "Varied / nominal")
        draw_band(lower, binning, *relative_band((total.stat, total.stat), total.values), **TOTAL_BAND)
        for (side, shift), color in zip(shifts.items(), (UP, DOWN), strict=True):
            look: dict[str, Any] = {"color": color, "linewidth": 2.5, "linestyle": "-" if side == "up" else "--"}
            main.stairs(total.values + shift, binning.edges, baseline=None, **look)
            lower.stairs(ratios[side], binning.edges, baseline=None, **look)
            entries.append((Line2D([], [], **look), f"{side.capitalize()}: {percent(numbers[f'yield_{side}'])}"))
        floor = log_floor([total]) if style.is_log(histogram) else None
        tops = [total.values + np.maximum(total.stat, np.maximum(*shifts.values()))]
        fit_legend(main, binning.edges, tops, entries, [category, source], floor, font_size=style.fontsize_legend)
        label_y(main, binning.events_label)
    return f"{histogram}_{source}", figure, numbers


def percent(change: float | None) -> str:
    """Return a relative change in percent, with its sign unless it is too small.

    >>> percent(-0.0041), percent(-1e-6), percent(None)
    ('−0.41 %', '0.00 %', '0.00 %')
    """
    text = f"{100 * (change or 0.0):+.2f}"
    return f"{'0.00' if float(text) == 0 else text.replace('-', '−')} %"


def draw_ranking(
    total: Prediction, style: PlotStyle, period: Period, histogram: str, category: str, title: str = ""
) -> Plot:
    """Draw the sources by their effect on the yield, and on the shape.

    The effect on the shape is √(Σ δ²/n) over bins, where δ is the shift at fixed yield and n the expected events: the
    size of the shift in units of the statistical errors of the data.
    """
    effects = rank_sources(total)
    numbers = {
        "histogram": histogram,
        "category": category,
        "sources": {
            source: dict(zip(("yield_up", "yield_down", "shape_up", "shape_down"), effect, strict=True))
            for source, effect in effects.items()
        },
    }
    shown = list(effects)[:RANKED]
    rows = np.arange(len(shown))
    left = 0.4 + CHARACTER * max(map(len, shown))
    width, height = max(left + 7.8, 9.5), 2.7 + ROW * max(len(shown), 4)
    left = width - 7.7
    with cms_style(style.fontsize):
        figure = new_figure(width, height, style.dpi)
        frame = figure.add_axes((0.35 / width, 1.1 / height, 1 - 0.7 / width, (height - 1.8) / height))
        frame.set_axis_off()
        cms_label(frame, style.label, data=False, period=period)
        inside = (1.1 / height, 3.5 / width, (height - 2.7) / height)
        for position, (label, columns, factor) in enumerate(
            (("Yield [%]", (0, 1), 100.0), ("Shape √(Σ δ²/n)", (2, 3), 1.0))
        ):
            ax = figure.add_axes(((left + 3.85 * position) / width, inside[0], inside[1], inside[2]))
            values = factor * np.array([effects[source] for source in shown])[:, columns]
            for column, color, offset in ((0, UP, -0.18), (1, DOWN, 0.18)):
                ax.barh(rows + offset, values[:, column], height=0.36, color=color)
            reach = max(1.15 * float(np.abs(values).max(initial=0.0)), SMALLEST)
            ax.set_xlim(-reach if position == 0 else 0, reach)
            ax.axvline(0, color="black", linewidth=1)
            ax.set_ylim(max(len(shown), 4) - 0.5, -0.5)
            ax.set_yticks(rows, shown if position == 0 else [], fontsize=FONT_SIZE)
            ax.tick_params(axis="y", which="both", length=0)
            ax.tick_params(axis="x", labelsize=FONT_SIZE)
            ax.set_xlabel(label, fontsize=FONT_SIZE + 2, loc="center")
            if position == 1:
                legend = ax.legend(
                    [Patch(color=UP), Patch(color=DOWN)], ["Up", "Down"], ncols=2, loc="lower right",
                    bbox_to_anchor=(1.0, 1.0), fontsize=FONT_SIZE, borderaxespad=0.1, handlelength=1.0,
                )  # fmt: skip
            else:
                text = title or f"{histogram} in {category}"
                text += f": {len(shown)} of {len(effects)} sources" if len(shown) < len(effects) else ""
                look: dict[str, Any] = {"va": "bottom", "fontsize": FONT_SIZE, "fontweight": "bold"}
                heading = ax.text(left / width, (height - 1.55) / height, text, transform=figure.transFigure, **look)
        # A long text begins further to the left, above the names.
        end, text_width = (
            legend.get_window_extent().x0 / figure.dpi - 0.1,
            heading.get_window_extent().width / figure.dpi,
        )
        heading.set_fontsize(FONT_SIZE * min(1.0, (end - 0.35) / text_width))
        heading.set_x(max(0.35, min(left, end - text_width)) / width)
    return f"{histogram}_ranking", figure, numbers


def rank_sources(total: Prediction) -> dict[str, tuple[float, float, float, float]]:
    """Return source → relative changes of the yield (up, down) and sizes of those of the shape (up, down).

    The sources with the largest change of either in units of the statistical error come first.

    >>> nominal = np.array([100.0, 100.0])
    >>> shifts = {"tilt": (np.array([10.0, -10.0]), np.array([-10.0, 10.0])), "norm": (0.02 * nominal, -0.02 * nominal)}
    >>> {name: tuple(round(x, 3) for x in effect) for name, effect in rank_sources(
    ...     Prediction(nominal, nominal, shifts)).items()}
    {'tilt': (0.0, 0.0, 1.414, 1.414), 'norm': (0.02, -0.02, 0.0, 0.0)}
    """
    expected, whole = np.where(total.values > 0, total.values, np.inf), total.values.sum()
    found = {}
    for source, shifts in total.shifts.items():
        yields = [_relative(shift.sum(), whole) or 0.0 for shift in shifts]
        shapes = [_shape(total.values, shift, expected) for shift in shifts]
        found[source] = (yields[0], yields[1], shapes[0], shapes[1])

    def size(source: str) -> float:
        effect = found[source]
        return float(max(*(abs(change) * np.sqrt(max(whole, 0.0)) for change in effect[:2]), *effect[2:]))

    return {source: found[source] for source in sorted(found, key=lambda source: (-size(source), source))}


def _shape(nominal: Floats, shift: Floats, expected: Floats) -> float:
    varied = nominal + shift
    if not varied.sum() > 0:
        return 0.0
    change = varied * (nominal.sum() / varied.sum()) - nominal
    return float(np.sqrt((change**2 / expected).sum()))


def _relative(change: float, whole: float) -> float | None:
    return float(change / whole) if whole > 0 else None
