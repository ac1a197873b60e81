"""Combination of measurements that differ in a name, such as the year or the sample, with a further axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.linalg import block_diag

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult, Shifts


def stack(axis: str, results: Mapping[str, ScaleFactorResult]) -> ScaleFactorResult:
    """Return measurements that differ in one name combined into one; the name becomes the first axis.

    Args:
        results: name → measurement, all of the same declaration; several names may have the same measurement, so that
            their bins are in the same groups.
    """
    parts = list(results.values())
    for name, part in results.items():
        if part.axes != parts[0].axes:
            raise ScaleFactorError(f"{part.name}: {axis} {name!r} has other bins than {axis} {next(iter(results))!r}")
    distinct = list({id(part): part for part in parts}.values())
    starts = dict(zip(map(id, distinct), np.cumsum([0, *(part.binning.size for part in distinct)]), strict=False))
    covariance = None
    if any(part.stat_covariance is not None for part in parts):
        covariance = block_diag(*(part.statistical_covariance for part in distinct))
    return dataclasses.replace(
        parts[0],
        axes={axis: Categories(tuple(results)), **parts[0].axes},
        scale_factor=_stacked(part.scale_factor for part in parts),
        systematics=_stacked_shifts([part.systematics for part in parts]),
        coupled=_stacked_shifts([part.coupled for part in parts]),
        efficiencies={of: _stacked(part.efficiencies[of] for part in parts) for of in parts[0].efficiencies},
        groups=np.stack([part.groups + starts[id(part)] for part in parts]),
        status=tuple(status for part in parts for status in part.status),
        stat_covariance=covariance,
        diagnostics=tuple(
            dataclasses.replace(fit, label=f"{axis} {name}, {fit.label}")
            for name, part in results.items()
            for fit in part.diagnostics
        ),
    )


def _stacked(measurements: Iterable[Measurement]) -> Measurement:
    parts = list(measurements)
    return Measurement(*(np.stack([getattr(part, key) for part in parts]) for key in ("value", "up", "down")))


def _stacked_shifts(parts: Sequence[Mapping[str, Shifts]]) -> dict[str, Shifts]:
    """Return combined shifts; a source that a part lacks, as the rate of another sample, doesn't shift its values."""
    names = dict.fromkeys(name for part in parts for name in part)
    zeros = np.zeros_like(next((up for part in parts for up, _ in part.values()), np.zeros(())))
    pairs = {name: zip(*(part.get(name, (zeros, zeros)) for part in parts), strict=True) for name in names}
    return {name: (np.stack(up), np.stack(down)) for name, (up, down) in pairs.items()}
