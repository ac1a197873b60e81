"""Scale factors from counted efficiencies."""

from __future__ import annotations

from pocket.scale_factors.efficiencies import EfficiencyRatio
from pocket.scale_factors.efficiency import (
    counted_efficiency,
    efficiency_ratio,
    require_efficiency,
    weighted_efficiency,
)
from pocket.scale_factors.result import Measured
from pocket.scale_factors.templates import Templates


def measure(declaration: EfficiencyRatio, templates: Templates) -> Measured:
    """Measure an :class:`~pocket.scale_factors.efficiencies.EfficiencyRatio`.

    Data have Clopper–Pearson intervals, simulation the error of weighted events.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ScaleFactorError: if data are weighted, or an efficiency is zero, undefined or above one in some bin.
    """
    data, mc = templates.counted(declaration.data), templates.counts(declaration.mc)
    require_efficiency(data.passing, data.failing, templates.labels, f"{templates.name} in data")
    require_efficiency(mc.passing, mc.failing, templates.labels, f"{templates.name} in simulation")
    efficiency_data = counted_efficiency(data.passing, data.failing)
    efficiency_mc = weighted_efficiency(mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    return Measured(efficiency_ratio(efficiency_data, efficiency_mc), {"data": efficiency_data, "mc": efficiency_mc})
