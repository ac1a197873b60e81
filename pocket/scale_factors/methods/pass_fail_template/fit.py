"""Template fit of a tagger's discriminant in pass and fail, which gives its scale factors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from iminuit import Minuit
from iminuit.util import IMinuitWarning

from pocket.base.typing import Floats
from pocket.scale_factors.measurement.result import VALID, Measurement
from pocket.scale_factors.methods.pass_fail_template.inputs import bins_where
from pocket.scale_factors.methods.pass_fail_template.model import TemplateModel

#: tolerance of the minimisation, with which the distance to the minimum stays well below a hundredth of the errors
TOLERANCE = 1e-3
#: distance to its limit, as a part of its range, below which a parameter counts as being at the limit
AT_LIMIT = 1e-5
#: smallest curvature at the minimum, in units of those along the parameters; lower ones count as none
LEAST_CURVATURE = 1e-10


@dataclass(frozen=True, eq=False)
class TemplateFit:
    """Result of one fit; all numbers are finite.

    Args:
        scale_factors: scale factors of the floating flavours in their order, with MINOS errors; the errors are 0 if the
            fit failed or no intervals were requested.
        parameters: value and parabolic error of each parameter; the errors are 0 if the fit failed. The error of a
            nuisance parameter was 1 before the fit, so it shows how much the data constrain it.
        correlation: correlation of the parameters in that order, shape (parameters, parameters); unity if the fit
            failed.
        prefit: nominal yields per process, each of shape (2, bins).
        postfit: fitted yields per process, with nuisances and MC statistics.
        betas: fitted factors for MC statistics, shape (2, bins).
        beta_errors: errors of the factors before the fit; 0 where they are fixed.
        chi2: twice the logarithm of the likelihood ratio to the saturated model, including constraints.
        ndf: number of bins with data or simulation, less parameters without constraint.
        status: :data:`VALID`, or the failure.
    """

    scale_factors: Measurement
    parameters: dict[str, tuple[float, float]]
    correlation: Floats
    prefit: dict[str, Floats]
    postfit: dict[str, Floats]
    betas: Floats
    beta_errors: Floats
    chi2: float
    ndf: int
    status: str
    attempts: int

    @property
    def values(self) -> Floats:
        """Values of all parameters."""
        return np.array([value for value, _ in self.parameters.values()])

    @property
    def covariance(self) -> Floats:
        """Covariance of the parameters, shape (parameters, parameters); the scale factors come first."""
        errors = np.array([error for _, error in self.parameters.values()])
        return np.asarray(self.correlation * np.outer(errors, errors))


def fit(model: TemplateModel, intervals: bool = True) -> TemplateFit:
    """Return the fit of one bin.

    Args:
        intervals: whether to find the asymmetric intervals of the scale factors, which takes as long as the fit.
    """
    minuit = minimise(model, model.start())
    attempts = 1
    if not minuit.valid:
        attempts = 2
        minuit.reset()
        minuit.simplex().migrad()
    values, information = np.array(minuit.values), model.hessian(np.array(minuit.values)) / 2
    flavours = len(model.scale_factors)
    status, up, down = _status(minuit, model, information), *np.zeros((2, flavours))
    if status == VALID and intervals:
        status, up, down = find_intervals(minuit, model)

    errors, correlation = np.zeros(values.size), np.eye(values.size)
    if status == VALID:
        # MINUIT's covariance is distorted by the limits, so it isn't used.
        covariance = np.linalg.inv(information)
        errors = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(errors, errors)
    return TemplateFit(
        scale_factors=Measurement(values[:flavours], up, down),
        parameters=dict(zip(model.names, zip(values.tolist(), errors.tolist(), strict=True), strict=True)),
        correlation=correlation,
        prefit={process: np.asarray(yields, dtype=float) for process, yields in model.templates.nominal.items()},
        postfit=model.yields(values),
        betas=model.betas(values),
        beta_errors=np.sqrt(model.variance),
        chi2=model(values),
        ndf=int(model.templates.filled.sum()) - len(model.names) + len(model.templates.nuisances),
        status=status,
        attempts=attempts,
    )


def minimise(model: TemplateModel, start: Floats, fixed: Mapping[str, float] | None = None) -> Minuit:
    """Return the state of MIGRAD after one minimisation."""
    with warnings.catch_warnings():
        # If a curvature is negative, MIGRAD asks for the diagonal even though it has the whole matrix (issue 20913 of
        # ROOT). It gets both, about which iminuit warns.
        warnings.filterwarnings("ignore", "hessian overrides g2", IMinuitWarning)
        minuit = Minuit(
            model,
            start,
            grad=model.gradient,
            g2=lambda values: np.diag(model.hessian(values)),
            hessian=model.hessian,
            name=model.names,
        )
    minuit.tol = TOLERANCE
    fixed = fixed or {}
    for name, limits in zip(model.names, model.limits(), strict=True):
        if name in fixed:
            minuit.values[name], minuit.fixed[name] = fixed[name], True
        else:
            minuit.limits[name] = limits
    return minuit.migrad()


def find_intervals(minuit: Minuit, model: TemplateModel) -> tuple[str, Floats, Floats]:
    """Return the asymmetric intervals of the scale factors around a minimum."""
    minuit.minos(*model.scale_factors)
    intervals = [minuit.merrors[name] for name in model.scale_factors]
    nothing = np.zeros(len(intervals))
    for one in intervals:
        if one.at_lower_limit or one.at_upper_limit:
            return f"the interval of {one.name} reaches its limit", nothing, nothing
        if not (one.lower_valid and one.upper_valid):
            return f"no interval of {one.name}", nothing, nothing
    return VALID, np.array([one.upper for one in intervals]), np.array([-one.lower for one in intervals])


def _status(minuit: Minuit, model: TemplateModel, information: Floats) -> str:
    for name, value, (low, high) in zip(model.names, minuit.values, model.limits(), strict=True):
        if min(value - low, high - value) < AT_LIMIT * (high - low):
            return f"{name} at its limit"
    if not minuit.valid:
        return "no minimum found"
    along = np.diag(information)
    if (along <= 0).any() or np.linalg.eigvalsh(information / np.sqrt(np.outer(along, along)))[0] < LEAST_CURVATURE:
        return "parameters that the data can't tell apart"
    total = np.sum(list(model.yields(np.array(minuit.values)).values()), axis=0)
    if (total < 0).any():
        return f"expected yields below zero in {bins_where(total < 0)}"
    return VALID
