"""Plots of what other versions of corrections change: ratios of corrections by input, and templates of both sides."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pocket.corrections.cells import Cell
from pocket.corrections.comparison import CorrectionComparison
from pocket.corrections.regions import Interval, Key
from pocket.histograms.comparison import TemplateComparison
from pocket.plots.axes import Binning, label_x
from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.palettes import PETROFF_6
from pocket.plots.scale_factors.slices import LOG_SPAN
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot

#: Panels in a row.
COLUMNS = 3
#: Size of a panel in inches, of its letters in points, and the width of a character of a key in inches.
PANEL, FONT_SIZE, CHARACTER = (5.4, 3.8), 13.0, 0.1
#: Most names of keys that are written, and most characters of one.
MOST_KEYS, KEY_LENGTH = 40, 24
BLUE, RED = PETROFF_6[0], PETROFF_6[2]
_Ratio = tuple[Cell, Mapping[str, float], float]


@dataclass
class Profile:
    """Ratios of a correction by one input, of a kind: ``bins`` (places are edges), ``keys`` or ``points``."""

    name: str
    kind: str
    places: Sequence[Any]
    ratios: Sequence[list[float]]

    def ranges(self) -> tuple[list[float], list[float], list[float]]:
        """Return the smallest, the mean and the largest ratio of each bin, key or point, NaN without any."""
        ends = ((min(each), sum(each) / len(each), max(each)) if each else (math.nan,) * 3 for each in self.ratios)
        low, mean, high = map(list, zip(*ends, strict=True))
        return low, mean, high

    def numbers(self) -> dict[str, Any]:
        """Return what is drawn."""
        return {self.kind: list(self.places), **dict(zip(("lowest", "mean", "highest"), self.ranges(), strict=True))}


def profiles(cells: Iterable[Cell]) -> tuple[list[Profile], int]:
    """Return the ratios of a correction by each of its inputs that has several bins, keys or points.

    The number beside them is that of values without a ratio: those of one side alone, or beside a left value of 0.
    """
    ratios, left_out = _ratios(cells)
    names = dict.fromkeys(name for cell, point, _ in ratios for name in (*cell.region, *point))
    found = []
    for name in names:
        profile = _profile(name, ratios)
        if profile is not None and len(profile.ratios) > 1:
            found.append(profile)
    return found, left_out


def _ratios(cells: Iterable[Cell]) -> tuple[list[_Ratio], int]:
    found: list[_Ratio] = []
    left_out = 0
    for cell in cells:
        if cell.points:
            values = list(cell.points)
        elif cell.left is None or cell.right is None:
            left_out += 1
            continue
        else:
            values = [({}, cell.left, cell.right)]
        for point, left, right in values:
            if left == right or (math.isnan(left) and math.isnan(right)):
                found.append((cell, point, 1.0))
            elif left and math.isfinite(right / left):
                found.append((cell, point, right / left))
            else:
                left_out += 1
    return found, left_out


def _profile(name: str, ratios: Sequence[_Ratio]) -> Profile | None:
    parts = [(cell.region[name], ratio) for cell, _, ratio in ratios if name in cell.region]
    if any(isinstance(part, Key) for part, _ in parts):
        return _by_key(name, [(part.key, ratio) for part, ratio in parts if isinstance(part, Key)])
    bins = [(part, ratio) for part, ratio in parts if isinstance(part, Interval) and _is_bin(part)]
    if bins:
        return _by_bin(name, bins)
    at: dict[float, list[float]] = {}
    for _, point, ratio in ratios:
        if name in point:
            at.setdefault(point[name], []).append(ratio)
    return Profile(name, "points", sorted(at), [at[value] for value in sorted(at)]) if at else None


def _is_bin(part: Interval) -> bool:
    return math.isfinite(part.first) or math.isfinite(part.last)


def _by_key(name: str, ratios: Sequence[tuple[str | int, float]]) -> Profile:
    of_key: dict[str, list[float]] = {}
    for key, ratio in ratios:
        of_key.setdefault(str(key), []).append(ratio)
    # If there are too many keys, those whose ratios are furthest from 1 are shown.
    shown = sorted(of_key, key=lambda key: -max(max(of_key[key]) - 1, 1 - min(of_key[key])))[:MOST_KEYS]
    keys = [key for key in of_key if key in shown]
    title = name if len(keys) == len(of_key) else f"{name} ({len(keys)} of {len(of_key)})"
    return Profile(title, "keys", keys, [of_key[key] for key in keys])


def _by_bin(name: str, ratios: Sequence[tuple[Interval, float]]) -> Profile:
    finite = sorted({edge for part, _ in ratios for edge in (part.first, part.last) if math.isfinite(edge)})
    # Bins without an end get one, so that they are drawn.
    if _is_logarithmic(finite):
        lowest, highest = finite[0] / 1.3, finite[-1] * 1.3
    else:
        room = 0.06 * (finite[-1] - finite[0]) or 1.0
        lowest, highest = finite[0] - room, finite[-1] + room
    bins = [
        (part.first if math.isfinite(part.first) else lowest, part.last if math.isfinite(part.last) else highest, ratio)
        for part, ratio in ratios
    ]
    edges = sorted({edge for low, high, _ in bins for edge in (low, high)})
    profile = Profile(name, "bins", edges, [[] for _ in edges[1:]])
    for low, high, ratio in bins:
        for place in range(bisect.bisect_left(edges, low), bisect.bisect_left(edges, high)):
            profile.ratios[place].append(ratio)
    return profile


def _is_logarithmic(edges: Sequence[float]) -> bool:
    return edges[0] > 0 and edges[-1] > LOG_SPAN * edges[0]


def draw_corrections(
    compared: Iterable[CorrectionComparison], labels: tuple[str, str], style: PlotStyle
) -> Iterator[Plot]:
    """Draw the ratio of each correction that differs by each of its inputs."""
    for number, one in enumerate(one for one in compared if one.differing):
        found, left_out = profiles(one.cells)
        if not found:
            continue
        rows = [found[place : place + COLUMNS] for place in range(0, len(found), COLUMNS)]
        # Names of keys are written upright, so the longest one decides the room below a row, in inches.
        below = [0.75 + max((CHARACTER * _longest(profile) for profile in row), default=0.0) for row in rows]
        width = PANEL[0] * max(map(len, rows))
        height = 0.75 + sum(PANEL[1] + room for room in below)
        with cms_style(FONT_SIZE):
            figure = new_figure(width, height, style.dpi)
            title = f"{one.name}\n{labels[1]} / {labels[0]}"
            figure.text(0.1 / width, 1 - 0.1 / height, title, fontsize=FONT_SIZE, va="top")
            top = height - 0.75
            for row, room in zip(rows, below, strict=True):
                for column, profile in enumerate(row):
                    left, bottom = PANEL[0] * column + 0.9, top - PANEL[1]
                    place = (left / width, bottom / height, (PANEL[0] - 1.1) / width, (PANEL[1] - 0.2) / height)
                    _draw_profile(figure.add_axes(place), profile)
                top -= PANEL[1] + room
        numbers = {profile.name: profile.numbers() for profile in found}
        stem = f"correction_{number:02d}_{_file_name(one.name)}"
        yield (
            stem,
            figure,
            {"correction": one.name, "file": one.used.file, "without ratio": left_out, "inputs": numbers},
        )


def _longest(profile: Profile) -> int:
    return max(len(_shown_key(key)) for key in profile.places) if profile.kind == "keys" else 0


def _shown_key(key: str) -> str:
    return key if len(key) <= KEY_LENGTH else f"…{key[1 - KEY_LENGTH :]}"


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+=-]+", "_", text)[:80].lstrip(".")


def _draw_profile(ax: Axes, profile: Profile) -> None:
    low, mean, high = map(np.array, profile.ranges())
    ax.axhline(1.0, color="gray", linewidth=1.0)
    if profile.kind == "bins":
        edges = np.array(profile.places)
        ax.stairs(high, edges, baseline=low, fill=True, color=BLUE, alpha=0.35, label="all values")
        ax.stairs(mean, edges, baseline=None, color=BLUE, linewidth=2.0, label="mean")
        ax.set_xlim(edges[0], edges[-1])
        if _is_logarithmic(profile.places):
            ax.set_xscale("log")
    else:
        places = np.arange(len(mean)) if profile.kind == "keys" else np.array(profile.places, dtype=float)
        ax.vlines(places, low, high, color=BLUE, alpha=0.5, linewidth=5.0, label="all values")
        ax.plot(places, mean, "o", color=BLUE, markersize=4.0, label="mean")
        if profile.kind == "keys":
            ax.set_xticks(places, list(map(_shown_key, profile.places)), rotation=90, fontsize=0.75 * FONT_SIZE)
            ax.tick_params(axis="x", which="minor", bottom=False, top=False)
            ax.set_xlim(-0.5, len(places) - 0.5)
        elif _is_logarithmic(profile.places):
            ax.set_xscale("log")
    ax.set_xlabel(profile.name, fontsize=FONT_SIZE)
    ax.set_ylabel("ratio", fontsize=FONT_SIZE)
    finite = [1.0, *(value for value in (*low, *high) if math.isfinite(value))]
    room = 0.08 * (max(finite) - min(finite)) or 0.01
    ax.set_ylim(min(finite) - room, max(finite) + 2.5 * room)
    ax.legend(fontsize=0.8 * FONT_SIZE, loc="best", frameon=True, framealpha=0.8)


def draw_changes(
    compared: Iterable[TemplateComparison],
    labels: tuple[str, str],
    style: PlotStyle,
    period: Period,
    simulated: Mapping[str, bool],
) -> Iterator[Plot]:
    """Draw templates of both sides, and below them their ratio; ``simulated`` has sample → whether it is simulation."""
    for number, one in enumerate(compared):
        if one.left is None or one.right is None or one.error is None:
            continue
        binning, shown = _shown(one)
        edges = binning.edges
        left, right, error = (side[shown].ravel() for side in (one.left, one.right, one.error))
        with cms_style(20.0):
            figure = new_figure(10, 10, style.dpi)
            grid = figure.add_gridspec(2, 1, height_ratios=(2.4, 1), hspace=0.06, left=0.15, right=0.95, top=0.93)
            main, lower = (figure.add_subplot(part) for part in (grid[0], grid[1]))
            cms_label(main, style.label, data=not simulated.get(one.sample, True), period=period)
            main.stairs(left + error, edges, baseline=left - error, fill=True, color=BLUE, alpha=0.25)
            main.stairs(left, edges, baseline=None, color=BLUE, linewidth=2.0, label=labels[0])
            main.stairs(right, edges, baseline=None, color=RED, linewidth=2.0, linestyle="--", label=labels[1])
            main.set_ylabel("Events")
            main.set_ylim(bottom=min(0.0, float(np.min(left - error))), top=1.45 * float(np.max([left + error, right])))
            title = f"{style.label_of(one.sample)}, {one.category}"
            main.legend(title=title, loc="upper right", alignment="right")
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio, relative = right / left, np.abs(error / left)
            finite = np.where(np.isfinite(relative), relative, 0.0)
            lower.axhline(1.0, color="gray", linewidth=1.0)
            lower.stairs(1 + finite, edges, baseline=1 - finite, fill=True, color=BLUE, alpha=0.25)
            lower.stairs(ratio, edges, baseline=None, color=RED, linewidth=2.0)
            largest = float(np.max(np.abs(ratio[np.isfinite(ratio)] - 1), initial=0.0))
            lower.set_ylim(1 - 1.3 * max(largest, 1e-3), 1 + 1.3 * max(largest, 1e-3))
            lower.set_ylabel("Ratio")
            label_x((main, lower), binning, None)
        name = _file_name(f"{one.sample}_{one.category}_{one.variable}")
        contents = {"left": left, "right": right, "statistical error": error}
        numbers = {**one.row(), "edges": binning.bounds, "contents": contents}
        yield f"template_{number:02d}_{name}", figure, numbers


def _shown(one: TemplateComparison) -> tuple[Binning, Any]:
    """Return the axis that a template is drawn with, and the index of its bins; several axes are in one row."""
    axis, label = one.axes[0], ", ".join(axis.label for axis in one.axes)
    if not is_binned(one):
        size = math.prod(len(each.texts) for each in one.axes)
        names = axis.texts if len(one.axes) == 1 and size <= MOST_KEYS else ()
        places = np.arange(-0.5, size)
        return Binning(places, label if names else f"Bins of {label}", names), tuple(slice(None) for _ in one.axes)
    first = int(axis.underflow)
    return Binning(axis.edges, label), (slice(first, first + len(axis.edges) - 1),)


def is_binned(one: TemplateComparison) -> bool:
    """Tell whether a template has one axis, with edges."""
    return len(one.axes) == 1 and bool(one.axes[0].edges)
