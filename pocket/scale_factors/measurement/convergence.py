"""Convergence of iterative scale factors: their changes between iterations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.result import FROZEN, ScaleFactorResult


@dataclass(frozen=True)
class Change:
    """The largest change of coupled scale factors in one iteration.

    Args:
        size: |ΔSF| / σ, with σ the statistical error.
    """

    iteration: int
    size: float
    scale_factor: str
    bin: str

    @property
    def text(self) -> str:
        """Size and place of the change."""
        return f"{self.size:.3g} σ of {self.scale_factor!r} in {self.bin}"


def largest_changes(histories: Mapping[str, Sequence[ScaleFactorResult]]) -> list[Change]:
    """Return the largest change of each iteration after the first.

    Args:
        histories: scale factor → results of each iteration, the same number for all; a single one gives no change.
    """
    moved = {name: changes(history) for name, history in histories.items() if len(history) > 1}
    largest: list[Change] = []
    for number in range(max(map(len, moved.values()), default=0)):
        name = max(moved, key=lambda name: np.nanmax(moved[name][number]))
        place = int(np.nanargmax(moved[name][number]))
        labels = histories[name][0].binning.labels
        largest.append(Change(number + 1, float(moved[name][number][place]), name, labels[place]))
    return largest


def report_json(found: Sequence[Change], tolerance: float) -> str:
    """Return the largest changes as JSON."""
    converged = found[-1].size < tolerance
    content = {"tolerance": tolerance, "converged": converged, "iterations": [asdict(change) for change in found]}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def changes(history: Sequence[ScaleFactorResult]) -> Floats:
    """Return |ΔSF| / σ of each iteration after the first, with σ the statistical error at its end.

    σ is the mean of both sides. Systematic uncertainties would hide changes that are as large as the statistical
    errors. Frozen values aren't measured, and are the same in all iterations.

    Returns:
        Shape (iterations − 1, groups of bins); NaN where the scale factor is frozen.
    """
    if len(history) < 2:
        raise ScaleFactorError(f"a change needs two iterations, not {len(history)}")
    first = history[0]
    for result in history:
        if result.axes != first.axes or not np.array_equal(result.groups, first.groups):
            raise ScaleFactorError(f"{first.name}: the bins differ between iterations")
        if not np.array_equal(_frozen(result), _frozen(first)):
            raise ScaleFactorError(f"{first.name}: other bins are frozen from one iteration to the next")
        if not result.valid.all():
            raise ScaleFactorError(f"{first.name}: a bin has no valid measurement in some iteration")
    values = np.array([result.per_group(result.scale_factor.value) for result in history])
    errors = np.array([np.sqrt(np.diag(result.statistical_covariance)) for result in history[1:]])
    measured = ~_frozen(first)
    if (errors[:, measured] <= 0).any():
        raise ScaleFactorError(f"{first.name}: a bin has no statistical error, so that no change is small")
    moved = np.abs(np.diff(values, axis=0))
    return np.asarray(np.divide(moved, errors, out=np.full_like(moved, np.nan), where=measured))


def _frozen(result: ScaleFactorResult) -> npt.NDArray[np.bool_]:
    """Return which groups of bins are frozen, shape (groups,)."""
    return result.per_group(np.array(result.status) == FROZEN)
