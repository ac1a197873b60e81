"""Random corrections with all kinds of nodes, as published ones have them, and points to evaluate them at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from correctionlib import CorrectionSet
from hypothesis import strategies as st

PT, ETA = (20.0, 30.0, 45.5, 120.0), (-2.5, 0.0, 1.3, 2.5)
YEARS, KINDS, FLAVOURS = ("2017", "2018"), ("sf", "systup", "systdown"), (0, 4, 5)
INPUTS = {"eta": "real", "pt": "real", "flavor": "int", "year": "string", "kind": "string"}
FORMULAS = [
    {"nodetype": "formula", "expression": "[0]+[1]*x", "parser": "TFormula", "variables": ["pt"]},
    {"nodetype": "formula", "expression": "[0]+y*x*[1]", "parser": "TFormula", "variables": ["pt", "eta"]},
]
UNIFORM = {"pt": {"n": 3, "low": 10.0, "high": 80.0}, "eta": {"n": 3, "low": -2.4, "high": 2.4}}
EDGES: Mapping[str, Sequence[Any]] = {
    "pt": (list(PT), [25.0, "inf"], UNIFORM["pt"]),
    "eta": (list(ETA), [-1.0, 1.0], UNIFORM["eta"]),
}

numbers = st.floats(0.5, 1.5)


def published(data: Any, inputs: Mapping[str, str] = INPUTS, **more: Any) -> dict[str, Any]:
    """Return a correction with a tree, as plain JSON."""
    return {
        "name": "id",
        "version": 3,
        "inputs": [{"name": name, "type": kind} for name, kind in inputs.items()],
        "output": {"name": "weight", "type": "real"},
        "data": data,
        **more,
    }


def evaluator(correction: Mapping[str, Any]) -> Any:
    """Return what evaluates a correction."""
    return CorrectionSet.from_string(json.dumps({"schema_version": 2, "corrections": [correction]}))[correction["name"]]


def category(name: str, content: Mapping[Any, Any], default: Any = None) -> dict[str, Any]:
    items = [{"key": key, "value": value} for key, value in content.items()]
    return {"nodetype": "category", "input": name, "content": items, "default": default}


def binning(name: str, edges: Any, content: Sequence[Any], flow: Any = "clamp") -> dict[str, Any]:
    return {"nodetype": "binning", "input": name, "edges": edges, "content": list(content), "flow": flow}


def multibinning(edges: Mapping[str, Any], content: Sequence[Any], flow: Any = "clamp") -> dict[str, Any]:
    found = {"inputs": list(edges), "edges": list(edges.values()), "content": list(content), "flow": flow}
    return {"nodetype": "multibinning", **found}


def bins(edges: Any) -> int:
    return int(edges["n"]) if isinstance(edges, dict) else len(edges) - 1


@st.composite
def binnings(draw: st.DrawFn, below: st.SearchStrategy[Any], flows: Sequence[str]) -> Any:
    """A binning in one variable or in both."""
    flow = draw(st.one_of(st.sampled_from(flows), below))
    edges = {name: draw(st.sampled_from(EDGES[name])) for name in draw(st.permutations(["pt", "eta"]))}
    if draw(st.booleans()):
        count = bins(edges["pt"]) * bins(edges["eta"])
        return multibinning(edges, draw(st.lists(below, min_size=count, max_size=count)), flow)
    name = next(iter(edges))
    count = bins(edges[name])
    return binning(name, edges[name], draw(st.lists(below, min_size=count, max_size=count)), flow)


@st.composite
def categories(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> Any:
    """A lookup that knows all keys, or has a default for the others."""
    name, keys = draw(st.sampled_from([("year", YEARS), ("kind", KINDS), ("flavor", FLAVOURS)]))
    some = draw(st.lists(st.sampled_from(keys), unique=True, min_size=1))
    default = draw(below) if len(some) < len(keys) or draw(st.booleans()) else None
    return category(name, {key: draw(below) for key in some}, default)


def trees(flows: Sequence[str], *, functions: bool) -> st.SearchStrategy[Any]:
    """Trees with these rules beyond the bins, and with formulas, transformations and random numbers or without."""
    formula = [{**one, "parameters": [0.9, 0.01]} for one in FORMULAS]
    reference = [{"nodetype": "formularef", "index": index, "parameters": [1.1, -0.02]} for index in (0, 1)]
    random = [{"nodetype": "hashprng", "inputs": ["pt", "eta"], "distribution": "stdflat"}]
    leaves = st.one_of(numbers, st.sampled_from([*formula, *reference, *random])) if functions else numbers

    def extend(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        kinds = [binnings(below, flows), categories(below)]
        if functions:
            rules = st.sampled_from([20.0, *formula])
            transform = st.builds(
                lambda name, rule, content: {"nodetype": "transform", "input": name, "rule": rule, "content": content},
                st.sampled_from(["pt", "eta"]),
                rules,
                below,
            )
            kinds.append(transform)
        return st.one_of(kinds)

    return st.recursive(leaves, extend, max_leaves=8)


def around(*edges: float) -> list[float]:
    """Return edges, what is right beside them, and what is far away."""
    return [-1e5, 1e5, *(edge + step for edge in edges for step in (-1e-7, 0.0, 1e-7))]


POINTS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(around(*ETA, *(-2.4, -0.8, 0.8, 2.4))), st.floats(-3, 3)),
        st.one_of(st.sampled_from(around(*PT, 10.0, 25.0, 80.0)), st.floats(0, 200)),
        st.sampled_from(FLAVOURS),
    ),
    min_size=5,
    max_size=10,
)


def value_at(correction: Any, *point: Any) -> float | None:
    """Return the value at a point, ``None`` where there is none."""
    try:
        return float(correction.evaluate(*point))
    except (IndexError, RuntimeError):
        return None
