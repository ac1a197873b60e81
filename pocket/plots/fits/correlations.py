"""Plots of the correlations of fitted parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocket.plots.canvas import Period, cms_label, cms_style, new_figure
from pocket.plots.fits.rows import CHARACTER, FONT_SIZE
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot
from pocket.statistics.results import FitResult

#: parameters that are shown: those of interest, and the others with the largest correlations
SHOWN = 30
#: width of a cell in inches
CELL = 0.46


def draw_correlations(fit: FitResult, style: PlotStyle, period: Period, *, data: bool = True) -> Plot:
    """Draw the correlations in percent of the parameters of interest and those with the largest ones, 30 at most."""
    names, rows = fit.correlation
    matrix = np.array(rows, dtype=float).reshape(len(names), len(names))
    chosen = _chosen(fit, names, matrix)
    shown = [names[position] for position in chosen]
    part = matrix[np.ix_(chosen, chosen)]
    room = 0.4 + CHARACTER * max(map(len, shown))
    size = max(CELL * len(shown), 4.0)
    width, height = max(room + size + 1.6, 9.0), room + size + 1.0
    with cms_style(style.fontsize):
        figure = new_figure(width, height, style.dpi)
        ax = figure.add_axes((room / width, room / height, size / width, size / height))
        image = ax.imshow(100 * part, cmap="RdBu_r", vmin=-100, vmax=100, aspect="auto")
        ax.set_xticks(range(len(shown)), shown, rotation=90, fontsize=FONT_SIZE)
        ax.set_yticks(range(len(shown)), shown, fontsize=FONT_SIZE)
        ax.tick_params(which="both", length=0)
        for (row, column), value in np.ndenumerate(part):
            color = "white" if abs(value) > 0.6 else "black"
            if round(100 * abs(value)) > 0:
                text = f"{100 * value:.0f}".replace("-", "−")
                ax.text(column, row, text, ha="center", va="center", fontsize=FONT_SIZE - 4, color=color)
        bar = figure.add_axes(((room + size + 0.15) / width, room / height, 0.2 / width, size / height))
        figure.colorbar(image, cax=bar)
        bar.tick_params(labelsize=FONT_SIZE)
        bar.set_ylabel("Correlation [%]", fontsize=FONT_SIZE + 2, loc="center")
        # The label of the experiment is above the highest number beside the bar.
        frame = figure.add_axes((0.35 / width, room / height, 1 - 0.7 / width, (size + 0.2) / height))
        frame.set_axis_off()
        cms_label(frame, style.label, data=data, period=period)
    numbers: dict[str, Any] = {"parameters": shown, "correlations": part.tolist()}
    return "correlations", figure, numbers


def _chosen(fit: FitResult, names: tuple[str, ...], matrix: Any) -> list[int]:
    pois = [position for position, name in enumerate(names) if fit.parameters[name].kind == "poi"]
    others = [position for position in range(len(names)) if position not in pois]
    off_diagonal = np.abs(matrix - np.eye(len(names)))
    others.sort(key=lambda position: (-off_diagonal[position].max(initial=0), names[position]))
    kept = others[: max(SHOWN - len(pois), 0)]
    return [*pois, *sorted(kept)]
