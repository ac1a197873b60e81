"""Histograms in the bins of a scale factor: the declared edges, and entries outside of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hist
import numpy as np

from pocket.base.edges import missing_edge
from pocket.errors import ConfigError
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.measurement.binning import Axis, Categories

Histogram = hist.Hist[Any]


def read_axis(axis: Any) -> Axis:
    """Return the edges or categories of a histogram's axis."""
    if isinstance(axis, hist.axis.StrCategory | hist.axis.IntCategory):
        values: tuple[Any, ...] = tuple(axis)
        return Categories(values)
    return tuple(float(edge) for edge in axis.edges)


def in_bins(histogram: Histogram, declaration: ScaleFactor) -> Histogram:
    """Return a histogram with the declared edges and, if the method needs it, outside entries in the outer bins.

    Args:
        histogram: storage ``Weight``, with the axes of the declaration.
    """
    for axis, edges in declaration.bins.items():
        histogram = _rebinned(histogram, axis, edges, declaration)
    if declaration.folds_flow:
        for axis, flow in declaration.flows().items():
            if flow == "clamp" and not isinstance(read_axis(histogram.axes[axis]), Categories):
                histogram = _folded(histogram, list(histogram.axes.name).index(axis))
    return histogram


def _rebinned(histogram: Histogram, axis: str, edges: Sequence[float], declaration: ScaleFactor) -> Histogram:
    """Return a histogram with fewer edges; bins outside of them go to the under- and overflow.

    ``hist.rebin(edges=…)`` supports neither edges inside of the axis nor infinite ones.
    """
    old = histogram.axes[axis]
    if isinstance(read_axis(old), Categories):
        raise ConfigError(f"bins of {declaration.where}: axis {axis!r} has categories, not edges")
    matches = np.isclose(old.edges, np.array(edges)[:, np.newaxis], rtol=1e-9, atol=1e-12)
    if missing := missing_edge(np.array(edges)[~matches.any(axis=1)], old.edges):
        raise ConfigError(
            f"bins of {declaration.where}: {missing[0]:g} is no edge of the histogram's axis {axis!r}, nearest: "
            f"{missing[1]:g}"
        )
    new = hist.axis.Variable(list(edges), name=axis, label=old.label)
    rebinned = hist.Hist(*(new if one.name == axis else one for one in histogram.axes), storage=hist.storage.Weight())
    position = list(histogram.axes.name).index(axis)
    # Each range from one start to the next is added: underflow, bins, overflow.
    starts = [0, *(1 + matches.argmax(axis=1))]
    flow = old.traits.underflow, old.traits.overflow
    view: Any = histogram.view(flow=True)
    filled: Any = rebinned.view(flow=True)
    for field in ("value", "variance"):
        contents = np.moveaxis(np.asarray(view[field]), position, 0)
        padding = [(int(not flow[0]), int(not flow[1])), *[(0, 0)] * (contents.ndim - 1)]
        sums = np.add.reduceat(np.pad(contents, padding), starts, axis=0)
        filled[field] = np.moveaxis(sums, 0, position)
    return rebinned


def _folded(histogram: Histogram, position: int) -> Histogram:
    """Return a histogram with the underflow added to the first bin of an axis, and the overflow to the last one."""
    traits = histogram.axes[position].traits
    folded = histogram.copy()
    view: Any = folded.view(flow=True)
    for field in ("value", "variance"):
        bins = np.moveaxis(np.asarray(view[field]), position, 0)
        if traits.underflow:
            bins[1] += bins[0]
            bins[0] = 0
        if traits.overflow:
            bins[-2] += bins[-1]
            bins[-1] = 0
    return folded
