"""How far scale factors that depend on each other still move from one iteration to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pocket.errors import ScaleFactorError
from pocket.scale_factors.binning import Array
from pocket.scale_factors.result import ScaleFactorResult


def changes(history: Sequence[ScaleFactorResult]) -> Array:
    """Return |ΔSF| / σ of each iteration after the first, with σ the statistical error at its end.

    It is the mean of both sides. Systematic uncertainties would hide changes that are as large as the statistical
    errors.

    Args:
        history: the scale factor after each iteration, with the same bins.

    Returns:
        Shape (iterations − 1, groups of bins).

    Raises:
        ScaleFactorError: if there are fewer than two iterations, the bins or what is joined changes, or a bin isn't
            valid or has no error.
    """
    if len(history) < 2:
        raise ScaleFactorError(f"a change needs two iterations, not {len(history)}")
    first = history[0]
    for result in history:
        if result.axes != first.axes or not np.array_equal(result.groups, first.groups):
            raise ScaleFactorError(f"{first.name}: the bins differ between iterations")
        if not result.valid.all():
            raise ScaleFactorError(f"{first.name}: a bin has no valid measurement in some iteration")
    _, bins = np.unique(first.groups, return_index=True)
    values = np.array([result.scale_factor.value.ravel()[bins] for result in history])
    errors = np.array([np.sqrt(np.diag(result.statistical_covariance)) for result in history[1:]])
    if (errors <= 0).any():
        raise ScaleFactorError(f"{first.name}: a bin has no statistical error, so that no change is small")
    return np.asarray(np.abs(np.diff(values, axis=0)) / errors)
