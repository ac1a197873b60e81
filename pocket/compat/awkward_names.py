"""Names of awkward 1 and coffea 0.7, with which PocketCoffea runs, on arrays of awkward 2 and coffea of today."""

from __future__ import annotations

import functools
import importlib
import itertools
from functools import partial
from operator import itemgetter
from typing import Any

import awkward as ak
import numpy as np

#: Attribute of a tuple, such as those of ``ak.argcombinations`` → its field.
SLOTS = {f"slot{number}": str(number) for number in range(10)}
_METHODS = "coffea.nanoevents.methods"
_MODULES = ("candidate", "nanoaod", "vector")


def add_names() -> None:
    """Let the fields of tuples be attributes, where awkward has none of these names."""
    for kind in (ak.Array, ak.Record):
        for slot, field in SLOTS.items():
            if not hasattr(kind, slot):
                setattr(kind, slot, property(itemgetter(field)))


@functools.cache
def use_old_vectors() -> None:
    """Let vectors be named and added as in coffea 0.7.

    A vector without a charge may be a ``PtEtaPhiMCandidate``, of which only sums need it. Vectors of different kinds,
    such as jets and generated particles, have a sum and a difference. Those of a missing momentum and a vector in space
    are vectors in the transverse plane. The product of two vectors, ``a.dot(b)``, is that of their momenta in space.
    """
    candidate, nanoaod, vector = (importlib.import_module(f"{_METHODS}.{name}") for name in _MODULES)
    # The check of the other fields is that of its base class.
    if "__awkward_validation__" in vars(candidate.Candidate):
        del candidate.Candidate.__awkward_validation__
    vector.LorentzVector.dot = _product_in_space
    kinds = {name: kind for name, kind in nanoaod.behavior.items() if isinstance(name, str) and isinstance(kind, type)}
    in_plane = [name for name, kind in kinds.items() if issubclass(kind, vector.TwoVector)]
    in_space = [name for name, kind in kinds.items() if issubclass(kind, vector.ThreeVector | vector.LorentzVector)]
    in_time = [name for name, kind in kinds.items() if issubclass(kind, vector.LorentzVector)]
    for behavior in (candidate.behavior, nanoaod.behavior, vector.behavior):
        for first, second in itertools.product(in_plane, in_space):
            behavior[np.add, first, second] = behavior[np.add, second, first] = partial(_in_plane, np.add)
            behavior[np.subtract, first, second] = partial(_in_plane, np.subtract)
        for first, second in itertools.product(in_time, in_time):
            behavior.setdefault((np.add, first, second), partial(_in_time, np.add))
            # In coffea of today differences of two kinds of candidates have the other sign.
            behavior[np.subtract, first, second] = partial(_in_time, np.subtract)


def _product_in_space(first: Any, second: Any) -> Any:
    return first.x * second.x + first.y * second.y + first.z * second.z


def _in_plane(operation: np.ufunc, first: Any, second: Any) -> Any:
    return _by_components(operation, first, second, "xy", "TwoVector")


def _in_time(operation: np.ufunc, first: Any, second: Any) -> Any:
    return _by_components(operation, first, second, "xyzt", "LorentzVector")


def _by_components(operation: np.ufunc, first: Any, second: Any, names: str, kind: str) -> Any:
    components = {name: operation(getattr(first, name), getattr(second, name)) for name in names}
    return ak.zip(components, with_name=kind, behavior=first.behavior)
