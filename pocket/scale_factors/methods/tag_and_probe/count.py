"""Tag-and-probe efficiencies from counts in the peak and in its sidebands.

In data the peak has N = S + B pairs and sideband i has N_i = r_i S + B_i. A background that is linear in the mass has B
= Σ τ_i B_i, see :func:`extrapolation`; r_i is the ratio of the signal in the sideband to that in the peak, from
simulation. Hence S = (N − Σ τ_i N_i) / (1 − Σ τ_i r_i), for passing and for failing pairs. Without r_i the tails of the
Z would be subtracted as background.
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Sums, Templates
from pocket.scale_factors.methods.efficiency.statistics import (
    counted_efficiency,
    efficiency_ratio,
    refuse,
    require_efficiency,
    weighted_efficiency,
)
from pocket.scale_factors.methods.tag_and_probe.declaration import TagAndProbeCount
from pocket.scale_factors.methods.tag_and_probe.mass_windows import mass_edges, mass_window


def measure(declaration: TagAndProbeCount, templates: Templates) -> Measured:
    """Return the measurement of :class:`~pocket.scale_factors.methods.tag_and_probe.declaration.TagAndProbeCount`.

    The error of the efficiency is σ² = (F² σ_P² + P² σ_F²) / (P + F)⁴ with the passing signal P and the failing signal
    F, and at least the Clopper–Pearson interval of the same number of pairs without background.
    """
    masses = mass_edges(declaration, templates)
    windows = [
        mass_window(declaration, masses, "peak", declaration.peak),
        *(mass_window(declaration, masses, "sideband", band) for band in declaration.sidebands),
    ]
    labels, what = templates.labels, templates.name
    data = templates.counted(declaration.data, (declaration.mass_axis,))
    mc = templates.counts(declaration.mc, (declaration.mass_axis,))

    def in_windows(values: Floats, variances: Floats) -> Sums:
        """Return sums of shape (windows, groups), the peak first."""
        return Sums(*(np.stack([part[:, one].sum(axis=1) for one in windows]) for part in (values, variances)))

    expected = [in_windows(mc.passing, mc.passing_variance), in_windows(mc.failing, mc.failing_variance)]
    found = [in_windows(data.passing, data.passing_variance), in_windows(data.failing, data.failing_variance)]
    simulated = [*(sums.values[0] for sums in expected), *(sums.variances[0] for sums in expected)]
    require_efficiency(simulated[0], simulated[1], labels, f"{what} in simulation")
    refuse({"nothing fails": simulated[1] <= 0}, labels, f"{what} in simulation: no efficiency")

    tau = extrapolation(declaration)
    for sums in expected:
        fills = 1 - tau @ (sums.values[1:] / sums.values[0]) <= 0
        refuse({"simulated signal fills the sidebands": fills}, labels, f"{what}: no background from sidebands")
    (passing, passing_error), (failing, failing_error) = map(signal, found, expected, (tau, tau))
    refuse(
        {"no signal passes": passing <= 0, "no signal fails": failing <= 0}, labels, f"{what} in data: no efficiency"
    )
    total = passing + failing
    error = np.hypot(failing * passing_error, passing * failing_error) / total**2
    counted = counted_efficiency(passing, failing)
    efficiency_data = Measurement(passing / total, np.maximum(error, counted.up), np.maximum(error, counted.down))
    efficiency_mc = weighted_efficiency(*simulated)
    return Measured(efficiency_ratio(efficiency_data, efficiency_mc), {"data": efficiency_data, "mc": efficiency_mc})


def extrapolation(declaration: TagAndProbeCount) -> Floats:
    """Return τ_i, the factors by which the entries of each sideband count as background in the peak.

    A straight line is fitted to the entries per mass unit in the sidebands of widths w_i around m_i, with weights w_i
    as for a constant background: τ_i = w [1 / Σw_j + (m − m̄)(m_i − m̄) / Σ w_j (m_j − m̄)²] for the peak of width w
    around m, with m̄ = Σ w_j m_j / Σ w_j. For sidebands at equal distances from the peak this is the ratio of the
    widths, as it is for a single sideband, which doesn't determine the slope.
    """
    low, high = np.array(declaration.sidebands, dtype=float).T
    width, middle = high - low, (high + low) / 2
    mean = np.average(middle, weights=width)
    factors = np.full_like(width, 1 / width.sum())
    if width.size > 1:
        distance = sum(declaration.peak) / 2 - mean
        factors += distance * (middle - mean) / np.sum(width * (middle - mean) ** 2)
    return np.asarray((declaration.peak[1] - declaration.peak[0]) * factors)


def signal(found: Sums, expected: Sums, tau: Floats) -> tuple[Floats, Floats]:
    """Return the signal in the peak and its error, shape (groups,) each.

    Args:
        found: data in the peak and in the sidebands, shape (1 + sidebands, groups).
        expected: simulated signal, same shape.
    """
    of_peak = expected.values[0]
    ratio = tau @ expected.values[1:] / of_peak
    ratio_variance = (tau**2 @ expected.variances[1:] + ratio**2 * expected.variances[0]) / of_peak**2
    value = (found.values[0] - tau @ found.values[1:]) / (1 - ratio)
    variance = (found.variances[0] + tau**2 @ found.variances[1:]) / (1 - ratio) ** 2
    return value, np.sqrt(variance + ratio_variance * (value / (1 - ratio)) ** 2)
