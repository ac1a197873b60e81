"""Templates for a method: sums of weights of samples in the bins of a scale factor."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import hist
import numpy as np

from pocket.base.typing import Floats, Mask
from pocket.errors import ScaleFactorError, check_known
from pocket.scale_factors.declarations.measured import PassFail, ScaleFactor
from pocket.scale_factors.measurement.binning import Binning, Categories, join_bins
from pocket.scale_factors.measurement.rebinning import Histogram, in_bins, read_axis

NOMINAL = "nominal"
#: share of a sum of squared weights below which a difference of two sums is rounding
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of weights and of their squares, both of shape (groups, bins of further axes …)."""

    values: Floats
    variances: Floats

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.values + other.values, self.variances + other.variances)


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums of weights of passing and failing entries, all of shape (groups, bins of further axes …)."""

    passing: Floats
    failing: Floats
    passing_variance: Floats
    failing_variance: Floats


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of a declaration, in the bins of the scale factor.

    Args:
        histograms: the declared histogram per sample, summed over datasets, with axes ``cat``, ``variation``
            (simulation) and those of the declaration; storage ``Weight``.
        variation: the variation of simulation that is read; samples without it give the nominal templates.
        data_are_expected: whether data are expected numbers, which needn't be integers.
    """

    name: str
    declaration: ScaleFactor
    histograms: Mapping[str, Histogram]
    binning: Binning
    variation: str = NOMINAL
    factors: Mapping[str, float] = dataclasses.field(default_factory=dict)
    data_are_expected: bool = False

    @property
    def labels(self) -> list[str]:
        """Labels of the bins in each group."""
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
            further: axes of the histogram that don't bin the scale factor but are kept.

        Returns:
            Shape (groups, bins of ``further`` …), or a single zero without samples.
        """
        if not samples:
            return Sums(np.zeros(()), np.zeros(()))
        return self._collapsed(self.histogram(samples, category, further, variation), samples)

    def histogram(
        self,
        samples: Sequence[str],
        category: str | None = None,
        further: Sequence[str] = (),
        variation: str | None = None,
    ) -> Histogram:
        """Return the sum of samples with the axes of the scale factor and further ones, without joining bins."""
        parts = [self._sample(sample, category, further, variation or self.variation) for sample in samples]
        if any(part.axes != parts[0].axes for part in parts):
            raise ScaleFactorError(
                f"variable {self.declaration.variable!r}: samples {', '.join(samples)} have different bins"
            )
        return functools.reduce(operator.add, parts)

    def counts(self, samples: Sequence[str], further: Sequence[str] = ()) -> Counts:
        """Return the passing and failing entries, for a declaration that separates them."""
        declaration = self.declaration
        assert isinstance(declaration, PassFail)
        if declaration.fail_category or declaration.denominator:
            passing = self.read(samples, declaration.category, further)
            other = self.read(samples, declaration.fail_category or declaration.denominator, further)
            if not declaration.denominator:
                return Counts(passing.values, other.values, passing.variances, other.variances)
            failing, variances = other.values - passing.values, other.variances - passing.variances
            # Passing entries are a part of all entries, so their sum of squares isn't larger. If both are equal,
            # nothing fails.
            if (variances < -ROUNDING * other.variances).any():
                raise ScaleFactorError(
                    f"variable {declaration.variable!r} of sample {', '.join(samples)}: category "
                    f"{declaration.category!r} isn't a part of {declaration.denominator!r}"
                )
            some = variances > ROUNDING * other.variances
            return Counts(passing.values, np.where(some, failing, 0), passing.variances, np.where(some, variances, 0))
        total = self.histogram(samples, None, (*further, declaration.pass_axis))
        fail, success = (total.axes[declaration.pass_axis].index(flag) for flag in (0, 1))
        if fail == success or not {fail, success} <= set(range(total.axes[declaration.pass_axis].size)):
            raise ScaleFactorError(
                f"variable {declaration.variable!r}: axis {declaration.pass_axis!r} must have separate bins for 0 "
                "(fail) and 1 (pass)"
            )
        sums = self._collapsed(total, samples)
        return Counts(*(part[..., flag] for part in (sums.values, sums.variances) for flag in (success, fail)))

    def counts_in_range(self, samples: Sequence[str]) -> Counts:
        """Return :meth:`counts` in the range in which entries count, shape (groups,)."""
        if (counting := self.declaration.entry_range()) is None:
            return self.counts(samples)
        axis, bounds = counting
        counts = self.counts(samples, (axis,))
        histogram = self.histogram(samples, None, (axis,))
        inside = [within(histogram, axis, self.declaration.range_in(label) or bounds) for label in self.labels]
        return Counts(*(np.where(inside, getattr(counts, part.name), 0).sum(axis=1) for part in fields(Counts)))

    def counted(self, samples: Sequence[str], further: Sequence[str] = ()) -> Counts:
        """Return :meth:`counts` of data."""
        data = self.counts(samples, further)
        for values, variances in ((data.passing, data.passing_variance), (data.failing, data.failing_variance)):
            self.require_counts(Sums(values, variances), samples)
        return data

    def require_counts(self, data: Sums, samples: Sequence[str]) -> None:
        """Check that data are counts."""
        are_counts = np.array_equal(data.values, data.variances) and np.array_equal(data.values, np.rint(data.values))
        if not (are_counts or self.data_are_expected):
            raise ScaleFactorError(
                f"variable {self.declaration.variable!r}: data ({', '.join(samples)}) have weights other than 1"
            )

    def _collapsed(self, total: Histogram, samples: Sequence[str]) -> Sums:
        found = {axis: read_axis(total.axes[axis]) for axis in self.declaration.axes}
        if found != self.binning.axes:
            raise ScaleFactorError(
                f"variable {self.declaration.variable!r} of sample {', '.join(samples)}: the bins differ from those of "
                f"scale factor {self.name!r}"
            )
        values, variances = np.asarray(total.values(), dtype=float), np.asarray(total.variances(), dtype=float)
        return Sums(self.binning.collapse(values), self.binning.collapse(variances))

    def _sample(self, sample: str, category: str | None, further: Sequence[str], variation: str) -> Histogram:
        category = category or self.declaration.category
        check_known("sample", [sample], self.histograms, f"templates of variable {self.declaration.variable!r}")
        histogram = self.histograms[sample]
        where = f"variable {self.declaration.variable!r} of sample {sample!r}"
        axes = (*self.declaration.axes, *further)
        given = self.declaration.given if isinstance(self.declaration, PassFail) else ()
        check_known("axis", ("cat", *axes, *given), histogram.axes.name, where)
        check_known("category", [category], histogram.axes["cat"], where)
        if histogram.storage_type is not hist.storage.Weight:
            raise ScaleFactorError(f"{where}: storage must be Weight, not {histogram.storage_type.__name__}")
        selection: dict[Any, Any] = {"cat": category}
        if "variation" in histogram.axes.name:
            known = histogram.axes["variation"]
            check_known("variation", [NOMINAL], known, where)
            selection["variation"] = variation if variation in known else NOMINAL
        for axis in given:
            selection[axis] = histogram.axes[axis].index(1)
            if not 0 <= selection[axis] < histogram.axes[axis].size:
                raise ScaleFactorError(f"{where}: axis {axis!r} has no bin for 1 (pass)")
        selected: Any = histogram[selection]
        projected = in_bins(selected.project(*axes), self.declaration)
        if sample in self.factors:
            projected = projected * self.factors[sample]
        if not (np.isfinite(projected.values()).all() and np.isfinite(np.asarray(projected.variances())).all()):
            raise ScaleFactorError(f"{where}: contents are not finite")
        return projected


def find_bins(name: str, declaration: ScaleFactor, histograms: Mapping[str, Histogram]) -> Binning:
    """Return the bins of a scale factor, joined if they have too few entries."""
    # The bins aren't known yet, so these templates must not collapse any.
    templates = Templates(name, declaration, histograms, Binning({}, np.zeros((), dtype=np.int64)))
    counting = declaration.entry_range()
    further = () if counting is None else (counting[0],)
    roles = [
        functools.reduce(
            operator.add,
            (templates.histogram(samples, category, further) for category in declaration.entry_categories()),
        )
        for samples in declaration.roles().values()
    ]
    axes = {axis: read_axis(roles[0].axes[axis]) for axis in declaration.axes}
    if any(read_axis(role.axes[axis]) != bins for role in roles for axis, bins in axes.items()):
        raise ScaleFactorError(f"variable {declaration.variable!r}: data and simulation have different bins")
    if not declaration.min_n_eff:
        return Binning.separate(axes)
    entries = np.stack([_entries(role, counting) for role in roles])
    with_edges = (axis for axis, bins in axes.items() if not isinstance(bins, Categories))
    along = declaration.merge_axis or next(with_edges, declaration.axes[0])
    return join_bins(axes, entries, declaration.min_n_eff, along, name)


def _entries(histogram: Histogram, counting: tuple[str, tuple[float, float]] | None) -> Floats:
    """Return sums of weights and of their squares, shape (2, bins of each axis …), for entries in a range."""
    sums = np.stack([histogram.values(), np.asarray(histogram.variances())])
    if counting is None:
        return sums
    axis, bounds = counting
    return np.asarray(sums[..., within(histogram, axis, bounds)].sum(axis=-1))


def within(histogram: Histogram, axis: str, bounds: tuple[float, float]) -> Mask:
    """Return which bins of an axis are in a range, shape (bins,)."""
    centers = np.asarray(histogram.axes[axis].centers)
    return np.asarray((bounds[0] < centers) & (centers < bounds[1]))
