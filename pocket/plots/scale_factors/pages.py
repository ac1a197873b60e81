"""Pages of panels, one panel for each slice of a scale factor, with one heading and one legend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pocket.base.typing import Floats
from pocket.plots.axes import label_x
from pocket.plots.canvas import Box, Period, new_page
from pocket.plots.scale_factors.slices import Page, Slice
from pocket.plots.style import PlotStyle

#: sizes in inches
PANEL_WIDTH, LEFT, RIGHT, BOTTOM, TOP = 6.6, 1.6, 0.3, 1.1, 0.8
TITLE, HEADING, NOTE, LEGEND_ROW, GAP = 0.55, 0.5, 0.32, 0.42, 0.6
#: width of a letter, and of a symbol with the space beside it, in a legend
LETTER, SYMBOL = 0.09, 0.9
#: font size of the titles [points]
TITLE_SIZE = 18.0
#: colour of fits and notes that aren't good
BAD = "#e42536"
#: gap between panels if the tick labels of each panel need space
TICK_LABELS = 1.15


@dataclass(frozen=True, eq=False)
class Panels:
    """The panels of a slice, from the top down."""

    slice: Slice
    axes: tuple[Axes, ...]


def slice_page(
    page: Page,
    heading: str,
    heights: Sequence[float],
    legend: Sequence[Artist],
    *,
    style: PlotStyle,
    period: Period,
    notes: Mapping[str, bool] = MappingProxyType({}),
) -> tuple[Figure, list[Panels]]:
    """Return a page of empty panels, heights in inches; slices of the same categories share their vertical range.

    ``notes`` are lines below the heading → whether they are good.
    """
    count = len(page.slices)
    columns = count if count <= 3 else math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    same = len({one.part.categories for one in page.slices}) == 1
    gap = GAP if same else TICK_LABELS
    width = LEFT + RIGHT + columns * PANEL_WIDTH + (columns - 1) * gap
    entry = SYMBOL + LETTER * max(len(str(artist.get_label()).replace("$", "")) for artist in legend)
    entries = min(len(legend), max(1, int((width - LEFT - RIGHT) / entry)))
    below = HEADING + NOTE * len(notes) + (0.1 if notes else 0.0)
    head = below + LEGEND_ROW * math.ceil(len(legend) / entries)
    cell = TITLE + sum(heights)
    height = TOP + head + rows * (cell + BOTTOM)

    def span(top: float) -> dict[str, float]:
        edges = {"left": LEFT / width, "right": 1 - RIGHT / width, "bottom": BOTTOM / height}
        return {**edges, "top": 1 - top / height}

    figure = new_page((width, height), span(TOP), style, period=period)
    write_heading(figure, LEFT, TOP + 0.15, heading, notes)
    corner = LEFT / width, 1 - (TOP + below) / height
    figure.legend(
        handles=list(legend),
        loc="upper left",
        bbox_to_anchor=corner,
        fontsize="x-small",
        ncols=entries,
        borderaxespad=0.2,
        borderpad=0.0,
        handlelength=1.6,
    )
    grid = figure.add_gridspec(
        rows, columns, **span(TOP + head + TITLE), wspace=gap / PANEL_WIDTH, hspace=(BOTTOM + TITLE) / sum(heights)
    )
    found: list[Panels] = []
    first: dict[str, Panels] = {}
    for position, one in enumerate(page.slices):
        inner = grid[divmod(position, columns)].subgridspec(len(heights), 1, height_ratios=heights, hspace=0.04)
        like = first.get(one.part.categories)
        axes = tuple(figure.add_subplot(inner[i], sharey=like and like.axes[i]) for i in range(len(heights)))
        panels = Panels(one, axes)
        first.setdefault(one.part.categories, panels)
        found.append(panels)
        _prepare(panels, labelled=not same or position % columns == 0)
    return figure, found


def write_heading(figure: Figure, left: float, top: float, heading: str, notes: Mapping[str, bool]) -> None:
    """Write a heading and the notes below it, those that aren't good in red; distances in inches from the corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, heading, va="top", fontsize="medium", fontweight="bold")
    for number, (note, good) in enumerate(notes.items()):
        y = 1 - (top + HEADING - 0.05 + NOTE * number) / height
        figure.text(left / width, y, note, va="top", fontsize="x-small", color="#555555" if good else BAD)


def _prepare(panels: Panels, *, labelled: bool) -> None:
    """Set the axis and the title of a slice's panels, and draw lines at the edges of bins."""
    binning = panels.slice.binning
    label_x(panels.axes, binning, None)
    for ax in panels.axes:
        ax.tick_params(axis="y", labelleft=labelled)
        if binning.log:
            ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.xaxis.set_minor_formatter(NullFormatter())
        for edge in binning.edges[1:-1]:
            ax.axvline(edge, color="#d0d0d0", linewidth=0.8, zorder=0)
    title = panels.axes[0].set_title(panels.slice.part.title, loc="left", fontsize=TITLE_SIZE)
    box = Box.of(title, panels.axes[0])
    # The title must not be wider than the panel.
    title.set_fontsize(TITLE_SIZE / max(1.0, box.right - box.left))


def label_first(panels: Sequence[Panels], texts: Sequence[str]) -> None:
    """Label the vertical axes of the panels at the left end of the page."""
    left = min(each.axes[0].get_position().x0 for each in panels)
    for each in panels:
        for ax, text in zip(each.axes, texts, strict=True):
            if ax.get_position().x0 < left + 1e-6:
                ax.set_ylabel(text, loc="center")
                ax.yaxis.set_label_coords(-0.17, 0.5)


def set_ranges(panels: Sequence[Panels], row: int, contents: Sequence[Sequence[Floats]]) -> None:
    """Scale the vertical axes of a row so that all finite contents are inside, with one range per category."""
    for categories in {each.slice.part.categories for each in panels}:
        chosen = [each.slice.part.categories == categories for each in panels]
        heights = np.concatenate([array for these in itertools.compress(contents, chosen) for array in these])
        heights = heights[np.isfinite(heights)]
        low, high = (heights.min(), heights.max()) if heights.size else (0.0, 1.0)
        margin = 0.08 * (high - low) or 0.01
        next(itertools.compress(panels, chosen)).axes[row].set_ylim(low - margin, high + margin)
