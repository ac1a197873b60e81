"""Scale factors that restore the yields which a weight changes.

R = Σw / Σws, without and with the weight s. The same events are in both sums, so Var R = [Σw² − 2 R Σw²s + R² Σw²s²] /
(Σws)²; Σw²s is the sum of squared weights of events with weight w √s. Errors without the correlation would be much too
large. Source of the method: b-tagging group of CMS,
https://btv-wiki.docs.cern.ch/PerformanceCalibration/shapeCorrectionSFRecommendations/.
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.scale_factors.measurement.result import Measured, Measurement, Shifts
from pocket.scale_factors.measurement.templates import NOMINAL, ROUNDING, Sums, Templates
from pocket.scale_factors.methods.efficiency.statistics import refuse
from pocket.scale_factors.methods.yields.declaration import NormRatio


def measure(declaration: NormRatio, templates: Templates) -> Measured:
    """Measure a :class:`~pocket.scale_factors.methods.yields.declaration.NormRatio`, and its change in each variation
    of the weight.
    """
    samples, labels = declaration.mc, templates.labels
    without, covariance = templates.read(samples), templates.read(samples, declaration.covariance)
    with_it = templates.read(samples, declaration.weighted)
    ratio = _ratio(without, with_it, templates, NOMINAL)
    squares = without.variances + ratio**2 * with_it.variances
    variance = squares - 2 * ratio * covariance.variances
    # The variance is Σ (w − R w s)², which can't be negative. It is 0 for a single event.
    refuse(
        {
            "the categories don't hold the same events": variance < -ROUNDING * squares,
            "the weight is the same for all events": np.abs(variance) <= ROUNDING * squares,
        },
        labels,
        f"{templates.name} of {', '.join(samples)}: no error",
    )
    error = np.sqrt(variance) / with_it.values
    return Measured(Measurement(ratio, error, error), coupled=_coupled(declaration, templates, without, ratio))


def weight_variations(declaration: NormRatio, templates: Templates) -> dict[str, str]:
    """Return the sources of uncertainty of the weight, which has one pair or several named ones.

    Returns:
        Name → variation in the templates, without its side.
    """
    axes = [templates.histograms[sample].axes for sample in declaration.mc]
    names = {name for each in axes if "variation" in each.name for name in each["variation"]}
    stems = sorted(name.removesuffix("Up") for name in names if name.endswith("Up"))
    return {
        stem.removeprefix(f"{declaration.weight}_"): stem
        for stem in stems
        if f"{stem}_".startswith(f"{declaration.weight}_")
    }


def _coupled(declaration: NormRatio, templates: Templates, without: Sums, nominal: Floats) -> dict[str, Shifts]:
    """Return the change of the ratio in each variation of the weight."""
    coupled = {}
    for name, stem in weight_variations(declaration, templates).items():
        up, down = (
            _ratio(
                without,
                templates.read(declaration.mc, declaration.weighted, variation=f"{stem}{side}"),
                templates,
                f"{stem}{side}",
            )
            - nominal
            for side in ("Up", "Down")
        )
        # The changes are all zero for a weight with a longer name, such as the square root.
        if up.any() or down.any():
            coupled[name] = (up, down)
    return coupled


def _ratio(without: Sums, with_it: Sums, templates: Templates, variation: str) -> Floats:
    what = f"{templates.name} of {', '.join(templates.declaration.mc)}, {variation}"
    nothing = (without.values == 0) & (with_it.values == 0)
    refuse(
        {
            "nothing there": nothing,
            "weights sum to no more than zero": ((without.values <= 0) | (with_it.values <= 0)) & ~nothing,
        },
        templates.labels,
        f"{what}: no ratio",
    )
    return np.asarray(without.values / with_it.values)
