"""Checks of yields that scale factors must preserve, in the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.yields.declaration import DataMCRatio, NormRatio
from pocket.scale_factors.methods.yields.norm_ratio import weight_variations
from pocket.scale_factors.validation.checks import Check, exactly
from pocket.scale_factors.validation.units import Unit


def check_weighted_yields(place: NormRatio, units: Sequence[Unit]) -> Check:
    """Compare yields with weight and scale factor, in all variations of the weight, with those without.

    Entries outside of all bins count.

    Args:
        place: the declaration where the scale factor is applied in the category ``weighted``.
        units: what is measured by itself, there.
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
    """Compare the yields of simulation with a scale factor that keeps them, and without, in the scale factor's bins.

    Args:
        place: the declaration where the scale factor is applied.
        before: what is measured by itself, where the scale factor was measured.
        after: the same there.
    """
    compared = f"yields of {', '.join(place.mc)} in {place.input}, with the scale factor applied, and without"
    sums = [[float(unit.templates.read(place.mc).values.sum()) for unit in side] for side in (after, before)]
    return exactly("yields", compared, [f"{unit.prefix}all bins" for unit in before], *sums)


def _everything(templates: Templates, category: str, variation: str) -> float:
    """Return the sum of weights over all bins, under- and overflow included."""
    total = 0.0
    for sample in templates.declaration.mc:
        histogram = templates.histograms[sample]
        named = variation if variation in histogram.axes["variation"] else NOMINAL
        selected: Any = histogram[{"cat": category, "variation": named}]
        total += selected.sum(flow=True).value
    return float(total)
