"""Numbers of bins of corrections whose bins are the same everywhere, as a grid of axes.

correctionlib takes some 60 ns to walk through three axes for one object; compiled loops compare many objects with an
edge at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.corrections.tree import Node, binned_inputs, children, kind_of, own_form

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Keys:
    """An axis of keys of a category.

    Args:
        keys: whole numbers, in the order of their bins.
    """

    keys: tuple[int, ...]

    def add(self, values: npt.NDArray[Any], found: Indices) -> bool:
        """Continue the numbers of bins by those of this axis, and tell whether each value is a key."""
        from pocket.corrections.compiled import add_keys

        return bool(add_keys(values, np.array(self.keys), found))


@dataclass(frozen=True)
class Edges:
    """An axis of bins, each from its lower edge up to the next one, which is not in it.

    Args:
        edges: growing, one more than there are bins.
        clamped: whether values beyond take the outermost bin.
    """

    edges: tuple[float, ...]
    clamped: bool

    def add(self, values: npt.NDArray[Any], found: Indices) -> bool:
        """Continue the numbers of bins by those of this axis, and tell whether each value is in a bin."""
        from pocket.corrections.compiled import add_bins

        return bool(add_bins(values, np.array(self.edges), self.clamped, found))


Axis = Keys | Edges


def axes_of(tree: Node) -> dict[str, Axis] | None:
    """Return input → axis, the outermost first, of a tree of bins (:mod:`pocket.corrections.tree`).

    Returns:
        ``None`` if its bins form no grid: if there are none, they differ, have a rule of their own beyond the edges, or
        the same width, for which correctionlib divides the range, which may round differently.
    """
    axes: dict[str, Axis] = {}
    nodes = [tree]
    while kind_of(nodes[0]) != "number":
        own = _own_axes(nodes[0])
        if own is None or own.keys() & axes.keys() or any(_bins_of(node) != _bins_of(nodes[0]) for node in nodes[1:]):
            return None
        axes.update(own)
        nodes = [child for node in nodes for child in children(node).values()]
    return None if not axes or any(kind_of(node) != "number" for node in nodes) else axes


def _bins_of(node: Node) -> Any:
    return own_form(node), list(children(node))


def _own_axes(node: Node) -> dict[str, Axis] | None:
    below = children(node)
    if kind_of(node) == "category":
        return None if None in below else {node["input"]: Keys(tuple(below))}
    inputs = binned_inputs(node)
    if "flow" in below or any(isinstance(edges, dict) for _, edges in inputs) or len(dict(inputs)) < len(inputs):
        return None
    return {name: Edges(tuple(map(float, edges)), node["flow"] == "clamp") for name, edges in inputs}


def find_bins(axes: Sequence[Axis], columns: Sequence[npt.NDArray[Any]]) -> Indices | None:
    """Return the number of the bin of each object, the last axis running fastest.

    Args:
        axes: the axes of the grid.
        columns: values of the objects, without NaN, one array of shape (n objects,) per axis.

    Returns:
        Shape (n objects,); ``None`` if one of them is in no bin.
    """
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for axis, values in zip(axes, columns, strict=True):
        if not axis.add(values, found):
            return None
    return found
