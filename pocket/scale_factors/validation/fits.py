"""Quality of the fits behind a scale factor: whether they describe the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from scipy import special, stats

from pocket.base.typing import Floats
from pocket.errors import check_known
from pocket.scale_factors.measurement.binning import bin_labels
from pocket.scale_factors.measurement.result import Diagnostics, FitDiagnostics, ScaleFactorResult
from pocket.scale_factors.measurement.templates import NOMINAL
from pocket.scale_factors.validation.checks import Check, Number

NAME = "fits"
#: probability that one of the nominal fits of a measurement fails, or one of its alternatives is marked, by chance
ALARM = 1e-3
#: expected entries from which on the mean of a deviance is 1 + 1/(6 λ), and its variance 2
MANY = 50.0


def check_fits(result: ScaleFactorResult, accept: Mapping[str, str]) -> list[Check]:
    """Return the check that all nominal fits describe the data, with those alternatives that don't.

    Args:
        accept: bin → why its nominal fit is accepted.
    """
    fits = result.diagnostics
    if not fits:
        return []
    check_known("bin", accept, dict.fromkeys(fit.label for fit in fits), f"accept of the closure of {result.name!r}")
    p_values = np.array([p_value(fit) for fit in fits])
    are_bad = p_values < least_p_value(fits)
    wrong = [fit for fit, is_bad in zip(fits, are_bad, strict=True) if is_bad and fit.model == NOMINAL]
    marked = [fit for fit, is_bad in zip(fits, are_bad, strict=True) if is_bad and fit.model != NOMINAL]
    failed = [fit for fit in wrong if fit.label not in accept]
    worst = min(range(len(fits)), key=lambda number: (fits[number].model != NOMINAL, p_values[number]))
    parts = [f"{len(fits)} fits, smallest p-value of nominal ones {p_values[worst]:.2g} ({_described(fits[worst])})"]
    if failed:
        texts = "; ".join(f"{fit.label!r} isn't described (χ²/ndf {fit.chi2:.0f}/{fit.ndf})" for fit in failed)
        parts = [f"{texts}: choose another shape, overrides= for the bin, or name it in accept= of the closure"]
    accepted = tuple(fit.label for fit in wrong if fit.label in accept)
    parts += [f"accepted in {label}: {accept[label]}" for label in accepted]
    own = [(fit.label, fit.overridden) for fit in fits if isinstance(fit, FitDiagnostics) and fit.overridden]
    parts += [f"overridden in {label}: {settings}" for label, settings in own]
    for model, group in groupby(sorted(marked, key=lambda fit: fit.model), key=lambda fit: fit.model):
        several = list(group)
        shares = [_share(result, fit) for fit in several]
        parts.append(
            f"the alternative {model} doesn't describe {len(several)} of them, where it is up to "
            f"{100 * max(shares):.0f} % of the variance (in {several[int(np.argmax(shares))].label})"
        )
    numbers = tuple(
        Number(f"{fit.label}, {fit.model}", fit.chi2, float(fit.ndf), None, float(p))
        for fit, p in zip(fits, p_values, strict=True)
    )
    compared = "deviance of each fit, and its distribution for Poisson numbers"
    return [Check(NAME, not failed, compared, "; ".join(parts), numbers=numbers, accepted=accepted)]


def least_p_value(fits: Sequence[Diagnostics]) -> float:
    """Return the p-value below which a fit doesn't describe the data, with the number of fits taken into account."""
    return ALARM / len(fits)


def p_value(fit: Diagnostics) -> float:
    """Return the probability of a larger deviance.

    That of few entries isn't distributed as χ², so a gamma distribution has the mean and the variance that Poisson
    numbers about the fitted yields give it, less those of the parameters.

    >>> from pocket.scale_factors.measurement.result import Region
    >>> many = Region(*(np.full(20, 1e4) for _ in range(6)))
    >>> fit = FitDiagnostics("", "nominal", np.arange(21.0), {"pass": many}, 31.41, 20, {}, "valid", 1)
    >>> round(p_value(fit), 2)
    0.05
    """
    mean, variance = float(fit.ndf), 2.0 * fit.ndf
    if isinstance(fit, FitDiagnostics):
        expected = np.concatenate([one.postfit_signal + one.postfit_background for one in fit.regions.values()])
        means, variances = deviance_moments(np.maximum(expected, 0))
        parameters = len(expected) - fit.ndf
        mean, variance = means.sum() - parameters, variances.sum() - 2 * parameters
    if mean <= 0 or variance <= 0:
        return 1.0
    return float(stats.gamma.sf(fit.chi2, mean**2 / variance, scale=variance / mean))


def deviance_moments(expected: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of the deviance 2 (λ − n + n ln(n / λ)) of Poisson numbers n about λ.

    Args:
        expected: λ, shape (bins,).

    >>> [round(float(moment[0]), 3) for moment in deviance_moments(np.array([1.0]))]
    [1.147, 1.365]
    """
    many = expected > MANY
    mean, variance = np.where(many, 1 + 1 / (6 * np.maximum(expected, 1)), 0.0), np.where(many, 2.0, 0.0)
    few = expected[~many, None]
    numbers = np.arange(int(MANY + 12 * np.sqrt(MANY)))
    weights = stats.poisson.pmf(numbers, few)
    deviances = 2 * (few - numbers + special.xlogy(numbers, numbers) - special.xlogy(numbers, few))
    deviances = np.where(weights > 0, deviances, 0.0)
    mean[~many] = (weights * deviances).sum(axis=1)
    variance[~many] = (weights * deviances**2).sum(axis=1) - mean[~many] ** 2
    return mean, variance


def _described(fit: Diagnostics) -> str:
    return f"{fit.label}{'' if fit.model == NOMINAL else f', {fit.model}'}, χ²/ndf {fit.chi2:.0f}/{fit.ndf}"


def _share(result: ScaleFactorResult, fit: Diagnostics) -> float:
    """Return the share of an alternative fit in the variance of its bin."""
    number = bin_labels(result.axes).index(fit.label.partition(" + ")[0])
    error = max(result.total_up.ravel()[number], result.total_down.ravel()[number])
    source = result.systematics.get(fit.model) or result.systematics["fits"]
    return float((source[0].ravel()[number] / error) ** 2)
