"""Results to draw: each group of bins has other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pocket.scale_factors.measurement.binning import Axis, Categories, shape
from pocket.scale_factors.measurement.result import JOINED, VALID, Measurement, ScaleFactorResult
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics

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


def template_fit(**changes: Any) -> TemplateFitDiagnostics:
    """A fit of two processes in three bins, with a scale factor and two nuisances."""
    prefit = {"b": np.array([[10.0, 20, 30], [5, 5, 5]]), "light": np.array([[4.0, 2, 0], [50, 40, 0]])}
    content: dict[str, Any] = {
        "label": "pt [30, 50)",
        "model": "nominal",
        "axis": "score",
        "edges": np.array([0.0, 0.5, 0.8, 1.0]),
        "data": np.array([[12.0, 25, 33], [60, 40, 4]]),
        "prefit": prefit,
        "postfit": {"b": 1.1 * prefit["b"], "light": prefit["light"]},
        "prefit_errors": np.full((2, 3), 0.1),
        "parameters": {"SF_b": (1.1, 0.05), "pileup": (-0.5, 0.9), "rate_light": (1.5, 0.4)},
        "nuisances": ("pileup", "rate_light"),
        "correlation": np.array([[1, 0.5, -0.25], [0.5, 1, 0], [-0.25, 0, 1]]),
        "chi2": 5.0,
        "ndf": 4,
        "status": VALID,
        "attempts": 1,
    }
    return TemplateFitDiagnostics(**content | changes)
