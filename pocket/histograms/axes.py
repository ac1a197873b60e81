"""hist axes of declared axes, indices of bins, and contents of histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices
from pocket.errors import HistogramError
from pocket.histograms.config import Axis

_TRANSFORMS = {"log": hist.axis.transform.log, "sqrt": hist.axis.transform.sqrt}


def build_axis(axis: Axis) -> Any:
    """Return the hist axis of a declared axis."""
    bins: Any = axis.bins
    options: dict[str, Any] = {"name": axis.name, "label": axis.label or axis.name, "overflow": axis.overflow}
    if axis.type == "intcat":
        return hist.axis.IntCategory(bins, **options)
    if axis.type == "strcat":
        return hist.axis.StrCategory(bins, **options)
    options["underflow"] = axis.underflow
    if axis.type == "variable":
        return hist.axis.Variable(bins, **options)
    start: Any = axis.start
    stop: Any = axis.stop
    if axis.type == "integer":
        return hist.axis.Integer(int(start), int(stop), **options)
    transform = _TRANSFORMS[axis.transform] if axis.transform else None
    return hist.axis.Regular(bins, start, stop, transform=transform, **options)


def category_axis(name: str, values: Sequence[str]) -> Any:
    """Return the axis of categories or variations, without flow."""
    return hist.axis.StrCategory(list(values), name=name, label=name, overflow=False)


def flat_bins(
    axes: Sequence[Any], columns: Sequence[npt.NDArray[Any]], where: str, nan: str = "error"
) -> tuple[Indices, int]:
    """Return the flat bin of each entry, including flow bins, as hist.fill would choose it, and the number of bins.

    The flat C-order index of shape (n entries,) is -1 for entries in a flow bin that an axis lacks. Only below the
    domain of a transform, hist.fill would choose the overflow bin. For ``nan`` see
    :class:`pocket.histograms.config.HistConf`.
    """
    flat: Indices | None = None
    outside: npt.NDArray[np.bool_] | None = None
    size = 1
    for axis, values in zip(axes, columns, strict=True):
        index = _axis_index(axis, values, where, nan)
        if axis.traits.underflow:
            index += 1
        if not (axis.traits.underflow and axis.traits.overflow):
            beyond = (index < 0) | (index >= axis.extent)
            outside = beyond if outside is None else outside | beyond
        flat = index if flat is None else flat * axis.extent + index
        size *= axis.extent
    assert flat is not None
    if outside is not None:
        flat[outside] = -1
    return flat, size


def _axis_index(axis: Any, values: npt.NDArray[Any], where: str, nan: str) -> Indices:
    """Return the bin of each value on one axis: -1 for underflow, the number of bins for overflow."""
    place = f"histogram {where!r}: axis {axis.name!r}"
    texts, numbers = isinstance(axis, hist.axis.StrCategory), not axis.traits.continuous
    kinds = "U" if texts else "iub" if numbers else "iubf"
    if len(values) and values.dtype.kind not in kinds:
        wanted = "strings" if texts else "integers" if numbers else "numbers"
        raise HistogramError(f"{place} holds {wanted}, its values are {values.dtype}")
    if isinstance(axis, hist.axis.IntCategory | hist.axis.StrCategory):
        # axis.index refuses values that aren't a category, hist.fill treats them as overflow.
        position = {category: number for number, category in enumerate(axis)}
        distinct, inverse = np.unique(values, return_inverse=True)
        return np.array([position.get(value, axis.size) for value in distinct.tolist()], dtype=np.int64)[inverse]
    if numbers:
        # axis.index refuses integers beyond 32 bits, e.g. event numbers.
        return np.searchsorted(axis.edges, values, side="right") - 1
    if nan == "error" and values.dtype.kind == "f" and (bad := int(np.isnan(values).sum())):
        raise HistogramError(f"{place}: {bad} of {len(values)} values are NaN, which nan='overflow' of HistConf allows")
    index = np.array(axis.index(values), dtype=np.int64)
    # A logarithm or root of a negative number is NaN, which hist takes as overflow.
    return np.where(values < 0, -1, index) if getattr(axis, "transform", None) else index


def set_sums(histogram: Any, sumw: npt.NDArray[np.float64], sumw2: npt.NDArray[np.float64]) -> None:
    """Set the contents of a histogram, in the shape of the axes with flow; without storage ``weight`` only ``sumw``."""
    view = histogram.view(flow=True)
    if view.dtype.names:
        view["value"], view["variance"] = sumw, sumw2
    else:
        view[...] = sumw
