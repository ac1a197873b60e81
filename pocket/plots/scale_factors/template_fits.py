"""Template fits of a scale factor: distributions before and after the fit, nuisances, correlations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pocket.base.typing import Floats
from pocket.plots.axes import Binning
from pocket.plots.canvas import Period, cms_style, new_page
from pocket.plots.scale_factors.mass_fits import (
    fit_numbers,
    pulls_of,
    short_label,
    spectrum_panel,
    value_text,
    write_parameters,
)
from pocket.plots.scale_factors.uncertainties import draw_correlation
from pocket.plots.statistics import garwood_interval
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import STAT_BAND, Points, as_list, draw_band, draw_points
from pocket.plots.templates.processes import colors_of
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics

REGIONS = ("pass", "fail")
#: styles of the bands of one and two standard deviations of a nuisance parameter before the fit
CONSTRAINT: dict[str, Any] = {"color": "#d8d8d8", "linewidth": 0.0, "zorder": 0}
TWICE: dict[str, Any] = {"color": "#efefef", "linewidth": 0.0, "zorder": 0}


def template_fit_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    labels: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Draw two pages for each nominal fit: its distributions, and its parameters.

    The first page has passing and failing entries before and after the fit, with pulls. Before the fit, the pulls are
    (data − sum) over the Poisson error of the sum and the MC statistics, which are hatched, in quadrature; after the
    fit, over the Poisson error of the sum. The second page has each nuisance parameter with its error, over its
    constraint before the fit, and the correlations of all parameters.
    """
    fits = [fit for fit in result.diagnostics if isinstance(fit, TemplateFitDiagnostics) and fit.model == "nominal"]
    for number, fit in enumerate(fits, 1):
        label = (labels or {}).get(fit.axis, fit.axis)
        yield f"{number:02d}", *_distributions(result, fit, label, style=style, period=period)
        yield f"{number:02d}_parameters", *_parameters(result.name, fit, style=style, period=period)


def _distributions(
    result: ScaleFactorResult, fit: TemplateFitDiagnostics, label: str, *, style: PlotStyle, period: Period
) -> tuple[Figure, dict[str, Any]]:
    binning = Binning(fit.edges, label)
    stages = {"before the fit": (fit.prefit, _pulls(fit, before=True)), "after the fit": (fit.postfit, _pulls(fit))}
    width, height = 22.0, 16.0
    span = {"left": 0.07, "right": 0.985, "bottom": 1.1 / height, "top": 1 - 0.8 / height}
    with cms_style(20.0):
        figure = new_page((width, height), span, style, period=period)
        grid = figure.add_gridspec(2, 3, **span, wspace=0.22, hspace=0.17, width_ratios=(3, 3, 2))
        for row, (stage, (yields, pulls)) in enumerate(stages.items()):
            for column, region in enumerate(REGIONS):
                ax = spectrum_panel(figure, grid[row, column], binning, f"{region}, {stage}", pulls[column])
                errors = fit.prefit_errors[column] if row == 0 else None
                of_region = {process: values[column] for process, values in yields.items()}
                _draw_stack(ax, binning, fit.data[column], of_region, errors, style)
        free = {key: pair for key, pair in fit.parameters.items() if key not in fit.nuisances}
        write_parameters(figure.add_subplot(grid[0, 2]), result, fit, free, rows=20)
    numbers = fit_numbers(fit) | {
        "name": result.name,
        "axis": label,
        "edges": as_list(binning.edges),
        "data": _by_region(fit.data),
        "prefit": {process: _by_region(values) for process, values in fit.prefit.items()},
        "postfit": {process: _by_region(values) for process, values in fit.postfit.items()},
        "prefit_pulls": _by_region(_pulls(fit, before=True)),
        "postfit_pulls": _by_region(_pulls(fit)),
    }
    return figure, numbers


def _draw_stack(
    ax: Axes,
    binning: Binning,
    data: Floats,
    yields: Mapping[str, Floats],
    errors: Floats | None,
    style: PlotStyle,
) -> None:
    """Draw data over the stacked processes, the first one at the top, with the relative errors of their sum, if any."""
    processes = list(yields)
    below = np.zeros_like(data)
    handles: list[Artist] = []
    for process, color in reversed(list(zip(processes, colors_of(processes, style), strict=True))):
        draw_band(ax, binning, below, below + yields[process], facecolor=color)
        below = below + yields[process]
        handles.insert(0, Patch(facecolor=color, label=style.label_of(process)))
    if errors is not None:
        draw_band(ax, binning, below * (1 - errors), below * (1 + errors), **STAT_BAND)
        handles.append(Patch(**STAT_BAND, label="MC statistics"))
    points = Points(data, *garwood_interval(data, data))
    handles.insert(0, draw_points(ax, binning, points, markersize=5, label="Data"))
    ax.set_ylim(0.0, 1.6 * max(1.0, *points.high, *below))
    ax.legend(handles=handles, loc="upper right", fontsize=14, ncols=2)


def _pulls(fit: TemplateFitDiagnostics, before: bool = False) -> Floats:
    """Return the pulls of both regions, NaN where no events are expected."""
    expected = np.sum(list((fit.prefit if before else fit.postfit).values()), axis=0)
    return pulls_of(fit.data, expected, fit.prefit_errors if before else 0.0)


def _by_region(values: Floats) -> dict[str, list[float | None]]:
    return {region: as_list(part) for region, part in zip(REGIONS, values, strict=True)}


def _parameters(
    name: str, fit: TemplateFitDiagnostics, *, style: PlotStyle, period: Period
) -> tuple[Figure, dict[str, Any]]:
    names = list(fit.parameters)
    # A letter is at most 0.105 inches wide.
    margin = 0.6 + 0.105 * max(map(len, names))
    size = min(16.0, max(7.0, 0.5 * len(names)))
    pulls = 7.0 if fit.nuisances else 0.0
    left = margin + (pulls + 2.2 + margin if fit.nuisances else 0.0)
    width, height = left + size + 2.0, 2.0 + size + max(1.2, margin)
    bottom = max(1.2, margin) / height
    frame = {"left": 0.4 / width, "right": 1 - 0.3 / width, "bottom": bottom, "top": 1 - 0.8 / height}
    with cms_style(20.0):
        figure = new_page((width, height), frame, style, period=period)
        heading = f"{name}: {short_label(fit)}"
        figure.text(0.4 / width, 1 - 0.95 / height, heading, va="top", fontweight="bold", fontsize="small")
        if fit.nuisances:
            box = margin / width, bottom, pulls / width, size / height
            _draw_nuisances(figure.add_axes(box), fit, size)
        ax = figure.add_axes((left / width, bottom, size / width, size / height))
        mesh = draw_correlation(ax, fit.correlation, names, size)
        bar = figure.add_axes(((left + size + 0.25) / width, bottom, 0.35 / width, size / height))
        figure.colorbar(mesh, cax=bar).set_label("Correlation")
    numbers = fit_numbers(fit) | {
        "name": name,
        "nuisances": list(fit.nuisances),
        "correlation": [as_list(row) for row in fit.correlation],
    }
    return figure, numbers


def _draw_nuisances(ax: Axes, fit: TemplateFitDiagnostics, size: float) -> None:
    """Draw nuisance parameters over their constraints before the fit, in a panel with a height in inches."""
    ax.axvspan(-2, 2, **TWICE)
    ax.axvspan(-1, 1, **CONSTRAINT)
    ax.axvline(0, color="black", linewidth=1.0, linestyle="--")
    count = len(fit.nuisances)
    values, errors = np.array([fit.parameters[name] for name in fit.nuisances]).T
    rows = range(count)
    ax.errorbar(values, rows, xerr=errors, linestyle="none", marker="o", color="black", markersize=7, elinewidth=2.0)
    reach = max(2.5, 1.1 * float(np.max(np.abs(values) + errors)))
    ax.set_xlim(-reach, reach)
    ax.set_ylim(count - 0.5, -0.5)
    fontsize = min(15.0, 72 * size / count * 0.7)
    ax.set_yticks(rows, fit.nuisances, fontsize=fontsize)
    for row, value, error in zip(rows, values, errors, strict=True):
        text = value_text(value, error)
        ax.text(1.02, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=fontsize)
    ax.tick_params(axis="y", which="both", length=0)
    ax.tick_params(axis="y", which="minor", left=False, right=False)
    ax.set_xlabel(r"$\theta$ (before the fit: 0 $\pm$ 1)")
