"""Passing and failing counts per bin, read from templates."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors.declarations import ScaleFactor
from pocket.scale_factors.result import Array


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums of weights of passing and failing entries.

    Args:
        edges: bin edges of each axis.
        passing: sum of weights, one dimension per axis.
        failing: the same for failing entries.
        passing_variance: sum of squared weights.
        failing_variance: the same for failing entries.
    """

    edges: dict[str, tuple[float, ...]]
    passing: Array
    failing: Array
    passing_variance: Array
    failing_variance: Array


def read_counts(
    templates: Mapping[str, hist.Hist[Any]], declaration: ScaleFactor, axes: tuple[str, ...], pass_axis: str
) -> tuple[Counts, Counts]:
    """Read data and simulation: the declared category, nominal variation, in bins of ``axes`` and pass or fail.

    Entries outside of ``axes`` are left out; axes that aren't named are summed over.

    Returns:
        the sum of the data samples and that of the simulated ones.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ScaleFactorError: if a histogram has no sums of squared weights or isn't finite, samples differ in their
            bins, or data have weights, which binomial and Poisson errors don't allow.
    """
    data, mc = (
        _summed(templates, samples, declaration, axes, pass_axis) for samples in (declaration.data, declaration.mc)
    )
    if data.edges != mc.edges:
        raise ScaleFactorError(f"variable {declaration.variable!r}: data and simulation have different bins")
    for values, variances in ((data.passing, data.passing_variance), (data.failing, data.failing_variance)):
        if not (np.array_equal(values, variances) and np.array_equal(values, np.rint(values))):
            raise ScaleFactorError(
                f"variable {declaration.variable!r}: data ({', '.join(declaration.data)}) have weights other than 1"
            )
    return data, mc


def bin_labels(edges: Mapping[str, tuple[float, ...]]) -> list[str]:
    """Return a text such as ``pt [25, 30), abseta [0, 1.2)`` per bin, the last axis running fastest."""
    shape = tuple(len(axis) - 1 for axis in edges.values())
    return [
        ", ".join(
            f"{name} [{axis[i]:g}, {axis[i + 1]:g})" for (name, axis), i in zip(edges.items(), index, strict=True)
        )
        for index in np.ndindex(shape)
    ]


def _summed(
    templates: Mapping[str, hist.Hist[Any]],
    samples: tuple[str, ...],
    declaration: ScaleFactor,
    axes: tuple[str, ...],
    pass_axis: str,
) -> Counts:
    for sample in samples:
        if sample not in templates:
            raise UnknownNameError("sample", sample, templates, f"templates of variable {declaration.variable!r}")
    parts = [_projected(templates[sample], sample, declaration, (*axes, pass_axis)) for sample in samples]
    if any(part.axes != parts[0].axes for part in parts):
        raise ScaleFactorError(f"variable {declaration.variable!r}: samples {', '.join(samples)} have different bins")
    total: hist.Hist[Any] = functools.reduce(operator.add, parts)
    values, variances = np.asarray(total.values(), dtype=float), np.asarray(total.variances(), dtype=float)
    fail, success = (total.axes[pass_axis].index(flag) for flag in (0, 1))
    if fail == success or not {fail, success} <= set(range(total.axes[pass_axis].size)):
        raise ScaleFactorError(
            f"variable {declaration.variable!r}: axis {pass_axis!r} must have separate bins for 0 (fail) and 1 (pass)"
        )
    return Counts(
        edges={name: tuple(float(edge) for edge in total.axes[name].edges) for name in axes},
        passing=values[..., success],
        failing=values[..., fail],
        passing_variance=variances[..., success],
        failing_variance=variances[..., fail],
    )


def _projected(
    histogram: hist.Hist[Any], sample: str, declaration: ScaleFactor, axes: tuple[str, ...]
) -> hist.Hist[Any]:
    where = f"variable {declaration.variable!r} of sample {sample!r}"
    for axis in ("cat", *axes):
        if axis not in histogram.axes.name:
            raise UnknownNameError("axis", axis, histogram.axes.name, where)
    if declaration.category not in histogram.axes["cat"]:
        raise UnknownNameError("category", declaration.category, histogram.axes["cat"], where)
    if histogram.storage_type is not hist.storage.Weight:
        raise ScaleFactorError(f"{where}: storage must be Weight, not {histogram.storage_type.__name__}")
    selection = {"cat": declaration.category}
    if "variation" in histogram.axes.name:
        if "nominal" not in histogram.axes["variation"]:
            raise UnknownNameError("variation", "nominal", histogram.axes["variation"], where)
        selection["variation"] = "nominal"
    projected: hist.Hist[Any] = histogram[selection].project(*axes)  # type: ignore[index, union-attr]
    if not (np.isfinite(projected.values()).all() and np.isfinite(np.asarray(projected.variances())).all()):
        raise ScaleFactorError(f"{where}: contents are not finite")
    return projected
