"""What the errors of scale factors from a template fit are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocket.errors import ScaleFactorError
from pocket.scale_factors.result import VALID, Array, Measurement
from pocket.scale_factors.template_fit import TemplateFit, find_intervals, minimise
from pocket.scale_factors.template_model import TemplateModel


@dataclass(frozen=True, eq=False)
class StatisticalErrors:
    """Scale factors with the errors that remain when no nuisance moves.

    Args:
        total: from data and simulation.
        data: from data.
        simulation: from simulation.
    """

    total: Measurement
    data: Measurement
    simulation: Measurement


def impacts(model: TemplateModel, fitted: TemplateFit) -> dict[str, tuple[Array, Array]]:
    """Return how the scale factors move with each nuisance.

    A nuisance is fixed one of its errors after the fit above, then below its fitted value, and everything else is
    fitted again, statistics of simulation included: what combine (CMS Collaboration, Comput. Softw. Big Sci. 8 (2024)
    19) and cabinetry call impact. The fit correlates nuisances; so impacts and statistical error, added in quadrature,
    are not exactly the total error, mostly more.

    Args:
        model: the likelihood.
        fitted: its fit.

    Returns:
        per nuisance the shifts from above and below, with sign, one number per floating flavour each.

    Raises:
        ScaleFactorError: if the fit isn't valid or another one fails.
    """
    _require_valid(model, fitted)
    best = fitted.scale_factors.value
    shifts: dict[str, tuple[Array, Array]] = {}
    for name in model.templates.nuisances:
        value, error = fitted.parameters[name]
        above, below = (_refitted(model, fitted, name, end) for end in (value + error, value - error))
        shifts[name] = (above - best, below - best)
    return shifts


def statistical_errors(model: TemplateModel, fitted: TemplateFit) -> StatisticalErrors:
    """Return the errors with all nuisances fixed at their fitted values.

    A free normalisation floats along with the scale factors, as only data determine it. For the error from data alone
    the factors for the statistics of simulation are fixed, too; that from simulation is the difference in quadrature.
    So does combine split errors by groups.

    Args:
        model: the likelihood.
        fitted: its fit.

    Raises:
        ScaleFactorError: if the fit isn't valid or there is no interval.
    """
    _require_valid(model, fitted)
    total = _with_nuisances_fixed(model, fitted)
    data = _with_nuisances_fixed(TemplateModel(model.templates, fitted.betas), fitted)
    up, down = (
        np.sqrt(np.maximum(both**2 - one**2, 0.0)) for both, one in ((total.up, data.up), (total.down, data.down))
    )
    return StatisticalErrors(total, data, Measurement(total.value, up, down))


def _refitted(model: TemplateModel, fitted: TemplateFit, name: str, value: float) -> Array:
    minuit = minimise(model, fitted.values, {name: value})
    if not minuit.valid:
        raise ScaleFactorError(f"{model.templates.label}: no minimum found with {name} at {value:.3g}")
    return np.array(minuit.values)[: len(model.scale_factors)]


def _with_nuisances_fixed(model: TemplateModel, fitted: TemplateFit) -> Measurement:
    minuit = minimise(model, fitted.values, {name: fitted.parameters[name][0] for name in model.templates.nuisances})
    status = "no minimum found"
    if minuit.valid:
        status, up, down = find_intervals(minuit, model)
    if status != VALID:
        raise ScaleFactorError(f"{model.templates.label}: {status} with the nuisances fixed")
    return Measurement(fitted.scale_factors.value, up, down)


def _require_valid(model: TemplateModel, fitted: TemplateFit) -> None:
    if fitted.status != VALID:
        raise ScaleFactorError(f"{model.templates.label}: the fit has no errors to be explained ({fitted.status})")
