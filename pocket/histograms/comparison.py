"""Comparison of templates of one configuration that were made in two ways, by yields and by bins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocket.base.typing import Floats
from pocket.histograms.files import list_variables, read_templates

NOMINAL = "nominal"


@dataclass(frozen=True)
class BinNames:
    """Axis of a histogram: texts of all bins with flow bins, and edges, which categories and integers don't have."""

    name: str
    label: str
    texts: tuple[str, ...]
    edges: tuple[float, ...]
    underflow: bool

    @classmethod
    def of(cls, axis: Any) -> BinNames:
        """Return the names of the bins of an axis.

        >>> import hist
        >>> BinNames.of(hist.axis.Regular(2, 0, 20, name="pt", underflow=False)).texts
        ('0 to 10', '10 to 20', 'from 20')
        """
        traits = axis.traits
        if traits.continuous:
            edges = tuple(float(edge) for edge in axis.edges)
            texts = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
            ends = f"below {edges[0]:g}", f"from {edges[-1]:g}"
        else:
            edges, texts, ends = (), [str(key) for key in axis], ("below", "other")
        below, above = ends[:1] if traits.underflow else (), ends[1:] if traits.overflow else ()
        return cls(axis.name, str(axis.label or axis.name), (*below, *texts, *above), edges, bool(traits.underflow))


@dataclass(frozen=True, eq=False)
class TemplateComparison:
    """One histogram of a sample in a category and variation, on both sides.

    Contents and statistical errors of the left side have underflow and overflow, one dimension per axis; ``None`` if a
    side has no such template.
    """

    sample: str
    category: str
    variable: str
    variation: str
    axes: Sequence[BinNames]
    left: Floats | None
    right: Floats | None
    error: Floats | None

    @property
    def yields(self) -> tuple[float, float]:
        """Sums of all bins with underflow and overflow, NaN for a side without this template."""
        left, right = (math.nan if side is None else float(side.sum()) for side in (self.left, self.right))
        return left, right

    @property
    def differences(self) -> Floats:
        """Right less left in each bin; empty if a side has no such template."""
        return np.zeros(0) if self.left is None or self.right is None else self.right - self.left

    @property
    def change(self) -> float:
        """Sum of the differences' sizes over that of the left contents; infinite if undefined, or a side lacks it."""
        if self.left is None or self.right is None:
            return math.inf
        total, moved = (float(np.abs(values).sum()) for values in (self.left, self.differences))
        if not moved:
            return 0.0
        change = moved / total if total else math.inf
        return math.inf if math.isnan(change) else change

    @property
    def differs(self) -> bool:
        """Whether a bin differs, or a side has no such template."""
        return self.left is None or self.right is None or bool(np.any(self.left != self.right))

    def row(self) -> dict[str, Any]:
        """Return what a table has about it."""
        left, right = self.yields
        row: dict[str, Any] = {**self._names(), "left": left, "right": right, "difference": right - left}
        row["ratio"] = right / left if left else math.nan
        row["change"] = self.change
        differences = np.abs(self.differences)
        row["bins"], row["differing"] = differences.size, int(np.count_nonzero(differences))
        row["largest at"] = ""
        row["largest difference"] = 0.0
        if row["differing"]:
            place = np.unravel_index(int(differences.argmax()), differences.shape)
            row["largest at"] = self._bin(place)
            row["largest difference"] = float(self.differences[place])
        return row

    def bin_rows(self) -> list[dict[str, Any]]:
        """Return what a table has about each bin that differs."""
        if self.left is None or self.right is None or self.error is None:
            return []
        rows = []
        for place in zip(*np.nonzero(self.left != self.right), strict=True):
            left, right = float(self.left[place]), float(self.right[place])
            rows.append(
                {
                    **self._names(),
                    "bin": self._bin(place),
                    "left": left,
                    "right": right,
                    "difference": right - left,
                    "ratio": right / left if left else math.nan,
                    "statistical error": float(self.error[place]),
                }
            )
        return rows

    def _names(self) -> dict[str, Any]:
        return {
            "sample": self.sample,
            "category": self.category,
            "variable": self.variable,
            "variation": self.variation,
        }

    def _bin(self, place: Sequence[Any]) -> str:
        pairs = zip(self.axes, place, strict=True)
        return ", ".join(f"{axis.name} {axis.texts[int(number)]}" for axis, number in pairs)


def compare_templates(left: Path, right: Path) -> Iterator[TemplateComparison]:
    """Yield the comparison of all templates, histogram by histogram; those of variations follow the nominal ones."""
    sides = {folder: list_variables(folder) for folder in (left, right)}
    for variable in dict.fromkeys([*sides[left], *sides[right]]):
        ours, theirs = (
            read_templates(folder, variable) if variable in sides[folder] else {} for folder in (left, right)
        )
        for sample in dict.fromkeys([*ours, *theirs]):
            yield from _compare(sample, variable, ours.get(sample), theirs.get(sample))


def _compare(sample: str, variable: str, left: Any, right: Any) -> Iterator[TemplateComparison]:
    one = right if left is None else left
    axes = tuple(BinNames.of(axis) for axis in one.axes if axis.name not in ("cat", "variation"))
    names: dict[tuple[str, str], None] = {}
    found: list[dict[tuple[str, str], tuple[Floats, Floats]]] = []
    for side in (left, right):
        contents = {} if side is None else _contents(side)
        found.append(contents)
        names.update(dict.fromkeys(contents))
    for category, variation in names:
        ours, theirs = (side.get((category, variation)) for side in found)
        if ours is not None and theirs is not None and ours[0].shape != theirs[0].shape:
            theirs = None
        yield TemplateComparison(
            sample,
            category,
            variable,
            variation,
            axes,
            None if ours is None else ours[0],
            None if theirs is None else theirs[0],
            None if ours is None else ours[1],
        )


def _contents(histogram: Any) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """Return category and variation → contents and statistical errors; data have the nominal variation only."""
    names = [axis.name for axis in histogram.axes]
    values = np.asarray(histogram.values(flow=True), dtype=np.float64)
    variances = histogram.variances(flow=True)
    errors = np.sqrt(np.abs(values if variances is None else np.asarray(variances, dtype=np.float64)))
    categories = list(histogram.axes["cat"])
    variations = list(histogram.axes["variation"]) if "variation" in names else [NOMINAL]
    found = {}
    for row, category in enumerate(categories):
        for column, variation in enumerate(variations):
            at = {"cat": row, "variation": column}
            place = tuple(at.get(name, slice(None)) for name in names)
            found[category, variation] = (values[place], errors[place])
    return found


def largest(compared: Sequence[TemplateComparison], number: int) -> list[TemplateComparison]:
    """Return the nominal templates with the largest changes, at most a number of them."""
    changed = [one for one in compared if one.variation == NOMINAL and one.differs and one.differences.size]
    return sorted(changed, key=lambda one: -one.change)[:number]


def of_variations(compared: Sequence[TemplateComparison]) -> list[TemplateComparison]:
    """Return the template with the largest change for each sample, category and variation, except nominal ones."""
    found: dict[tuple[str, str, str], TemplateComparison] = {}
    for one in compared:
        key = (one.sample, one.category, one.variation)
        if one.variation != NOMINAL and (key not in found or one.change > found[key].change):
            found[key] = one
    return list(found.values())
