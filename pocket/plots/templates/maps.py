"""Maps of histograms with two axes: data, simulation, their ratio and pull, and each process."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pocket.base.typing import Floats, Mask
from pocket.plots.axes import PlainNumbers
from pocket.plots.canvas import Period, cms_style, new_page
from pocket.plots.palettes import DIVERGING, SEQUENTIAL, perceived
from pocket.plots.statistics import Prediction, contents, total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.cells import Cells, Side, cells_of
from pocket.plots.templates.panels import RATIO_RANGES, as_list, caption, prediction_numbers
from pocket.plots.templates.processes import drawn_processes

if TYPE_CHECKING:
    from pocket.plots.templates.figures import PlotContext

#: colour of cells with blinded data
HIDDEN = "#bbbbbb"
#: sizes of a panel and of what is around it, in inches
WIDTH, HEIGHT, LEFT, COLORBAR, BOTTOM, TOP, HEADING = 7.0, 5.6, 1.5, 2.2, 1.2, 0.8, 1.0
FONT_SIZE, TICK_SIZE = 20.0, 16.0
#: room before names of categories and below them, in inches
BEFORE_NAMES, BELOW_NAMES = 0.75, 0.75
#: sizes of the values in cells, in points; if the smallest one doesn't fit into all cells, there are no values
LARGEST_TEXT, SMALLEST_TEXT = 16.0, 10.0
#: height of a line and width of a character, in parts of the size of the text
LINE, CHARACTER = 1.3, 0.62
#: lightness up to which text on a colour is white
DARK = 62.0
#: expected error of a ratio from which it has no colour, which would only show fluctuations
LARGEST_ERROR = 0.5
#: half of the range of pulls
LARGEST_PULL = 3.0


@dataclass(frozen=True, eq=False)
class Panel:
    """A quantity of all cells, with a title above and a colour map.

    ``values`` and ``texts`` have shape (cells of the first axis, cells of the second), NaN for cells without a colour.
    """

    title: str
    label: str
    values: Floats
    texts: Any
    colors: str
    norm: Normalize


def draw(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw the cells of data and of the sum of simulation, data over simulation, and the pulls.

    Underflow and overflow are cells at the ends of the axes if there is something in them, so a row or a column of
    cells has the sum that the projection shows. A ratio whose error is expected to be larger than
    50 % has no colour. The pull is (data − simulation) / σ with the variance that is
    expected for data, and the statistics and systematics of simulation. Cells are hidden where one of the projections
    is blinded. Without data, there are simulation and its relative uncertainty.
    """
    if not context.mc:
        return None
    style = context.style
    cells = cells_of(context.data, context.mc, (context.xlim, context.ylim), context.histogram)
    total = total_of(process.prediction for process in drawn_processes(cells.mc, style))
    hidden = _hidden(context, cells)
    error = (total.total[0] + total.total[1]) / 2
    numbers = _numbers(context, cells) | {"mc": prediction_numbers(total)}
    is_log = style.is_log(context.histogram)
    notes = [_outside(total.values, cells, "simulation")]
    if cells.data is None:
        expected = np.where(total.values > 0, total.values, np.nan)
        panels = [
            _counts("Simulation", total.values, total.stat, is_log, total.values),
            _relative("Relative uncertainty", error / expected),
        ]
    else:
        data, variances = contents(cells.data, "data")
        shown = np.where(hidden, np.nan, data)
        ratio, ratio_error, precision, pull = compare_cells(data, variances, total)
        ratio, pull = np.where(hidden, np.nan, ratio), np.where(hidden, np.nan, pull)
        numbers |= {"data": as_list(shown), "ratio": as_list(ratio), "pull": as_list(pull)}
        notes.insert(0, _outside(shown, cells, "data"))
        largest = np.fmax(shown, total.values)
        panels = [
            _counts(style.opts_data.get("label", "Data"), shown, None, is_log, largest),
            _counts("Simulation", total.values, total.stat, is_log, largest),
            _ratio("Data / simulation", ratio, ratio_error, precision),
            _pulls("Pull", pull),
        ]
    heading = caption(context.category, hidden & (cells.data is not None), blind=context.blind)
    return _page(panels, cells, style, context.period, heading, notes, hidden), numbers


def draw_processes(context: PlotContext) -> tuple[Figure, dict[str, Any]] | None:
    """Draw the cells of each process; nothing if there are fewer than two."""
    if not context.mc:
        return None
    cells = cells_of(None, context.mc, (context.xlim, context.ylim), context.histogram)
    processes = drawn_processes(cells.mc, context.style)
    if len(processes) < 2:
        return None
    is_log = context.style.is_log(context.histogram)
    panels, notes = [], []
    for process in processes:
        values = process.prediction.values
        panels.append(_counts(process.label, values, process.prediction.stat, is_log, values))
        notes.append(_outside(values, cells, process.label))
    numbers = _numbers(context, cells)
    numbers["processes"] = {process.name: prediction_numbers(process.prediction) for process in processes}
    hidden = np.zeros(cells.shown.shape, dtype=np.bool_)
    return _page(panels, cells, context.style, context.period, [context.category], notes, hidden), numbers


def compare_cells(data: Floats, variances: Floats, total: Prediction) -> tuple[Floats, Floats, Floats, Floats]:
    """Return data over simulation, its error, the error that is expected, and the pulls, of each cell.

    With the mean weight w of the data in a cell, which is 1 for counts, n data and m ± σ expected, s² = w m + σ² is the
    variance that is expected of their difference. The pull is (n − m) / s, the expected error of the ratio s / m, and
    its error √(Σ w² + (n σ / m)²) / m. All are NaN where nothing is expected, and the ratio and its error also where
    there are no data.

    >>> total = Prediction(np.array([100.0]), np.array([0.0]))
    >>> ratio, error, precision, pull = compare_cells(np.array([120.0]), np.array([120.0]), total)
    >>> float(ratio[0]), float(precision[0]), float(pull[0])
    (1.2, 0.1, 2.0)
    """
    expected = np.where(total.values > 0, total.values, np.nan)
    up, down = total.total
    spread = np.where(data > total.values, up, down)
    weight = np.divide(variances, data, out=np.ones_like(data), where=data > 0)
    difference = np.sqrt(weight * expected + spread**2)
    ratio = np.where(data > 0, data, np.nan) / expected
    error = np.sqrt(variances + (ratio * spread) ** 2) / expected
    return ratio, error, np.asarray(difference / expected), np.asarray((data - expected) / difference)


def _hidden(context: PlotContext, cells: Cells) -> Mask:
    """Return the cells whose data are blinded in the projection onto one of the axes."""
    names = [axis.name for axis in next(iter(cells.mc.values())).axes if axis.name != "variation"]
    first, second = (
        context.style.blind_hists.hidden(context.category, f"{context.histogram}_{name}", side.bounds)
        for name, side in zip(names, cells.sides, strict=True)
    )
    return np.asarray(first[:, None] | second[None, :])


def _numbers(context: PlotContext, cells: Cells) -> dict[str, Any]:
    return {
        "histogram": context.histogram,
        "category": context.category,
        "axes": [side.binning.label for side in cells.sides],
        "edges": [[str(bound) for bound in side.bounds] for side in cells.sides],
        "shape": list(cells.shown.shape),
    }


def _outside(values: Floats, cells: Cells, what: str) -> str:
    """Return how much isn't shown, as a clause; empty if there is nothing."""
    outside = float(np.nansum(values[~cells.shown]))
    return f"{what} {outside:.4g}" if outside else ""


def _counts(title: str, values: Floats, errors: Floats | None, is_log: bool, scale: Floats) -> Panel:
    """Return a panel of events, with colours that reach up to the largest of ``scale``."""
    label = "Events / cell"
    top = float(np.nanmax(scale, initial=0.0)) or 1.0
    texts = np.full(values.shape, "", dtype=object)
    for cell in np.argwhere(np.isfinite(values) & (values != 0)):
        i, j = cell
        texts[i, j] = _number(values[i, j]) if errors is None else _with_error(values[i, j], errors[i, j])
    if is_log:
        positive = scale[scale > 0]
        least = max(float(positive.min()), 1e-7 * top) if positive.size else 0.1 * top
        norm: Normalize = LogNorm(min(least, 0.5 * top), top)
        return Panel(title, label, np.where(values > 0, values, np.nan), texts, SEQUENTIAL, norm)
    return Panel(title, label, np.where(values != 0, values, np.nan), texts, SEQUENTIAL, Normalize(0.0, top))


def _relative(title: str, values: Floats) -> Panel:
    texts = _texts(values, lambda value: f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:.0f} %")
    top = min(float(np.nanmax(values, initial=0.0)) or 1.0, 1.0)
    return Panel(title, "Statistical and systematic", values, texts, SEQUENTIAL, Normalize(0.0, top))


def _ratio(title: str, ratio: Floats, error: Floats, precision: Floats) -> Panel:
    """Return a panel of ratios, with colours that show nearly all whose expected error is small."""
    # The error that is found is smaller for small ratios, which would be chosen by it.
    known = np.isfinite(ratio) & (precision < LARGEST_ERROR)
    reach = float(np.quantile(np.abs(ratio[known] - 1), 0.95)) if known.any() else RATIO_RANGES[-1]
    half = next((each for each in RATIO_RANGES if each > reach), RATIO_RANGES[-1])
    texts = np.full(ratio.shape, "", dtype=object)
    for i, j in np.argwhere(np.isfinite(ratio)):
        texts[i, j] = _with_error(ratio[i, j], error[i, j])
    return Panel(title, title, np.where(known, ratio, np.nan), texts, DIVERGING, Normalize(1 - half, 1 + half))


def _pulls(title: str, pull: Floats) -> Panel:
    texts = _texts(pull, lambda value: f"{value:.1f}".replace("-", "−"))
    norm = Normalize(-LARGEST_PULL, LARGEST_PULL)
    return Panel(title, r"(Data $-$ simulation) / $\sigma$", pull, texts, DIVERGING, norm)


def _texts(values: Floats, text: Callable[[float], str]) -> Any:
    return np.array([[text(value) if math.isfinite(value) else "" for value in row] for row in values], dtype=object)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) < 1e5 and float(value).is_integer() else f"{value:.4g}"


def _with_error(value: float, error: float) -> str:
    """Return a value and below it its error, with two digits of the error."""
    if not (math.isfinite(error) and error > 0):
        return _number(value)
    digits = max(0, 1 - math.floor(math.log10(error)))
    if abs(value) >= 1e5 or digits > 4:
        return f"{value:.3g}\n±{error:.2g}"
    return f"{value:.{digits}f}\n±{error:.{digits}f}"


def _page(
    panels: Sequence[Panel],
    cells: Cells,
    style: PlotStyle,
    period: Period,
    heading: Sequence[str],
    outside: Sequence[str],
    hidden: Mask,
) -> Figure:
    """Return a figure with panels in two columns."""
    rows = -(-len(panels) // 2)
    before, below = _room(cells)
    width, height = 2 * (before + WIDTH + COLORBAR), TOP + HEADING + rows * (HEIGHT + below) + (rows - 1) * 0.5
    span = {"left": before / width, "right": 1 - 0.5 / width, "bottom": below / height, "top": 1 - TOP / height}
    with cms_style(FONT_SIZE):
        figure = new_page((width, height), span, style, period=period, data=cells.data is not None)
        title = figure.text(before / width, 1 - (TOP + 0.12) / height, heading[0], va="top", fontweight="bold")
        notes = [*heading[1:]]
        if named := [each for each in outside if each]:
            notes.append(f"not shown: {', '.join(named)}")
        if notes:
            x = (before + 0.3) / width + title.get_window_extent().width / (width * figure.dpi)
            figure.text(x, 1 - (TOP + 0.15) / height, "; ".join(notes), va="top", fontsize=16)
        for number, panel in enumerate(panels):
            row, column = divmod(number, 2)
            left, top = before + column * (before + WIDTH + COLORBAR), TOP + HEADING + row * (HEIGHT + below + 0.5)
            box = left / width, 1 - (top + HEIGHT) / height, WIDTH / width, HEIGHT / height
            ax = figure.add_axes(box)
            mesh = _draw_panel(ax, panel, cells, hidden)
            _add_colorbar(figure, ax, mesh, panel)
    return figure


def _room(cells: Cells) -> tuple[float, float]:
    """Return the room at the left of a panel and below it, in inches, which long names of categories need."""
    x, y = cells.sides
    below = BELOW_NAMES + _longest(x) if _is_upright(x) else BOTTOM
    return max(LEFT, BEFORE_NAMES + _longest(y)), max(BOTTOM, below)


def _longest(side: Side) -> float:
    """Return the width of the longest name of a category, in inches."""
    return max(map(len, side.binning.names), default=0) * CHARACTER * TICK_SIZE / 72


def _is_upright(side: Side) -> bool:
    """Tell whether the names below a panel are wider than the cells."""
    return _longest(side) * int(side.shown.sum()) > WIDTH


def _draw_panel(ax: Axes, panel: Panel, cells: Cells, hidden: Mask) -> QuadMesh:
    x, y = cells.sides
    grid = x.places, y.places
    if hidden.any() and np.isnan(panel.values[hidden]).all():
        ax.pcolormesh(*grid, np.ma.masked_array(np.ones(hidden.shape), ~hidden).T, cmap=ListedColormap([HIDDEN]))
    many = panel.values.size > 2000
    values = np.ma.masked_invalid(panel.values)
    mesh = ax.pcolormesh(*grid, values.T, cmap=panel.colors, norm=panel.norm, rasterized=many)
    ax.set_title(panel.title, loc="left", fontsize=FONT_SIZE)
    ax.tick_params(which="both", direction="out", top=False, right=False)
    for side, axis, ends in ((x, ax.xaxis, ax.set_xlim), (y, ax.yaxis, ax.set_ylim)):
        _scale(side, axis, ends)
    ax.set_xlabel(x.binning.label)
    ax.set_ylabel(y.binning.label)
    _write_values(ax, panel, cells)
    return mesh


def _scale(side: Side, axis: Any, set_ends: Any) -> None:
    """Set the range and the ticks of an axis, and draw a line where underflow and overflow begin."""
    places, shown = side.places, side.shown
    if is_log := side.binning.log and not side.is_equal:
        (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    positions = np.flatnonzero(shown)
    set_ends(places[positions[0]], places[positions[-1] + 1])
    if side.ticks is not None:
        rotation = 90 if axis.axis_name == "x" and _is_upright(side) else 0
        axis.set_ticks(*side.ticks, fontsize=TICK_SIZE, rotation=rotation)
        axis.set_tick_params(which="minor", length=0)
    elif is_log:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_formatter(PlainNumbers())
    line = axis.axes.axvline if axis.axis_name == "x" else axis.axes.axhline
    for there, edge in ((side.low, 1), (side.high, -2)):
        if there and side.limits is None:
            line(places[edge], color="black", linewidth=1.5, linestyle="--")


def _write_values(ax: Axes, panel: Panel, cells: Cells) -> None:
    """Write the texts into the cells, if they fit into those that have one."""
    lows, highs = _corners(ax, cells)
    chosen = [(i, j) for i, j in np.argwhere(cells.shown) if panel.texts[i, j]]
    size = LARGEST_TEXT
    for i, j in chosen:
        lines = panel.texts[i, j].split("\n")
        x, y = highs[i, j] - lows[i, j]
        size = min(size, 0.94 * x / (CHARACTER * max(map(len, lines))), 0.94 * y / (LINE * len(lines)))
    if size < SMALLEST_TEXT:
        return
    colors, extent = colormaps[panel.colors], _extent(ax)
    for i, j in chosen:
        value = panel.values[i, j]
        color = colors(panel.norm(value))[:3] if math.isfinite(value) else (1.0, 1.0, 1.0)
        x, y = (lows[i, j] + highs[i, j]) / 2 / extent
        ink = "white" if perceived(color)[0] < DARK else "black"
        ax.text(x, y, panel.texts[i, j], transform=ax.transAxes, ha="center", va="center", fontsize=size, color=ink)


def _corners(ax: Axes, cells: Cells) -> tuple[Floats, Floats]:
    """Return the lower left and upper right corners of all cells in the panel, in points, shape (cells, cells, 2)."""
    x, y = np.meshgrid(*(side.places for side in cells.sides), indexing="ij")
    transform = ax.transData - ax.transAxes
    points = transform.transform(np.column_stack([x.ravel(), y.ravel()])).reshape(*x.shape, 2)
    points = np.clip(points, 0.0, 1.0) * _extent(ax)
    return points[:-1, :-1], points[1:, 1:]


def _extent(ax: Axes) -> Floats:
    """Return width and height of a panel in points."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return np.array(ax.bbox.size) / figure.dpi * 72


def _add_colorbar(figure: Figure, ax: Axes, mesh: QuadMesh, panel: Panel) -> None:
    box, width = ax.get_position(), figure.get_figwidth()
    bar = figure.add_axes((box.x1 + 0.2 / width, box.y0, 0.35 / width, box.height))
    finite = panel.values[np.isfinite(panel.values)]
    low, high = panel.norm.vmin or 0.0, panel.norm.vmax or 0.0
    below, above = bool((finite < low).any()), bool((finite > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    figure.colorbar(mesh, cax=bar, extend=extend, extendfrac=0.03).set_label(panel.label, fontsize=18)
    bar.tick_params(labelsize=TICK_SIZE)
