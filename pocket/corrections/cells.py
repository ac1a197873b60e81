"""Cell-by-cell comparison of two trees of a correction, with values in all bins of both.

The bins of the trees may differ: a cell is what is one bin in both.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.regions import UNCOVERED, Interval, Key, OtherKeys, Region, is_divided, parts_of
from pocket.corrections.tree import Node, binned_inputs, edges_of, keys_of, kind_of, walk

#: Values of inputs that no bins restrict, by a part of their name; the last ones are for all others.
TYPICAL: Mapping[str, tuple[float, ...]] = {
    "eta": (-4.0, -2.7, -2.0, -1.0, 0.0, 1.0, 2.0, 2.7, 4.0),
    "phi": (-2.5, -1.0, 0.5, 2.0),
    "rho": (5.0, 20.0, 40.0),
    "area": (0.4, 0.5, 0.6),
    "jeta": (0.4, 0.5, 0.6),
    "mass": (20.0, 80.0, 200.0),
    "pt": (15.0, 30.0, 50.0, 100.0, 300.0, 1000.0),
    "et": (15.0, 30.0, 50.0, 100.0, 300.0, 1000.0),
    "": (0.1, 0.3, 0.5, 0.7, 0.9),
}
#: Largest number of points in one cell.
MOST_POINTS = 200
#: A key that no category has.
_NO_KEY = {"string": "\N{BULLET}", "int": -987654321}


@dataclass(frozen=True)
class Cell:
    """A region in which both corrections have one bin, or one doesn't have any value (``None``).

    Formulas are compared at points; the values are those at the point with the largest difference.
    """

    region: Region
    left: float | None
    right: float | None
    point: Mapping[str, float] = field(default_factory=dict)
    points: Sequence[tuple[Mapping[str, float], float, float]] = ()

    @property
    def is_same(self) -> bool:
        """Whether both have the same value."""
        return _same(self.left, self.right)

    @property
    def difference(self) -> float:
        """Right less left, NaN if one has no value."""
        return math.nan if self.left is None or self.right is None else self.right - self.left

    @property
    def ratio(self) -> float:
        """Right over left, NaN if one has no value, or the left one is 0."""
        return math.nan if self.left is None or self.right is None or self.left == 0 else self.right / self.left


@dataclass(frozen=True)
class Side:
    """One of the two corrections."""

    correction: Mapping[str, Any]
    evaluate: Callable[..., Any]

    @property
    def tree(self) -> Node:
        """The tree, in which formulas stand where they are referred to."""
        return self.correction["data"]

    def formula(self, node: Node) -> Node:
        """Return what a leaf computes, with the formula that it may refer to."""
        if kind_of(node) != "formularef":
            return node
        return {**self.correction["generic_formulas"][node["index"]], "parameters": node["parameters"]}


def compare(left: Side, right: Side) -> Iterator[Cell]:
    """Yield all cells of two corrections; cells that only one has a value for are as large as they can be."""
    regions = list(_cells(left.tree, right.tree, {}))
    computed = [place for place, (_, ours, theirs) in enumerate(regions) if _is_computed(ours, theirs, left, right)]
    values = _evaluate([regions[place] for place in computed], left, right)
    at = dict(zip(computed, values, strict=True))
    for place, (region, ours, theirs) in enumerate(regions):
        if place in at:
            yield at[place]
        else:
            yield Cell(region, _number(ours), _number(theirs))


def _number(node: Node) -> float | None:
    """Return the value of a leaf; NaN if it has several, which are then the same on both sides, or on one side only."""
    if node is UNCOVERED:
        return None
    return float(node) if kind_of(node) == "number" else math.nan


def _same(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return left == right or (math.isnan(left) and math.isnan(right))


def _cells(left: Node, right: Node, region: Region) -> Iterator[tuple[Region, Node, Node]]:
    left, region = _settled(left, region)
    right, region = _settled(right, region)
    if left is UNCOVERED or right is UNCOVERED:
        one = right if left is UNCOVERED else left
        # Keys of one side alone are named, their bins aren't.
        if kind_of(one) == "category" and one is not UNCOVERED:
            for part, below in parts_of(one, region):
                yield from _cells(*((below, right) if one is left else (left, below)), part)
        elif _has_values(one):
            yield region, left, right
        return
    if is_divided(left):
        for part, below in parts_of(left, region):
            yield from _cells(below, right, part)
    elif is_divided(right):
        for part, below in parts_of(right, region):
            yield from _cells(left, below, part)
    else:
        yield region, left, right


def _settled(node: Node, region: Region) -> tuple[Node, Region]:
    """Return the node that is reached in a region without dividing it, and the region with the edges on the way."""
    while node is not UNCOVERED and is_divided(node):
        parts = parts_of(node, region)
        if len(parts) != 1:
            break
        ((region, node),) = parts
    return node, region


def _has_values(node: Node) -> bool:
    return node is not UNCOVERED and any(
        kind_of(part) not in ("category", "binning", "multibinning") for part in walk(node) if part is not None
    )


def _is_computed(ours: Node, theirs: Node, left: Side, right: Side) -> bool:
    """Tell whether a cell has to be evaluated to see whether it differs."""
    if ours is UNCOVERED or theirs is UNCOVERED:
        return False
    if kind_of(ours) == kind_of(theirs) == "number":
        return False
    return bool(left.formula(ours) != right.formula(theirs)) or _refers(ours)


def _refers(node: Node) -> bool:
    # The formulas of transformations may be different ones with the same number.
    return kind_of(node) == "transform" and any(kind_of(part) == "formularef" for part in walk(node))


def _evaluate(cells: Sequence[tuple[Region, Node, Node]], left: Side, right: Side) -> list[Cell]:
    """Return the cells with values at points in them, evaluated for all cells of the same strings together."""
    inputs = {axis["name"]: axis["type"] for side in (right, left) for axis in side.correction["inputs"]}
    points: list[tuple[int, dict[str, Any]]] = []
    free: list[list[str]] = []
    for number, (region, ours, theirs) in enumerate(cells):
        formulas = left.formula(ours), right.formula(theirs)
        values = {name: _values(name, kind, region, formulas) for name, kind in inputs.items()}
        free.append([name for name, found in values.items() if found is not None and len(found) > 1])
        grid = list(itertools.product(*(found or [_NO_KEY.get(inputs[name], 0.0)] for name, found in values.items())))
        step = math.ceil(len(grid) / MOST_POINTS)
        points += [(number, dict(zip(values, point, strict=True))) for point in grid[::step]]
    both = [_at_points(side, [point for _, point in points]) for side in (left, right)]
    at: list[list[tuple[dict[str, float], float, float]]] = [[] for _ in cells]
    for (number, point), ours, theirs in zip(points, *both, strict=True):
        at[number].append(({name: point[name] for name in free[number]}, float(ours), float(theirs)))
    made = []
    for (region, _, _), found in zip(cells, at, strict=True):
        point, ours, theirs = max(found, key=lambda values: _size(values[1], values[2]))
        made.append(Cell(region, ours, theirs, point, found))
    return made


def _size(left: float, right: float) -> float:
    """Return the size of a difference, to find the largest one."""
    if _same(left, right):
        return 0.0
    size = abs(right - left)
    return math.inf if math.isnan(size) else size


def _values(name: str, kind: str, region: Region, nodes: Sequence[Node]) -> list[Any] | None:
    """Return the values of an input at which formulas are compared in a region, ``None`` if they don't depend on it."""
    at = region.get(name)
    if isinstance(at, Key):
        return [at.key]
    inner = [part for node in nodes for part in walk(node)]
    if kind in _NO_KEY:
        keys = set().union(*(keys_of(node, name) for node in nodes))
        excluded = at.than if isinstance(at, OtherKeys) else frozenset()
        return sorted(keys - excluded) or None
    low, high = (at.low, at.high) if isinstance(at, Interval) else (-math.inf, math.inf)
    edges = [edges_of(axis) for part in inner for named, axis in binned_inputs(part) if named == name]
    middles = [0.5 * (one + other) for axis in edges for one, other in itertools.pairwise(axis)]
    variables = {variable for part in inner for variable in _variables(part)}
    if not middles and name not in variables:
        return None if not isinstance(at, Interval) else [at.middle]
    if isinstance(at, Interval) and math.isfinite(at.first) and math.isfinite(at.last):
        # Formulas may have other values at the ends of a bin than in the middle.
        middles += [at.first, at.middle, float(np.nextafter(at.last, -math.inf))]
    elif not middles:
        middles += next(values for part, values in TYPICAL.items() if part in name.lower())
    found = sorted({value for value in middles if low <= value < high and math.isfinite(value)})
    return found or [at.middle if isinstance(at, Interval) else 0.0]


def _variables(node: Node) -> Sequence[str]:
    match kind_of(node):
        case "formula":
            return list(node["variables"])
        case "hashprng":
            return list(node["inputs"])
        case "transform":
            return [node["input"]]
        case _:
            return []


def _at_points(side: Side, points: Sequence[Mapping[str, Any]]) -> Floats:
    """Return the values of a correction at points, NaN where it has none; shape (n points,)."""
    order = [(axis["name"], axis["type"]) for axis in side.correction["inputs"]]
    texts = [name for name, kind in order if kind == "string"]
    values = np.full(len(points), math.nan)
    groups: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        groups.setdefault(json.dumps([point[name] for name in texts]), []).append(number)
    types = {"int": np.int64, "real": np.float64}
    for numbers in groups.values():
        arguments = [
            points[numbers[0]][name]
            if kind == "string"
            else np.array([points[number][name] for number in numbers], dtype=types[kind])
            for name, kind in order
        ]
        try:
            values[numbers] = side.evaluate(*arguments)
        except (IndexError, RuntimeError, ValueError):
            # Some points aren't covered, so all of them are evaluated one by one.
            for place, number in enumerate(numbers):
                one = [part if isinstance(part, str) else part[place].item() for part in arguments]
                try:
                    values[number] = side.evaluate(*one)
                except (IndexError, RuntimeError, ValueError):
                    continue
    return values
