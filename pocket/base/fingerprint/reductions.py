"""Fingerprint nodes of library objects, by their reduction: what :mod:`pickle` stores of them."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Mapping
from typing import Any

from pocket.base.fingerprint.distributions import version
from pocket.base.fingerprint.graph import Node, Parts
from pocket.base.fingerprint.modules import is_library, public_name, top_level

#: Protocol of pickle; later ones hand over views of memory instead of bytes.
_PROTOCOL = 4
#: Library and class → attribute → how many of its elements are content. The others were computed by a use of the
#: object, or are memory that nothing was written to.
_CONTENTS: Mapping[str, Mapping[str, int]] = {
    "numpy.vectorize": {"_ufunc": 0},
    "pandas.NDArrayBacked": {"_cache": 0},
    "scipy.Delaunay": {"_transform": 0, "_vertex_neighbor_vertices": 0, "_vertex_to_simplex": 0},
    "scipy.UnivariateSpline": {"_data": 8},
}
#: Attributes that get a default value when they are first asked for.
_DEFAULTS = {"awkward.Array": "attrs", "awkward.Record": "attrs", "numpy.MaskedArray": "fill_value"}
#: Open files that are stored by their place, although their content may change there.
_HANDLES = frozenset({"uproot.ReadOnlyFile"})


def describe_reduced(obj: object) -> Node | None:
    """Return the node of an object by its reduction; ``None`` if it has none, as locks, files and generators.

    A reduction is a function with the arguments that make the object again, its state, and its items
    (https://docs.python.org/3/library/pickle.html#object.__reduce__). An object that a library's module keeps for
    itself, such as the generator of ``numpy.random.uniform``, counts by its name there.
    """
    kind = type(obj)
    label = f"{public_name(kind.__module__)}.{kind.__qualname__} {version(kind.__module__)}"
    module = sys.modules.get(kind.__module__) if is_library(kind.__module__) else None
    names = {} if module is None else vars(module)
    if (own := next((name for name, value in names.items() if value is obj), None)) is not None:
        return Node(f"library {label} {own}")
    bases = [f"{top_level(base.__module__)}.{base.__qualname__}" for base in kind.__mro__]
    if not _HANDLES.isdisjoint(bases):
        return None
    try:
        for base in bases:
            getattr(obj, _DEFAULTS.get(base, "__class__"))
        # Reductions that other libraries register depend on what is loaded, so the object's own one counts.
        reduced: Any = obj.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            return None  # This is a name that no module has.
        function, arguments, state, items, entries = (*reduced, None, None, None)[:5]
        contents = [list(items or ()), list(entries or ())]
    except Exception:  # Classes raise whatever they like for what can't be stored.
        return None
    counts = {name: count for base in bases for name, count in _CONTENTS.get(base, {}).items()}
    reduction = function, arguments, *contents
    parts: Parts = [(f".__reduce__()[{position}]", part) for position, part in enumerate(reduction)]
    # The attributes of slots may be apart from the others.
    for part in state if isinstance(state, tuple) else (state,):
        named = isinstance(part, dict) and all(isinstance(name, str) for name in part)
        parts += _attributes(kind, part, counts) if named else [(".__getstate__()", part)]
    return Node(f"reduced {label} {[place for place, _ in parts]}", parts)


def _attributes(kind: type, state: dict[str, Any], counts: Mapping[str, int]) -> Parts:
    """Return the attributes of an instance by name, without values of cached properties."""
    return [
        (f".{name}", (value[: counts[name]] if counts[name] else None) if name in counts else value)
        for name, value in sorted(state.items())
        if not isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)
    ]
