"""Scale factors from counted efficiencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hist import Hist

from pocket.scale_factors.counts import bin_labels, read_counts
from pocket.scale_factors.declarations import EfficiencyRatio
from pocket.scale_factors.efficiency import (
    counted_efficiency,
    efficiency_ratio,
    require_efficiency,
    weighted_efficiency,
)
from pocket.scale_factors.result import VALID, ScaleFactorResult


def measure(name: str, declaration: EfficiencyRatio, templates: Mapping[str, Hist[Any]]) -> ScaleFactorResult:
    """Measure an :class:`EfficiencyRatio`, see :func:`pocket.scale_factors.measure`.

    Data have Clopper–Pearson intervals, simulation the error of weighted events.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ScaleFactorError: if data are weighted, or an efficiency is zero, undefined or above one in some bin.
    """
    data, mc = read_counts(templates, declaration, declaration.axes, declaration.pass_axis)
    labels = bin_labels(data.edges)
    require_efficiency(data.passing, data.failing, labels, f"{name} in data")
    require_efficiency(mc.passing, mc.failing, labels, f"{name} in simulation")
    efficiency_data = counted_efficiency(data.passing, data.failing)
    efficiency_mc = weighted_efficiency(mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    return ScaleFactorResult(
        name=name,
        method=type(declaration).__name__,
        description=declaration.description,
        axes=data.edges,
        flow=declaration.flows(),
        efficiency_data=efficiency_data,
        efficiency_mc=efficiency_mc,
        scale_factor=efficiency_ratio(efficiency_data, efficiency_mc),
        systematics={},
        status=(VALID,) * len(labels),
    )
