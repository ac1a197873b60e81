"""Cells of a map: the bins of two axes with underflow and overflow, and the places where they are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pocket.base.typing import Floats, Mask
from pocket.errors import HistogramError
from pocket.plots.axes import Binning

if TYPE_CHECKING:
    from hist import Hist

#: Bins of different widths are drawn in the same size if there are at most this many, so that there is room for values.
MOST_EQUAL = 16
#: width of underflow and overflow beside more bins than that, in parts of the axis
FLOW_WIDTH = 0.04


@dataclass(frozen=True)
class Side:
    """One axis of a map, with cells for underflow and overflow if it has them; ``limits`` ``None`` shows all cells."""

    binning: Binning
    low: bool = False
    high: bool = False
    limits: tuple[float, float] | None = None

    @property
    def bounds(self) -> Floats:
        """Ends of all cells, shape (cells + 1,); infinite at underflow and overflow."""
        ends = [[-np.inf] if self.low else [], self.binning.bounds, [np.inf] if self.high else []]
        return np.concatenate([np.asarray(each, dtype=np.float64) for each in ends])

    @property
    def is_equal(self) -> bool:
        """Whether all cells are drawn in the same size, with their ends as labels of ticks."""
        inner = np.asarray(self.binning.bounds)[np.isfinite(self.binning.bounds)]
        widths = np.diff(np.log(inner) if self.binning.log else inner)
        uneven = widths.size > 0 and not np.allclose(widths, widths[0], rtol=1e-6)
        open_ended = not np.isfinite(self.binning.bounds).all()
        return (uneven or open_ended) and not self.binning.names and self.bounds.size <= MOST_EQUAL + 1

    @property
    def places(self) -> Floats:
        """Positions of the ends of all cells in the drawing, shape (cells + 1,)."""
        if self.is_equal:
            return np.arange(self.bounds.size, dtype=np.float64)
        edges = np.log10(self.binning.edges) if self.binning.log else self.binning.edges
        widths = np.diff(edges)
        # Among few bins, there is room for the values of underflow and overflow.
        low, high = widths[[0, -1]] if widths.size <= MOST_EQUAL else [FLOW_WIDTH * (edges[-1] - edges[0])] * 2
        ends = [[edges[0] - low] if self.low else [], edges, [edges[-1] + high] if self.high else []]
        places = np.concatenate(ends)
        return 10**places if self.binning.log else places

    @property
    def shown(self) -> Mask:
        """Which cells are in the range to show, shape (cells,)."""
        bounds = self.bounds
        if self.limits is None:
            return np.ones(bounds.size - 1, dtype=np.bool_)
        low, high = self.limits
        return np.isfinite(bounds[1:] - bounds[:-1]) & (bounds[1:] > low) & (bounds[:-1] < high)

    @property
    def ticks(self) -> tuple[Floats, list[str]] | None:
        """Positions and labels of ticks, ``None`` for those that matplotlib chooses."""
        places = self.places
        if self.binning.names:
            below, above = self._flow_names
            names = [*([below] if self.low else []), *self.binning.names, *([above] if self.high else [])]
            return (places[1:] + places[:-1]) / 2, names
        return (places, [_edge_text(edge) for edge in self.bounds]) if self.is_equal else None

    @property
    def _flow_names(self) -> tuple[str, str]:
        """Names of underflow and overflow: of integers, they lie below and above; of categories, there are others."""
        names = self.binning.names
        if names == tuple(f"{edge:.0f}" for edge in self.binning.bounds[:-1]):
            return f"< {names[0]}", f"> {names[-1]}"
        return "other", "other"


def _edge_text(edge: float) -> str:
    return f"{edge:g}".replace("-", "−") if math.isfinite(edge) else r"$\infty$" if edge > 0 else r"$-\infty$"


@dataclass(frozen=True)
class Cells:
    """Histograms of two axes whose underflow and overflow are bins like the others."""

    sides: tuple[Side, Side]
    data: Hist[Any] | None
    mc: Mapping[str, Hist[Any]]

    @property
    def shown(self) -> Mask:
        """Which cells are in the range to show, shape (cells of the first axis, cells of the second)."""
        first, second = (side.shown for side in self.sides)
        return np.asarray(first[:, None] & second[None, :])


def cells_of(
    data: Hist[Any] | None,
    mc: Mapping[str, Hist[Any]],
    limits: Sequence[tuple[float, float] | None],
    variable: str,
) -> Cells:
    """Return the cells of data and simulation; an underflow or overflow without any entry has none."""
    histograms = {**mc, **({} if data is None else {"data": data})}
    binnings = _shared(histograms.items(), variable)
    flows = {name: _with_flow(h) for name, h in histograms.items()}
    axes = [axis for axis in next(iter(histograms.values())).axes if axis.name != "variation"]
    sides, keep = [], {}
    for axis, binning, limit in zip(axes, binnings, limits, strict=True):
        filled = np.any([_is_filled(h, axis.name) for h in flows.values()], axis=0)
        low, high = axis.traits.underflow, axis.traits.overflow
        filled[int(low) : filled.size - int(high)] = True
        sides.append(Side(binning, low and bool(filled[0]), high and bool(filled[-1]), limit))
        keep[axis.name] = slice(int(low and not filled[0]), filled.size - int(high and not filled[-1]))
    chosen = {name: _part(h, keep) for name, h in flows.items()}
    return Cells((sides[0], sides[1]), chosen.pop("data", None), chosen)


def _shared(histograms: Iterable[tuple[str, Hist[Any]]], variable: str) -> list[Binning]:
    """Return the two dense axes that all histograms share."""
    found: dict[str, list[Binning]] = {}
    for name, h in histograms:
        found[name] = [Binning.from_axis(axis) for axis in h.axes if axis.name != "variation"]
        if len(found[name]) != 2:
            raise HistogramError(f"{variable} of {name}: a map shows two axes, not {len(found[name])}")
    (first, binnings), *others = found.items()
    for name, other in others:
        for ours, theirs in zip(binnings, other, strict=True):
            if not np.array_equal(ours.bounds, theirs.bounds) or ours.names != theirs.names:
                raise HistogramError(f"{variable}: {name} and {first} have different bins")
    return binnings


def _with_flow(h: Hist[Any]) -> Hist[Any]:
    """Return a histogram whose underflow and overflow are bins; those of the "variation" axis are left out."""
    contents = h.view(flow=True)
    for position, axis in enumerate(h.axes):
        if axis.name == "variation":
            contents = np.take(contents, range(axis.size), axis=position)
    return _filled(h, contents)


def _filled(h: Hist[Any], contents: Any) -> Hist[Any]:
    """Return a histogram with other contents, whose dense axes count the cells."""
    import hist

    axes = [
        axis
        if axis.name == "variation"
        else hist.axis.Integer(0, size, name=axis.name, label=axis.label, underflow=False, overflow=False)
        for axis, size in zip(h.axes, contents.shape, strict=True)
    ]
    result: Hist[Any] = hist.Hist(*axes, storage=h.storage_type())
    result.view()[...] = contents
    return result


def _part(h: Hist[Any], keep: Mapping[str, slice]) -> Hist[Any]:
    return _filled(h, h.view()[tuple(keep.get(axis.name, slice(None)) for axis in h.axes)])


def _is_filled(h: Hist[Any], axis: str) -> Mask:
    """Tell which cells of an axis have entries in any cell of the others."""
    others = tuple(position for position, each in enumerate(h.axes) if each.name != axis)
    return np.asarray((h.values() != 0).any(axis=others))
