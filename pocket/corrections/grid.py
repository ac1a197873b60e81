"""Numbers of bins of corrections whose bins form a grid of axes.

correctionlib takes some 60 ns to find the bin of one object on three axes; the compiled loops compare many objects with
an edge at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices
from pocket.corrections.tree import Node, binned_inputs, children, kind_of, own_form


@dataclass(frozen=True)
class Keys:
    """Axis of integer keys."""

    keys: tuple[int, ...]

    def add(self, values: npt.NDArray[Any], found: Indices) -> bool:
        """Update the numbers of bins for this axis, and tell whether each value is a key."""
        from pocket.corrections.compiled import add_keys

        return bool(add_keys(values, np.array(self.keys), found))


@dataclass(frozen=True)
class Edges:
    """Axis of bins, each from its lower edge to the next edge, which isn't included."""

    edges: tuple[float, ...]
    clamped: bool

    def add(self, values: npt.NDArray[Any], found: Indices) -> bool:
        """Update the numbers of bins for this axis, and tell whether each value is in a bin."""
        from pocket.corrections.compiled import add_bins

        return bool(add_bins(values, np.array(self.edges), self.clamped, found))


Axis = Keys | Edges


def axes_of(tree: Node) -> dict[str, Axis] | None:
    """Return input → axis of a tree of bins, the outermost first; ``None`` if they form no grid.

    They don't if they differ between branches, or the values beyond the edges are nodes of their own. Uniform bins
    aren't compared either: correctionlib computes them by a division, which may round differently.
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
    """Return the number of the bin of each object, the last axis varies fastest; ``None`` if one is in no bin."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for axis, values in zip(axes, columns, strict=True):
        if not axis.add(values, found):
            return None
    return found
