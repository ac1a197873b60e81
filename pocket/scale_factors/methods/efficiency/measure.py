"""Measurement of counted efficiencies: their ratio in data and simulation, and maps in simulation only."""

from __future__ import annotations

from pocket.scale_factors.declarations.measured import PassFail
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Templates
from pocket.scale_factors.methods.efficiency.declaration import EfficiencyMap, EfficiencyRatio
from pocket.scale_factors.methods.efficiency.statistics import (
    counted_efficiency,
    efficiency_ratio,
    require_efficiency,
    weighted_efficiency,
)


def measure_ratio(declaration: EfficiencyRatio, templates: Templates) -> Measured:
    """Return the measurement of :class:`~pocket.scale_factors.methods.efficiency.declaration.EfficiencyRatio`.

    Data have Clopper–Pearson intervals, simulation the errors of weighted events.
    """
    data, mc = templates.counted(declaration.data), templates.counts(declaration.mc)
    require_efficiency(data.passing, data.failing, templates.labels, f"{templates.name} in data")
    require_efficiency(mc.passing, mc.failing, templates.labels, f"{templates.name} in simulation")
    efficiency_data = counted_efficiency(data.passing, data.failing)
    efficiency_mc = weighted_efficiency(mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    return Measured(efficiency_ratio(efficiency_data, efficiency_mc), {"data": efficiency_data, "mc": efficiency_mc})


def simulated_efficiency(templates: Templates) -> Measurement:
    """Return the efficiency in simulation, shape (groups,)."""
    assert isinstance(templates.declaration, PassFail)
    counts = templates.counts_in_range(templates.declaration.mc)
    what = f"{templates.name} in simulation ({templates.declaration.input})"
    require_efficiency(counts.passing, counts.failing, templates.labels, what, zero_is_wrong=False)
    return weighted_efficiency(counts.passing, counts.failing, counts.passing_variance, counts.failing_variance)


def measure_map(declaration: EfficiencyMap, templates: Templates) -> Measured:
    """Return the measurement of :class:`~pocket.scale_factors.methods.efficiency.declaration.EfficiencyMap`."""
    mc = templates.counts(declaration.mc)
    what = f"{templates.name} of {', '.join(declaration.mc)}"
    require_efficiency(mc.passing, mc.failing, templates.labels, what, zero_is_wrong=False)
    efficiency = weighted_efficiency(mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    return Measured(efficiency, {"mc": efficiency})
