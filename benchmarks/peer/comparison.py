"""Comparison of two outputs, number by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peer.running import Side

Numbers = npt.NDArray[Any]

#: relative difference up to which numbers are equal
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Quantity:
    """The same numbers from both sides.

    Args:
        kind: ``sumw`` or ``sumw2`` of bins, ``column``, or the part of the output: ``cutflow``, ``category_sumw``, ….
        place: names that lead to the numbers: variable, sample, dataset, category, variation.
        ours: our numbers; ``None`` if there are none.
        theirs: PocketCoffea's numbers, with the same shape; ``None`` if there are none.
    """

    kind: str
    place: tuple[str, ...]
    ours: Numbers | None
    theirs: Numbers | None

    @property
    def difference(self) -> float:
        """The largest relative difference."""
        return relative_difference(self.ours, self.theirs)

    @property
    def equal(self) -> bool:
        """Whether the numbers are equal up to rounding; numbers of events must be exactly equal."""
        return self.difference <= (0.0 if self.kind == "cutflow" else TOLERANCE)


def relative_difference(ours: Numbers | None, theirs: Numbers | None) -> float:
    """Return the largest difference of two arrays, relative to the larger of the two numbers.

    Missing numbers count as zeros, because it is a matter of format whether empty histograms are stored. Different
    shapes or axes differ infinitely, NaN agrees with NaN.

    Args:
        ours: an array of any shape.
        theirs: an array of the same shape.
    """
    if ours is None or theirs is None:
        present = ours if theirs is None else theirs
        return 0.0 if present is None or not np.any(present) else 1.0
    if ours.shape != theirs.shape:
        return float("inf")
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.abs(first - second) / np.maximum(np.abs(first), np.abs(second))
    different = difference[~same]
    return float("inf") if np.isnan(different).any() else float(different.max(initial=0.0))


def quantities(ours: Side, theirs: Side) -> Iterator[Quantity]:
    """Yield pairs of all numbers of two outputs."""
    yield from _histograms(ours.output["variables"], theirs.output["variables"])
    for name in ("sum_genweights", "sum_signOf_genweights", "cutflow", "sumw", "sumw2"):
        kind = name if name not in ("sumw", "sumw2") else f"category_{name}"
        first, second = _leaves(ours.output.get(name, {})), _leaves(theirs.output.get(name, {}))
        for place in _both(first, second):
            yield Quantity(kind, place, *(_number(leaves.get(place)) for leaves in (first, second)))
    for name in _both(ours.columns, theirs.columns):
        yield Quantity("column", tuple(name.split("/")), ours.columns.get(name), theirs.columns.get(name))


def _histograms(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Quantity]:
    first, second = _leaves(ours), _leaves(theirs)
    for place in _both(first, second):
        if place in first and place in second:
            yield Quantity("edges", place, _edges(first[place]), _edges(second[place]))
        bins = [contents(leaves[place]) if place in leaves else {} for leaves in (first, second)]
        for inner in _both(*bins):
            for number, kind in enumerate(("sumw", "sumw2")):
                pair = [side[inner][number] if inner in side else None for side in bins]
                yield Quantity(kind, (*place, *inner), *pair)


def _edges(histogram: Any) -> Numbers:
    """Return the concatenated edges of the dense axes."""
    return np.concatenate([axis.edges for axis in histogram.axes if axis.name not in ("cat", "variation")])


def contents(histogram: Any) -> dict[tuple[str, str], tuple[Numbers, Numbers]]:
    """Return (category, variation) → sums of weights and of their squares, including flow bins."""
    has_variations = "variation" in [axis.name for axis in histogram.axes]
    found = {}
    for category in histogram.axes["cat"]:
        for variation in histogram.axes["variation"] if has_variations else ("nominal",):
            chosen = {"cat": category} | ({"variation": variation} if has_variations else {})
            part = histogram[{name: histogram.axes[name].index(value) for name, value in chosen.items()}]
            values, variances = part.values(flow=True), part.variances(flow=True)
            found[category, variation] = (values, values if variances is None else variances)
    return found


def _leaves(tree: Any, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(tree, Mapping):
        return {place: tree}
    return {path: leaf for name, branch in tree.items() for path, leaf in _leaves(branch, (*place, name)).items()}


def _both(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> Sequence[Any]:
    """Return the keys of both mappings, each once, in order."""
    return list(dict.fromkeys((*first, *second)))


def _number(value: Any) -> Numbers | None:
    return None if value is None else np.array([value])
