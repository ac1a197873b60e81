"""Regions of the inputs of a correction, and the parts of a tree that belong to them.

A node of a tree divides a region into parts, each with the node below it; see :mod:`pocket.corrections.tree`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.corrections.tree import BINNED, Node, binned_inputs, children, edges_of, kind_of

#: Node of a region for which a correction has no value.
UNCOVERED = None


@dataclass(frozen=True)
class Interval:
    """Range of a number, without its upper end; ``first`` and ``last`` are the edges of the bin in the file."""

    low: float
    high: float
    first: float
    last: float

    def overlap(self, other: Interval) -> Interval | None:
        """Return the common part of two ranges, ``None`` if there is none."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        if not low < high:
            return None
        # Of two bins that go on for ever, the one that reaches further says where the bins end.
        ends = [edge for edge in (self.first, other.first, self.last, other.last) if low < edge < high]
        first = low if math.isfinite(low) else min(ends, default=low)
        last = high if math.isfinite(high) else max(ends, default=high)
        return Interval(low, high, first, last)

    @property
    def middle(self) -> float:
        """A number in the middle of the bin."""
        if math.isfinite(self.first) and math.isfinite(self.last):
            return 0.5 * (self.first + self.last)
        if math.isfinite(self.first) or math.isfinite(self.last):
            edge, sign = (self.first, 1) if math.isfinite(self.first) else (self.last, -1)
            return edge + sign * max(1.0, 0.1 * abs(edge))
        return 0.0

    @property
    def text(self) -> str:
        """Description, such as ``20 to 50 and above``."""
        if not math.isfinite(self.first):
            return f"below {self.last:g}" if math.isfinite(self.last) else "any"
        if not math.isfinite(self.last):
            return f"from {self.first:g}"
        below = " and below" if not math.isfinite(self.low) else ""
        above = " and above" if not math.isfinite(self.high) else ""
        return f"{self.first:g} to {self.last:g}{below}{above}"


EVERYWHERE = Interval(-math.inf, math.inf, -math.inf, math.inf)


@dataclass(frozen=True)
class Key:
    """One key of a category."""

    key: str | int

    @property
    def text(self) -> str:
        """Description."""
        return str(self.key)


@dataclass(frozen=True)
class OtherKeys:
    """All keys of a category but some."""

    than: frozenset[Any]

    @property
    def text(self) -> str:
        """Description."""
        return "any other"


#: Input → part of its values; inputs that aren't in it have any value.
Region = Mapping[str, Interval | Key | OtherKeys]


def is_divided(node: Node) -> bool:
    """Tell whether a node divides a region into parts."""
    return kind_of(node) in ("category", *BINNED) and node is not None and not _wraps(node)


def _wraps(node: Node) -> bool:
    # Values beyond the edges are in bins again, so no bin is one region.
    return kind_of(node) in BINNED and node["flow"] == "wrap"


def parts_of(node: Node, region: Region) -> list[tuple[Region, Node]]:
    """Return the parts into which a node divides a region, each with its node, or :data:`UNCOVERED`."""
    return _of_category(node, region) if kind_of(node) == "category" else list(_of_bins(node, region))


def _of_category(node: Node, region: Region) -> list[tuple[Region, Node]]:
    name, below = node["input"], dict(children(node))
    default = below.pop(None, UNCOVERED)
    at = region.get(name)
    if isinstance(at, Key):
        return [(region, below.get(at.key, default))]
    excluded = at.than if isinstance(at, OtherKeys) else frozenset()
    named = [({**region, name: Key(key)}, value) for key, value in below.items() if key not in excluded]
    return [*named, ({**region, name: OtherKeys(excluded | below.keys())}, default)]


def _of_bins(node: Node, region: Region) -> Iterator[tuple[Region, Node]]:
    names = [name for name, _ in binned_inputs(node)]
    edges = [edges_of(axis) for _, axis in binned_inputs(node)]
    is_clamped = node["flow"] == "clamp"
    beyond = UNCOVERED if node["flow"] == "error" else node["flow"]
    within: Region = region
    if not is_clamped:
        for name, axis in zip(names, edges, strict=True):
            for outside in (
                Interval(-math.inf, axis[0], -math.inf, axis[0]),
                Interval(axis[-1], math.inf, axis[-1], math.inf),
            ):
                if part := _narrowed(within, name, outside):
                    yield part, beyond
            inside = _narrowed(within, name, Interval(axis[0], axis[-1], axis[0], axis[-1]))
            if inside is None:
                return
            within = inside
    choices = [_overlapping(within, name, axis, is_clamped) for name, axis in zip(names, edges, strict=True)]
    strides = [math.prod(len(axis) - 1 for axis in edges[i + 1 :]) for i in range(len(edges))]
    for chosen in itertools.product(*choices):
        position = sum(number * stride for (number, _), stride in zip(chosen, strides, strict=True))
        cell = {name: interval for name, (_, interval) in zip(names, chosen, strict=True)}
        yield {**within, **cell}, node["content"][position]


def _narrowed(region: Region, name: str, interval: Interval) -> Region | None:
    at = region.get(name, EVERYWHERE)
    assert isinstance(at, Interval)
    common = at.overlap(interval)
    return None if common is None else {**region, name: common}


def _overlapping(region: Region, name: str, edges: Sequence[float], is_clamped: bool) -> list[tuple[int, Interval]]:
    """Return the numbers of the bins of an input that overlap with a region, and the common parts."""
    at = region.get(name, EVERYWHERE)
    assert isinstance(at, Interval)
    found = []
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        is_first, is_last = number == 0, number == len(edges) - 2
        bounds = (-math.inf if is_clamped and is_first else low, math.inf if is_clamped and is_last else high)
        if (common := at.overlap(Interval(*bounds, low, high))) is not None:
            found.append((number, common))
    return found


def describe(region: Region) -> dict[str, str]:
    """Return input → description of its values in a region."""
    return {name: part.text for name, part in region.items()}
