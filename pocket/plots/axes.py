"""Axes of a plot: the drawn axes of a histogram, their binning, labels and limits, and room for a legend."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from pocket.base.typing import Floats
from pocket.errors import HistogramError
from pocket.histograms.config import finite_edges
from pocket.plots.canvas import Box

if TYPE_CHECKING:
    from hist import Hist

#: part of a bin that its name may take, and the size of an upright one, in parts of that of others
NAME_WIDTH, UPRIGHT = 0.95, 0.75
#: sizes of a legend, in parts of the usual one, and the part of the axes that it leaves for the contents if it can
LEGEND_SIZES, LEAST_SHARE = (1.0, 0.8, 0.65, 0.5), 0.35
#: part of the axes that a line of text may take
LINE_WIDTH = 0.92


def projections(h: Hist[Any]) -> dict[str, Hist[Any]]:
    """Return axis → projection of a histogram onto it, with its "variation"; flow bins of the other axes count."""
    names = [axis.name for axis in h.axes]
    if "cat" in names:
        raise HistogramError("choose a category before projecting, there is a 'cat' axis")
    dense = [name for name in names if name != "variation"]
    if not dense:
        raise HistogramError("there is no dense axis to project onto")
    kept = ["variation"] if "variation" in names else []
    return {name: h.project(*kept, name) for name in dense}


@dataclass(frozen=True)
class Binning:
    """An axis as it is drawn, with a label that has its unit in brackets.

    Outermost bounds may be infinite; categories and small integers have a name for each bin.
    """

    bounds: Sequence[float] | Floats
    label: str
    names: tuple[str, ...] = ()
    log: bool = False

    @classmethod
    def from_axis(cls, axis: Any) -> Binning:
        """Read an axis of a :class:`hist.Hist`."""
        # A tick for each integer is legible up to about twenty bins.
        discrete = not axis.traits.continuous and (not axis.traits.ordered or axis.size <= 20)
        log = repr(getattr(axis, "transform", None)) == "log"
        return cls(axis.edges, axis.label, tuple(map(str, axis)) if discrete else (), log)

    @property
    def edges(self) -> Floats:
        """Finite edges: a bin that is open to infinity is as wide as its neighbour, or 1 wide if it has none."""
        return finite_edges(self.bounds)

    @property
    def centers(self) -> Floats:
        """Middle of each bin, as it is drawn."""
        low, high = self.edges[:-1], self.edges[1:]
        return np.sqrt(low * high) if self.log else (low + high) / 2

    @property
    def events_label(self) -> str:
        """Label of the axis that counts events: they are per bin, never divided by its width."""
        if self.names:
            return "Events"
        widths = np.diff(self.bounds)
        if not (np.isfinite(widths).all() and np.allclose(widths, widths[0], rtol=1e-6)):
            return "Events / bin"
        width = [] if math.isclose(widths[0], 1.0) else [f"{widths[0]:.3g}"]
        unit = [self.unit] if self.unit else []
        return " ".join(["Events /", *width, *unit]) if width or unit else "Events / bin"

    @property
    def unit(self) -> str:
        """Unit of the axis, which its label has in brackets; empty if it has none."""
        unit = re.search(r"\[([^\]]+)\]\s*$", self.label)
        return unit.group(1) if unit else ""


class PlainNumbers(ScalarFormatter):
    """Tick labels in plain text, which is laid out faster than formulas; a power of ten stays a formula."""

    def __init__(self) -> None:
        super().__init__(useMathText=False)

    def get_offset(self) -> str:
        """Return the power of ten that multiplies the tick labels."""
        self.set_useMathText(True)
        offset = super().get_offset()
        self.set_useMathText(False)
        return offset


def label_x(axes: Sequence[Axes], binning: Binning, limits: tuple[float, float] | None) -> None:
    """Give stacked panels the same horizontal axis, labelled below the last one only; ``limits`` ``None`` shows all."""
    for ax in axes:
        ax.set_xscale("log" if binning.log else "linear")
        ax.set_xlim(limits or (binning.edges[0], binning.edges[-1]))
        if binning.names:
            ax.set_xticks(binning.centers, binning.names if ax is axes[-1] else [])
            ax.tick_params(axis="x", which="minor", length=0)
        else:
            ax.tick_params(axis="x", labelbottom=ax is axes[-1])
            if not binning.log:
                ax.xaxis.set_major_formatter(PlainNumbers())
    open_ended = ", open-ended" if np.isinf([binning.bounds[0], binning.bounds[-1]]).any() else ""
    axes[-1].set_xlabel(binning.label + open_ended)
    if binning.names:
        _turn_long_names(axes[-1])


def _turn_long_names(ax: Axes) -> None:
    """Write names of bins upright if they are wider than the bins, and make the figure higher by what they need.

    Panels of a grid have others below them, so names are smaller there instead.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    labels = ax.get_xticklabels()
    extents = [label.get_window_extent() for label in labels]
    room = ax.bbox.width / abs(float(np.diff(ax.get_xlim())[0]))
    longest = max(extent.width for extent in extents)
    if longest < NAME_WIDTH * room:
        return
    if ax.get_subplotspec() is not None:
        ax.tick_params(axis="x", labelsize=float(labels[0].get_fontsize()) * NAME_WIDTH * room / longest)
        return
    size = min(UPRIGHT * float(labels[0].get_fontsize()), NAME_WIDTH * room / figure.dpi * 72)
    before = max(extent.height for extent in extents)
    ax.tick_params(axis="x", labelrotation=90, labelsize=size)
    after = max(label.get_window_extent().height for label in ax.get_xticklabels())
    height = float(figure.get_figheight())
    more = max(0.0, after - before) / figure.dpi
    figure.set_figheight(height + more)
    for each in figure.axes:
        box = each.get_position()
        parts = (box.x0, box.y0 * height + more, box.width, box.height * height)
        each.set_position((parts[0], parts[1] / (height + more), parts[2], parts[3] / (height + more)))


def label_y(ax: Axes, text: str, *, panel: bool = False) -> None:
    """Label the vertical axis at the same distance in all panels; smaller and centred if it is a ratio ``panel``."""
    ax.set_ylabel(text, loc="center" if panel else "top", fontsize="small" if panel else "medium")
    ax.yaxis.set_label_coords(-0.125, 0.5 if panel else 1.0)
    if ax.get_yscale() == "linear":
        ax.yaxis.set_major_formatter(PlainNumbers())


def fit_legend(
    ax: Axes,
    edges: Floats,
    contents: Sequence[Floats],
    entries: Sequence[tuple[Any, str]],
    lines: Sequence[str],
    log_floor: float | None = None,
    log_top: float | None = None,
    font_size: float = 20.0,
) -> None:
    """Write text and legend at the top, and scale the vertical axis so that every bin stays below them.

    The text is at the left. The legend is at the right or below the text, in the number of columns that compresses the
    contents least. It is smaller than usual if it would leave too little room for the contents, or is too wide. A
    ``log_floor`` of ``None`` is a linear axis, which starts at 0; ``contents`` are upper ends, each of shape (bins,).
    """
    heights = np.nan_to_num(np.array(contents)).max(axis=0)
    if log_floor is not None:
        heights = np.log10(np.maximum(heights, log_floor) / log_floor)
    position = (ax.transData - ax.transAxes).transform(np.column_stack([edges, np.ones_like(edges)]))[:, 0]
    heights = np.where((position[1:] > 0) & (position[:-1] < 1), heights, 0.0)

    def top(boxes: Sequence[Box]) -> float:
        ceilings = np.full(heights.size, 0.95)
        for box in boxes:
            below = (position[1:] > box.left) & (position[:-1] < box.right)
            ceilings[below] = np.minimum(ceilings[below], max(box.bottom - 0.03, 0.1))
        return float((heights / ceilings).max())

    handles, labels = zip(*entries, strict=True)

    def legend(size: float, columns: int, where: dict[str, Any]) -> Box:
        look: dict[str, Any] = {"fontsize": size, "columnspacing": 0.8, "handletextpad": 0.5}
        return Box.of(ax.legend(handles, labels, ncols=columns, **look, **where), ax)

    text = _write_lines(ax, lines)
    right, bottom = max(box.right for box in text), min(box.bottom for box in text)
    corner: dict[str, Any] = {"loc": "upper right"}
    below: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0.0, bottom), "borderaxespad": 0.2}
    for size in (font_size * factor for factor in LEGEND_SIZES):
        choices = []
        for columns in (1, 2, 3):
            box = legend(size, columns, corner)
            if box.left > right:
                choices.append((top([*text, box]), columns, corner))
            if box.left > 0 or columns == 1:
                moved = Box(0.0, box.right - box.left, box.bottom - 1 + bottom)
                choices.append((top([*text, moved]), columns, below))
        high, columns, where = min(choices, key=lambda choice: choice[0])
        placed = legend(size, columns, where)
        if heights.max() >= LEAST_SHARE * high and placed.left >= 0 and placed.right <= 1:
            break
    if log_floor is None:
        ax.set_ylim(0.0, high or 1.0)
        # The power of ten goes beside the axis, because the CMS label is above it.
        ax.yaxis.get_offset_text().set(x=-0.01, ha="right")
    else:
        ax.set_ylim(log_floor, log_top or log_floor * 10 ** max(2.0, high))
        ax.set_yscale("log")


def _write_lines(ax: Axes, lines: Sequence[str]) -> list[Box]:
    boxes: list[Box] = []
    for line in lines:
        size, weight, gap = ("x-small", "normal", 0.015) if boxes else ("small", "bold", 0.04)
        y = (boxes[-1].bottom if boxes else 1.0) - gap
        text = ax.text(0.04, y, line, transform=ax.transAxes, va="top", fontsize=size, fontweight=weight)
        box = Box.of(text, ax)
        if (width := box.right - box.left) > LINE_WIDTH:
            text.set_fontsize(float(text.get_fontsize()) * LINE_WIDTH / width)
            box = Box.of(text, ax)
        boxes.append(box)
    return boxes
