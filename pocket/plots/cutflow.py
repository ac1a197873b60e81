"""Plots of the cutflow: the events of a sample after each step, and the fraction of the first one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Patch

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.base.typing import Floats
from pocket.plan.figures import FigurePlan
from pocket.plots.axes import fit_legend, label_y
from pocket.plots.canvas import cms_label, cms_style, new_figure
from pocket.plots.palettes import PETROFF_6
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot, period_of

#: steps before the categories
STEPS = ("initial", "skim", "presel")
NOMINAL = "nominal"
#: smallest fraction that is seen on a linear axis
SMALLEST_LINEAR = 0.02
#: size of names and numbers in points, and the width of a character of it in inches
FONT_SIZE, CHARACTER = 16.0, 0.135


def cutflow_numbers(
    plan: FigurePlan, sums: Mapping[str, Any], categories: Sequence[str], blind: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return the events after each step and in each category, summed over datasets, by sample and subsample.

    Events are unweighted, yields are normalised to the luminosity, and a subsample starts with the events of its
    sample. Numbers of data in blind categories, and of steps with all of their events, are ``None``.
    """
    numbers = {}
    for sample, is_mc in plan.samples.items():
        hidden = () if is_mc else blind
        for name in plan.counted_samples(sample):
            datasets = [key for key, one in plan.datasets.items() if one == sample]
            before = [sum(_events(sums["cutflow"][step].get(key, 0)) for key in datasets) for step in STEPS]
            within, yields = (
                {one: _sum(sums[key][one], datasets, name) for one in categories} for key in ("cutflow", "sumw")
            )
            # A category that a selection doesn't make smaller has the events of the step before.
            secret = {_sum(sums["cutflow"][one], datasets, name) for one in hidden}
            events = [
                None if one in hidden or number in secret else int(number)
                for one, number in zip((*STEPS, *categories), (*before, *within.values()), strict=True)
            ]
            first = before[0]
            numbers[name] = {
                "steps": [*STEPS, *categories],
                "events": events,
                "fractions": [number / first if first and number is not None else None for number in events],
                "yields": {one: None if one in hidden or within[one] in secret else yields[one] for one in categories},
            }
    return numbers


def _events(counts: Any) -> int:
    return int(counts[NOMINAL] if isinstance(counts, Mapping) else counts)


def _sum(by_dataset: Mapping[str, Any], datasets: Sequence[str], name: str) -> float:
    return float(sum(by_dataset.get(key, {}).get(name, {}).get(NOMINAL, 0) for key in datasets))


def draw_cutflows(
    plan: FigurePlan, sums: Mapping[str, Any], categories: Sequence[str], blind: Collection[str] = ()
) -> Iterator[Plot]:
    """Draw the cutflow of each sample and subsample."""
    style = PlotStyle.from_parameters(plan.style)
    for name, numbers in cutflow_numbers(plan, sums, categories, blind).items():
        is_mc = plan.samples[name.partition(SUBSAMPLE)[0]]
        yield name, draw_cutflow(name, numbers, style, is_mc=is_mc, period=period_of(plan)), {"sample": name, **numbers}


def draw_cutflow(name: str, numbers: Mapping[str, Any], style: PlotStyle, *, is_mc: bool, period: Any) -> Any:
    """Draw the events of a sample after each step, and below them the fraction of the first step."""
    steps, events = numbers["steps"], np.array(numbers["events"], dtype=float)
    edges = np.arange(len(steps) + 1, dtype=float)
    label = style.label_of(name) if is_mc else name
    width = max(10.0, 3.0 + 0.5 * len(steps))
    # Names of categories are written upright, so the longest one decides the room below, in inches.
    below = max(1.2, 0.4 + CHARACTER * max(map(len, steps)))
    height = below + 8.8
    labels = ["blinded" if number is None else f"{number:,}" for number in numbers["events"]]
    upright = CHARACTER * max(map(len, labels)) > 0.81 * width / len(steps)
    with cms_style(style.fontsize):
        figure = new_figure(width, height, style.dpi)
        # The left edge is as far from that of the figure as in other plots.
        left, right = 1.5 / width, 0.4 / width
        lower = figure.add_axes((left, below / height, 1 - left - right, 1.9 / height))
        main = figure.add_axes((left, (below + 2.05) / height, 1 - left - right, 6.1 / height))
        cms_label(main, style.label, data=not is_mc, period=period)
        color = PETROFF_6[0]
        fractions = _fractions(numbers)
        for ax, heights in ((main, events), (lower, fractions)):
            ax.set_xlim(edges[0], edges[-1])
            ax.stairs(heights, edges, baseline=0.0, fill=True, color=color)
            ax.set_xticks(edges[:-1] + 0.5, steps if ax is lower else [], rotation=90, fontsize=FONT_SIZE)
            ax.tick_params(axis="x", which="both", length=0)
        positive = events[events > 0]
        floor = max(0.5 * float(positive.min()), 0.5) if positive.size else 0.5
        shown = np.nan_to_num(events)
        room = (max(float(shown.max()), 10.0) / floor) ** 0.3 if upright else 3.0
        fit_legend(main, edges, [room * shown], [(Patch(facecolor=color), "Unweighted events")], [label], floor)
        for position, number in enumerate(labels):
            place = position + 0.5, 1.1 * max(shown[position], floor)
            main.text(*place, number, ha="center", va="bottom", fontsize=FONT_SIZE, rotation=90 if upright else 0)
        label_y(main, "Events")
        smallest = float(min(fractions[fractions > 0], default=1.0))
        if smallest < SMALLEST_LINEAR:
            lower.set_yscale("log")
            lower.set_ylim(0.5 * smallest, 2.0)
        else:
            lower.set_ylim(0.0, 1.1)
        label_y(lower, "Fraction", panel=True)
        for ax, at in ((main, 1.0), (lower, 0.5)):
            ax.yaxis.set_label_coords(-1.01 / (width - 1.9), at)
    return figure


def _fractions(numbers: Mapping[str, Any]) -> Floats:
    return np.array([np.nan if one is None else one for one in numbers["fractions"]], dtype=float)
