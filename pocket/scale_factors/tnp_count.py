"""Tag-and-probe efficiencies from counts in the peak and in its sidebands.

In data the peak has N_pk = S + B pairs and the sidebands N_sb = r S + B/τ. τ is the width of the peak over that of the
sidebands, for a background linear in the mass; r is the signal in the sidebands over that in the peak, in simulation.
Hence S = (N_pk − τ N_sb) / (1 − τ r), of passing and of failing pairs each. Without r the tails of the Z would be
subtracted as background.
"""

from __future__ import annotations

import numpy as np

from pocket.scale_factors.binning import Array
from pocket.scale_factors.efficiencies import TagAndProbeCount
from pocket.scale_factors.efficiency import (
    counted_efficiency,
    efficiency_ratio,
    refuse,
    require_efficiency,
    weighted_efficiency,
)
from pocket.scale_factors.mass_windows import mass_edges, mass_window
from pocket.scale_factors.result import Measured, Measurement
from pocket.scale_factors.templates import Templates


def measure(declaration: TagAndProbeCount, templates: Templates) -> Measured:
    """Measure a :class:`~pocket.scale_factors.efficiencies.TagAndProbeCount`.

    The error of the efficiency is σ² = (F² σ_P² + P² σ_F²) / (P + F)⁴ with the signal P that passes and F that fails,
    and not less than the Clopper–Pearson interval of as many pairs without background.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ConfigError: if a range isn't on bin edges.
        ScaleFactorError: if data are weighted, or an efficiency is undefined in some bin.
    """
    masses = mass_edges(declaration, templates)
    peak = mass_window(declaration, masses, "peak", declaration.peak)
    bands = [mass_window(declaration, masses, "sideband", band) for band in declaration.sidebands]
    tau = (declaration.peak[1] - declaration.peak[0]) / sum(high - low for low, high in declaration.sidebands)

    data = templates.counted(declaration.data, (declaration.mass_axis,))
    mc = templates.counts(declaration.mc, (declaration.mass_axis,))
    labels, what = templates.labels, templates.name
    simulated = [
        values[..., peak].sum(axis=-1) for values in (mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    ]
    require_efficiency(simulated[0], simulated[1], labels, f"{what} in simulation")
    refuse({"nothing fails": simulated[1] <= 0}, labels, f"{what} in simulation: no efficiency")

    (passing, passing_error), (failing, failing_error) = (
        _signal(counts, expected, variance, peak, bands, tau, labels, f"{what} in data")
        for counts, expected, variance in (
            (data.passing, mc.passing, mc.passing_variance),
            (data.failing, mc.failing, mc.failing_variance),
        )
    )
    refuse(
        {"no signal passes": passing <= 0, "no signal fails": failing <= 0}, labels, f"{what} in data: no efficiency"
    )
    total = passing + failing
    error = np.hypot(failing * passing_error, passing * failing_error) / total**2
    counted = counted_efficiency(passing, failing)
    efficiency_data = Measurement(passing / total, np.maximum(error, counted.up), np.maximum(error, counted.down))
    efficiency_mc = weighted_efficiency(*simulated)
    return Measured(efficiency_ratio(efficiency_data, efficiency_mc), {"data": efficiency_data, "mc": efficiency_mc})


def _signal(
    counts: Array,
    expected: Array,
    variance: Array,
    peak: slice,
    bands: list[slice],
    tau: float,
    labels: list[str],
    what: str,
) -> tuple[Array, Array]:
    """Return the signal in the peak and its error, shape (groups,) each.

    Args:
        counts: data, shape (groups, mass bins).
        expected: simulated signal, same shape.
        variance: its sums of squared weights.
        peak: mass bins of the peak.
        bands: mass bins of the sidebands.
        tau: width of the peak over that of the sidebands.
        labels: the bins.
        what: for the text of the error.
    """

    def sums(values: Array) -> tuple[Array, Array]:
        return values[:, peak].sum(axis=1), sum((values[:, band].sum(axis=1) for band in bands), np.zeros(len(values)))

    in_peak, in_bands = sums(counts)
    (signal, tails), (signal_variance, tails_variance) = sums(expected), sums(variance)
    ratio = tails / signal
    scale = 1 - tau * ratio
    refuse({"simulated signal fills the sidebands": scale <= 0}, labels, f"{what}: no background from sidebands")
    found = (in_peak - tau * in_bands) / scale
    of_counts = (in_peak + tau**2 * in_bands) / scale**2
    of_ratio = (tails_variance + ratio**2 * signal_variance) / signal**2 * (found * tau / scale) ** 2
    return found, np.sqrt(of_counts + of_ratio)
