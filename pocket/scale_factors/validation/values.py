"""Checks of a measurement that need no other input."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.measurement.binning import bin_labels
from pocket.scale_factors.measurement.result import FROZEN, JOINED, VALID, ScaleFactorResult
from pocket.scale_factors.validation.checks import Check, problems_in


def check_values(declaration: ScaleFactor, result: ScaleFactorResult) -> Check:
    """Return the check for invalid bins, failed fits, bins joined without permission, and impossible numbers."""
    compared = "status, value and total error of each bin, and the fits behind them"
    labels = bin_labels(result.axes)
    failed = [
        f"{fit.label}: the fit ({fit.model}) failed, {fit.status}" for fit in result.diagnostics if fit.status != VALID
    ]
    failed += problems_in(labels, _problems(declaration, result))
    if failed:
        return Check("values", False, compared, "; ".join(failed))
    value = result.scale_factor.value
    relative = np.divide(
        np.maximum(result.total_up, result.total_down), value, out=np.zeros_like(value), where=value > 0
    )
    joined = result.status.count(JOINED)
    parts = [
        f"{len(labels)} bins valid" + (f", {joined} of them joined with neighbours" if joined else ""),
        *([f"{len(result.diagnostics)} fits converged"] if result.diagnostics else []),
        f"relative total errors up to {relative.max():.2g} (in {labels[int(relative.argmax())]})",
    ]
    return Check("values", True, compared, "; ".join(parts))


def _problems(declaration: ScaleFactor, result: ScaleFactorResult) -> dict[str, npt.NDArray[np.bool_]]:
    """Return description of a problem → where it is, one dimension per axis."""
    value, up, down = result.scale_factor.value, result.total_up, result.total_down
    status = np.array(result.status, dtype=object).reshape(value.shape)
    largest = np.maximum(up, down)
    problems = {
        f"the status is {text!r}": status == text
        for text in dict.fromkeys(result.status)
        if text not in (VALID, JOINED, FROZEN)
    }
    if not declaration.min_n_eff:
        problems["joined with others, which min_n_eff=0 doesn't declare"] = status == JOINED
    if result.quantity == "efficiency":
        problems["the efficiency isn't between 0 and 1"] = ~((value >= 0) & (value <= 1))
    elif result.quantity == "calibration":
        problems["the value isn't finite, or below 0"] = ~(np.isfinite(value) & (value >= 0))
    else:
        problems["the value isn't finite and positive"] = ~(np.isfinite(value) & (value > 0))
        problems["the total error is larger than the value"] = largest > np.abs(value)
    problems["the total error isn't finite and positive"] = ~(
        np.isfinite(largest) & (largest > 0) & (up >= 0) & (down >= 0)
    )
    return problems
