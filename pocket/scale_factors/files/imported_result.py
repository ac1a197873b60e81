"""Values of an imported scale factor in bins, in the form of a measurement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from correctionlib import CorrectionSet

from pocket.corrections.tree import BINNED, binned_inputs, children, edges_of, kind_of, walk
from pocket.errors import ScaleFactorError
from pocket.scale_factors.declarations.imported import SYSTEMATIC, Imported
from pocket.scale_factors.declarations.measured import Flow
from pocket.scale_factors.measurement.binning import Axis, Binning, Categories
from pocket.scale_factors.measurement.result import VALID, Measurement, ScaleFactorResult, Shifts, sides
from pocket.scale_factors.validation.units import evaluate

#: relative difference up to which sources in quadrature agree with the published total error, since files round
SAME = 0.01


def binned_result(name: str, declaration: Imported, correction: str) -> ScaleFactorResult | None:
    """Return the values of an imported scale factor in bins.

    Statistical errors are those of the source ``stat``. If the quadratic sum of all sources differs from the errors
    ``up`` and ``down``, because sources are missing or overlap, the only source is ``published`` with these errors.

    Returns:
        The values, or ``None`` if the correction has formulas, transformations or random numbers, a default for other
        keys, or inputs without bins.
    """
    written = json.loads(correction)["corrections"][0]
    axes = axes_of(written)
    if not axes:
        return None
    evaluator = CorrectionSet.from_string(correction)[name]
    try:
        values = {key: evaluate(evaluator, axes, {SYSTEMATIC: key}) for key in declaration.systematics_written()}
    except ScaleFactorError:
        # Not all categories have the same keys below them.
        return None
    nominal = values["nominal"]
    sources = dict.fromkeys(key.removesuffix("up") for key in values if key.endswith("up"))
    shifts = {
        source.removesuffix("_"): (values[f"{source}up"] - nominal, values[f"{source}down"] - nominal)
        for source in sources
    }

    def result(statistics: Shifts, systematics: dict[str, Shifts]) -> ScaleFactorResult:
        return ScaleFactorResult(
            name=name,
            method=type(declaration).__name__,
            description=declaration.description,
            quantity="weight",
            axes=axes,
            flow=flows_of(written),
            scale_factor=Measurement(nominal, *sides(statistics)),
            systematics=systematics,
            groups=Binning.separate(axes).groups,
            status=(VALID,) * nominal.size,
        )

    none = np.zeros_like(nominal), np.zeros_like(nominal)
    total = shifts.pop("", None)
    by_source = result(shifts.pop("stat", none), shifts)
    if total is None or np.allclose((by_source.total_up, by_source.total_down), sides(total), rtol=SAME, atol=1e-9):
        return by_source
    return result(none, {"published": total})


def axes_of(correction: Mapping[str, Any]) -> dict[str, Axis]:
    """Return the axes of a written correction, with all edges or keys that its tree has for each input.

    Returns:
        No axes if an input has none, or something other than bins determines the values.
    """
    nodes = [node for node in walk(correction["data"]) if kind_of(node) != "number"]
    edges: dict[str, set[float]] = {}
    keys: dict[str, dict[str | int, None]] = {}
    for node in nodes:
        if kind_of(node) in BINNED:
            for name, axis in binned_inputs(node):
                edges.setdefault(name, set()).update(edges_of(axis))
        elif kind_of(node) == "category" and None not in (found := children(node)):
            keys.setdefault(node["input"], {}).update(dict.fromkeys(found))
        else:
            return {}
    axes: dict[str, Axis] = {}
    for variable in correction["inputs"]:
        name = variable["name"]
        if name == SYSTEMATIC:
            continue
        if variable["type"] == "real" and name in edges:
            axes[name] = tuple(sorted(edges[name]))
        elif name in keys and name not in edges:
            axes[name] = Categories(tuple(keys[name]))
        else:
            return {}
    return axes


def flows_of(correction: Mapping[str, Any]) -> dict[str, Flow]:
    """Return ``clamp`` for each input whose outermost bins always apply beyond them, ``error`` for other inputs.

    Other inputs may also have a separate value outside, which no bin has.
    """
    flows: dict[str, Flow] = {}
    for node in walk(correction["data"]):
        for name, _ in binned_inputs(node):
            flows[name] = "clamp" if node["flow"] == "clamp" and flows.get(name) != "error" else "error"
    return flows
