"""Units of a scale factor, which are measured separately: each year, and in it samples that share their values."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from correctionlib.highlevel import Correction

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError, check_known
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.measurement.binning import Axis, Categories, bin_labels, shape
from pocket.scale_factors.measurement.systematic_shifts import Sources
from pocket.scale_factors.measurement.templates import Templates, find_bins


@dataclass(frozen=True, eq=False)
class Unit:
    """Templates in which a scale factor is measured separately.

    Args:
        samples: samples that share the values, if the correction has an input ``sample``.
    """

    year: str
    samples: tuple[str, ...]
    templates: Templates

    def elsewhere(self, place: ScaleFactor, sources: Mapping[str, Sources]) -> Unit:
        """Return the unit in another place, in the same bins."""
        own = place.per_sample()[self.samples[0]] if self.samples else place.of_year(self.year)
        histograms = sources[self.year][place.input, place.variable]
        where = f"the templates of variable {place.variable!r} in configuration {place.input!r}"
        check_known("sample", own.samples(), histograms, where)
        return dataclasses.replace(
            self, templates=dataclasses.replace(self.templates, declaration=own, histograms=histograms)
        )

    @property
    def prefix(self) -> str:
        """Year and samples, as a prefix of a bin's label."""
        year = f"year {self.year}, " if self.year else ""
        return f"{year}sample {' + '.join(self.samples)}, " if self.samples else year

    @property
    def labels(self) -> list[str]:
        """Labels of the bins in each group."""
        return [f"{self.prefix}{label}" for label in self.templates.labels]

    @property
    def bins(self) -> list[str]:
        """Label of each bin."""
        return [f"{self.prefix}{label}" for label in bin_labels(self.templates.binning.axes)]

    def evaluate(self, correction: Correction, systematic: str) -> Floats:
        """Return the values of a correction in each bin, which must be the same for all of the unit's samples."""
        axes = self.templates.binning.axes
        given = {"systematic": systematic, "year": self.year}
        first, *others = (evaluate(correction, axes, {**given, "sample": sample}) for sample in self.samples or ("",))
        if any(not np.array_equal(first, other) for other in others):
            raise ScaleFactorError(f"correction {correction.name!r} differs among {', '.join(self.samples)}")
        return first


def evaluate(correction: Correction, axes: Mapping[str, Axis], given: Mapping[str, str | int | float]) -> Floats:
    """Return the values of a correction inside of each bin, one dimension per axis."""
    inside = [_inside(axis) for axis in axes.values()]
    values = np.empty(shape(axes))
    for index in np.ndindex(values.shape):
        point = {**given, **{axis: inside[i][n] for i, (axis, n) in enumerate(zip(axes, index, strict=True))}}
        try:
            values[index] = correction.evaluate(*(point[variable.name] for variable in correction.inputs))
        except (IndexError, KeyError, RuntimeError) as error:
            at = ", ".join(f"{name} {value}" for name, value in point.items() if value != "")
            raise ScaleFactorError(f"correction {correction.name!r} has no value for {at}: {error}") from None
    return values


def units(name: str, declaration: ScaleFactor, sources: Mapping[str, Sources]) -> Iterator[Unit]:
    """Yield the units that are measured separately, in the order of the years and samples."""
    for year in declaration.years or (ALL_YEARS,):
        check_known("year", [year], sources, f"the templates of variable {declaration.variable!r}")
        histograms = sources[year][declaration.input, declaration.variable]
        # Samples of one group are measured once.
        samples: dict[tuple[str, ...], list[str]] = {}
        for sample, part in declaration.per_sample().items():
            samples.setdefault(part.mc, []).append(sample)
        for own in [tuple(of_group) for of_group in samples.values()] or [()]:
            part = declaration.per_sample()[own[0]] if own else declaration.of_year(year)
            templates = Templates(name, part, histograms, find_bins(name, part, histograms))
            yield Unit(year, own, templates)


def _inside(axis: Axis) -> list[str | int | float]:
    """Return a value in each bin."""
    if isinstance(axis, Categories):
        return list(axis.values)
    finite = [edge for edge in axis if math.isfinite(edge)] or [0.0]
    edges = [edge if math.isfinite(edge) else finite[0] - 1 if edge < 0 else finite[-1] + 1 for edge in axis]
    return [(low + high) / 2 for low, high in itertools.pairwise(edges)]
