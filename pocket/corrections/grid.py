"""Numbers of bins of corrections whose bins are the same everywhere, as a grid of axes.

correctionlib takes some 60 ns to walk through three axes for one object; compiled loops compare many objects with an
edge at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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


def axes_of(tree: Any) -> dict[str, Axis] | None:
    """Return input → axis, the outermost first, of a tree of :mod:`pocket.corrections.bin_cache`.

    Returns:
        ``None`` if its bins form no grid: if there are none, they differ, have a rule of their own beyond the edges, or
        the same width, for which correctionlib divides the range, which may round differently.
    """
    axes: dict[str, Axis] = {}
    nodes = [tree]
    while isinstance(nodes[0], dict):
        own = _own_axes(nodes[0])
        if own is None or own.keys() & axes.keys() or any(_bins_of(node) != _bins_of(nodes[0]) for node in nodes[1:]):
            return None
        axes.update(own)
        nodes = [child for node in nodes for child in node["children"].values()]
    return None if not axes or any(isinstance(node, dict) for node in nodes) else axes


def _bins_of(node: Any) -> Any:
    return (node["kind"], node["rest"], list(node["children"])) if isinstance(node, dict) else None


def _own_axes(node: Mapping[str, Any]) -> dict[str, Axis] | None:
    rest, children = node["rest"], node["children"]
    if node["kind"] == "category":
        return None if None in children else {rest["input"]: Keys(tuple(children))}
    names, edges = (rest["inputs"], rest["edges"]) if "inputs" in rest else ([rest["input"]], [rest["edges"]])
    if "flow" in children or any(isinstance(axis, dict) for axis in edges) or len(set(names)) < len(names):
        return None
    clamped = rest["flow"] == "clamp"
    return {name: Edges(tuple(map(float, axis)), clamped) for name, axis in zip(names, edges, strict=True)}


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
