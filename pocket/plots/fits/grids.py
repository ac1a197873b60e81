"""Limits and local p-values of a grid of signals against its parameter, as figures and as a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
from scipy import stats

from pocket.base.probabilities import short_probability
from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.plots.axes import label_y
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.fits.curves import INNER, OUTER
from pocket.plots.fits.yields import FORMS
from pocket.plots.palettes import PETROFF_6
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot
from pocket.plots.yields import render
from pocket.statistics.declared_grids import Grid
from pocket.statistics.grids import LEVEL, find_crossings, find_excess
from pocket.statistics.results import from_json, to_json

THEORY = PETROFF_6[2]
#: room above the highest curve for the legend, as a share of the height of logarithmic axes
ROOM = 0.38
#: results that are drawn, as missing ones are called
RESULTS = ("limit", "significance")


@dataclass(frozen=True)
class GridPoint:
    """What the fit of one point of a grid gives; NaN for what isn't found, and for limits of data that aren't observed.

    The cross section in pb of its sample and its error are ``theory``. Expected limits are those without signal at −2,
    −1, 0, 1, 2 standard deviations. The significance is the root of q₀, ``statistic``. ``missing`` is the number of
    results that aren't found, and ``reason`` why limits or significance are among these.
    """

    point: float
    theory: tuple[float, float] | None
    observed: float = math.nan
    expected: tuple[float, ...] = (math.nan,) * 5
    level: float = 0.95
    statistic: float = math.nan
    significance: float = math.nan
    p_local: float = math.nan
    missing: int = 0
    reason: str = ""

    @classmethod
    def of_fit(cls, folder: Path, grid: Grid, point: float, *, observed: bool) -> GridPoint:
        """Return what the output of a fit has."""

        def read(name: str) -> Any:
            return from_json((folder / f"{name}.json").read_text(encoding="utf-8"))

        missing = read("fit")["missing"]
        reasons = [one.reason for one in missing if one.name == grid.poi and one.result.endswith(RESULTS)]
        found: dict[str, Any] = {"missing": len(missing), "reason": "; ".join(dict.fromkeys(reasons))}
        for limit in read("limits"):
            if limit.poi == grid.poi:
                found |= {"expected": limit.expected, "level": limit.level}
                found |= {"observed": limit.observed} if observed else {}
        for one in read("significance"):
            if one.poi == grid.poi:
                found |= {"statistic": one.statistic, "significance": one.significance, "p_local": one.p_value}
        return cls(point, grid.theory.get(point), **found)

    @property
    def scale(self) -> float:
        """Factor from the parameter of interest to what is shown: the cross section in pb, 1 if none is declared."""
        return self.theory[0] if self.theory else 1.0


def as_table(rows: Sequence[GridPoint], grid: Grid, form: str, *, observed: bool) -> str:
    """Return the limits and local significances of a grid as a table in a form of :func:`pocket.plots.yields.render`.

    >>> from pocket.statistics import Grid
    >>> grid = Grid("m", (200, 250), theory={200: (2.0, 0.2), 250: (1.0, 0.1)})
    >>> row = GridPoint(200, (2.0, 0.2), 0.5, (0.2, 0.3, 0.4, 0.6, 0.8), 0.95, 1.44, 1.2, 0.115)
    >>> print(as_table([row], grid, "md", observed=True))
    | m | limit [pb] | expected | 68 % | 95 % | theory | significance | local p |
    |---|---|---|---|---|---|---|---|
    | 200 | 1 | 0.8 | 0.6 to 1.2 | 0.4 to 1.6 | 2 ± 0.2 | 1.2 σ | 0.12 |
    """
    unit = "pb" if grid.theory else grid.poi
    columns: dict[str, list[str]] = {grid.name: [_text(row.point) for row in rows]}
    if observed:
        columns[f"limit [{unit}]"] = [_text(row.scale * row.observed) for row in rows]
    columns["expected" if observed else f"expected limit [{unit}]"] = [
        _text(row.scale * row.expected[2]) for row in rows
    ]
    for title, low, high in (("68 %", 1, 3), ("95 %", 0, 4)):
        ends = ([_text(row.scale * row.expected[end]) for end in (low, high)] for row in rows)
        columns[title] = [" to ".join(pair) if pair != ["–", "–"] else "–" for pair in ends]
    if grid.theory:
        columns["theory"] = [" ± ".join(map(_text, row.theory or ())) for row in rows]
    title = "significance" if observed else "expected significance"
    columns[title] = [_text(row.significance, ".1f", " σ") for row in rows]
    if observed:
        columns["local p"] = [short_probability(row.p_local) if row.p_local >= 0 else "–" for row in rows]
    if any(row.reason for row in rows):
        columns["not found"] = [row.reason for row in rows]
    return render(list(columns), list(zip(*columns.values(), strict=True)), form)


def _text(value: float, digits: str = ".4g", unit: str = "") -> str:
    return "–" if math.isnan(value) else f"{value:{digits}}{unit}".replace("inf", "∞")


def find_results(rows: Sequence[GridPoint], *, observed: bool) -> dict[str, Any]:
    """Return where limits cross the theory, and the largest excess of observed data.

    ``"crossings"`` → ``"observed"`` and ``"expected"`` → each crossing with its ends by the error of the theory, and of
    the median by the band of one standard deviation, or why there is none; ``"excess"`` → the excess, or why there is
    none. Without theory there are no crossings, and without data no excess.
    """
    crossings: dict[str, Any] = {}
    points = [row.point for row in rows]
    if all(row.theory for row in rows):
        # The parameter of interest multiplies the theory, so that its limit is the ratio of limit and theory.
        down, up = (np.array([1 + side * (row.theory or (1, 0))[1] / row.scale for row in rows]) for side in (-1, 1))
        expected = np.array([row.expected for row in rows]).T
        limits = {"observed": np.array([row.observed for row in rows])} if observed else {}
        for name, limit in {**limits, "expected": expected[2]}.items():
            ends = {"theory": (limit / down, limit / up)}
            ends |= {"band": (expected[3], expected[1])} if name == "expected" else {}
            found = {kind: find_crossings(points, limit, *varied) for kind, varied in ends.items()}
            crossings[name] = [
                {
                    "point": one.point,
                    "excludes_below": one.excludes_below,
                    **{kind: of_kind[number].ends for kind, of_kind in found.items()},
                }
                for number, one in enumerate(found["theory"])
            ] or _no_crossing(limit)
    excess: Any = None
    if observed:
        try:
            statistics = {row.point: row.statistic for row in rows if not math.isnan(row.statistic)}
            excess = dataclasses.asdict(find_excess(statistics))
        except StatisticsError as error:
            excess = str(error)
    return {"crossings": crossings, "excess": excess}


def as_files(rows: Sequence[GridPoint], found: Mapping[str, Any], grid: Grid, *, observed: bool) -> dict[str, str]:
    """Return name of a file → its text: ``grid.json`` with all numbers, and tables."""
    numbers = {"data": "observed" if observed else "asimov", "grid": vars(grid), "points": [vars(row) for row in rows]}
    tables = {f"grid.{suffix}": as_table(rows, grid, form, observed=observed) for suffix, form in FORMS.items()}
    return {name: f"{text}\n" for name, text in {"grid.json": to_json({**numbers, **found}), **tables}.items()}


def read_lines(folder: Path, grid: Grid) -> list[tuple[str, str]]:
    """Return the lines of :func:`result_lines` about a folder with the files of :func:`as_files`."""
    return result_lines(from_json((folder / "grid.json").read_text(encoding="utf-8")), grid.name)


def _no_crossing(limit: Floats) -> str:
    """Return why limits, in units of the theory, don't cross it."""
    if np.isnan(limit).all():
        return "isn't found"
    return f"is {'above' if np.nanmin(limit) > 1 else 'below'} the theory at all points"


def result_lines(found: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Return what :func:`find_results` has found as labels and texts.

    >>> crossing = {"point": 231.4, "excludes_below": True, "theory": (225.2, None), "band": (210.0, 260.0)}
    >>> result_lines({"crossings": {"expected": [crossing]}, "excess": None}, "m")
    [('expected limit', 'excludes below m = 231.4 −6.2 +? (theory) −21 +29 (68 % expected)')]
    """
    lines = []
    for which, crossings in found["crossings"].items():
        text = (
            crossings
            if isinstance(crossings, str)
            else f"excludes {' and '.join(_side(one, name) for one in crossings)}"
        )
        lines.append((f"{which} limit", text))
    excess = found["excess"]
    if isinstance(excess, str):
        lines.append(("largest excess", excess))
    elif excess is not None:
        lines.append(("largest excess", f"at {name} = {excess['point']:g}: {_p_value(excess['p_local'])}"))
        low, high = map(_p_value, excess["p_range"])
        count = excess["crossings"]
        between = f"{_p_value(excess['p_global'])} ({low} to {high})" if count else f"{low} to {high}"
        crossed = f"{count or 'no'} up-crossing{'s' * (count > 1)} of {math.sqrt(LEVEL):g} σ"
        lines.append(("one as large anywhere", f"{between}, by {crossed}"))
    return lines


def _side(crossing: Mapping[str, Any], name: str) -> str:
    """Return which points are excluded up to or from a crossing."""
    point, kinds = crossing["point"], {"theory": "theory", "band": "68 % expected"}
    ends = "".join(
        f" {_distance('−', point, crossing[key][0])} {_distance('+', point, crossing[key][1])} ({kind})"
        for key, kind in kinds.items()
        if key in crossing
    )
    return f"{'below' if crossing['excludes_below'] else 'above'} {name} = {point:.4g}{ends}"


def _distance(sign: str, point: float, end: float | None) -> str:
    return f"{sign}?" if end is None else f"{sign}{abs(end - point):.2g}"


def _p_value(p_value: float) -> str:
    return f"p = {short_probability(p_value)}, {max(0.0, float(stats.norm.isf(p_value))):.1f} σ"


def draw_grid(
    rows: Sequence[GridPoint], found: Mapping[str, Any], grid: Grid, style: PlotStyle, period: Period, *, data: bool
) -> Iterator[Plot]:
    """Draw limits with their bands and the theory against the parameter of a grid, and local p-values of data.

    Points rise, and curves leave out those without a number. Crossings of the observed limit are marked, or of the
    expected one.
    """
    crossed = found["crossings"].get("observed" if data else "expected", ())
    crossings = [] if isinstance(crossed, str) else [one["point"] for one in crossed]
    numbers: dict[str, Any] = {"points": [vars(row) for row in rows]}
    with cms_style(style.fontsize):
        if limits := [row for row in rows if np.isfinite([row.observed, *row.expected]).any()]:
            yield "limits", _limits(limits, crossings, grid, style, period, data), {**numbers, "crossings": crossings}
        if data and (local := [row for row in rows if math.isfinite(row.significance)]):
            yield "p_values", _p_values(local, grid, style, period), numbers


def _axes(grid: Grid, rows: Sequence[GridPoint], style: PlotStyle, period: Period, data: bool) -> tuple[Figure, Axes]:
    figure = new_figure(10, 10, style.dpi)
    ax = figure.add_axes((0.16, 0.12, 0.79, 0.815))
    cms_label(ax, style.label, data=data, period=period)
    points = [row.point for row in rows]
    margin = 0.5 if len(points) == 1 else 0.0
    ax.set_xlim(points[0] - margin, points[-1] + margin)
    ax.set_yscale("log")
    ax.set_xlabel(grid.label or grid.name)
    return figure, ax


def _limits(
    rows: Sequence[GridPoint], crossings: Sequence[float], grid: Grid, style: PlotStyle, period: Period, data: bool
) -> Figure:
    figure, ax = _axes(grid, rows, style, period, data)
    points = np.array([row.point for row in rows])
    expected = np.array([[row.scale * value for value in row.expected] for row in rows])
    observed = np.array([row.scale * row.observed for row in rows])
    entries: list[tuple[Any, str]] = []
    for low, high, color in ((0, 4, OUTER), (1, 3, INNER)):
        inside = np.isfinite(expected[:, [low, high]]).all(axis=1)
        ax.fill_between(points[inside], expected[inside, low], expected[inside, high], color=color, linewidth=0)
    median = np.isfinite(expected[:, 2])
    dashed: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 2.5}
    ax.plot(points[median], expected[median, 2], **dashed)
    drawn = [expected]
    if data:
        solid: dict[str, Any] = {"color": "black", "linewidth": 2.5, "marker": "o", "markersize": 6}
        seen = np.isfinite(observed)
        ax.plot(points[seen], observed[seen], **solid)
        drawn.append(observed)
        entries.append((Line2D([], [], **solid), "Observed"))
    entries += [(Line2D([], [], **dashed), "Median expected"), (Patch(facecolor=INNER), "68 % expected"),
                (Patch(facecolor=OUTER), "95 % expected")]  # fmt: skip
    if grid.theory:
        value, error = np.array([row.theory for row in rows], dtype=float).T
        ax.fill_between(points, value - error, value + error, color=THEORY, alpha=0.3, linewidth=0)
        ax.plot(points, value, color=THEORY, linewidth=2.5)
        drawn += [value - error, value + error]
        entries.append(((Patch(facecolor=THEORY, alpha=0.3), Line2D([], [], color=THEORY, linewidth=2.5)), "Theory"))
        for crossing in crossings:
            height = math.exp(np.interp(crossing, points, np.log(value)))
            ax.plot([crossing], [height], marker="D", markersize=11, color=THEORY, markeredgecolor="black", zorder=5)
            ax.axvline(crossing, color=THEORY, linewidth=1.5, linestyle=":", zorder=1)
    _set_range(ax, np.concatenate([each.ravel() for each in drawn]), ROOM)
    shown = r"$\sigma$ [pb]" if grid.theory else grid.poi
    label_y(ax, f"{100 * rows[0].level:g} % CL upper limit on {shown}")
    handles, labels = zip(*entries, strict=True)
    ax.legend(handles, labels, loc="upper right", fontsize=style.fontsize_legend)
    return figure


def _p_values(rows: Sequence[GridPoint], grid: Grid, style: PlotStyle, period: Period) -> Figure:
    figure, ax = _axes(grid, rows, style, period, data=True)
    values = np.array([row.p_local for row in rows])
    ax.plot([row.point for row in rows], values, color="black", linewidth=2.5, marker="o", markersize=6)
    lowest = min(values.min(), stats.norm.sf(3))
    _set_range(ax, np.array([1.0, lowest]), 0.0)
    look: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": "x-small", "color": THEORY}
    for sigma in range(1, max(3, math.ceil(max(row.significance for row in rows))) + 1):
        if (height := float(stats.norm.sf(sigma))) > ax.get_ylim()[0]:
            ax.axhline(height, color=THEORY, linewidth=1.5, linestyle="--", zorder=1)
            ax.text(0.99, height, rf"{sigma}$\sigma$", transform=ax.get_yaxis_transform(), **look)
    label_y(ax, "Local p-value")
    return figure


def _set_range(ax: Axes, values: Any, room: float) -> None:
    """Set the range of a logarithmic axis, with a share of its height free above."""
    low, high = (math.log(each) for each in (np.nanmin(values[values > 0]), np.nanmax(values)))
    height = max(high - low, 1.0)
    ax.set_ylim(math.exp(low - 0.1 * height), math.exp(high + 1.1 * height * room / (1 - room)))
    if height < 3 and low > -6 and high < 9:
        # Within about a decade, numbers such as 20 are easier to read than powers of ten.
        plain = FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "1235" else "")
        ax.yaxis.set_major_formatter(plain)
        ax.yaxis.set_minor_formatter(plain)
