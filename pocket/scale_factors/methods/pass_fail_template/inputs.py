"""Inputs of a template fit in pass and fail: data, templates per process, and their uncertainties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError, check_known

REGIONS = ("pass", "fail")
#: name of the parameter whose exponential scales all processes
LOG_NORMALISATION = "log_normalisation"


@dataclass(frozen=True, eq=False)
class Nuisance:
    """A source of uncertainty: one parameter θ, normally distributed with mean 0 and width 1.

    Args:
        rate: κ per process whose yield in both regions is multiplied by κ^θ (lnN).
        scale: κ per frozen flavour whose scale factor is multiplied by κ^θ; its yields move between the regions.
        shape: templates (up, down) per process for θ = 1 and θ = −1, as sums of weights of shape (2, bins).
    """

    rate: Mapping[str, float] = field(default_factory=dict)
    scale: Mapping[str, float] = field(default_factory=dict)
    shape: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TemplateInputs:
    """Data and simulation of one fit: one working point in one bin of the scale factor.

    Regions are in the order of :data:`REGIONS`.

    Args:
        data: counts, shape (2, bins).
        nominal: sums of weights per process, each of shape (2, bins).
        sumw2: sums of squared weights per process.
        flavours: processes with scale factors of the tagger; None if it floats, its value if it is frozen.
        free_normalisation: whether a common factor of all processes floats without constraint.
    """

    label: str
    data: Floats
    nominal: Mapping[str, Floats]
    sumw2: Mapping[str, Floats]
    flavours: Mapping[str, float | None]
    nuisances: Mapping[str, Nuisance] = field(default_factory=dict)
    free_normalisation: bool = False
    barlow_beeston: bool = True

    def __post_init__(self) -> None:
        _check_names(self)
        _check_arrays(self)
        _check_yields(self)
        _check_variations(self)

    @property
    def floating(self) -> tuple[str, ...]:
        """Flavours whose scale factors are measured."""
        return tuple(flavour for flavour, value in self.flavours.items() if value is None)

    @property
    def total(self) -> Floats:
        """Nominal sum of weights of all processes, shape (2, bins)."""
        return np.asarray(np.sum(list(self.nominal.values()), axis=0))

    @property
    def filled(self) -> npt.NDArray[np.bool_]:
        """Bins with data or simulation, which enter the fit; shape (2, bins)."""
        return np.asarray(np.any([contents != 0 for contents in (self.data, *self.nominal.values())], axis=0))


def scale_factor_name(flavour: str) -> str:
    """Return the name of the parameter that is the scale factor of a flavour."""
    return f"SF_{flavour}"


def bins_where(condition: npt.NDArray[np.bool_]) -> str:
    """Return the first bins, e.g. ``pass bin 3, fail bin 0``, in which a condition of shape (2, bins) holds."""
    places = [f"{REGIONS[region]} bin {index}" for region, index in np.argwhere(condition)]
    return ", ".join(places[:5]) + (", …" if len(places) > 5 else "")


def _check_names(templates: TemplateInputs) -> None:
    label, processes = templates.label, templates.nominal
    check_known("process", templates.sumw2, processes, f"sums of squared weights of {label}")
    for process in processes:
        if process not in templates.sumw2:
            raise ScaleFactorError(f"{label}: no sums of squared weights of {process!r}")
    check_known("process", templates.flavours, processes, f"flavours of {label}")
    if not templates.floating:
        raise ScaleFactorError(f"{label}: no flavour floats, so there is nothing to measure")
    taken = {LOG_NORMALISATION, *map(scale_factor_name, templates.floating)}
    frozen = [flavour for flavour in templates.flavours if flavour not in templates.floating]
    for name, nuisance in templates.nuisances.items():
        if name in taken:
            raise ScaleFactorError(f"{label}: nuisance {name!r} has the name of another parameter")
        where = f"nuisance {name!r} of {label}"
        check_known("process", nuisance.rate, processes, where)
        check_known("process", nuisance.shape, processes, where)
        check_known("frozen flavour", nuisance.scale, frozen, where)


def _check_arrays(templates: TemplateInputs) -> None:
    label, shape = templates.label, np.shape(templates.data)
    if len(shape) != 2 or shape[0] != len(REGIONS) or not shape[1]:
        raise ScaleFactorError(f"{label}: data have shape {shape}, expected (2, bins)")
    for what, values, least in _arrays(templates):
        if np.shape(values) != shape:
            raise ScaleFactorError(f"{label}: {what} have shape {np.shape(values)}, data {shape}")
        bad = ~np.isfinite(values) | (values < least)
        if bad.any():
            place = bins_where(bad)
            raise ScaleFactorError(f"{label}: {what} are {_contents(values, bad)} in {place}")
    for name, nuisance in templates.nuisances.items():
        for process, kappa in [*nuisance.rate.items(), *nuisance.scale.items()]:
            if not 0 < kappa < np.inf:
                raise ScaleFactorError(f"{label}: κ of {name!r} for {process!r} is {kappa}, expected a positive number")
    for flavour, value in templates.flavours.items():
        if value is not None and not 0 <= value < np.inf:
            raise ScaleFactorError(f"{label}: {flavour!r} is frozen at {value}, expected a number of at least 0")


def _arrays(templates: TemplateInputs) -> Iterator[tuple[str, Floats, float]]:
    """Yield description, values and smallest allowed value of all arrays."""
    yield "data", templates.data, 0.0
    for process, values in templates.nominal.items():
        yield f"sums of weights of {process!r}", values, -np.inf
    for process, values in templates.sumw2.items():
        yield f"sums of squared weights of {process!r}", values, 0.0
    for name, nuisance in templates.nuisances.items():
        for process, pair in nuisance.shape.items():
            for direction, values in zip(("up", "down"), pair, strict=True):
                yield f"sums of weights of {process!r}, {name} {direction},", values, -np.inf


def _check_yields(templates: TemplateInputs) -> None:
    label, total = templates.label, templates.total
    for region, counts in zip(REGIONS, templates.data, strict=True):
        if not counts.any():
            raise ScaleFactorError(f"{label}: no data in {region}")
    empty = np.all([values == 0 for values in templates.nominal.values()], axis=0)
    alone = empty & (templates.data > 0)
    if alone.any():
        raise ScaleFactorError(f"{label}: data but no simulation in {bins_where(alone)}; join bins")
    negative = ~empty & (total <= 0)
    if negative.any():
        place = bins_where(negative)
        raise ScaleFactorError(f"{label}: all processes sum to {_contents(total, negative)} in {place}; join bins")
    for flavour, value in templates.flavours.items():
        passing, failing = templates.nominal[flavour].sum(axis=1)
        if value is None and passing <= 0:
            raise ScaleFactorError(f"{label}: {flavour!r} floats but has no passing yield ({passing:g}); freeze it")
        if failing <= 0:
            raise ScaleFactorError(f"{label}: {flavour!r} has no failing yield ({failing:g}) to take what doesn't pass")
    free = len(templates.floating) + templates.free_normalisation
    bins = templates.filled.sum()
    if bins < free:
        raise ScaleFactorError(f"{label}: {bins} bins with data or simulation for {free} free parameters")


def _check_variations(templates: TemplateInputs) -> None:
    for name, nuisance in templates.nuisances.items():
        for process, pair in nuisance.shape.items():
            for direction, values in zip(("up", "down"), pair, strict=True):
                if templates.nominal[process].any() and not values.any():
                    raise ScaleFactorError(f"{templates.label}: {name} {direction} of {process!r} is empty")


def _contents(values: Floats, bad: npt.NDArray[np.bool_]) -> str:
    return ", ".join(f"{value:g}" for value in values[bad][:5])
