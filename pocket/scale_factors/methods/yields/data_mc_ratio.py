"""Scale factors of data less background over simulation."""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Templates
from pocket.scale_factors.methods.efficiency.statistics import refuse
from pocket.scale_factors.methods.yields.declaration import DataMCRatio


def measure(declaration: DataMCRatio, templates: Templates) -> Measured:
    """Return the measurement of :class:`~pocket.scale_factors.methods.yields.declaration.DataMCRatio`.

    SF = N / T with N = D − ΣB; σ² = (σ_D² + σ_B²) / T² + N² σ_T² / T⁴, where each σ² is Σw², for data their number.
    Scale factors that preserve the yield are (N / ΣN) / (T / ΣT); the two sums correlate the bins.
    """
    data, target = templates.read(declaration.data), templates.read(declaration.mc)
    templates.require_counts(data, declaration.data)
    background = templates.read(declaration.background)
    found, variance = data.values - background.values, data.variances + background.variances
    refuse(
        {
            "no simulation": target.values <= 0,
            "no data": data.values == 0,
            "data less background isn't positive": (found <= 0) & (data.values > 0),
        },
        templates.labels,
        f"{templates.name}: no ratio",
    )
    ratio = found / target.values
    relative = variance / found**2, target.variances / target.values**2
    if not declaration.keep_yield:
        error = ratio * np.sqrt(relative[0] + relative[1])
        return Measured(Measurement(ratio, error, error))
    if len(ratio) == 1:
        raise ScaleFactorError(f"{templates.name}: keep_yield needs two bins, one alone is 1 by definition")
    ratio = ratio * target.values.sum() / found.sum()
    covariance = np.outer(ratio, ratio) * (_of_shares(found, variance) + _of_shares(target.values, target.variances))
    error = np.sqrt(np.diag(covariance))
    return Measured(Measurement(ratio, error, error), covariance=covariance)


def _of_shares(values: Floats, variances: Floats) -> Floats:
    """Return the relative covariance of the shares x_i / Σx of independent x."""
    # The derivative is d ln(x_i / Σx) / dx_j = δ_ij / x_i − 1 / Σx.
    derivatives = np.diag(1 / values) - 1 / values.sum()
    return np.asarray((derivatives * variances) @ derivatives.T)
