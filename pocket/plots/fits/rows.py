"""Pages on which each parameter has a row: pulls and constraints, and the impacts beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.palettes import PETROFF_6
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot
from pocket.statistics.results import FitResult, Impact

#: rows of a page, their height in inches, and the width of a character of a name
ROWS, ROW, CHARACTER = 40, 0.32, 0.125
#: size of names and numbers, in points
FONT_SIZE = 15.0
#: inches above the rows, with a line of text or without, and below them
ABOVE, ABOVE_TEXT, BELOW = 1.0, 1.35, 1.1
#: smallest effect of a statistical error of simulation with a row of its own, in errors of the parameter of interest
SMALLEST = 0.01
#: largest pull for which a panel has room
FURTHEST = 6.0
UP, DOWN = PETROFF_6[2], PETROFF_6[0]


def draw_pulls(
    fit: FitResult, style: PlotStyle, period: Period, *, data: bool = True, background: FitResult | None = None
) -> Iterator[Plot]:
    """Draw the nuisances after the fit in units of their errors before it, on pages of 40 rows.

    A point is the pull; its bar is the error after the fit, which is 1 (the grey band) if the data say nothing. Pulls
    of ``background``, a fit without signal, have open markers.
    """
    alone = background.parameters if background is not None else {}
    nuisances = [one for one in fit.parameters.values() if one.kind == "nuisance" and one.floating]
    for name, part in _pages("pulls", nuisances):
        numbers: dict[str, dict[str, Any]] = {
            one.name: {"pull": one.pull, "value": one.value, "error": one.error} for one in part
        }
        second = [alone[one.name] for one in part if alone]
        for one in second:
            numbers[one.name]["background"] = {"pull": one.pull, "value": one.value, "error": one.error}
        with cms_style(style.fontsize):
            figure, (ax,) = _page(
                [one.name for one in part], (4.5,), style, period, data, ABOVE_TEXT if alone else ABOVE
            )
            others = [(one.pull or 0.0, one.error, one.error) for one in second]
            _mark_pulls(ax, [(one.pull or 0.0, one.error, one.error) for one in part], others)
        yield name, figure, {"parameters": numbers}


def draw_impacts(
    impacts: Sequence[Impact],
    fit: FitResult,
    poi: str,
    style: PlotStyle,
    period: Period,
    *,
    data: bool = True,
    simulation: Sequence[Impact] = (),
) -> Iterator[Plot]:
    """Draw the effects of parameters on one of interest, the largest first, with their pulls beside them.

    A statistical error of simulation has a row if it is among the 40 largest effects and moves the parameter of
    interest by 1 % of its error or more. All others share a row with their quadratic sum.
    """
    best = fit.parameters[poi]
    rows = _ranked(impacts, simulation, poi, SMALLEST * best.error)
    for name, part in _pages(f"impacts_{poi}", rows):
        numbers: dict[str, dict[str, Any]] = {}
        for impact in part:
            down, up = impact.effects[poi]
            numbers[impact.name] = {"down": down, "up": up, "value": impact.value, "errors": list(impact.errors)}
        with cms_style(style.fontsize):
            labels = [impact.name for impact in part]
            figure, (pulls, effects) = _page(labels, (3.6, 3.6), style, period, data, ABOVE_TEXT)
            _mark_pulls(pulls, [_pull_of(impact, fit) for impact in part])
            for row, impact in enumerate(part):
                one = fit.parameters.get(impact.name)
                if one is not None and one.kind != "nuisance":
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                    text = with_error(one.value, one.error)
                    pulls.text(0, row, text, ha="center", va="center", fontsize=FONT_SIZE - 1, bbox=box, zorder=5)
            _mark_effects(effects, [impact.effects[poi] for impact in part], poi)
            text = f"{poi} = {with_error(best.value, best.error)}"
            if best.bound:
                text = f"{poi} = {best.value:.3g} (at its {best.bound} bound)".replace("-", "−")
            pulls.text(0, 1.01, text, transform=pulls.transAxes, va="bottom", fontsize=FONT_SIZE + 2)
        yield name, figure, {"poi": poi, "value": best.value, "error": best.error, "parameters": numbers}


def with_error(value: float, error: float) -> str:
    """Return a value with its error, of which two digits count.

    >>> with_error(1.0, 0.0383), with_error(-31.2, 12.0)
    ('1.000 ± 0.038', '−31 ± 12')
    """
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 2
    return f"{value:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def _ranked(impacts: Sequence[Impact], simulation: Sequence[Impact], poi: str, smallest: float) -> list[Impact]:
    """Return the rows of impacts, the largest first, with one for all small errors of simulation at the end."""

    def by_size(impact: Impact) -> tuple[float, str]:
        return -impact.size(poi), impact.name

    largest = {impact.name for impact in sorted([*impacts, *simulation], key=by_size)[: ROWS - 1]}
    own = [impact for impact in simulation if impact.name in largest and impact.size(poi) >= smallest]
    rest = [impact for impact in simulation if impact.name not in {one.name for one in own}]
    rows = sorted([*impacts, *own], key=by_size)
    if rest:
        both = math.sqrt(sum(impact.size(poi) ** 2 for impact in rest))
        name = f"{len(rest)} {'others' if own else 'parameters'} of mc_stat"
        rows.append(Impact(name, 0.0, (0.0, 0.0), {poi: (-both, both)}))
    return rows


def _pull_of(impact: Impact, fit: FitResult) -> tuple[float, float, float] | None:
    """Return the pull of a parameter and its errors; ``None`` if it isn't constrained, or a sum of several."""
    one = fit.parameters.get(impact.name)
    if one is not None:
        return (one.pull or 0.0, *impact.errors) if one.kind == "nuisance" else None
    return (impact.pull, *impact.constraint) if any(impact.errors) else None


def _pages(stem: str, rows: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the name of each page and its rows; the only page has no number."""
    pages = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    for number, part in enumerate(pages, start=1):
        yield stem if len(pages) == 1 else f"{stem}_{number}", part


def _page(
    names: Sequence[str], widths: Sequence[float], style: PlotStyle, period: Period, data: bool, above: float = ABOVE
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a row for each name, and its panels from left to right, of widths in inches."""
    left = 0.4 + CHARACTER * max(map(len, names))
    gap, right = 0.25, 0.35
    width = max(left + sum(widths) + gap * (len(widths) - 1) + right, 9.0)
    left = width - right - sum(widths) - gap * (len(widths) - 1)
    height = above + BELOW + ROW * max(len(names), 3)
    figure = new_figure(width, height, style.dpi)
    inside = (height - above - BELOW) / height
    frame = figure.add_axes((0.35 / width, BELOW / height, 1 - 0.7 / width, (height - 0.75 - BELOW) / height))
    frame.set_axis_off()
    cms_label(frame, style.label, data=data, period=period)
    panels = []
    for position, panel in enumerate(widths):
        start = left + sum(widths[:position]) + gap * position
        ax = figure.add_axes((start / width, BELOW / height, panel / width, inside))
        ax.set_ylim(max(len(names), 3) - 0.5, -0.5)
        ax.set_yticks(range(len(names)), names if position == 0 else [], fontsize=FONT_SIZE)
        ax.tick_params(axis="y", which="both", length=0)
        ax.tick_params(axis="x", labelsize=FONT_SIZE)
        for row in range(0, len(names), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f2f2f2", zorder=0)
        panels.append(ax)
    return figure, panels


def _mark_pulls(
    ax: Axes, rows: Sequence[tuple[float, float, float] | None], others: Sequence[tuple[float, float, float]] = ()
) -> None:
    """Draw pulls with errors (down, up), and an arrow for each outside of the range; ``None`` leaves a row empty.

    Others, of a fit without signal, have open markers below the first ones.
    """
    aside = 0.18 if others else 0.0
    shown = [(row - aside, entry, "black") for row, entry in enumerate(rows) if entry is not None]
    shown += [(row + aside, entry, "white") for row, entry in enumerate(others)]
    reach = max([2.0, *(abs(pull) + max(down, up) for _, (pull, down, up), _ in shown)])
    reach = min(1.1 * reach, FURTHEST)
    ax.set_xlim(-reach, reach)
    ax.axvspan(-1, 1, color="#d9d9d9", zorder=0.5)
    ax.axvline(0, color="black", linewidth=1, zorder=1)
    for fill, label in (("black", "with signal"), ("white", "without signal")):
        chosen = [(place, entry) for place, entry, color in shown if color == fill]
        if not chosen:
            continue
        places = [place for place, _ in chosen]
        pulls = np.array([entry for _, entry in chosen])
        ax.errorbar(
            pulls[:, 0], places, xerr=pulls[:, 1:].T, linestyle="none", marker="o", color="black", markersize=5,
            markerfacecolor=fill, elinewidth=1.5, zorder=3, label=label,
        )  # fmt: skip
        for marker, side, beyond in (("<", -1, pulls[:, 0] < -reach), (">", 1, pulls[:, 0] > reach)):
            rows_beyond = np.array(places)[beyond]
            edge = np.full(rows_beyond.size, 0.95 * side * reach)
            ax.plot(
                edge, rows_beyond, linestyle="none", marker=marker, color="black", markerfacecolor=fill, markersize=8,
                zorder=3,
            )  # fmt: skip
    if others:
        look: dict[str, Any] = {"fontsize": FONT_SIZE - 1, "handletextpad": 0.2, "columnspacing": 0.8}
        ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, **look)
    ax.set_xlabel(r"$(\hat{\theta} - \theta_0)\,/\,\Delta\theta$", fontsize=FONT_SIZE + 2, loc="center")


def _mark_effects(ax: Axes, effects: Sequence[tuple[float, float]], poi: str) -> None:
    """Draw the changes of the parameter of interest with each parameter down and up."""
    reach = max([abs(value) for pair in effects for value in pair], default=1.0) or 1.0
    ax.set_xlim(-1.15 * reach, 1.15 * reach)
    ax.axvline(0, color="black", linewidth=1, zorder=4)
    rows = np.arange(len(effects))
    for values, color in (([pair[0] for pair in effects], DOWN), ([pair[1] for pair in effects], UP)):
        ax.barh(rows, values, height=0.7, color=color, zorder=3, alpha=0.85)
    ax.set_xlabel(rf"$\Delta$ {poi}", fontsize=FONT_SIZE + 2, loc="center")
    handles = [Patch(color=DOWN, alpha=0.85), Patch(color=UP, alpha=0.85), Line2D([], [], color="black", marker="o")]
    labels = [r"$-1\sigma$", r"$+1\sigma$", "Pull"]
    look: dict[str, Any] = {"fontsize": FONT_SIZE - 1, "handlelength": 1.0, "columnspacing": 0.8, "borderaxespad": 0.1}
    ax.legend(handles, labels, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), **look)
