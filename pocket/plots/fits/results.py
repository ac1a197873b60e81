"""All plots of the results of a fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pocket.plan.figures import FigurePlan
from pocket.plots.canvas import Period
from pocket.plots.fits.correlations import draw_correlations
from pocket.plots.fits.curves import draw_goodness, draw_limits, draw_scan
from pocket.plots.fits.regions import STAGES, draw_region
from pocket.plots.fits.rows import draw_impacts, draw_pulls
from pocket.plots.specification import joined_periods
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot, period_from
from pocket.plots.templates.processes import colors_of
from pocket.statistics.predictions import Prediction
from pocket.statistics.results import FitResult


def draw_fit(
    results: Mapping[str, Any],
    predictions: Mapping[str, Mapping[str, Prediction]],
    style: PlotStyle,
    period: Period,
    axes: Mapping[str, str],
    *,
    is_data: bool,
    periods: Mapping[str, Period] = MappingProxyType({}),
    names: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Plot]:
    """Draw pulls, impacts, correlations, profiles, limits, the goodness of fit, and all regions before and after.

    ``results`` has ``"fit"`` → the best fit, and as far as they were found, ``"impacts"``, ``"impacts_of_simulation"``,
    ``"scan"``, ``"limits"``, ``"toy_limits"``, ``"gof"`` and ``"background"``, a fit without signal. ``predictions``
    has ``"prefit"`` and ``"postfit"`` → region → expectation; other mappings are by region: labels of axes, periods
    that aren't that of the fit, names of bins that are categories. Asimov data have no observed limits.
    """
    fit: FitResult = results["fit"]
    yield from draw_pulls(fit, style, period, data=is_data, background=results.get("background"))
    impacts, simulation = results.get("impacts", ()), results.get("impacts_of_simulation", ())
    ranked = (*impacts, *simulation)
    for poi in ranked[0].effects if ranked else ():
        yield from draw_impacts(impacts, fit, poi, style, period, data=is_data, simulation=simulation)
    if fit.correlation[0]:
        yield draw_correlations(fit, style, period, data=is_data)
    for scan in results.get("scan", ()):
        yield draw_scan(scan, style, period, data=is_data)
    rows = {limit.poi: limit for limit in results.get("limits", ())}
    rows |= {f"{limit.poi} by toys": limit for limit in results.get("toy_limits", ())}
    rows = {label: limit for label, limit in rows.items() if np.isfinite([limit.observed, *limit.expected]).any()}
    if rows:
        yield draw_limits(rows, style, period, data=is_data)
    goodness = results.get("gof")
    if goodness is not None and goodness.toys:
        yield draw_goodness(goodness, style, period, data=is_data)
    processes = list(
        dict.fromkeys(name for each in predictions.values() for one in each.values() for name in one.processes)
    )
    colors = dict(zip(processes, colors_of(processes, style), strict=True))
    for stage in STAGES:
        for region, prediction in predictions.get(stage, {}).items():
            if not is_data:
                # Asimov data are what is expected, so a region before the fit has none of its own.
                prediction = dataclasses.replace(prediction, data=None) if stage == "prefit" else prediction
            look = style, periods.get(region, period), axes.get(region, "")
            bins = names.get(region, ())
            yield draw_region(prediction, stage, *look, asimov=not is_data, colors=colors, names=bins)


def look_of(plan: FigurePlan | None, periods: Mapping[str, Sequence[Any]]) -> tuple[PlotStyle, Period]:
    """Return the style, by default the shipped one, and the period of all regions, of which a card has none."""
    style = PlotStyle.from_parameters(plan.style if plan else {})
    return style, period_from(joined_periods(periods.values())) if periods else Period(None, "", None)


def with_processes(
    style: PlotStyle, samples: Mapping[str, Sequence[str]], histograms: Mapping[str, str] = MappingProxyType({})
) -> PlotStyle:
    """Return a style in which processes look like their samples, or the group of these, unless they have own looks.

    The axis of a region is logarithmic if that of its histogram is.

    >>> style = PlotStyle(labels_mc={"DY": "Drell-Yan"}, colors_mc={"DY": "#123456"})
    >>> with_processes(style, {"z": ["DY"]}).label_of("z")
    'Drell-Yan'
    """
    groups = {frozenset(members): group for group, members in style.samples_groups.items()}
    labels, colors = dict(style.labels_mc), dict(style.colors_mc)
    for process, members in samples.items():
        drawn = members[0] if len(members) == 1 else groups.get(frozenset(members), "")
        for looks in (labels, colors):
            if process not in looks and drawn in looks:
                looks[process] = looks[drawn]
    log = [region for region, histogram in histograms.items() if style.is_log(histogram)]
    return dataclasses.replace(style, labels_mc=labels, colors_mc=colors, log_histograms=log)
