"""Expectations of processes with their errors, before and after a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.statistics.fits import Fit
from pocket.statistics.likelihood import Likelihood

#: step of numeric derivatives, in standard deviations
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Prediction:
    """Expectations in the bins of a region.

    Args:
        region: name of the region.
        edges: edges of the bins, or None for a counting region.
        data: the data, shape (bins,); None if the region is blind.
        processes: process → expectation, shape (bins,); after a fit, with its part of the fitted statistical errors of
            simulation, so that the sum of all is ``total``.
        errors: process → its error, shape (bins,), from parameters and from its own simulated events.
        total: expectation of all processes, shape (bins,).
        covariance: covariance of the bins of ``total``, shape (bins, bins).
        yields: process → (sum of its bins, error); ``"total"`` for all.
    """

    region: str
    edges: Floats | None
    data: Floats | None
    processes: dict[str, Floats]
    errors: dict[str, Floats]
    total: Floats
    covariance: Floats
    yields: dict[str, tuple[float, float]]

    @property
    def total_errors(self) -> Floats:
        """Errors of ``total``, shape (bins,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def predict(source: Likelihood | Fit) -> dict[str, Prediction]:
    """Return expectations with errors by region, to first order in the parameters.

    Args:
        source: a best fit; or a likelihood, for the expectation before the fit, in which nuisances have errors of 1 and
            other parameters none.

    >>> from pocket.statistics import FreeParameter, Model, RegionModel, fit
    >>> region = RegionModel("sr", ("signal", "other"), np.array([[5.0], [20.0]]), np.zeros((2, 1)),
    ...     data=np.array([35.0]), factors={"signal": ("r",)}, log_normals={"rate": {"other": (0.9, 1.1)}})
    >>> likelihood = Likelihood(Model((region,), pois={"r": FreeParameter(0, 10)}, nuisances=("rate",)))
    >>> before, after = predict(likelihood)["sr"], predict(fit(likelihood))["sr"]
    >>> [round(value, 2) for value in before.yields["total"]], [round(value, 2) for value in after.yields["total"]]
    ([25.0, 2.01], [35.0, 5.92])
    """
    if isinstance(source, Fit):
        likelihood, values, covariance = source.likelihood, source.values, source.covariance
    else:
        likelihood, values = source, source.parameters.start
        floating = source.parameters.floating[source.constrained]
        covariance = np.zeros((len(values), len(values)))
        covariance[source.constrained, source.constrained] = floating
    # Variances are sums of squares of these over parameters.
    scales, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(scales, 0))
    if isinstance(source, Fit):
        yields, simulated = _fitted_yields(likelihood, values), _fitted_variances(likelihood, values)
        # Along each of these, all parameters change together, and the errors of simulation follow.
        derivatives = np.array(
            [
                (_fitted_yields(likelihood, values + STEP * each) - _fitted_yields(likelihood, values - STEP * each))
                / (2 * STEP)
                for each in root.T
            ]
        )
        total, slopes, rest = likelihood.total_derivatives(values)
        along = root.T @ slopes
    else:
        yields, simulated = likelihood.yields(values), likelihood.simulation_variances(values)
        derivatives = np.tensordot(root.T, likelihood.yield_derivatives(values), 1)
        total, along, rest = yields.sum(axis=0), derivatives.sum(axis=1), simulated.sum(axis=0)
    found = {}
    for region, bins in zip(likelihood.model.regions, likelihood.arrays.slices(), strict=True):
        rows = {process: likelihood.model.processes.index(process) for process in region.processes}
        inner = along[:, bins]
        sums = {
            process: _with_error(yields[row, bins], derivatives[:, row, bins], simulated[row, bins])
            for process, row in rows.items()
        }
        found[region.name] = Prediction(
            region=region.name,
            edges=region.edges,
            data=None if region.data is None else likelihood.observations.data[bins].copy(),
            processes={process: yields[row, bins] for process, row in rows.items()},
            errors={
                process: np.sqrt((derivatives[:, row, bins] ** 2).sum(axis=0) + simulated[row, bins])
                for process, row in rows.items()
            },
            total=total[bins],
            covariance=inner.T @ inner + np.diag(rest[bins]),
            yields={**sums, "total": _with_error(total[bins], inner, rest[bins])},
        )
    return found


def _fitted_yields(likelihood: Likelihood, values: Floats) -> Floats:
    """Return expectations with the errors of simulation that the data prefer, shape (P, B).

    A Gaussian parameter changes the sum of a bin, of which each process gets a part that is proportional to the square
    of its error: the expected change of each, if all of them vary independently. So does combine.
    """
    gaussian, poisson = likelihood.simulation(values)
    variances = _gaussian_variances(likelihood, values)
    total = variances.sum(axis=0)
    per_error = np.divide(gaussian, np.sqrt(total), out=np.zeros(len(total)), where=total > 0)
    return np.asarray(likelihood.yields(values) * poisson + variances * per_error)


def _fitted_variances(likelihood: Likelihood, values: Floats) -> Floats:
    """Return the variance of each process that errors of simulation have at fixed other parameters, shape (P, B).

    The data say something about the sum of a bin alone. A process with the part f of the variance V of the sum has
    f² V, which shrinks as that of the sum, and the rest f (1 − f) V, which doesn't.
    """
    (_, gaussian), (_, poisson) = likelihood.simulation_derivatives(values)
    variances = _gaussian_variances(likelihood, values)
    total = variances.sum(axis=0)
    parts = np.divide(variances, total, out=np.zeros(variances.shape), where=total > 0)
    shared = parts * variances * np.where(likelihood.has_gaussian, gaussian, 1)
    return np.asarray(shared + (1 - parts) * variances + likelihood.yields(values) ** 2 * poisson)


def _gaussian_variances(likelihood: Likelihood, values: Floats) -> Floats:
    """Return the variances of processes that share the Gaussian parameter of a bin, shape (P, B)."""
    return np.where(likelihood.simulation_events > 0, 0, likelihood.simulation_variances(values))


def _with_error(values: Floats, derivatives: Floats, variances: Floats) -> tuple[float, float]:
    """Return the sum over bins and its error."""
    return float(values.sum()), float(np.sqrt((derivatives.sum(axis=1) ** 2).sum() + variances.sum()))
