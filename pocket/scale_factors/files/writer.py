"""Scale factors as correctionlib files, schema version 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import correctionlib.schemav2 as schema
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.binning import Categories, bin_labels
from pocket.scale_factors.measurement.result import FROZEN, ScaleFactorResult

#: distance of efficiencies from 0 and 1, so that ratios of products of them stay finite
EFFICIENCY_MARGIN = 1e-4
#: relative shift up to which a source counts as changing nothing
ROUNDING = 1e-12
#: largest number of independent statistical shifts that are written; the file grows with its square, since each has all
#: bins
MOST_DECORRELATED = 200


def correction_set(result: ScaleFactorResult, allow_null_systematics: bool = False) -> schema.CorrectionSet:
    """Make the corrections of a scale factor.

    - ``<name>``, inputs: the axes and ``systematic``, one of ``nominal``, ``up``, ``down`` (all sources),
      ``stat_up``, ``stat_down``, ``<source>_up`` and ``<source>_down``, and ``stat<n>_up`` and ``stat<n>_down``, from 1
      on: statistical errors decorrelated, each group of bins alone or, if groups are correlated, the eigenvectors of
      their covariance. Those are left out if there are more than :data:`MOST_DECORRELATED`.
    - ``<name>_efficiency_data``, same inputs, for methods with efficiencies: scale factor times nominal efficiency in
      simulation, so that all uncertainty of the scale factor is in the data.
    - ``<name>_efficiency_mc``, inputs: the axes.

    Efficiencies are clipped to [1e-4, 1 − 1e-4].

    Args:
        allow_null_systematics: whether a source of uncertainty may change nothing, such as one of a scale factor that
            isn't applied yet.
    """
    labels = bin_labels(result.axes)
    valid = result.valid.ravel()
    failed = [f"{labels[i]} ({result.status[i]})" for i in np.flatnonzero(~valid)]
    if failed:
        raise ScaleFactorError(f"{result.name}: failed bins are not written: {'; '.join(failed)}")
    values = variations(result)
    _require(np.isfinite(values["nominal"]), result.name, "nominal", labels)
    for kind in ("", "stat_"):
        same = (values[f"{kind}up"] == values["nominal"]) & (values[f"{kind}down"] == values["nominal"])
        if kind:
            # Frozen values have no statistical error.
            same &= np.reshape(np.array(result.status) != FROZEN, same.shape)
        _require(~same, result.name, f"{kind}up and {kind}down, which equal the nominal one,", labels)
    if result.quantity == "efficiency":
        values = {systematic: _clipped(content) for systematic, content in values.items()}
    if result.quantity == "calibration":
        # Smearing may vanish within its errors.
        values = {systematic: np.maximum(content, 0.0) for systematic, content in values.items()}
    for systematic, content in values.items():
        possible = content >= 0 if result.quantity == "calibration" else content > 0
        _require(np.isfinite(content) & possible, result.name, systematic, labels)
    for source, shifts in result.systematics.items():
        if not allow_null_systematics and np.all(np.abs(shifts) <= ROUNDING * np.abs(result.scale_factor.value)):
            raise ScaleFactorError(
                f"{result.name}: systematic {source!r} changes nothing in any bin: remove it, or look whether its "
                "samples have events"
            )

    corrections = [_correction(result, "", f"{result.method}: {result.quantity}", values)]
    if result.quantity == "weight" and "mc" in result.efficiencies:
        simulated = result.efficiencies["mc"].value
        _require(np.isfinite(simulated) & (simulated > 0), result.name, "the efficiency in simulation", labels)
        of_data = {systematic: _clipped(content * simulated) for systematic, content in values.items()}
        corrections.append(_correction(result, "_efficiency_data", "Efficiency in data", of_data))
        corrections.append(_correction(result, "_efficiency_mc", "Efficiency in simulation", _clipped(simulated)))
    return schema.CorrectionSet(
        schema_version=2,
        description=result.description or f"Scale factor {result.name}",
        corrections=corrections,
    )


def dumps(result: ScaleFactorResult, allow_null_systematics: bool = False) -> str:
    """Return the content of the file of :func:`correction_set`; equal results give equal content."""
    return correction_set(result, allow_null_systematics).model_dump_json(exclude_unset=True)


def variations(result: ScaleFactorResult) -> dict[str, Floats]:
    """Return key of ``systematic`` → written values, one dimension per axis."""
    nominal = result.scale_factor
    values = {
        "nominal": nominal.value,
        "up": nominal.value + result.total_up,
        "down": nominal.value - result.total_down,
        "stat_up": nominal.value + nominal.up,
        "stat_down": nominal.value - nominal.down,
    }
    decorrelated = ((f"stat{number}", shifts) for number, shifts in enumerate(_decorrelated(result), start=1))
    for source, shifts in (*result.systematics.items(), *result.coupled.items(), *decorrelated):
        for side, shift in zip(("up", "down"), shifts, strict=True):
            if f"{source}_{side}" in values:
                raise ScaleFactorError(f"{result.name}: two sources of uncertainty are named {source!r}")
            values[f"{source}_{side}"] = nominal.value + shift
    return values


def _decorrelated(result: ScaleFactorResult) -> list[tuple[Floats, Floats]]:
    """Return independent statistical shifts up and down, one dimension per axis each; empty if there are too many."""
    if result.binning.size > MOST_DECORRELATED:
        return []
    if result.stat_covariance is None:
        chosen = [result.groups == group for group in range(result.binning.size)]
        return [
            (np.where(own, result.scale_factor.up, 0), -np.where(own, result.scale_factor.down, 0)) for own in chosen
        ]
    eigenvalues, vectors = np.linalg.eigh(result.stat_covariance)
    # Directions of preserved sums have no variance and are left out; the largest come first.
    large = np.flatnonzero(eigenvalues > 1e-12 * eigenvalues.max())[::-1]
    # The sign of an eigenvector is arbitrary, so up is where its largest component goes up.
    signs = np.sign([vector[np.argmax(np.abs(vector))] for vector in vectors.T])
    shifts = [result.binning.expand(np.sqrt(eigenvalues[i]) * signs[i] * vectors[:, i]) for i in large]
    return [(shift, -shift) for shift in shifts]


def _correction(
    result: ScaleFactorResult, suffix: str, description: str, values: Floats | Mapping[str, Floats]
) -> schema.Correction:
    inputs = [schema.Variable(name=axis, type=_type(result, axis)) for axis in result.axes]
    if isinstance(values, Mapping):
        inputs.append(schema.Variable(name="systematic", type="string", description=", ".join(values)))
        data: schema.Content = schema.Category(
            nodetype="category",
            input="systematic",
            content=[schema.CategoryItem(key=key, value=_nested(result, content)) for key, content in values.items()],
        )
    else:
        data = _nested(result, values)
    return schema.Correction(
        name=f"{result.name}{suffix}",
        description=description,
        version=1,
        inputs=inputs,
        output=schema.Variable(name="efficiency" if suffix else result.quantity, type="real"),
        data=data,
    )


def _type(result: ScaleFactorResult, name: str) -> Literal["string", "int", "real"]:
    axis = result.axes[name]
    if not isinstance(axis, Categories):
        return "real"
    return "string" if isinstance(axis.values[0], str) else "int"


def _nested(result: ScaleFactorResult, values: Floats, depth: int = 0) -> schema.Content:
    """Return one nested node per axis, because a binning in several axes has only one flow."""
    if depth == len(result.axes):
        return float(values)
    name, axis = list(result.axes.items())[depth]
    content = [_nested(result, part, depth + 1) for part in values]
    if isinstance(axis, Categories):
        items = [schema.CategoryItem(key=key, value=value) for key, value in zip(axis.values, content, strict=True)]
        return schema.Category(nodetype="category", input=name, content=items)
    return schema.Binning(
        nodetype="binning",
        input=name,
        edges=[edge if math.isfinite(edge) else "inf" if edge > 0 else "-inf" for edge in axis],
        content=content,
        flow=result.flow[name],
    )


def _clipped(efficiency: Floats) -> Floats:
    return np.clip(efficiency, EFFICIENCY_MARGIN, 1 - EFFICIENCY_MARGIN)


def _require(good: npt.NDArray[np.bool_], name: str, what: str, labels: list[str]) -> None:
    bad = [label for label, fine in zip(labels, good.ravel(), strict=True) if not fine]
    if bad:
        raise ScaleFactorError(f"{name}: {what} can't be written in {'; '.join(bad)}")
