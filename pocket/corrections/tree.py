"""Trees of corrections in correctionlib's JSON schema version 2, which can be traversed and modified.

Fixing some inputs leaves the same function of the others, since no value is evaluated. Source of the schema:
https://cms-nanoaod.github.io/correctionlib/schemav2.html.
"""

from __future__ import annotations

import bisect
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.errors import ScaleFactorError

#: A number, or a JSON object with ``nodetype``.
Node = Any
#: Value of an input.
Value = str | int | float
#: Place of a node below another one: a key, a position or a name, see :func:`children`.
Label = Any
#: (input, key) of categories.
Keys = frozenset[tuple[str, Any]]
#: Types of nodes that are bins.
BINNED = ("binning", "multibinning")


def kind_of(node: Node) -> str:
    """Return the type of a node, ``"number"`` for a value."""
    return str(node["nodetype"]) if isinstance(node, dict) else "number"


def children(node: Node) -> dict[Label, Node]:
    """Return the nodes directly below a node: by key, with ``None`` for any other one, by position, or by name.

    For bins, ``"flow"`` is the node for values beyond the edges; a transformation has ``"rule"`` and ``"content"``.

    Example:
        >>> children({"nodetype": "binning", "input": "pt", "edges": [0, 1, 2], "content": [0.9, 1.1], "flow": 1.0})
        {0: 0.9, 1: 1.1, 'flow': 1.0}
    """
    match kind_of(node):
        case "category":
            others = {} if node.get("default") is None else {None: node["default"]}
            return {**{item["key"]: item["value"] for item in node["content"]}, **others}
        case "binning" | "multibinning":
            beyond = {} if isinstance(node["flow"], str) else {"flow": node["flow"]}
            return {**dict(enumerate(node["content"])), **beyond}
        case "transform":
            return {"rule": node["rule"], "content": node["content"]}
        case _:
            return {}


def with_children(node: Node, below: Mapping[Label, Node]) -> Node:
    """Return a node with other nodes below it, labelled as in :func:`children`."""
    below = dict(below)
    match kind_of(node):
        case "category":
            default = below.pop(None, None)
            content = [{"key": key, "value": value} for key, value in below.items()]
            return {**node, "content": content, "default": default}
        case "binning" | "multibinning":
            flow = below.pop("flow", node["flow"])
            return {**node, "content": list(below.values()), "flow": flow}
        case "transform":
            return {**node, **below}
        case _:
            return node


def category(name: str, contents: Mapping[Any, Node], *default: Node) -> Node:
    """Return a node with a key of an input for each of its contents, and perhaps a default for other keys."""
    content = [{"key": key, "value": value} for key, value in contents.items()]
    return {"nodetype": "category", "input": name, "content": content, **dict(zip(("default",), default, strict=False))}


def own_form(node: Node) -> dict[str, Any]:
    """Return the properties of a node itself: its type, inputs, edges, and the rule beyond the edges."""
    if kind_of(node) == "number":
        return {}
    form = {key: node[key] for key in ("nodetype", "input", "inputs", "edges") if key in node}
    return {**form, "flow": node["flow"]} if isinstance(node.get("flow"), str) else form


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it."""
    yield from (part for part, _ in walk_with_keys(node))


def walk_with_keys(
    node: Node, keys: Keys = frozenset(), follow: Callable[[Node, Label], bool] = lambda node, label: True
) -> Iterator[tuple[Node, Keys]]:
    """Yield a node and all nodes below it, each with the (input, key) of the categories on its path."""
    yield node, keys
    for label, child in children(node).items():
        if follow(node, label):
            is_key = kind_of(node) == "category" and label is not None
            yield from walk_with_keys(child, keys | {(node["input"], label)} if is_key else keys, follow)


def binned_inputs(node: Node) -> list[tuple[str, Any]]:
    """Return the inputs of bins with their edges as in the file; empty for other nodes."""
    match kind_of(node):
        case "binning":
            return [(node["input"], node["edges"])]
        case "multibinning":
            return list(zip(node["inputs"], node["edges"], strict=True))
        case _:
            return []


def keys_of(node: Node, name: str) -> set[str | int]:
    """Return all keys of an input in a tree."""
    categories = (part for part in walk(node) if kind_of(part) == "category")
    return {item["key"] for part in categories if part["input"] == name for item in part["content"]}


def edges_of(edges: Any) -> list[float]:
    """Return the edges of a binning as numbers, also for uniform ones."""
    if isinstance(edges, dict):
        low, high, count = edges["low"], edges["high"], edges["n"]
        return [low + (high - low) * number / count for number in range(count)] + [float(high)]
    return [float(edge) for edge in edges]


@dataclass(frozen=True)
class Fixing:
    """Modification of a tree that fixes the values of some inputs, and gives others new names."""

    values: Mapping[str, Value]
    names: Mapping[str, str]
    where: str

    def apply(self, node: Node) -> Node:
        """Return the tree without the inputs that have a fixed value."""
        if not isinstance(node, dict):
            return node
        match node["nodetype"]:
            case "category":
                if node["input"] in self.values:
                    return self.apply(self._category(node))
                return {**self._below(node), "input": self._new(node, node["input"])}
            case "binning":
                if node["input"] in self.values:
                    return self.apply(self._bins(node, [node["input"]], [node["edges"]]))
                return {**self._below(node), "input": self._new(node, node["input"])}
            case "multibinning":
                if any(name in self.values for name in node["inputs"]):
                    return self.apply(self._bins(node, node["inputs"], node["edges"]))
                return {**self._below(node), "inputs": self._all_new(node, "inputs")}
            case "transform":
                return {**self._below(node), "input": self._new(node, node["input"])}
            case "formula":
                return {**node, "variables": self._all_new(node, "variables")}
            case "hashprng":
                return {**node, "inputs": self._all_new(node, "inputs")}
            case "formularef":
                return node
            case kind:
                raise ScaleFactorError(f"{self.where}: a node of the kind {kind!r} can't be imported")

    def _new(self, node: Node, name: str) -> str:
        if name in self.values:
            raise ScaleFactorError(
                f"{self.where}: input {name!r} is in a {node['nodetype']}, it can't be always {self.values[name]!r}"
            )
        return self.names.get(name, name)

    def _all_new(self, node: Node, key: str) -> list[str]:
        return [self._new(node, name) for name in node[key]]

    def _below(self, node: Node) -> Node:
        return with_children(node, {label: self.apply(child) for label, child in children(node).items()})

    def _category(self, node: Node) -> Node:
        name, below = node["input"], children(node)
        for key in (self.values[name], None):
            if key in below:
                return below[key]
        raise ScaleFactorError(f"{self.where}: {name} {self.values[name]!r} isn't covered everywhere")

    def _bins(self, node: Node, names: Sequence[str], edges: Sequence[Any]) -> Node:
        """Return the bins of a node for the fixed inputs."""
        chosen: list[Sequence[int]] = []
        for name, axis in zip(names, edges, strict=True):
            count = len(edges_of(axis)) - 1
            if name not in self.values:
                chosen.append(range(count))
                continue
            position = _position(axis, float(self.values[name]))
            if not 0 <= position < count and node["flow"] != "clamp":
                if isinstance(node["flow"], str):
                    raise ScaleFactorError(f"{self.where}: {name} {self.values[name]!r} is out of range")
                return node["flow"]
            chosen.append([min(max(position, 0), count - 1)])
        # Content is stored such that the last input varies fastest.
        strides = [math.prod(len(edges_of(axis)) - 1 for axis in edges[i + 1 :]) for i in range(len(edges))]
        content = [node["content"][sum(map(operator.mul, index, strides))] for index in itertools.product(*chosen)]
        kept = [i for i, name in enumerate(names) if name not in self.values]
        if not kept:
            return content[0]
        return {**node, "inputs": [names[i] for i in kept], "edges": [edges[i] for i in kept], "content": content}


def _position(edges: Any, value: float) -> int:
    """Return the number of a value's bin as correctionlib finds it; negative or too large if there is none."""
    if isinstance(edges, dict):
        low, high = float(edges["low"]), float(edges["high"])
        return math.floor(int(edges["n"]) * (value - low) / (high - low))
    return bisect.bisect_right(edges_of(edges), value) - 1


def combine(function: Callable[..., float], trees: Sequence[Node], where: str) -> Node:
    """Return the tree of a function of the values of several trees, such as their sum."""
    first = trees[0]
    if not any(isinstance(tree, dict) for tree in trees):
        return function(*trees)
    if any(_form(first) != _form(tree) for tree in trees):
        raise ScaleFactorError(f"{where}: errors can only be added to values in the same bins, and not to formulas")
    below = [children(tree) for tree in trees]
    # All transformations have the same rule, which isn't a value.
    combined = {
        label: child if label == "rule" else combine(function, [each[label] for each in below], where)
        for label, child in below[0].items()
    }
    return with_children(first, combined)


def _form(node: Node) -> object:
    """Return the properties that must be equal to combine nodes; for formulas and random numbers, nothing is equal."""
    match kind_of(node):
        case "number":
            return "number"
        case "transform":
            return own_form(node), node["rule"]
        case "category" | "binning" | "multibinning":
            return own_form(node), set(children(node))
        case _:
            return object()
