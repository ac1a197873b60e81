"""Checks of yields in the templates that scale factors must preserve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.yields.declaration import DataMCRatio, NormRatio
from pocket.scale_factors.methods.yields.norm_ratio import weight_variations
from pocket.scale_factors.validation.checks import Check, exactly
from pocket.scale_factors.validation.units import Unit


def check_weighted_yields(place: NormRatio, units: Sequence[Unit]) -> Check:
    """Return the comparison of yields with weight and scale factor, in all variations of the weight, and without both.

    Entries outside of all bins are included.
    """
    compared = (
        f"yields of each sample with {place.weight} and the scale factor (category {place.weighted} of {place.input}), "
        f"in all variations of {place.weight}, and without (category {place.category})"
    )
    labels, found, expected = [], [], []
    for unit in units:
        templates = unit.templates
        declaration = templates.declaration
        assert isinstance(declaration, NormRatio)
        stems = weight_variations(declaration, templates).values()
        for variation in (NOMINAL, *(f"{stem}{side}" for stem in stems for side in ("Up", "Down"))):
            labels.append(f"{unit.prefix}{variation}")
            found.append(_everything(templates, declaration.weighted, variation))
            expected.append(_everything(templates, declaration.category, NOMINAL))
    return exactly("yields", compared, labels, found, expected)


def check_corrected_yields(place: DataMCRatio, before: Sequence[Unit], after: Sequence[Unit]) -> Check:
    """Return the comparison of simulation's yields with a scale factor that preserves them, and without it."""
    compared = f"yields of {', '.join(place.mc)} in {place.input}, with the scale factor applied, and without"
    sums = [[float(unit.templates.read(place.mc).values.sum()) for unit in side] for side in (after, before)]
    return exactly("yields", compared, [f"{unit.prefix}all bins" for unit in before], *sums)


def _everything(templates: Templates, category: str, variation: str) -> float:
    """Return the sum of weights over all bins, including under- and overflow."""
    total = 0.0
    for sample in templates.declaration.mc:
        histogram = templates.histograms[sample]
        named = variation if variation in histogram.axes["variation"] else NOMINAL
        selected: Any = histogram[{"cat": category, "variation": named}]
        total += selected.sum(flow=True).value
    return float(total)
