"""The measurement of a declared scale factor, with its method, nominally and for each systematic source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from pocket.errors import ConfigError, check_known
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.measurement.binning import Binning
from pocket.scale_factors.measurement.result import JOINED, VALID, Measured, Measurement, ScaleFactorResult, Shifts
from pocket.scale_factors.measurement.stacking import stack
from pocket.scale_factors.measurement.systematic_shifts import (
    Histograms,
    Method,
    Sources,
    named,
    require_variations,
    shifts,
)
from pocket.scale_factors.measurement.templates import Templates, find_bins


def measure(
    name: str, declaration: ScaleFactor, histograms: Histograms, others: Sources | None = None
) -> ScaleFactorResult:
    """Return the measurement of a scale factor with the method of its declaration.

    Args:
        histograms: the declared histogram per sample, summed over datasets, with axes ``cat``, ``variation``
            (simulation) and those of the declaration; storage ``Weight``.
        others: (configuration, histogram) → the same, for systematics that are measured elsewhere.
    """
    check_known("sample", declaration.samples(), histograms, f"templates of variable {declaration.variable!r}")
    require_variations(declaration, [histograms])
    return _measure(name, declaration, histograms, others or {})


def measure_by_year(
    name: str,
    declaration: ScaleFactor,
    histograms: Mapping[str, Histograms],
    others: Mapping[str, Sources] | None = None,
) -> ScaleFactorResult:
    """Return the measurement of a scale factor in each year of its declaration; ``year`` becomes the first axis."""
    where = f"templates of variable {declaration.variable!r}"
    check_known("year", declaration.years, histograms, where)
    for year in declaration.years:
        check_known("sample", declaration.samples(), histograms[year], f"{where}, year {year}")
    require_variations(declaration, [histograms[year] for year in declaration.years])
    results = {}
    for year in declaration.years:
        with named(f"year {year}"):
            results[year] = _measure(name, declaration.of_year(year), histograms[year], (others or {}).get(year, {}))
    return stack("year", results)


def _measure(name: str, declaration: ScaleFactor, histograms: Histograms, others: Sources) -> ScaleFactorResult:
    parts = declaration.per_sample()
    if not parts:
        return _measure_one(name, declaration, histograms, others)
    # Samples that share their values are measured once.
    measured: dict[tuple[str, ...], ScaleFactorResult] = {}
    for part in parts.values():
        if part.mc not in measured:
            with named(f"sample {', '.join(part.mc)}"):
                measured[part.mc] = _measure_one(name, part, histograms, others)
    return stack("sample", {sample: measured[part.mc] for sample, part in parts.items()})


def _measure_one(name: str, declaration: ScaleFactor, histograms: Histograms, others: Sources) -> ScaleFactorResult:
    method: Method = find_function(declaration.method)
    sources = {(declaration.input, declaration.variable): histograms, **others}
    templates = Templates(name, declaration, histograms, find_bins(name, declaration, histograms))
    nominal = method(declaration, templates)
    systematics = dict(nominal.systematics)
    for systematic in declaration.remeasured_systematics():
        if systematic.name in (*systematics, *nominal.coupled):
            raise ConfigError(f"{declaration.where}: systematic {systematic.name!r} is the method's own")
        systematics[systematic.name] = shifts(method, templates, nominal.values.value, systematic, sources)
    return _result(templates, dataclasses.replace(nominal, systematics=systematics))


def _result(templates: Templates, measured: Measured) -> ScaleFactorResult:
    declaration, binning = templates.declaration, templates.binning
    if measured.leading is not None:
        name, values = measured.leading
        groups = [binning.groups + number * binning.size for number in range(len(values.values))]
        binning = Binning({name: values, **binning.axes}, np.stack(groups))

    def expand(measurement: Measurement) -> Measurement:
        return Measurement(*(binning.expand(part) for part in (measurement.value, measurement.up, measurement.down)))

    def grid(shifts: Mapping[str, Shifts]) -> dict[str, Shifts]:
        return {name: (binning.expand(up), binning.expand(down)) for name, (up, down) in shifts.items()}

    status = np.array(measured.statuses, dtype=object)
    per_bin = np.where(binning.joined & (status == VALID)[binning.groups], JOINED, status[binning.groups])
    return ScaleFactorResult(
        name=templates.name,
        method=type(declaration).__name__,
        description=declaration.description,
        quantity=declaration.quantity,
        axes=dict(binning.axes),
        flow=declaration.flows(),
        scale_factor=expand(measured.values),
        systematics=grid(measured.systematics),
        groups=binning.groups,
        status=tuple(per_bin.ravel().tolist()),
        efficiencies={of: expand(efficiency) for of, efficiency in measured.efficiencies.items()},
        coupled=grid(measured.coupled),
        stat_covariance=measured.covariance,
        diagnostics=measured.diagnostics,
    )
