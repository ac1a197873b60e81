"""Maps of efficiencies in simulation."""

from __future__ import annotations

from pocket.scale_factors.efficiencies import EfficiencyMap
from pocket.scale_factors.efficiency import require_efficiency, weighted_efficiency
from pocket.scale_factors.result import Measured
from pocket.scale_factors.templates import Templates


def measure(declaration: EfficiencyMap, templates: Templates) -> Measured:
    """Measure an :class:`~pocket.scale_factors.efficiencies.EfficiencyMap`.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ScaleFactorError: if a bin has no entries, or an efficiency is below zero or above one; names the bins.
    """
    mc = templates.counts(declaration.mc)
    what = f"{templates.name} of {', '.join(declaration.mc)}"
    require_efficiency(mc.passing, mc.failing, templates.labels, what, zero_is_wrong=False)
    efficiency = weighted_efficiency(mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    return Measured(efficiency, {"mc": efficiency})
