"""Diagnostics for plots of a template fit in pass and fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pocket.base.typing import Floats


@dataclass(frozen=True, eq=False)
class TemplateFitDiagnostics:
    """One template fit.

    Arrays with regions have passing entries first, then failing ones.

    Args:
        label: the bin, e.g. ``pt [25, 30), abseta [0, 1.2)``.
        edges: edges of the fitted axis, shape (bins + 1,).
        data: counts, shape (regions, bins).
        prefit: expected yields before the fit, process → shape (regions, bins).
        postfit: expected yields after the fit, process → shape (regions, bins).
        prefit_errors: relative errors of the sum before the fit, from MC statistics; shape of the data.
        parameters: value and error of each parameter.
        correlation: correlation of the parameters, shape (parameters, parameters).
        chi2: twice the logarithm of the likelihood ratio to the saturated model, including constraints.
        ndf: bins in both regions less free parameters.
        status: :data:`pocket.scale_factors.measurement.result.VALID`, or the failure.
    """

    label: str
    model: str
    axis: str
    edges: Floats
    data: Floats
    prefit: Mapping[str, Floats]
    postfit: Mapping[str, Floats]
    prefit_errors: Floats
    parameters: Mapping[str, tuple[float, float]]
    nuisances: tuple[str, ...]
    correlation: Floats
    chi2: float
    ndf: int
    status: str
    attempts: int

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> TemplateFitDiagnostics:
        """Return the diagnostics from lists and mappings."""
        arrays: dict[str, Any] = {
            **{key: np.array(content[key]) for key in ("edges", "data", "prefit_errors", "correlation")},
            **{
                key: {process: np.array(yields) for process, yields in content[key].items()}
                for key in ("prefit", "postfit")
            },
            "parameters": {name: (value, error) for name, (value, error) in content["parameters"].items()},
            "nuisances": tuple(content["nuisances"]),
        }
        return cls(**{**content, **arrays})
