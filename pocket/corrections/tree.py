"""Trees of corrections, as plain JSON in correctionlib's schema version 2: inputs fixed and renamed, errors added.

Nothing is evaluated but the inputs that are fixed, so what is left is the same function of the other ones. Source of
the schema: https://cms-nanoaod.github.io/correctionlib/schemav2.html.
"""

from __future__ import annotations

import bisect
import itertools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.errors import ScaleFactorError

#: a number, or a JSON object with ``nodetype``
Node = Any
#: value of an input
Value = str | int | float


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes right below a node."""
    if not isinstance(node, dict):
        return
    if node["nodetype"] == "category":
        yield from (item["value"] for item in node["content"])
        if node.get("default") is not None:
            yield node["default"]
    elif node["nodetype"] in ("binning", "multibinning"):
        yield from node["content"]
        if not isinstance(node["flow"], str):
            yield node["flow"]
    elif node["nodetype"] == "transform":
        yield node["rule"]
        yield node["content"]


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def keys_of(node: Node, name: str) -> set[str | int]:
    """Return all keys that a tree has for an input."""
    categories = (part for part in walk(node) if isinstance(part, dict) and part["nodetype"] == "category")
    return {item["key"] for part in categories if part["input"] == name for item in part["content"]}


def edges_of(edges: Any) -> list[float]:
    """Return the edges of a binning, which may be uniform or infinite."""
    if isinstance(edges, dict):
        low, high, count = edges["low"], edges["high"], edges["n"]
        return [low + (high - low) * number / count for number in range(count)] + [float(high)]
    return [float(edge) for edge in edges]


@dataclass(frozen=True)
class Fixing:
    """Gives inputs of a tree a value, and others a new name.

    Args:
        values: input → its value.
        names: input → its new name.
        where: what the tree is, for errors.
    """

    values: Mapping[str, Value]
    names: Mapping[str, str]
    where: str

    def apply(self, node: Node) -> Node:
        """Return the tree without the inputs that have a value.

        Raises:
            ScaleFactorError: if a value isn't covered, or an input with a value is in a formula, a transformation or
                a random number.
        """
        if not isinstance(node, dict):
            return node
        match node["nodetype"]:
            case "category":
                if node["input"] in self.values:
                    return self.apply(self._category(node))
                content = [{**item, "value": self.apply(item["value"])} for item in node["content"]]
                default = None if node.get("default") is None else self.apply(node["default"])
                return {**node, "input": self._new(node, node["input"]), "content": content, "default": default}
            case "binning":
                if node["input"] in self.values:
                    return self.apply(self._bins(node, [node["input"]], [node["edges"]]))
                return self._binned(node, input=self._new(node, node["input"]))
            case "multibinning":
                if any(name in self.values for name in node["inputs"]):
                    return self.apply(self._bins(node, node["inputs"], node["edges"]))
                return self._binned(node, inputs=self._all_new(node, "inputs"))
            case "transform":
                rule, content = self.apply(node["rule"]), self.apply(node["content"])
                return {**node, "input": self._new(node, node["input"]), "rule": rule, "content": content}
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

    def _binned(self, node: Node, **inputs: str | list[str]) -> Node:
        flow = node["flow"] if isinstance(node["flow"], str) else self.apply(node["flow"])
        return {**node, **inputs, "content": [self.apply(child) for child in node["content"]], "flow": flow}

    def _category(self, node: Node) -> Node:
        name = node["input"]
        for item in node["content"]:
            if item["key"] == self.values[name]:
                return item["value"]
        if node.get("default") is None:
            raise ScaleFactorError(f"{self.where}: {name} {self.values[name]!r} isn't covered everywhere")
        return node["default"]

    def _bins(self, node: Node, names: Sequence[str], edges: Sequence[Any]) -> Node:
        """Return the bins of a node at the inputs that have a value."""
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
        # the last input runs fastest
        strides = [math.prod(len(edges_of(axis)) - 1 for axis in edges[i + 1 :]) for i in range(len(edges))]
        content = [node["content"][sum(map(operator.mul, index, strides))] for index in itertools.product(*chosen)]
        kept = [i for i, name in enumerate(names) if name not in self.values]
        if not kept:
            return content[0]
        return {**node, "inputs": [names[i] for i in kept], "edges": [edges[i] for i in kept], "content": content}


def _position(edges: Any, value: float) -> int:
    """Return the number of the bin with a value, below 0 or too high if there is none; as correctionlib looks it up."""
    if isinstance(edges, dict):
        low, high = float(edges["low"]), float(edges["high"])
        return math.floor(int(edges["n"]) * (value - low) / (high - low))
    return bisect.bisect_right(edges_of(edges), value) - 1


def add(nominal: Node, error: Node, sign: int, where: str) -> Node:
    """Return the tree of the nominal values plus or minus their errors, which must be in the same bins.

    Args:
        nominal: tree of the values.
        error: tree of the sizes of their errors.
        sign: 1 or -1.
        where: what is added, for errors.

    Raises:
        ScaleFactorError: if the trees differ in more than their numbers, or there are formulas or random numbers.
    """
    if not isinstance(nominal, dict) and not isinstance(error, dict):
        return nominal + sign * error
    if _form(nominal) != _form(error):
        raise ScaleFactorError(f"{where}: errors can only be added to values in the same bins, and not to formulas")

    def added(one: Node, other: Node) -> Node:
        return add(one, other, sign, where)

    content = nominal["content"]
    if nominal["nodetype"] == "transform":
        return {**nominal, "content": added(content, error["content"])}
    if nominal["nodetype"] == "category":
        errors = {item["key"]: item["value"] for item in error["content"]}
        items = [{**item, "value": added(item["value"], errors[item["key"]])} for item in content]
        default = nominal["default"]
        return {**nominal, "content": items, "default": None if default is None else added(default, error["default"])}
    flow = nominal["flow"]
    if not isinstance(flow, str):
        flow = added(flow, error["flow"])
    return {**nominal, "content": [*map(added, content, error["content"])], "flow": flow}


def _form(node: Node) -> object:
    """Return what must be the same of two nodes to be added; nothing is the same as a formula or a random number."""
    if not isinstance(node, dict):
        return "number"
    match node["nodetype"]:
        case "category":
            keys = {item["key"] for item in node["content"]}
            return "category", node["input"], keys, node["default"] is None
        case "binning":
            return "binning", node["input"], node["edges"], _rule(node["flow"])
        case "multibinning":
            return "multibinning", node["inputs"], node["edges"], _rule(node["flow"])
        case "transform":
            return "transform", node["input"], node["rule"]
        case _:
            return object()


def _rule(flow: Node) -> str:
    return flow if isinstance(flow, str) else "content"
