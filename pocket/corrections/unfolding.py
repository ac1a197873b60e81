"""Corrections without transformations of inputs, as far as these have bins or keys of their own.

Many muon corrections take the absolute value of eta first, and those of taus other numbers for kinds of generator
particles. Without that, the bins of a correction are bins of its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pocket.corrections.regions import UNCOVERED
from pocket.corrections.tree import Fixing, Node, category, children, kind_of, walk, with_children
from pocket.errors import ScaleFactorError

#: Expressions of the absolute value.
_ABSOLUTE = ("abs(x)", "fabs(x)", "TMath::Abs(x)")


def unfolded(correction: Mapping[str, Any], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a correction without transformations that are the absolute value of an input, or other keys for its keys.

    Inputs whose absolute value is taken get new names, by default those of :func:`absolute_inputs`.
    """
    names = absolute_inputs(correction) if names is None else names
    inputs = [{**axis, "name": names.get(axis["name"], axis["name"])} for axis in correction["inputs"]]
    return {**correction, "inputs": inputs, "data": _unfolded(correction["data"], names)}


def absolute_inputs(correction: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs of which a correction uses only the absolute value → a name for it, such as ``|eta|``."""
    taken = {part["input"] for part in walk(correction["data"]) if _is_absolute(part)}
    return {name: f"|{name}|" for name in sorted(taken) if not any(_uses(correction["data"], name))}


def _is_absolute(node: Node) -> bool:
    if kind_of(node) != "transform" or kind_of(node["rule"]) != "formula":
        return False
    rule = node["rule"]
    return rule["expression"].replace(" ", "") in _ABSOLUTE and rule["variables"] == [node["input"]]


def _uses(node: Node, name: str) -> Iterator[bool]:
    """Yield whether nodes use an input itself, outside of transformations to its absolute value."""
    if _is_absolute(node) and node["input"] == name:
        return
    if kind_of(node) == "formularef":
        # Its variables are elsewhere.
        yield True
    elif isinstance(node, dict):
        used = [node.get("input"), *node.get("inputs", ()), *node.get("variables", ())]
        yield name in used
    for below in children(node).values():
        yield from _uses(below, name)


def _unfolded(node: Node, names: Mapping[str, str]) -> Node:
    if not isinstance(node, dict):
        return node
    if _is_absolute(node) and node["input"] in names:
        fixing = Fixing({}, {node["input"]: names[node["input"]]}, "the correction")
        return _unfolded(fixing.apply(node["content"]), names)
    if kind_of(node) == "transform" and (replaced := _of_keys(node)) is not None:
        return _unfolded(replaced, names)
    below = {label: _unfolded(child, names) for label, child in children(node).items()}
    return with_children(node, below) if below else node


def _of_keys(node: Node) -> Node | None:
    """Return a transformation of keys to other ones as a category of its keys, ``None`` if it is another one."""
    rule, name = node["rule"], node["input"]
    if kind_of(rule) != "category" or rule["input"] != name:
        return None
    values = children(rule)
    if any(kind_of(value) != "number" or float(value) != int(value) for value in values.values()):
        return None
    try:
        # A value that isn't covered everywhere, or is in a formula, can't be fixed.
        fixed = {key: Fixing({name: int(value)}, {}, "").apply(node["content"]) for key, value in values.items()}
    except ScaleFactorError:
        return None
    default = fixed.pop(None, UNCOVERED)
    return category(name, {key: value for key, value in fixed.items() if value is not UNCOVERED}, default)
