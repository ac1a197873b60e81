"""What a method reads: sums of weights of samples in the bins of a scale factor."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from pocket.errors import ConfigError, ScaleFactorError, check_known
from pocket.scale_factors.binning import Array, Axis, Binning, Categories, join_bins
from pocket.scale_factors.declarations import PassFail, ScaleFactor

Histogram = hist.Hist[Any]
NOMINAL = "nominal"


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of weights and of their squares, of the same shape: (groups, bins of further axes …)."""

    values: Array
    variances: Array

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.values + other.values, self.variances + other.variances)


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums of weights of passing and failing entries, all of shape (groups, bins of further axes …).

    Args:
        passing: sum of weights.
        failing: the same for failing entries.
        passing_variance: sum of squared weights.
        failing_variance: the same for failing entries.
    """

    passing: Array
    failing: Array
    passing_variance: Array
    failing_variance: Array


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of a declaration, in the bins of the scale factor.

    Args:
        name: name of the scale factor.
        declaration: what to measure.
        histograms: the declared histogram per sample, summed over datasets, with axes ``cat``, ``variation``
            (simulation) and those of the declaration; storage ``Weight``.
        binning: the bins.
        variation: the variation of simulation that is read; samples without it give the nominal one.
        factors: sample → factor that multiplies it.
    """

    name: str
    declaration: ScaleFactor
    histograms: Mapping[str, Histogram]
    binning: Binning
    variation: str = NOMINAL
    factors: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """The bins of each group in words."""
        return self.binning.labels

    def read(
        self,
        samples: Sequence[str],
        category: str | None = None,
        further: Sequence[str] = (),
        variation: str | None = None,
    ) -> Sums:
        """Return the sum of samples.

        Args:
            samples: samples to add.
            category: the category; default that of the declaration.
            further: axes of the histogram that don't bin the scale factor but are kept.
            variation: the variation; default :attr:`variation`.

        Returns:
            Shape (groups, bins of ``further`` …).

        Raises:
            UnknownNameError: if a sample, an axis or the category isn't in the templates.
            ScaleFactorError: if a histogram has no sums of squared weights or isn't finite, or samples differ in
                their bins.
        """
        total = self.histogram(samples, category, further, variation)
        values, variances = np.asarray(total.values(), dtype=float), np.asarray(total.variances(), dtype=float)
        return Sums(self.binning.collapse(values), self.binning.collapse(variances))

    def histogram(
        self,
        samples: Sequence[str],
        category: str | None = None,
        further: Sequence[str] = (),
        variation: str | None = None,
    ) -> Histogram:
        """Return the sum of samples with the axes of the scale factor and further ones, without joining bins.

        Raises:
            UnknownNameError, ScaleFactorError: as :meth:`read`.
        """
        parts = [self._sample(sample, category, further, variation or self.variation) for sample in samples]
        if any(part.axes != parts[0].axes for part in parts):
            raise ScaleFactorError(
                f"variable {self.declaration.variable!r}: samples {', '.join(samples)} have different bins"
            )
        return functools.reduce(operator.add, parts)

    def counts(self, samples: Sequence[str], further: Sequence[str] = ()) -> Counts:
        """Return what passes and what fails, for a declaration that tells them apart.

        Raises:
            UnknownNameError, ScaleFactorError: as :meth:`read`; and if the axis of passing doesn't separate 0 and 1.
        """
        declaration = self.declaration
        assert isinstance(declaration, PassFail)
        if declaration.fail_category or declaration.denominator:
            passing = self.read(samples, declaration.category, further)
            other = self.read(samples, declaration.fail_category or declaration.denominator, further)
            if not declaration.denominator:
                return Counts(passing.values, other.values, passing.variances, other.variances)
            return Counts(
                passing.values,
                other.values - passing.values,
                passing.variances,
                # what passes is among all; the difference of sums of squares may round to less than zero
                np.maximum(other.variances - passing.variances, 0),
            )
        total = self.histogram(samples, None, (*further, declaration.pass_axis))
        fail, success = (total.axes[declaration.pass_axis].index(flag) for flag in (0, 1))
        if fail == success or not {fail, success} <= set(range(total.axes[declaration.pass_axis].size)):
            raise ScaleFactorError(
                f"variable {declaration.variable!r}: axis {declaration.pass_axis!r} must have separate bins for 0 "
                "(fail) and 1 (pass)"
            )
        values, variances = (
            self.binning.collapse(np.asarray(part, dtype=float)) for part in (total.values(), total.variances())
        )
        return Counts(values[..., success], values[..., fail], variances[..., success], variances[..., fail])

    def counted(self, samples: Sequence[str], further: Sequence[str] = ()) -> Counts:
        """Return :meth:`counts` of data.

        Raises:
            ScaleFactorError: as :meth:`counts`, and if they have weights, which binomial and Poisson errors don't
                allow.
        """
        data = self.counts(samples, further)
        for values, variances in ((data.passing, data.passing_variance), (data.failing, data.failing_variance)):
            self.require_counts(Sums(values, variances), samples)
        return data

    def require_counts(self, data: Sums, samples: Sequence[str]) -> None:
        """Check that data are counts.

        Raises:
            ScaleFactorError: if they have weights.
        """
        if not (np.array_equal(data.values, data.variances) and np.array_equal(data.values, np.rint(data.values))):
            raise ScaleFactorError(
                f"variable {self.declaration.variable!r}: data ({', '.join(samples)}) have weights other than 1"
            )

    def _sample(self, sample: str, category: str | None, further: Sequence[str], variation: str) -> Histogram:
        category = category or self.declaration.category
        check_known("sample", [sample], self.histograms, f"templates of variable {self.declaration.variable!r}")
        histogram = self.histograms[sample]
        where = f"variable {self.declaration.variable!r} of sample {sample!r}"
        axes = (*self.declaration.axes, *further)
        check_known("axis", ("cat", *axes), histogram.axes.name, where)
        check_known("category", [category], histogram.axes["cat"], where)
        if histogram.storage_type is not hist.storage.Weight:
            raise ScaleFactorError(f"{where}: storage must be Weight, not {histogram.storage_type.__name__}")
        selection: dict[Any, Any] = {"cat": category}
        if "variation" in histogram.axes.name:
            known = histogram.axes["variation"]
            check_known("variation", [NOMINAL], known, where)
            selection["variation"] = variation if variation in known else NOMINAL
        selected: Any = histogram[selection]
        projected = _in_bins(selected.project(*axes), self.declaration)
        if sample in self.factors:
            projected = projected * self.factors[sample]
        if not (np.isfinite(projected.values()).all() and np.isfinite(np.asarray(projected.variances())).all()):
            raise ScaleFactorError(f"{where}: contents are not finite")
        return projected


def find_bins(name: str, declaration: ScaleFactor, histograms: Mapping[str, Histogram]) -> Binning:
    """Return the bins of a scale factor, joined where they have too few entries.

    Raises:
        UnknownNameError, ScaleFactorError: as :meth:`Templates.read`; and if data and simulation have different bins,
            or too few entries however many bins are joined.
    """
    # their bins are what is looked for, so nothing collapses here
    templates = Templates(name, declaration, histograms, Binning({}, np.zeros((), dtype=np.int64)))
    roles = [
        functools.reduce(
            operator.add, (templates.histogram(samples, category) for category in declaration.entry_categories())
        )
        for samples in declaration.roles().values()
    ]
    if any(role.axes != roles[0].axes for role in roles):
        raise ScaleFactorError(f"variable {declaration.variable!r}: data and simulation have different bins")
    axes = {axis: _read_axis(roles[0].axes[axis]) for axis in declaration.axes}
    if not declaration.min_n_eff:
        return Binning.separate(axes)
    entries = np.stack([(role.values(), np.asarray(role.variances())) for role in roles])
    along = declaration.merge_axis or declaration.axes[0]
    return join_bins(axes, entries, declaration.min_n_eff, along, name)


def _read_axis(axis: Any) -> Axis:
    if isinstance(axis, hist.axis.StrCategory | hist.axis.IntCategory):
        values: tuple[Any, ...] = tuple(axis)
        return Categories(values)
    return tuple(float(edge) for edge in axis.edges)


def _in_bins(histogram: Histogram, declaration: ScaleFactor) -> Histogram:
    """Return a histogram with the declared edges and, if the method wants that, what is outside in the outer bins."""
    for axis, edges in declaration.bins.items():
        histogram = _rebinned(histogram, axis, edges, declaration)
    if declaration.folds_flow:
        for axis, flow in declaration.flows().items():
            if flow == "clamp" and not isinstance(_read_axis(histogram.axes[axis]), Categories):
                histogram = _folded(histogram, list(histogram.axes.name).index(axis))
    return histogram


def _rebinned(histogram: Histogram, axis: str, edges: Sequence[float], declaration: ScaleFactor) -> Histogram:
    known = histogram.axes[axis].edges
    for edge in edges:
        if not np.isclose(known, edge, rtol=1e-9, atol=1e-12).any():
            nearest = known[np.argmin(np.abs(known - edge))]
            raise ConfigError(
                f"bins of {declaration.where}: {edge:g} is no edge of the histogram's axis {axis!r}, nearest: "
                f"{nearest:g}"
            )
    selection: dict[Any, Any] = {axis: hist.rebin(edges=list(edges))}
    rebinned: Any = histogram[selection]
    return rebinned  # type: ignore[no-any-return]


def _folded(histogram: Histogram, position: int) -> Histogram:
    """Add underflow to the first bin and overflow to the last one."""
    traits = histogram.axes[position].traits
    folded = histogram.copy()
    bins: Any = np.moveaxis(folded.view(flow=True), position, 0)
    for field in ("value", "variance"):
        if traits.underflow:
            bins[field][1] += bins[field][0]
            bins[field][0] = 0
        if traits.overflow:
            bins[field][-2] += bins[field][-1]
            bins[field][-1] = 0
    return folded
