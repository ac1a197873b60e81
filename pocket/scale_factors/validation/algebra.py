"""Sums that scale factors correct, and their expected values: the closure in the same events.

Each function has the arguments of a method. In templates without the scale factor applied, ``corrected`` times the
scale factor equals ``expected``; with it applied, ``corrected`` alone does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.files.writer import EFFICIENCY_MARGIN
from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.efficiency.declaration import EfficiencyMap, EfficiencyRatio
from pocket.scale_factors.methods.efficiency.statistics import require_efficiency
from pocket.scale_factors.methods.yields.declaration import DataMCRatio, NormRatio
from pocket.scale_factors.methods.yields.norm_ratio import weight_variations


@dataclass(frozen=True, eq=False)
class Sides:
    """Two sides of an equation, per group of bins.

    Args:
        systematic: key of the correction for which it holds.
        corrected: sums that the scale factor corrects, shape (groups,).
        expected: expected values after the correction, shape (groups,).
    """

    systematic: str
    corrected: Floats
    expected: Floats


def norm_ratio(declaration: NormRatio, templates: Templates) -> Iterator[Sides]:
    """Yield sums of weights with the weight, nominal and in each of its variations, and those without it."""
    without, nominal = (
        templates.read(declaration.mc).values,
        templates.read(declaration.mc, declaration.weighted).values,
    )
    yield Sides(NOMINAL, nominal, without)
    for name, stem in weight_variations(declaration, templates).items():
        up, down = (
            templates.read(declaration.mc, declaration.weighted, variation=f"{stem}{side}").values
            for side in ("Up", "Down")
        )
        # Other variations belong to weights with longer names and don't change this weight.
        if not (np.array_equal(up, nominal) and np.array_equal(down, nominal)):
            yield Sides(f"{name}_up", up, without)
            yield Sides(f"{name}_down", down, without)


def data_mc_ratio(declaration: DataMCRatio, templates: Templates) -> Iterator[Sides]:
    """Yield simulation, and data less background; shares of their sums if the scale factor preserves the yield."""
    expected = templates.read(declaration.data).values - templates.read(declaration.background).values
    corrected = templates.read(declaration.mc).values
    if declaration.keep_yield:
        corrected, expected = corrected / corrected.sum(), expected / expected.sum()
    yield Sides(NOMINAL, corrected, expected)


def efficiency_ratio(declaration: EfficiencyRatio, templates: Templates) -> Iterator[Sides]:
    """Yield the efficiencies in simulation and in data."""
    data, mc = templates.counts(declaration.data), templates.counts(declaration.mc)
    for counts, where in ((data, "data"), (mc, "simulation")):
        require_efficiency(counts.passing, counts.failing, templates.labels, f"{templates.name} in {where}")
    yield Sides(NOMINAL, mc.passing / (mc.passing + mc.failing), data.passing / (data.passing + data.failing))


def efficiency_map(declaration: EfficiencyMap, templates: Templates) -> Iterator[Sides]:
    """Yield all entries and passing entries; the written efficiency is kept away from 0 and 1."""
    mc = templates.counts(declaration.mc)
    everything = mc.passing + mc.failing
    yield Sides(
        NOMINAL,
        everything,
        np.clip(mc.passing, EFFICIENCY_MARGIN * everything, (1 - EFFICIENCY_MARGIN) * everything),
    )
