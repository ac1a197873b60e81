"""Cached bins of corrections: objects are assigned to bins once for all variations of a correction.

correctionlib searches the bins of all objects again for each variation. Here, the value of a variation is taken from a
list. Bins in a grid are found by :mod:`pocket.corrections.grid`; for other bins, correctionlib evaluates a correction
whose values are the numbers of the bins. Corrections with formulas are evaluated as usual.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats, Indices
from pocket.corrections.files import read_corrections
from pocket.corrections.grid import Axis, axes_of, find_bins
from pocket.corrections.tree import BINNED, Node, children, kind_of, own_form, walk, with_children
from pocket.parameters.checksums import FileContent

#: Values of an input: one for all objects, or one per object.
Input = str | npt.NDArray[Any]


class Inputs(Mapping[str, Input]):
    """Inputs of corrections by name, one string for all objects or numbers (n objects,), with their cached bins."""

    def __init__(self, values: Mapping[str, Input]) -> None:
        self._values = dict(values)
        self._places: dict[Any, Indices] = {}
        self._origin: tuple[Inputs, npt.NDArray[np.bool_]] | None = None

    def __getitem__(self, name: str) -> Input:
        value = self._values[name]
        return value if self._origin is None or isinstance(value, str) else value[self._origin[1]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    @classmethod
    def of(cls, values: Mapping[str, Input]) -> Inputs:
        """Return inputs of this class, the same object if they have it already."""
        return values if isinstance(values, Inputs) else cls(values)

    @property
    def texts(self) -> dict[str, str]:
        """The inputs that are strings."""
        return {name: value for name, value in self._values.items() if isinstance(value, str)}

    def with_texts(self, texts: Mapping[str, str]) -> Inputs:
        """Return the same inputs with some strings set."""
        other = Inputs({**self._values, **texts})
        other._places, other._origin = self._places, self._origin
        return other

    def chosen(self, mask: npt.NDArray[np.bool_]) -> Inputs:
        """Return the inputs of some of the objects; ``mask`` has shape (n objects,)."""
        other = Inputs(dict(self) if self._origin is not None else self._values)
        other._origin = (self, mask)
        return other

    def places(self, key: Any, find: Callable[[], Floats]) -> Indices:
        """Return the bins of the objects in a correction, cached by a key; shape (n objects,)."""
        if key not in self._places:
            if self._origin is not None and key in self._origin[0]._places:
                everywhere, mask = self._origin[0]._places[key], self._origin[1]
                self._places[key] = everywhere[mask]
            else:
                self._places[key] = find().astype(np.int64, copy=False)
        return self._places[key]


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of a correction; ``axes`` are there if they form a grid."""

    tree: Node
    correction: Any
    axes: Mapping[str, Axis] | None

    @property
    def inputs(self) -> Any:
        """The inputs that are numbers."""
        return self.correction.inputs

    def evaluate(self, *columns: npt.NDArray[Any]) -> Any:
        """Return the number of the bin of each object, shape (n objects,), from the inputs that are numbers."""
        found = None
        if self.axes is not None:
            values = {axis.name: column for axis, column in zip(self.inputs, columns, strict=True)}
            found = find_bins(tuple(self.axes.values()), [values[name] for name in self.axes])
        return self.correction.evaluate(*columns) if found is None else found


@functools.lru_cache(maxsize=1024)
def binned(content: FileContent, name: str, texts: frozenset[tuple[str, str]]) -> tuple[Bins, Floats] | None:
    """Return the bins of a correction for fixed strings, and its value in each; ``None`` if it has more than bins.

    The value is NaN in bins that this variation doesn't have.
    """
    correction = _bins_alone(content, name)
    tree = None if correction is None else _for_texts(correction["data"], dict(texts))
    if correction is None or tree is None:
        return None
    inputs = [axis for axis in correction["inputs"] if axis["name"] not in dict(texts)]
    known = _known_bins(content, name, tuple(axis["name"] for axis in inputs))
    for bins in known:
        values: list[float] = []
        if _collect(bins.tree, tree, values):
            return bins, _as_correctionlib_reads(values)
    values = []
    _collect(tree, tree, values)
    numbered = {**correction, "inputs": inputs, "data": _numbered(tree, iter(range(1 << 53)))}
    known.append(Bins(tree, _read_back(numbered), axes_of(tree)))
    return known[-1], _as_correctionlib_reads(values)


@functools.lru_cache(maxsize=256)
def _bins_alone(content: FileContent, name: str) -> dict[str, Any] | None:
    """Return a correction if it consists of bins only; others take much memory."""
    # The JSON has compound corrections elsewhere, so they aren't found.
    found = next((correction for correction in read_corrections(content) if correction["name"] == name), None)
    if found is None or any(kind_of(node) not in ("category", *BINNED, "number") for node in walk(found["data"])):
        return None
    return found


@functools.lru_cache(maxsize=256)
def _known_bins(content: FileContent, name: str, inputs: tuple[str, ...]) -> list[Bins]:
    return []


def _for_texts(node: Node, texts: Mapping[str, str]) -> Node | None:
    """Return a tree of bins for fixed strings; ``None`` if it doesn't have one of them, or a value isn't finite."""
    if kind_of(node) == "number":
        return float(node) if math.isfinite(float(node)) else None
    below = children(node)
    if kind_of(node) == "category" and node["input"] in texts:
        chosen = below.get(texts[node["input"]], below.get(None))
        return None if chosen is None else _for_texts(chosen, texts)
    found = {label: _for_texts(child, texts) for label, child in below.items()}
    return None if any(child is None for child in found.values()) else with_children(node, found)


def _collect(reference: Node, tree: Node | None, values: list[float]) -> bool:
    """Add the values of a tree in the order of a reference's bins, and tell whether it has no other bins."""
    if kind_of(reference) == "number":
        values.append(np.nan if tree is None else tree)
        return kind_of(tree) == "number"
    ours, theirs = children(reference), children(tree)
    if tree is None:
        return all(_collect(child, None, values) for child in ours.values())
    if own_form(tree) != own_form(reference):
        return False
    # A category may lack some keys, unless its default applies to them.
    lacks_some = theirs.keys() < ours.keys() and kind_of(reference) == "category" and None not in theirs
    if ours.keys() != theirs.keys() and not lacks_some:
        return False
    return all(_collect(child, theirs.get(key), values) for key, child in ours.items())


def _as_correctionlib_reads(values: list[float]) -> Floats:
    """Return numbers as correctionlib parses them, which may differ from Python's result in the last bit."""
    edges = {"n": len(values), "low": 0.0, "high": float(len(values))}
    content = np.nan_to_num(values, nan=0.0).tolist()
    axis = [{"name": "bin", "type": "real"}]
    data = {"nodetype": "binning", "input": "bin", "edges": edges, "content": content, "flow": "error"}
    read = _read_back({"name": "values", "version": 1, "inputs": axis, "output": axis[0], "data": data})
    return np.where(np.isnan(values), np.nan, read.evaluate(np.arange(len(values)) + 0.5))


def _read_back(correction: Mapping[str, Any]) -> Any:
    import correctionlib

    content = json.dumps({"schema_version": 2, "corrections": [correction]})
    return correctionlib.CorrectionSet.from_string(content)[correction["name"]]


def _numbered(node: Node, numbers: Iterator[int]) -> Node:
    """Return a tree with the numbers of the bins as values."""
    if kind_of(node) == "number":
        return next(numbers)
    return with_children(node, {label: _numbered(child, numbers) for label, child in children(node).items()})
