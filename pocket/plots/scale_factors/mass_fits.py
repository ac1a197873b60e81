"""Mass fits of a scale factor: spectra with the fitted model and pulls, and the fitted parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from pocket.base.probabilities import short_probability
from pocket.base.typing import Floats
from pocket.errors import UnknownNameError
from pocket.plots.axes import Binning, label_x
from pocket.plots.canvas import Period, cms_style, new_page
from pocket.plots.scale_factors.pages import BAD
from pocket.plots.statistics import garwood_interval
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import Points, as_list, draw_band, draw_points
from pocket.scale_factors.measurement.result import VALID, Diagnostics, FitDiagnostics, Region, ScaleFactorResult
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics
from pocket.scale_factors.validation.fits import least_p_value, p_value

#: smallest p-value that is drawn; smaller ones are drawn at this value
LEAST_DRAWN = 1e-9
#: number of fits on a page
ROWS = 3
SIGNAL: dict[str, Any] = {"color": "#e42536", "linewidth": 2.0}
BACKGROUND: dict[str, Any] = {"color": "#5790fc", "linewidth": 2.0, "linestyle": "--"}
PREFIT: dict[str, Any] = {"color": "#9c9ca1", "linewidth": 1.5, "linestyle": ":"}


def fit_pages(
    result: ScaleFactorResult,
    *,
    style: PlotStyle,
    period: Period,
    model: str = "nominal",
    mass_label: str = "Mass [GeV]",
) -> Iterator[tuple[Figure, dict[str, Any]]]:
    """Draw the fits of one model, a few per page: their spectra, such as passing and failing, and the parameters.

    The solid line is the fitted sum, the dashed line its background, the dotted line the sum before the fit. Pulls are
    (data - sum) / sqrt(sum).
    """
    fits = [fit for fit in result.diagnostics if isinstance(fit, FitDiagnostics) and fit.model == model]
    for start in range(0, len(fits), ROWS):
        page = fits[start : start + ROWS]
        height = 1.9 + 6.0 * len(page)
        span = {"left": 0.07, "right": 0.985, "bottom": 1.1 / height, "top": 1 - 0.8 / height}
        with cms_style(20.0):
            figure = new_page((20.0, height), span, style, period=period)
            grid = figure.add_gridspec(len(page), 3, **span, wspace=0.22, hspace=0.2, width_ratios=(3, 3, 2))
            for row, fit in enumerate(page):
                # A single spectrum has the room of two.
                cells = [grid[row, :2]] if len(fit.regions) == 1 else [grid[row, 0], grid[row, 1]]
                for cell, (name, region) in zip(cells, fit.regions.items(), strict=True):
                    _draw_region(figure, cell, fit, name, region, mass_label)
                write_parameters(figure.add_subplot(grid[row, 2]), result, fit, fit.parameters)
        yield figure, {"name": result.name, "model": model, "fits": [_numbers(fit) for fit in page]}


def _draw_region(figure: Figure, cell: SubplotSpec, fit: FitDiagnostics, name: str, region: Region, label: str) -> None:
    binning = Binning(fit.mass_edges, label)
    ax = spectrum_panel(figure, cell, binning, name, _pulls(region))
    postfit = region.postfit_signal + region.postfit_background
    prefit = region.prefit_signal + region.prefit_background
    points = Points(region.data, *garwood_interval(region.data, region.data))
    for values, look, text in (
        (prefit, PREFIT, "Before the fit"),
        (region.postfit_background, BACKGROUND, "Background"),
        (postfit, SIGNAL, "Signal + background"),
    ):
        ax.stairs(values, binning.edges, baseline=None, label=text, **look)
    draw_points(ax, binning, points, markersize=5, label="Data")
    ax.set_ylim(0.0, 1.35 * max(1.0, *points.high, *postfit))
    ax.legend(loc="upper right", fontsize=14)


def spectrum_panel(figure: Figure, cell: SubplotSpec, binning: Binning, title: str, pulls: Floats) -> Axes:
    """Return the empty panel of a spectrum, over one in which its pulls are drawn."""
    inner = cell.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
    upper, lower = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
    label_x((upper, lower), binning, None)
    upper.set_ylabel(binning.events_label, fontsize="small")
    upper.text(0.04, 0.94, title, transform=upper.transAxes, va="top", fontweight="bold")
    limit = max(4.0, 1.1 * float(np.nanmax(np.abs(pulls), initial=0.0)))
    draw_band(lower, binning, np.zeros_like(pulls), pulls, facecolor=PREFIT["color"])
    for level in (-2, 0, 2):
        lower.axhline(level, color="black", linewidth=0.8, linestyle="-" if level == 0 else ":")
    lower.set_ylim(-limit, limit)
    lower.set_yticks([-2, 0, 2])
    lower.set_ylabel("Pull", loc="center", fontsize="small")
    for ax, position in ((upper, 1.0), (lower, 0.5)):
        ax.yaxis.set_label_coords(-0.125, position)
    return upper


def pulls_of(data: Floats, expected: Floats, relative: Floats | float = 0.0) -> Floats:
    """Return (data - sum) / its error, Poisson and a relative one, NaN where the sum isn't positive."""
    expected = np.where(expected > 0, expected, np.nan)
    return np.asarray((data - expected) / np.sqrt(expected + (relative * expected) ** 2))


def _pulls(region: Region) -> Floats:
    return pulls_of(region.data, region.postfit_signal + region.postfit_background)


def write_parameters(
    ax: Axes,
    result: ScaleFactorResult,
    fit: Diagnostics,
    parameters: Mapping[str, tuple[float, float]],
    rows: int = 16,
) -> None:
    """Write a fit's description, quality and some parameters; more lines than ``rows`` are closer together."""
    ax.set_axis_off()
    good = fit.status == VALID
    head = [
        (result.name, "bold", "black"),
        *((part, "normal", "black") for part in short_label(fit).replace("), ", ")\n").split("\n")),
        (f"model: {fit.model}", "normal", "black"),
        (fit.status, "normal", "black" if good else BAD),
        (rf"$\chi^2$/ndf = {fit.chi2:.1f}/{fit.ndf}, p = {short_probability(p_value(fit))}", "normal", "black"),
        *([("doesn't describe the data", "normal", BAD)] if is_bad(fit, result) else []),
        *([("fitted with overrides", "normal", "black")] if is_overridden(fit) else []),
    ]
    lines = [*head, ("", "normal", "black"), *((parameter, "normal", "black") for parameter in parameters)]
    step = 1 / max(len(lines), rows)
    for number, (text, weight, color) in enumerate(lines):
        y = 1 - number * step
        ax.text(0.0, y, text, transform=ax.transAxes, va="top", fontsize=15, fontweight=weight, color=color)
        if text in parameters:
            value = value_text(*parameters[text])
            ax.text(1.0, y, value, transform=ax.transAxes, va="top", ha="right", fontsize=15)


def is_bad(fit: Diagnostics, result: ScaleFactorResult) -> bool:
    """Whether a fit doesn't describe the data."""
    return p_value(fit) < least_p_value(result.diagnostics)


def is_overridden(fit: Diagnostics) -> bool:
    """Whether the declaration has other settings for the bin of a fit."""
    return isinstance(fit, FitDiagnostics) and bool(fit.overridden)


def short_label(fit: Diagnostics) -> str:
    """Return the bin of a fit; for joined bins the first and the last one."""
    first, *others = fit.label.split(" + ")
    return f"{first} \N{HORIZONTAL ELLIPSIS} {others[-1]}" if others else first


def value_text(value: float, error: float) -> str:
    """Return a value rounded to the second digit of its error, e.g. ``0.9501 ± 0.0021``."""
    if not (math.isfinite(error) and error > 0):
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return rf"{value:.{digits}f} $\pm$ {error:.{digits}f}"


def fit_numbers(fit: Diagnostics) -> dict[str, Any]:
    """Return the numbers that all kinds of fits have, for JSON."""
    return {
        "label": fit.label,
        "status": fit.status,
        "chi2": fit.chi2,
        "ndf": fit.ndf,
        "p_value": p_value(fit),
        "parameters": {name: {"value": value, "error": error} for name, (value, error) in fit.parameters.items()},
    }


def _numbers(fit: FitDiagnostics) -> dict[str, Any]:
    return fit_numbers(fit) | {"pulls": {name: as_list(_pulls(region)) for name, region in fit.regions.items()}}


def fit_summary(
    result: ScaleFactorResult, *, style: PlotStyle, period: Period, model: str = "nominal"
) -> tuple[Figure, dict[str, Any]]:
    """Draw the p-value and the free parameters of the fits of one model, bin by bin.

    Fits that failed are red, and those that don't describe the data red and open.
    """
    fits = [fit for fit in result.diagnostics if fit.model == model]
    if not fits:
        raise UnknownNameError("fit model", model, {fit.model for fit in result.diagnostics}, result.name)
    # Nuisance parameters are on pages of their own.
    constrained = fits[0].nuisances if isinstance(fits[0], TemplateFitDiagnostics) else ()
    names = [name for name in fits[0].parameters if name not in constrained]
    panels: dict[str, Floats] = {
        "p-value": np.array([(max(p_value(fit), LEAST_DRAWN), 0.0) for fit in fits]),
        **{name: np.array([fit.parameters[name] for fit in fits]) for name in names},
    }
    texts = [f"{short_label(fit)}{' (overrides)' if is_overridden(fit) else ''}" for fit in fits]
    # A letter of the labels is at most 0.09 inches wide.
    bottom = 1.2 + 0.09 * max(map(len, texts))
    width, height = max(9.0, 6.0 + 0.45 * len(fits)), bottom + 1.3 + 1.3 * len(panels)
    span = {"left": 3.2 / width, "right": 1 - 0.3 / width, "bottom": bottom / height, "top": 1 - 0.8 / height}
    failed = np.array([fit.status != VALID for fit in fits])
    bad = np.array([is_bad(fit, result) for fit in fits]) & ~failed
    x = np.arange(len(fits))
    with cms_style(20.0):
        figure = new_page((width, height), span, style, period=period)
        grid = figure.add_gridspec(len(panels), 1, **span, hspace=0.08)
        for row, (name, values) in enumerate(panels.items()):
            ax = figure.add_subplot(grid[row])
            for chosen, color, fill in (
                (~failed & ~bad, "black", "black"),
                (failed, BAD, BAD),
                (bad, BAD, "white"),
            ):
                value, error = values[chosen].T
                ax.errorbar(
                    x[chosen], value, yerr=error, linestyle="none", marker="o", markersize=5, color=color, mfc=fill
                )
            ax.set_xlim(-0.7, len(fits) - 0.3)
            last = row == len(panels) - 1
            ax.set_xticks(x, texts if last else [], rotation=90, fontsize=13)
            ax.tick_params(axis="x", which="minor", length=0)
            ax.tick_params(axis="y", labelsize=13)
            if row == 0:
                _mark_least(ax, values[:, 0], least_p_value(result.diagnostics))
            else:
                ax.locator_params(axis="y", nbins=4, prune="both")
            ax.set_ylabel(name, rotation=0, ha="right", va="center", y=0.5, fontsize=15, labelpad=12)
        ax.set_xlabel(f"{result.name}, {model} fits")
    return figure, {"name": result.name, "model": model, "fits": [fit_numbers(fit) for fit in fits]}


def _mark_least(ax: Axes, p_values: Floats, least: float) -> None:
    """Make an axis of p-values logarithmic, with the value below which fits don't describe the data."""
    ax.set_yscale("log")
    ax.set_ylim(min(least / 30, p_values.min() / 5), 5.0)
    ax.axhline(least, color=BAD, linewidth=1.0, linestyle="--", zorder=0)
    ax.text(
        0.995,
        least,
        "fits below don't describe the data",
        transform=ax.get_yaxis_transform(),
        ha="right",
        va="top",
        fontsize=11,
        color=BAD,
    )
