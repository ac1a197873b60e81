"""Random objects of events, as arrays and as plain lists, and corrections in the groups' layouts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
from hypothesis import strategies as st

from pocket.toys.correction_nodes import binning, category, correction


def random_binning(seed: int, **edges: Sequence[float]) -> cs.MultiBinning:
    """Return numbers around 1 in bins of some variables, with an error beyond them."""
    shape = [len(axis) - 1 for axis in edges.values()]
    return binning(edges, np.random.default_rng(seed).uniform(0.8, 1.2, shape))


def nested(keys: Mapping[str, Sequence[Any]], content: Callable[..., Any], *path: Any) -> Any:
    """Return categories within categories; ``content`` is called with the keys that lead to it."""
    if len(path) == len(keys):
        return content(*path)
    variable = list(keys)[len(path)]
    return category(variable, {key: nested(keys, content, *path, key) for key in keys[variable]})


def with_inputs(name: str, data: Any, **types: str) -> cs.Correction:
    """Return a correction with inputs of some types."""
    return correction(name, "", [cs.Variable(name=key, type=kind) for key, kind in types.items()], data)


def events_of(lists: Sequence[Any], collection: str) -> ak.Array:
    """Return events with one collection, from lists of dictionaries, with ``None`` for missing objects or lists."""
    return ak.Array([{collection: objects} for objects in lists])


def present(objects: Any) -> list[dict[str, Any]]:
    """Return the objects of an event that are there."""
    return [item for item in objects or [] if item is not None]


def product(objects: Any, factor: Callable[[dict[str, Any]], float]) -> float:
    """Return the product of a factor over the objects of an event that are there."""
    return math.prod(factor(item) for item in present(objects))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Return numbers of single precision, as NanoAOD's."""
    return st.floats(float(np.float32(low)), float(np.float32(high)), width=32)


def lists_of(objects: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return one to five events of objects, some of them ``None``; the first has one, which fixes the fields."""
    event = st.lists(objects | st.none(), max_size=4)
    return st.tuples(st.lists(objects, min_size=1, max_size=3), st.lists(event, max_size=4)).map(
        lambda parts: [parts[0], *parts[1]]
    )
