"""Scale factors as correctionlib files, schema version 2."""

from __future__ import annotations

import math
from collections.abc import Mapping

import correctionlib.schemav2 as schema
import numpy as np
import numpy.typing as npt

from pocket.errors import ScaleFactorError
from pocket.scale_factors.counts import bin_labels
from pocket.scale_factors.result import VALID, Array, ScaleFactorResult

#: Efficiencies are kept this far from 0 and 1, so that ratios of products of them stay finite.
EFFICIENCY_MARGIN = 1e-4


def correction_set(result: ScaleFactorResult) -> schema.CorrectionSet:
    """Make the corrections of a scale factor.

    - ``<name>``, inputs: the axes and ``systematic``, one of ``nominal``, ``up``, ``down`` (all sources),
      ``stat_up``, ``stat_down``, and ``<source>_up``, ``<source>_down``.
    - ``<name>_efficiency_data``, same inputs: scale factor times nominal efficiency in simulation, so that all
      uncertainty of the scale factor is in the data.
    - ``<name>_efficiency_mc``, inputs: the axes.

    Both efficiencies are clipped to [1e-4, 1 − 1e-4].

    Raises:
        ScaleFactorError: if a bin isn't valid, a value isn't finite and positive, or an uncertainty is zero.
    """
    labels = bin_labels(result.axes)
    failed = [f"{label} ({status})" for label, status in zip(labels, result.status, strict=True) if status != VALID]
    if failed:
        raise ScaleFactorError(f"{result.name}: failed bins are not written: {'; '.join(failed)}")
    values = _variations(result)
    for systematic, content in values.items():
        _require(np.isfinite(content) & (content > 0), result.name, systematic, labels)
    for kind in ("", "stat_"):
        same = (values[f"{kind}up"] == values["nominal"]) & (values[f"{kind}down"] == values["nominal"])
        _require(~same, result.name, f"{kind}up and {kind}down, which equal the nominal one,", labels)
    for source, (up, down) in result.systematics.items():
        if not (np.any(up) or np.any(down)):
            raise ScaleFactorError(f"{result.name}: systematic {source!r} changes nothing")

    simulated = result.efficiency_mc.value
    _require(np.isfinite(simulated) & (simulated > 0), result.name, "the efficiency in simulation", labels)
    return schema.CorrectionSet(
        schema_version=2,
        description=result.description or f"Scale factor {result.name}",
        corrections=[
            _correction(result, "", f"{result.method}: efficiency in data / in simulation", values),
            _correction(
                result,
                "_efficiency_data",
                "Efficiency in data",
                {systematic: _clipped(content * simulated) for systematic, content in values.items()},
            ),
            _correction(result, "_efficiency_mc", "Efficiency in simulation", _clipped(simulated)),
        ],
    )


def dumps(result: ScaleFactorResult) -> str:
    """Return the file of :func:`correction_set`; the same result gives the same text.

    Raises:
        ScaleFactorError: as :func:`correction_set`.
    """
    return correction_set(result).model_dump_json(exclude_unset=True)


def _variations(result: ScaleFactorResult) -> dict[str, Array]:
    nominal = result.scale_factor
    values = {
        "nominal": nominal.value,
        "up": nominal.value + result.total_up,
        "down": nominal.value - result.total_down,
        "stat_up": nominal.value + nominal.up,
        "stat_down": nominal.value - nominal.down,
    }
    for source, (up, down) in result.systematics.items():
        values[f"{source}_up"] = nominal.value + up
        values[f"{source}_down"] = nominal.value + down
    return values


def _correction(
    result: ScaleFactorResult, suffix: str, description: str, values: Array | Mapping[str, Array]
) -> schema.Correction:
    inputs = [schema.Variable(name=axis, type="real") for axis in result.axes]
    if isinstance(values, Mapping):
        inputs.append(schema.Variable(name="systematic", type="string", description=", ".join(values)))
        data: schema.Content = schema.Category(
            nodetype="category",
            input="systematic",
            content=[schema.CategoryItem(key=key, value=_binning(result, content)) for key, content in values.items()],
        )
    else:
        data = _binning(result, values)
    return schema.Correction(
        name=f"{result.name}{suffix}",
        description=description,
        version=1,
        inputs=inputs,
        output=schema.Variable(name="efficiency" if suffix else "weight", type="real"),
        data=data,
    )


def _binning(result: ScaleFactorResult, values: Array, depth: int = 0) -> schema.Content:
    """Nest one binning per axis, as a binning in several axes has one flow for all of them."""
    if depth == len(result.axes):
        return float(values)
    axis, edges = list(result.axes.items())[depth]
    return schema.Binning(
        nodetype="binning",
        input=axis,
        edges=[edge if math.isfinite(edge) else "inf" if edge > 0 else "-inf" for edge in edges],
        content=[_binning(result, part, depth + 1) for part in values],
        flow=result.flow[axis],
    )


def _clipped(efficiency: Array) -> Array:
    return np.clip(efficiency, EFFICIENCY_MARGIN, 1 - EFFICIENCY_MARGIN)


def _require(good: npt.NDArray[np.bool_], name: str, what: str, labels: list[str]) -> None:
    bad = [label for label, fine in zip(labels, good.ravel(), strict=True) if not fine]
    if bad:
        raise ScaleFactorError(f"{name}: {what} can't be written in {'; '.join(bad)}")
