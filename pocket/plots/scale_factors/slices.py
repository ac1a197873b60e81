"""Slices of a scale factor: bins that are drawn side by side, and the pages of the slices."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocket.base.typing import Floats, Mask
from pocket.plots.axes import Binning
from pocket.plots.style import PlotStyle
from pocket.plots.templates.panels import as_list
from pocket.scale_factors.measurement.binning import Axis, Categories, length
from pocket.scale_factors.measurement.result import ScaleFactorResult

#: number of panels on a page
PANELS = 9
#: the horizontal axis is logarithmic if the edges span more than this factor
LOG_SPAN = 20.0

#: index into an array with one dimension per axis
Index = tuple[slice | int, ...]


@dataclass(frozen=True)
class Part:
    """Bins of a scale factor that are in the same bin of each of some axes.

    ``index`` is that of the first of them if several have the same measurements; ``categories`` describes the bins of
    axes with categories, and ``stem`` has them for file names.
    """

    index: Index
    title: str
    categories: str
    stem: str


@dataclass(frozen=True, eq=False)
class Slice:
    """Content of a panel: bins along one axis, where bins that were measured together are one.

    ``bins`` are positions in the flattened result, and ``shared`` tells which of them are also in other slices.
    """

    part: Part
    binning: Binning
    bins: NDArray[np.int64]
    shared: Mask

    def numbers(self) -> dict[str, Any]:
        """Return what the numbers of each plot say of the bins."""
        return {"range": self.part.title, "axis": self.binning.label, "edges": as_list(self.binning.edges)}

    def pick(self, values: NDArray[np.generic]) -> Floats:
        """Return the values of the slice's bins, from an array with one dimension per axis."""
        return np.asarray(values.ravel()[self.bins])


@dataclass(frozen=True)
class Page:
    """At most :data:`PANELS` slices that are drawn on one page; the only page has no stem."""

    slices: Sequence[Slice]
    stem: str


def slice_pages(result: ScaleFactorResult, labels: Mapping[str, str], style: PlotStyle) -> list[Page]:
    """Return pages of slices along the first axis that has edges, or else along the last one.

    There is one slice for each bin of the other axes. Slices of different categories are on different pages, unless
    each category is one slice. An axis without a label has its name.
    """
    names = list(result.axes)
    along = next(iter(intervals(result.axes)), names[-1])
    parts = list(split(result, [name for name in names if name != along], labels, style))
    lines = [result.groups[part.index] for part in parts]
    seen = np.bincount(np.concatenate([np.unique(line) for line in lines]))
    positions = np.arange(result.groups.size).reshape(result.groups.shape)
    by_category: dict[str, list[Slice]] = {}
    for part, line in zip(parts, lines, strict=True):
        # The bins of one group are adjacent, except for categories, which are never joined.
        starts = np.flatnonzero(np.diff(line, prepend=-1))
        binning = drawn_axis(result.axes[along], labels.get(along, along), starts)
        one = Slice(part, binning, positions[part.index][starts], seen[line[starts]] > 1)
        by_category.setdefault(part.categories, []).append(one)
    if len(by_category) == len(parts):
        return _numbered([one for slices in by_category.values() for one in slices], "")
    return [page for slices in by_category.values() for page in _numbered(slices, slices[0].part.stem)]


def _numbered(slices: Sequence[Slice], stem: str) -> list[Page]:
    pages = [slices[start : start + PANELS] for start in range(0, len(slices), PANELS)]
    if len(pages) == 1:
        return [Page(pages[0], stem)]
    return [Page(page, f"{stem}_{number:02d}".lstrip("_")) for number, page in enumerate(pages, 1)]


def intervals(axes: Mapping[str, Axis]) -> dict[str, tuple[float, ...]]:
    """Return the axes that have edges."""
    return {name: axis for name, axis in axes.items() if not isinstance(axis, Categories)}


def split(
    result: ScaleFactorResult, names: Sequence[str], labels: Mapping[str, str], style: PlotStyle
) -> Iterator[Part]:
    """Yield the combinations of bins of some axes; combinations with the same measurements in all bins are one."""
    same: dict[bytes, list[tuple[int, ...]]] = {}
    for bins in itertools.product(*(range(length(result.axes[name])) for name in names)):
        same.setdefault(result.groups[_index(result, names, bins)].tobytes(), []).append(bins)
    for members in same.values():
        texts, stems = {}, []
        for name, bins in zip(names, zip(*members, strict=True), strict=True):
            axis, label = result.axes[name], labels.get(name, name)
            texts[name] = bins_text(axis, label, sorted(set(bins)), style)
            if isinstance(axis, Categories):
                stems.append(re.sub(r"[^\w.-]+", "-", str(axis.values[bins[0]])))
        categories = [text for name, text in texts.items() if isinstance(result.axes[name], Categories)]
        yield Part(_index(result, names, members[0]), ", ".join(texts.values()), ", ".join(categories), "_".join(stems))


def _index(result: ScaleFactorResult, names: Sequence[str], bins: Sequence[int]) -> Index:
    chosen = dict(zip(names, bins, strict=True))
    return tuple(chosen.get(name, slice(None)) for name in result.axes)


def bins_text(axis: Axis, label: str, bins: Sequence[int], style: PlotStyle) -> str:
    """Return a description of adjacent bins or of categories.

    Strings stand for themselves, such as a year or a sample; numbers come with their label.
    """
    if not isinstance(axis, Categories):
        return range_text(label, axis[bins[0]], axis[bins[-1] + 1])
    values = [axis.values[bin_] for bin_ in bins]
    texts = [style.label_of(value) if isinstance(value, str) else str(value) for value in values]
    return " + ".join(texts) if isinstance(values[0], str) else f"{label} {' + '.join(texts)}"


def range_text(label: str, low: float, high: float) -> str:
    """Return a description of a bin, e.g. ``20 < $p_T$ < 25 GeV`` for the label ``$p_T$ [GeV]``."""
    symbol, _, unit = label.partition(" [")
    if math.isinf(high):
        text = symbol if math.isinf(low) else f"{symbol} > {low:g}"
    else:
        text = f"{symbol} < {high:g}" if math.isinf(low) else f"{low:g} < {symbol} < {high:g}"
    return f"{text} {unit.rstrip(']')}".rstrip()


def drawn_axis(axis: Axis, label: str, starts: NDArray[np.int64]) -> Binning:
    """Return the drawn axis with bins that begin at ``starts``."""
    if isinstance(axis, Categories):
        return Binning(range(len(axis.values) + 1), label, tuple(map(str, axis.values)))
    # All slices have the same range, even if their bins are joined differently.
    edges = Binning(axis, label).edges
    log = bool(edges[0] > 0 and edges[-1] > LOG_SPAN * edges[0])
    open_ended = ", open-ended" if math.isinf(axis[0]) or math.isinf(axis[-1]) else ""
    return Binning([*edges[starts], edges[-1]], label + open_ended, log=log)
