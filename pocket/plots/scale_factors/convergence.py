"""Plots of the convergence of iterative scale factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import as_list
from pocket.scale_factors.measurement.convergence import changes
from pocket.scale_factors.measurement.result import ScaleFactorResult

#: smallest change that is drawn, unless a tenth of the tolerance is smaller; smaller changes are drawn at this value
LEAST = 1e-4


def convergence(
    history: Sequence[ScaleFactorResult], tolerance: float, *, style: PlotStyle, period: Period
) -> tuple[Figure, dict[str, Any]]:
    """Draw the change of each bin per iteration, in statistical errors, and the tolerance.

    Bins that are frozen aren't drawn, and are null in the numbers.
    """
    moved = changes(history)
    largest, iterations = np.nanmax(moved, axis=1), np.arange(1, len(history))
    least = min(LEAST, tolerance / 10)
    drawn = np.maximum(moved, least)
    with cms_style():
        figure = new_figure(10.0, 8.5, style.dpi)
        ax = figure.add_axes((0.15, 0.12, 0.81, 0.8))
        cms_label(ax, style.label, data=True, period=period)
        for number, line in enumerate(drawn.T):
            ax.plot(iterations, line, color="#94a4a2", linewidth=1.0, label=None if number else "Bins")
        ax.plot(iterations, np.maximum(largest, least), color="black", marker="o", linewidth=2.5, label="Largest")
        ax.plot(iterations, np.nanmedian(drawn, axis=1), color="#3f90da", marker="s", linewidth=2.5, label="Median")
        ax.axhline(tolerance, color="#bd1f01", linestyle="--", linewidth=2.0, label=f"{tolerance:g}")
        ax.set_yscale("log")
        top = 10 ** np.ceil(np.log10(max(2 * tolerance, largest.max())))
        # The legend needs two decades of space.
        ax.set_ylim(least * 0.8, 30 * top)
        ax.set_xlim(iterations[0] - 0.5, iterations[-1] + 0.5)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.tick_params(axis="x", which="minor", length=0)
        ax.set_xlabel("Iteration")
        ax.set_ylabel(r"|$\Delta$SF| / $\sigma_{stat}$")
        ax.legend(loc="upper right", ncols=2, title=history[0].name, fontsize="small")
    numbers = {
        "name": history[0].name,
        "bins": history[0].binning.labels,
        "small": tolerance,
        "changes": [as_list(line) for line in moved],
        "largest": as_list(largest),
    }
    return figure, numbers
