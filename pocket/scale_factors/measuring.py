"""The measurement of a declared scale factor: its method, for the nominal and for each systematic source."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.scale_factors.binning import Array, Binning, Categories
from pocket.scale_factors.declarations import ScaleFactor
from pocket.scale_factors.reading import ALL_YEARS, Histograms, read_sources
from pocket.scale_factors.result import JOINED, VALID, Measured, Measurement, ScaleFactorResult, Shifts
from pocket.scale_factors.systematics import Alternative, Flat, LogNormal, Shape, Spread, Systematic
from pocket.scale_factors.templates import Templates, find_bins

Method = Callable[[Any, Templates], Measured]


def measure(
    name: str,
    declaration: ScaleFactor,
    histograms: Histograms,
    others: Mapping[tuple[str, str], Histograms] | None = None,
) -> ScaleFactorResult:
    """Measure a scale factor with the method of its declaration.

    Args:
        name: name of the scale factor, that of the correction later.
        declaration: what to measure.
        histograms: the declared histogram per sample, summed over datasets, with axes ``cat``, ``variation``
            (simulation) and those of the declaration; storage ``Weight``.
        others: (configuration, histogram) → the same, for systematics that are measured elsewhere.

    Raises:
        UnknownNameError: if a sample, an axis, a category or a variation isn't in the templates.
        ConfigError: if the declaration doesn't fit the templates.
        ScaleFactorError: if the scale factor can't be derived in some bin; the text names the bins.
    """
    if declaration.parts():
        return stack("sample", _measure_parts(name, declaration, histograms, others))
    method: Method = find_function(declaration.method)
    sources = {(declaration.input, declaration.variable): histograms, **(others or {})}
    templates = Templates(name, declaration, histograms, find_bins(name, declaration, histograms))
    nominal = method(declaration, templates)
    systematics = dict(nominal.systematics)
    if not declaration.fits_systematics:
        for systematic in declaration.systematics:
            if systematic.name in systematics:
                raise ConfigError(f"{declaration.where}: systematic {systematic.name!r} is the method's own")
            systematics[systematic.name] = _shifts(method, templates, nominal.values.value, systematic, sources)
    return _result(templates, dataclasses.replace(nominal, systematics=systematics))


def measure_from(
    name: str, declaration: ScaleFactor, folders: Mapping[str, Path], years: Callable[[str], Mapping[str, str]]
) -> ScaleFactorResult:
    """Measure a scale factor in outputs on disk, see :func:`measure` and :func:`measure_by_year`.

    Args:
        name: name of the scale factor.
        declaration: what to measure.
        folders: configuration → output of the merging.
        years: configuration → year of each dataset.
    """
    sources = read_sources(declaration.sources(), declaration.years, folders, years)
    nominal = declaration.input, declaration.variable
    if not declaration.years:
        return measure(name, declaration, sources[ALL_YEARS][nominal], sources[ALL_YEARS])
    return measure_by_year(name, declaration, {year: of_year[nominal] for year, of_year in sources.items()}, sources)


def measure_by_year(
    name: str,
    declaration: ScaleFactor,
    histograms: Mapping[str, Histograms],
    others: Mapping[str, Mapping[tuple[str, str], Histograms]] | None = None,
) -> ScaleFactorResult:
    """Measure a scale factor separately in each year of its declaration; ``year`` becomes the first axis.

    Args:
        name: name of the scale factor.
        declaration: what to measure.
        histograms: year → what :func:`measure` takes.
        others: year → what :func:`measure` takes.

    Raises:
        UnknownNameError, ConfigError, ScaleFactorError: as :func:`measure`; names the year.
    """
    results = {}
    for year in declaration.years:
        if year not in histograms:
            raise UnknownNameError("year", year, histograms, f"templates of variable {declaration.variable!r}")
        try:
            results[year] = measure(name, declaration, histograms[year], (others or {}).get(year))
        except ScaleFactorError as error:
            raise ScaleFactorError(f"year {year}: {error}") from None
    return stack("year", results)


def stack(axis: str, results: Mapping[str, ScaleFactorResult]) -> ScaleFactorResult:
    """Join measurements that differ in one name; the name becomes the first axis.

    Args:
        axis: name of the new axis.
        results: name → measurement, all with the same axes and sources; the same measurement may have several
            names, whose bins then are of the same groups.
    """
    parts = list(results.values())
    distinct = list({id(part): part for part in parts}.values())
    starts = dict(zip(map(id, distinct), np.cumsum([0, *(part.binning.size for part in distinct)]), strict=False))
    covariance = None
    if any(part.stat_covariance is not None for part in parts):
        covariance = block_diag(*(part.statistical_covariance for part in distinct))
    return dataclasses.replace(
        parts[0],
        axes={axis: Categories(tuple(results)), **parts[0].axes},
        scale_factor=_stacked(part.scale_factor for part in parts),
        systematics=_stacked_shifts([part.systematics for part in parts]),
        coupled=_stacked_shifts([part.coupled for part in parts]),
        efficiencies={of: _stacked(part.efficiencies[of] for part in parts) for of in parts[0].efficiencies},
        groups=np.stack([part.groups + starts[id(part)] for part in parts]),
        status=tuple(status for part in parts for status in part.status),
        stat_covariance=covariance,
        diagnostics=tuple(
            dataclasses.replace(fit, label=f"{axis} {name}, {fit.label}")
            for name, part in results.items()
            for fit in part.diagnostics
        ),
    )


def _stacked(measurements: Iterable[Measurement]) -> Measurement:
    parts = list(measurements)
    return Measurement(*(np.stack([getattr(part, key) for part in parts]) for key in ("value", "up", "down")))


def _stacked_shifts(parts: Sequence[Mapping[str, Shifts]]) -> dict[str, Shifts]:
    """Join shifts; a source that a part lacks, as of a weight without it, doesn't shift its values."""
    names = dict.fromkeys(name for part in parts for name in part)
    zeros = np.zeros_like(next(iter(up for part in parts for up, _ in part.values()), np.zeros(())))
    return {
        name: (
            np.stack([part.get(name, (zeros, zeros))[0] for part in parts]),
            np.stack([part.get(name, (zeros, zeros))[1] for part in parts]),
        )
        for name in names
    }


def _measure_parts(
    name: str,
    declaration: ScaleFactor,
    histograms: Histograms,
    others: Mapping[tuple[str, str], Histograms] | None,
) -> dict[str, ScaleFactorResult]:
    measured: dict[tuple[str, ...], ScaleFactorResult] = {}
    results = {}
    for sample, part in declaration.parts().items():
        # samples that belong together are measured once
        if part.mc not in measured:
            try:
                measured[part.mc] = measure(name, part, histograms, others)
            except ScaleFactorError as error:
                raise ScaleFactorError(f"sample {sample!r}: {error}") from None
        results[sample] = measured[part.mc]
    return results


def find_function(reference: str) -> Any:
    """Return a function by ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def _shifts(
    method: Method,
    templates: Templates,
    nominal: Array,
    systematic: Systematic,
    sources: Mapping[tuple[str, str], Histograms],
) -> Shifts:
    def shift(changed: Templates) -> Array:
        try:
            return method(changed.declaration, changed).values.value - nominal
        except ScaleFactorError as error:
            raise ScaleFactorError(f"systematic {systematic.name!r}: {error}") from None

    declaration = templates.declaration
    match systematic:
        case Shape():
            _require_variation(templates, systematic)
            up, down = (
                shift(dataclasses.replace(templates, variation=f"{systematic.stem}{side}")) for side in ("Up", "Down")
            )
            return up, down
        case LogNormal():
            up, down = (
                shift(dataclasses.replace(templates, factors=dict.fromkeys(systematic.samples, factor)))
                for factor in (systematic.kappa, 1 / systematic.kappa)
            )
            return up, down
        case Alternative() | Spread():
            differences = [shift(changed) for changed in _changed(templates, systematic, sources)]
            if isinstance(systematic, Alternative):
                return differences[0], -differences[0]
            half = np.abs(differences[0] - differences[1]) / 2
            return half, -half
        case Flat():
            return systematic.size * nominal, -systematic.size * nominal
    raise ConfigError(f"{declaration.where}: {systematic!r} is no systematic uncertainty")


def _changed(
    templates: Templates, systematic: Systematic, sources: Mapping[tuple[str, str], Histograms]
) -> Iterator[Templates]:
    """Yield the templates of the measurements that a source asks for."""
    for owner, declaration in templates.declaration.changed():
        if owner is systematic:
            histograms = sources[declaration.input, declaration.variable]
            yield dataclasses.replace(templates, declaration=declaration, histograms=histograms)


def _require_variation(templates: Templates, systematic: Shape) -> None:
    axes = [templates.histograms[sample].axes for sample in templates.declaration.samples()]
    known = {name for each in axes if "variation" in each.name for name in each["variation"]}
    for side in ("Up", "Down"):
        if f"{systematic.stem}{side}" not in known:
            where = f"systematic {systematic.name!r} of {templates.declaration.where}"
            raise UnknownNameError("variation", f"{systematic.stem}{side}", known, where)


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

    status = np.array(measured.status or (VALID,) * binning.size, dtype=object)
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
