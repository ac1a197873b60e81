"""Plots of the nuisances of a model: their templates before and after the treatment, and their ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.plots.axes import Binning, fit_legend, label_x, label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.fits.regions import region_binning
from pocket.plots.statistics import Prediction
from pocket.plots.style import PlotStyle
from pocket.plots.systematics import DOWN, UP, draw_ranking, percent
from pocket.plots.templates.figures import Plot
from pocket.plots.templates.panels import (
    TOTAL_BAND,
    Points,
    as_list,
    draw_band,
    log_floor,
    ratio_range,
    relative_band,
    scale_ratio,
)
from pocket.statistics.model import RegionModel

if TYPE_CHECKING:
    from pocket.statistics.shifts import Shift, Varied

#: processes that a caption names, and characters of a line with steps
NAMED, WIDTH = 3, 30


def draw_treatment(
    shifts: Mapping[str, Mapping[str, Shift]],
    region: RegionModel,
    style: PlotStyle,
    period: Period,
    axis: str = "",
    names: Sequence[str] = (),
) -> Iterator[Plot]:
    """Draw the nuisances of a region before and after their treatment, and their ranking after it.

    ``shifts`` has ``""`` for the sum of processes, or a process → nuisance → templates; ``names`` are those of bins
    that are categories.
    """
    for process, by_nuisance in shifts.items():
        for shift in by_nuisance.values():
            yield draw_shift(shift, region.name, process, style, period, axis, names)
    total = effects_of(region)
    if total.shifts:
        stem, figure, numbers = draw_ranking(total, style, period, region.name, "", title=region.name)
        yield stem, figure, {"region": region.name, "sources": numbers["sources"]}


def effects_of(region: RegionModel) -> Prediction:
    """Return the sum of processes with the shifts of all nuisances, those by factors too.

    >>> nominal = np.array([[10.0]])
    >>> region = RegionModel("sr", ("z",), nominal, 0 * nominal, log_normals={"lumi": {"z": (0.98, 1.02)}})
    >>> [shift.round(1).tolist() for shift in effects_of(region).shifts["lumi"]]
    [[0.2], [-0.2]]
    """
    rows = dict(zip(region.processes, region.nominal, strict=True))
    shifts: dict[str, tuple[Floats, Floats]] = {}

    def add(nuisance: str, up: Floats, down: Floats) -> None:
        before = shifts.get(nuisance, (np.zeros(region.bins), np.zeros(region.bins)))
        shifts[nuisance] = before[0] + up, before[1] + down

    for nuisance, templates in region.shapes.items():
        for process, (up, down) in templates.items():
            add(nuisance, up - rows[process], down - rows[process])
    for nuisance, factors in region.log_normals.items():
        for process, (below, above) in factors.items():
            add(nuisance, (above - 1) * rows[process], (below - 1) * rows[process])
    return Prediction(region.nominal.sum(axis=0), region.sumw2.sum(axis=0), shifts)


def draw_shift(
    shift: Shift,
    region: str,
    process: str,
    style: PlotStyle,
    period: Period,
    axis: str = "",
    names: Sequence[str] = (),
) -> Plot:
    """Draw a nuisance as it is in the model, and below it the ratios to nominal as stored and as treated."""
    before, after = shift.before, shift.after
    numbers: dict[str, Any] = {
        "region": region,
        "nuisance": shift.nuisance,
        "processes": list(shift.processes),
        "steps": list(shift.steps),
        "before": _numbers(before),
        "after": _numbers(after),
    }
    binning = region_binning(after.edges, axis or region, names)
    lines = [region, shift.nuisance, _listed(shift.processes), *_wrapped(shift.steps)]
    with cms_style(style.fontsize):
        figure = new_figure(10.0, 11.5, style.dpi)
        main = figure.add_axes((0.15, 0.405, 0.81, 0.54))
        panels = figure.add_axes((0.15, 0.25, 0.81, 0.145)), figure.add_axes((0.15, 0.095, 0.81, 0.145))
        cms_label(main, style.label, data=False, period=period)
        label_x((main, *panels), binning, None)
        main.stairs(after.nominal, binning.edges, baseline=None, color="black", linewidth=2.5)
        spread = np.sqrt(after.variances)
        draw_band(main, binning, after.nominal - spread, after.nominal + spread, **TOTAL_BAND)
        entries: list[tuple[Any, str]] = [
            ((Patch(**TOTAL_BAND), Line2D([], [], color="black", linewidth=2.5)), "Nominal, MC stat.")
        ]
        ratios = [(_ratio(one.up, one.nominal), _ratio(one.down, one.nominal)) for one in (before, after)]
        shown = _within(before, binning)
        reach = ratio_range(
            *(
                Points(np.ones_like(part), np.fmin(part, 1), np.fmax(part, 1))
                for number, pair in enumerate(ratios)
                for part in (side[shown] if number == 0 else side for side in pair)
            )
        )
        for panel, one, pair, label in zip(panels, (before, after), ratios, ("Stored", "Treated"), strict=True):
            bins = region_binning(one.edges, "")
            scale_ratio(panel, reach, label)
            errors = np.sqrt(one.variances)
            draw_band(panel, bins, *relative_band((errors, errors), one.nominal), **TOTAL_BAND)
            for ratio, look in zip(pair, _LOOKS, strict=True):
                panel.stairs(ratio, bins.edges, baseline=None, **look)
        for side, values, look in zip(("Up", "Down"), (after.up, after.down), _LOOKS, strict=True):
            main.stairs(values, binning.edges, baseline=None, **look)
            change = values.sum() / after.nominal.sum() - 1 if after.nominal.sum() > 0 else None
            entries.append((Line2D([], [], **look), f"{side}: {percent(change)}"))
        floor = log_floor([Prediction(after.nominal, after.variances)]) if style.is_log(region) else None
        tops = [after.nominal + spread, after.up, after.down]
        fit_legend(main, binning.edges, tops, entries, lines, floor, font_size=style.fontsize_legend)
        label_y(main, binning.events_label)
    return "_".join([region, shift.nuisance, *([process] if process else [])]), figure, numbers


_LOOKS: tuple[dict[str, Any], dict[str, Any]] = (
    {"color": UP, "linewidth": 2.5, "linestyle": "-"},
    {"color": DOWN, "linewidth": 2.5, "linestyle": "--"},
)


def _within(varied: Varied, binning: Binning) -> Any:
    """Return the bins of stored templates that are in the range of the treated ones."""
    edges = region_binning(varied.edges, "").edges
    return (edges[1:] > binning.edges[0]) & (edges[:-1] < binning.edges[-1])


def _ratio(values: Floats, nominal: Floats) -> Floats:
    return np.asarray(values / np.where(nominal > 0, nominal, np.nan))


def _numbers(varied: Varied) -> dict[str, Any]:
    return {
        "edges": None if varied.edges is None else varied.edges.tolist(),
        "nominal": as_list(varied.nominal),
        "stat": as_list(np.sqrt(varied.variances)),
        "up": as_list(varied.up),
        "down": as_list(varied.down),
    }


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} processes"


def _wrapped(steps: tuple[str, ...]) -> list[str]:
    """Return the steps in lines that leave room for the legend beside them."""
    lines: list[str] = []
    for step in steps:
        if lines and len(lines[-1]) + len(step) + 2 <= WIDTH:
            lines[-1] = f"{lines[-1]}, {step}"
        else:
            lines.append(step)
    return lines
