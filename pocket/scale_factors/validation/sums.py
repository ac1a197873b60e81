"""Closure checks of sums over whole datasets: events, generator weights, and yields of categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pocket.histograms.sums import GENERATED, Sums, datasets_of
from pocket.scale_factors.declarations.closure import PreservedYield
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.measurement.templates import NOMINAL
from pocket.scale_factors.validation.checks import Check, exactly, within_errors


def check_events(
    before: tuple[str, Sums], after: tuple[str, Sums], samples: Sequence[str], years: Sequence[str], *, skimmed: bool
) -> Check:
    """Return the comparison of numbers of events and sums of generator weights per dataset.

    Args:
        years: years to compare; all if empty.
    """
    names, sides = (before[0], after[0]), (before[1], after[1])
    stages = ("initial", "skim") if skimmed else ("initial",)
    compared = f"events ({', '.join(stages)}) and sums of generator weights of each dataset, {names[0]} and {names[1]}"
    datasets = [list(datasets_of(sums, samples, years)) for sums in sides]
    for here, there, name in ((0, 1, names[1]), (1, 0, names[0])):
        missing = [dataset for dataset in datasets[here] if dataset not in datasets[there]]
        if missing:
            outcome = f"{', '.join(missing)} of {names[here]} isn't in {name}"
            return Check("events", False, compared, outcome)
    absent = [sample for sample in samples if not list(datasets_of(sides[0], (sample,), years))]
    if absent:
        return Check("events", False, compared, f"no dataset of sample {', '.join(absent)} is in {names[0]}")
    found: dict[str, tuple[float, float]] = {}
    for dataset in datasets[0]:
        for stage in stages:
            found[f"{dataset} ({stage})"] = tuple(sums["cutflow"][stage][dataset] for sums in reversed(sides))
        for key in GENERATED:
            if dataset in sides[0].get(key, {}):
                found[f"{dataset} ({key})"] = tuple(sums[key][dataset] for sums in reversed(sides))
    return exactly("events", compared, list(found), *zip(*found.values(), strict=True))


def check_preserved_yields(declaration: ScaleFactor, preserved: PreservedYield, sums: Sums) -> Check:
    """Return the comparison of each sample's yields with and without a weight, whose mean must be 1 within its error.

    With r = Σ w s / Σ w, Var r = [Σ w² s² − 2 r Σ w² s + r² Σ w²] / (Σ w)², since both sums have the same events.
    """
    correlated = f"correlated by the category {preserved.covariance}"
    errors = correlated if preserved.covariance else "as of independent events, an upper limit"
    compared = (
        f"mean weight in category {preserved.category} of {preserved.config} against {preserved.unweighted}; "
        f"errors {errors}"
    )
    labels, ratios, variances = [], [], []
    for year in declaration.years or (ALL_YEARS,):
        for sample in preserved.samples or declaration.mc:
            datasets = list(datasets_of(sums, (sample,), (year,) if year else ()))
            unweighted, ratio, variance = _mean_weight(sums, preserved, datasets, sample)
            label = f"year {year}, sample {sample}" if year else f"sample {sample}"
            if unweighted <= 0:
                outcome = f"the yield without the weight is {unweighted:g} in {label}, there is no mean weight"
                return Check("yields", False, compared, outcome)
            labels.append(label)
            ratios.append(ratio)
            variances.append(variance)
    ones = np.ones(len(ratios))
    covariance = np.diag(np.array(variances))
    return within_errors("yields", compared, labels, np.array(ratios), ones, covariance, independent=False)


def _mean_weight(
    sums: Sums, preserved: PreservedYield, datasets: Sequence[str], sample: str
) -> tuple[float, float, float]:
    """Return Σ w, Σ w s / Σ w and the variance of the latter."""

    def total(which: str, category: str) -> float:
        return float(sum(sums[which][category][dataset][sample][NOMINAL] for dataset in datasets))

    unweighted = total("sumw", preserved.unweighted)
    if unweighted <= 0:
        return unweighted, 0.0, 0.0
    ratio = total("sumw", preserved.category) / unweighted
    covariance = total("sumw2", preserved.covariance) if preserved.covariance else 0.0
    squares = total("sumw2", preserved.category), total("sumw2", preserved.unweighted)
    variance = squares[0] - 2 * ratio * covariance + ratio**2 * squares[1]
    return unweighted, ratio, max(variance, 0.0) / unweighted**2
