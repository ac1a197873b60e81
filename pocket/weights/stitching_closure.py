"""Closure of a stitching: the samples agree where they overlap, the sum is the cross section, and there are no steps.

The input is the template of the stitched quantity for each sample, without cuts, with the stitching's weight. In each
region between edges of the samples, all samples that cover it estimate its cross section; the sums over regions are
compared with the cross sections that are declared, and the spectrum is continued from both sides to each edge.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import HistogramError, check_known
from pocket.weights.stitching import Range, StitchedSample, Stitching, ends_of

if TYPE_CHECKING:
    from hist import Hist

#: Number of bins on each side of an edge that a step is looked for with.
_BINS = 3


@dataclass(frozen=True)
class StitchingCheck:
    """Comparison of two numbers, with the statistical error of their difference."""

    what: str
    value: float
    expected: float
    error: float

    @property
    def pull(self) -> float:
        """Difference in units of its error; 0 if both are equal, infinite if only the error is 0."""
        difference = self.value - self.expected
        if self.error > 0:
            return difference / self.error
        return 0.0 if math.isclose(self.value, self.expected, rel_tol=1e-12) else math.inf

    def __str__(self) -> str:
        """Return the comparison as a sentence."""
        return f"{self.what}: {self.value:.6g} ± {self.error:.2g}, expected {self.expected:.6g} ({self.pull:+.1f} σ)"


@dataclass(frozen=True)
class StitchingClosure:
    """Checks of a stitching, which fail from the pull ``most`` on."""

    checks: tuple[StitchingCheck, ...]
    most: float

    @property
    def failed(self) -> tuple[StitchingCheck, ...]:
        """The comparisons that fail."""
        return tuple(check for check in self.checks if not abs(check.pull) <= self.most)

    def __bool__(self) -> bool:
        """Tell whether all comparisons hold."""
        return not self.failed

    def __str__(self) -> str:
        """Return one line per comparison, those that fail are marked."""
        return "\n".join(f"{'FAILS ' if check in self.failed else 'holds '} {check}" for check in self.checks)


def stitching_closure(
    stitching: Stitching, templates: Mapping[str, Hist[Any]], year: str, lumi: float = 1.0, most: float = 4.0
) -> StitchingClosure:
    """Return the checks of a stitching in one quantity.

    Args:
        stitching: the samples; with regions in one quantity.
        templates: sample → template of that quantity in that year, before any cut, weighted by the stitching; with one
            axis, whose edges contain those of the regions, and sums of squared weights.
        year: data-taking period.
        lumi: luminosity in 1/pb that the templates are normalised to; 1 for cross sections.
        most: pull from which a check fails.

    Raises:
        UnknownNameError: if a template belongs to none of the samples.
        HistogramError: if there are several quantities, edges of regions within bins, no sums of squared weights, or
            no template of a sample.
    """
    if len(stitching.quantities) != 1:
        quantities = ", ".join(stitching.quantities) or "none"
        raise HistogramError(
            f"stitching {stitching.name!r}: its closure needs regions in one quantity, not {quantities}"
        )
    check_known("sample", templates, [each.sample for each in stitching.samples], f"stitching {stitching.name!r}")
    if missing := [each.sample for each in stitching.samples if each.sample not in templates]:
        raise HistogramError(f"stitching {stitching.name!r}: the template of {missing[0]!r} is missing")
    edges = _edges(templates)
    values, variances = (
        {name: np.asarray(part, dtype=np.float64) / lumi**power for name, part in parts.items()}
        for power, parts in ((1, _contents(templates, "values")), (2, _contents(templates, "variances")))
    )
    borders = _borders(stitching)
    if lost := [border for border in borders if not np.isclose(edges, border, rtol=1e-9).any()]:
        raise HistogramError(
            f"stitching {stitching.name!r}: the templates need an edge of a bin at {lost[0]:g}, an edge of a region"
        )
    cuts = [0, *(int(np.argmin(abs(edges - border))) + 1 for border in borders), len(edges) + 1]
    regions = [slice(first, last) for first, last in itertools.pairwise(cuts)]
    quantity = stitching.quantities[0]
    covering = [
        [each for each in stitching.samples if all(_contains(limits, ends) for limits in each.region.values())]
        for ends in itertools.pairwise((-math.inf, *borders, math.inf))
    ]
    checks = [
        *_overlaps(covering, regions, _names(quantity, borders), values, variances, year),
        *_totals(stitching, covering, values, variances, regions),
        *_steps(_summed(values), _summed(variances), edges, cuts[1:-1], quantity),
    ]
    return StitchingClosure(tuple(checks), most)


def _edges(templates: Mapping[str, Any]) -> Floats:
    edges = [np.asarray(template.axes[0].edges, dtype=np.float64) for template in templates.values()]
    for name, template, own in zip(templates, templates.values(), edges, strict=True):
        if template.ndim != 1 or own.shape != edges[0].shape or not np.allclose(own, edges[0]):
            raise HistogramError(f"template of {name!r}: expected one axis with the same edges for all samples")
    return edges[0]


def _contents(templates: Mapping[str, Any], which: str) -> dict[str, Any]:
    found = {}
    for name, template in templates.items():
        content = getattr(template, which)(flow=True)
        if "variance" not in (template.view().dtype.names or ()):
            raise HistogramError(f"template of {name!r} has no sums of squared weights, fill it with storage='weight'")
        axis = template.axes[0]
        # Events beyond the axis belong to the total, so an axis without flow bins has empty ones here.
        low, high = (int(not getattr(axis.traits, side)) for side in ("underflow", "overflow"))
        found[name] = np.pad(np.asarray(content), (low, high))
    return found


def _contains(limits: Range, ends: tuple[float, float]) -> bool:
    low, high = ends_of(limits)
    return low <= ends[0] and ends[1] <= high


def _borders(stitching: Stitching) -> list[float]:
    limits = (limit for each in stitching.samples for pair in each.region.values() for limit in pair)
    return sorted({float(limit) for limit in limits if limit is not None and math.isfinite(limit)})


def _names(quantity: str, borders: list[float]) -> list[str]:
    ends = ["", *(f"{border:g}" for border in borders), ""]
    return [
        f"{quantity} from {low} to {high}" if low and high else f"{quantity} from {low} on" if low else
        f"{quantity} below {high}"
        for low, high in itertools.pairwise(ends)
    ]  # fmt: skip


def _overlaps(
    covering: list[list[StitchedSample]],
    regions: list[slice],
    names: list[str],
    values: Mapping[str, Floats],
    variances: Mapping[str, Floats],
    year: str,
) -> list[StitchingCheck]:
    """Return the comparison of each sample with the first one, in each region that several cover."""
    checks = []
    for region, name, samples in zip(regions, names, covering, strict=True):
        whole = sum(each.luminosity(year) for each in samples)
        estimates = {}
        for each in samples:
            # Each sample has its share L_s / Σ L_s' of the events.
            share = each.luminosity(year) / whole
            yields, squares = (float(parts[each.sample][region].sum()) for parts in (values, variances))
            estimates[each.sample] = (yields / share, squares / share**2)
        if len(estimates) < 2:
            continue
        (first, (expected, spread)), *others = estimates.items()
        for other, (value, variance) in others:
            what = f"cross section of {other} against that of {first} in pb, {name}"
            checks.append(StitchingCheck(what, value, expected, math.sqrt(variance + spread)))
    return checks


def _totals(
    stitching: Stitching,
    covering: list[list[StitchedSample]],
    values: Mapping[str, Floats],
    variances: Mapping[str, Floats],
    regions: list[slice],
) -> list[StitchingCheck]:
    """Return the comparison of the sum over samples with the declared cross section of each sample, in its region."""
    checks = []
    for each in stitching.samples:
        own = [region for region, samples in zip(regions, covering, strict=True) if each in samples]
        value, variance = (
            sum(float(part[region].sum()) for part in parts.values() for region in own) for parts in (values, variances)
        )
        what = f"stitched cross section in the region of {each.sample} in pb"
        checks.append(StitchingCheck(what, value, each.xsec, math.sqrt(variance)))
    return checks


def _summed(parts: Mapping[str, Floats]) -> Floats:
    return np.asarray(np.sum(list(parts.values()), axis=0))


def _steps(values: Floats, variances: Floats, edges: Floats, cuts: list[int], quantity: str) -> list[StitchingCheck]:
    """Return the ratio of the densities' continuations from above and below to each edge between regions.

    The logarithm of the density is continued as a line through the three nearest bins, where all have events.
    """
    checks = []
    widths, centers = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    density, errors = values[1:-1] / widths, np.sqrt(variances[1:-1]) / widths
    for cut in cuts:
        border, ends = cut - 1, []
        for bins in (slice(border, border + _BINS), slice(max(border - _BINS, 0), border)):
            height, spread = density[bins], errors[bins]
            if len(height) < _BINS or (height <= 0).any() or (spread <= 0).any():
                break
            ends.append(_continued(centers[bins] - edges[border], np.log(height), spread / height))
        if len(ends) == 2:
            (above, above_error), (below, below_error) = ends
            ratio = math.exp(above - below)
            error = ratio * math.hypot(above_error, below_error)
            checks.append(StitchingCheck(f"step at {quantity} = {edges[border]:g}", ratio, 1.0, error))
    return checks


def _continued(x: Floats, y: Floats, error: Floats) -> tuple[float, float]:
    """Return the value at 0 of a line through points, by least squares, and its error."""
    design = np.stack([np.ones_like(x), x], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return float((covariance @ design.T @ (y / error))[0]), math.sqrt(covariance[0, 0])
