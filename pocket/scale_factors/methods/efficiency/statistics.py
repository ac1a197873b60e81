"""Efficiencies from counts and from weighted events, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.result import Measurement


def counted_efficiency(passing: Floats, failing: Floats) -> Measurement:
    """Return the efficiency of counts with its central 68.3 % Clopper–Pearson interval.

    The counts may be fractional, like effective numbers of entries.

    Args:
        passing: number of passing entries, any shape.
        failing: number of failing entries, same shape; no bin may be empty.
    """
    # This imports scipy.stats, which takes longer than most measurements that need none of it.
    from hist.intervals import clopper_pearson_interval

    total = passing + failing
    value = passing / total
    low, high = clopper_pearson_interval(passing, total)
    return Measurement(value, high - value, value - low)


def weighted_efficiency(
    passing: Floats, failing: Floats, passing_variance: Floats, failing_variance: Floats
) -> Measurement:
    """Return the efficiency of weighted events.

    The variance is [(1 − 2ε) Σw²_pass + ε² Σw²_all] / (Σw)², from linear error propagation for independent passing and
    failing sums (like ``TEfficiency`` for weighted events, ROOT reference guide). It vanishes if nothing passes or
    nothing fails; then the Clopper–Pearson interval for the effective number of entries (Σw)²/Σw² is used.

    Args:
        passing: sums of weights, any shape; not negative.
        failing: sums of weights, same shape; not negative, nor zero where ``passing`` is.
    """
    total = passing + failing
    value = passing / total
    error = np.sqrt((1 - value) ** 2 * passing_variance + value**2 * failing_variance) / total
    effective = total**2 / (passing_variance + failing_variance)
    interval = counted_efficiency(value * effective, (1 - value) * effective)
    inside = (passing > 0) & (failing > 0)
    return Measurement(value, np.where(inside, error, interval.up), np.where(inside, error, interval.down))


def efficiency_ratio(data: Measurement, mc: Measurement) -> Measurement:
    """Return the scale factor ε_data/ε_MC; relative errors add in quadrature, upper with lower ones of simulation."""
    value = data.value / mc.value
    up = value * np.hypot(data.up / data.value, mc.down / mc.value)
    down = value * np.hypot(data.down / data.value, mc.up / mc.value)
    return Measurement(value, up, down)


def require_efficiency(
    passing: Floats, failing: Floats, labels: Sequence[str], what: str, zero_is_wrong: bool = True
) -> None:
    """Check that efficiencies exist.

    Args:
        zero_is_wrong: whether efficiencies of zero are refused, since they can't be divided by.
    """
    nothing = (passing == 0) & (failing == 0)
    refuse(
        {
            "nothing there": nothing,
            "nothing passes": (passing == 0) & ~nothing & zero_is_wrong,
            "the passing weights sum to less than zero": passing < 0,
            "the failing weights sum to less than zero": (failing < 0) & (passing >= 0),
        },
        labels,
        f"{what}: no efficiency",
    )


def refuse(problems: Mapping[str, npt.NDArray[np.bool_]], labels: Sequence[str], what: str) -> None:
    """Raise an error that names all bins with a problem.

    Args:
        problems: description of the problem → whether each bin has it.
    """
    found = [
        f"{label} ({problem})"
        for problem, where in problems.items()
        for label, bad in zip(labels, where.ravel(), strict=True)
        if bad
    ]
    if found:
        raise ScaleFactorError(f"{what} in {'; '.join(found)}; join these bins with their neighbours")
