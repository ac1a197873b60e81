"""Results to draw: each group of bins has other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pocket.scale_factors.binning import Axis, Categories, shape
from pocket.scale_factors.result import JOINED, VALID, Measurement, ScaleFactorResult

PT = (20.0, 30.0, 50.0, 100.0)
ABSETA = (0.0, 1.2, 2.4)
YEARS = Categories(("2017", "2018"))
LABELS = {"pt": "$p_T$ [GeV]", "abseta": r"$|\eta|$", "flavour": "Jet flavour"}


def result_of(
    axes: Mapping[str, Axis], groups: Any = None, sources: tuple[str, ...] = ("signal", "pileup"), **changes: Any
) -> ScaleFactorResult:
    """A result without efficiencies: group n has the value 0.9 + 0.01 n and errors that grow with n, too."""
    size = shape(axes)
    positions = np.arange(np.prod(size)).reshape(size) if groups is None else np.array(groups)
    n = positions.astype(float)
    shifts = {source: ((0.002 + 0.001 * n) * (k + 1), (-0.001 - 0.001 * n)) for k, source in enumerate(sources)}
    joined = np.bincount(positions.ravel())[positions.ravel()] > 1
    content: dict[str, Any] = {
        "name": "sf",
        "method": "EfficiencyRatio",
        "quantity": "weight",
        "description": "",
        "axes": dict(axes),
        "flow": dict.fromkeys((name for name, axis in axes.items() if not isinstance(axis, Categories)), "clamp"),
        "scale_factor": Measurement(0.9 + 0.01 * n, 0.003 + 0.001 * n, 0.004 + 0.001 * n),
        "systematics": shifts,
        "groups": positions,
        "status": tuple(np.where(joined, JOINED, VALID).tolist()),
    }
    return ScaleFactorResult(**content | changes)
