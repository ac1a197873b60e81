"""Comparison of the corrections that a configuration uses in two versions of their files."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.corrections.cells import Cell, Side, compare
from pocket.corrections.files import find_corrections, load_correction, read_set
from pocket.corrections.regions import describe
from pocket.corrections.unfolding import absolute_inputs, unfolded
from pocket.errors import ConfigError, nearest
from pocket.parameters.checksums import FileContent

#: What a comparison may find.
SAME_FILE, IDENTICAL, DIFFERENT, ONLY_LEFT, ONLY_RIGHT, NEITHER = (
    "same file",
    "identical",
    "different",
    "only left",
    "only right",
    "neither",
)
#: Properties of a compound correction that decide its values beside its parts.
_COMPOUND = ("stack", "inputs_update", "input_op", "output_op")


@dataclass(frozen=True)
class UsedCorrection:
    """A correction that a configuration uses."""

    file: str
    name: str
    users: tuple[str, ...]
    left: str
    right: str


@dataclass(frozen=True)
class CorrectionComparison:
    """A correction on both sides."""

    used: UsedCorrection
    name: str
    outcome: str
    note: str = ""
    cells: Sequence[Cell] = ()
    bins: int = 0

    @property
    def differing(self) -> list[Cell]:
        """The cells that differ, in the order of the bins."""
        return [cell for cell in self.cells if not cell.is_same]

    @property
    def largest(self) -> Cell | None:
        """The cell with the largest difference, ``None`` if no cell has values on both sides that differ."""
        found = [cell for cell in self.differing if math.isfinite(cell.difference)]
        return max(found, key=lambda cell: abs(cell.difference), default=None)

    def row(self) -> dict[str, Any]:
        """Return what a table has about it."""
        largest, differing = self.largest, self.differing
        return {
            "file": self.used.file,
            "correction": self.name,
            "used by": "; ".join(self.used.users),
            "outcome": self.outcome,
            "bins": self.bins,
            "differing": len(differing),
            "only left": sum(cell.right is None for cell in differing),
            "only right": sum(cell.left is None for cell in differing),
            "at": "" if largest is None else place_of(largest),
            "left": None if largest is None else largest.left,
            "right": None if largest is None else largest.right,
            "difference": None if largest is None else largest.difference,
            "ratio": None if largest is None else largest.ratio,
            "note": self.note,
        }

    def bin_rows(self) -> list[dict[str, Any]]:
        """Return what a table has about each cell that differs."""
        return [
            {
                "file": self.used.file,
                "correction": self.name,
                "bin": place_of(cell),
                "left": cell.left,
                "right": cell.right,
                "difference": cell.difference,
                "ratio": cell.ratio,
                "inputs": describe(cell.region),
                "at": dict(cell.point),
            }
            for cell in self.differing
        ]


def place_of(cell: Cell) -> str:
    """Return a description of a cell, and of the point in it whose values are shown."""
    at = [
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}" for name, value in cell.point.items()
    ]
    shown = [f"{name} {text}" for name, text in describe(cell.region).items() if text != "any"]
    place = ", ".join(shown) or "everywhere"
    return f"{place} (at {', '.join(at)})" if at else place


def compare_corrections(used: Iterable[UsedCorrection]) -> list[CorrectionComparison]:
    """Return the comparison of all corrections, with those of the parts of compound ones."""
    found: list[CorrectionComparison] = []
    compared: set[tuple[str, str, str]] = set()
    for one in used:
        for each in _compare(one, one.name):
            # A part may be in several compound corrections.
            if (key := (one.left, one.right, each.name)) not in compared:
                compared.add(key)
                found.append(each)
    return found


def compare_names(used: Iterable[UsedCorrection]) -> list[dict[str, Any]]:
    """Return the corrections in the files that only one side has, whether or not they are used."""
    rows = []
    for left, right in dict.fromkeys((one.left, one.right) for one in used if one.left != one.right):
        sides = [_content(file) for file in (left, right)]
        if None in sides:
            continue
        names = [set(_read(side)) for side in sides if side is not None]
        for where, only in ((ONLY_LEFT, names[0] - names[1]), (ONLY_RIGHT, names[1] - names[0])):
            file = left if where == ONLY_LEFT else right
            rows += [{"file": file, "correction": name, "outcome": where} for name in sorted(only)]
    return rows


def _compare(used: UsedCorrection, name: str) -> list[CorrectionComparison]:
    if used.left == used.right:
        return [CorrectionComparison(used, name, SAME_FILE)]
    contents = _content(used.left), _content(used.right)
    known = [{} if content is None else _read(content) for content in contents]
    ours, theirs = (side.get(name) for side in known)
    if ours is None or theirs is None:
        outcome = NEITHER if ours is theirs else ONLY_RIGHT if ours is None else ONLY_LEFT
        missing = [file for file, content in zip((used.left, used.right), contents, strict=True) if content is None]
        near = nearest(name, known[0] if ours is None else known[1], 1, 0.6)
        note = f"no file {' and '.join(missing)}" if missing else f"there is {near[0]}" if near else ""
        return [CorrectionComparison(used, name, outcome, note)]
    if "stack" in ours and "stack" in theirs:
        return _compare_compound(used, name, ours, theirs)
    if contents[0] == contents[1] or _defining(ours) == _defining(theirs):
        return [CorrectionComparison(used, name, IDENTICAL)]
    if "stack" in ours or "stack" in theirs:
        return [CorrectionComparison(used, name, DIFFERENT, "a compound correction on one side only")]
    absolute = absolute_inputs(ours)
    if absolute != absolute_inputs(theirs):
        absolute = {}
    evaluate = [load_correction(file, name).evaluate for file in (used.left, used.right)]
    sides = Side(unfolded(ours, absolute), evaluate[0]), Side(unfolded(theirs, absolute), evaluate[1])
    inputs = [sorted((axis["name"], axis["type"]) for axis in side["inputs"]) for side in (ours, theirs)]
    note = "" if inputs[0] == inputs[1] else f"other inputs: {', '.join(name for name, _ in inputs[1])}"
    cells = list(compare(*sides))
    differs = any(not cell.is_same for cell in cells)
    outcome = DIFFERENT if differs or note else IDENTICAL
    return [CorrectionComparison(used, name, outcome, note, cells if differs else (), len(cells))]


def _compare_compound(
    used: UsedCorrection, name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> list[CorrectionComparison]:
    """Return the comparison of a compound correction, followed by those of its parts."""
    parts = [one for part in dict.fromkeys([*ours["stack"], *theirs["stack"]]) for one in _compare(used, part)]
    changed = [key for key in _COMPOUND if ours[key] != theirs[key]]
    inside = [part.name for part in parts if part.outcome != IDENTICAL]
    notes = [f"other {', '.join(changed)}"] if changed else []
    notes += [f"of its parts, {', '.join(inside)} differ"] if inside else []
    return [CorrectionComparison(used, name, DIFFERENT if notes else IDENTICAL, "; ".join(notes)), *parts]


def _defining(correction: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides the values of a correction."""
    inputs = [(axis["name"], axis["type"]) for axis in correction["inputs"]]
    return {"inputs": inputs, "data": correction["data"], "formulas": correction.get("generic_formulas") or []}


def _content(file: str) -> FileContent | None:
    try:
        return find_corrections(file)
    except ConfigError:
        return None


@functools.lru_cache(maxsize=4)
def _read(content: FileContent) -> dict[str, dict[str, Any]]:
    """Return name → JSON of all corrections of a file, compound ones included."""
    found = read_set(content)
    every = [*found["corrections"], *(found.get("compound_corrections") or [])]
    return {correction["name"]: correction for correction in every}
