"""Expectations of processes with their errors, before and after a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.statistics.fits import Fit
from pocket.statistics.likelihood import Likelihood


@dataclass(frozen=True, eq=False)
class Prediction:
    """Expectations in the bins of a region.

    Args:
        region: name of the region.
        edges: edges of the bins, or None for a counting region.
        data: the data, shape (bins,); None if the region is blind.
        processes: process → expectation, shape (bins,).
        errors: process → its error, shape (bins,), from parameters and from its own simulated events.
        total: expectation of all processes, shape (bins,); after a fit, with the fitted statistical errors of
            simulation, which no process has.
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

    >>> from pocket.statistics.fits import fit
    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
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
    derivatives = np.tensordot(root.T, likelihood.yield_derivatives(values), 1)
    yields, simulated = likelihood.yields(values), likelihood.simulation_variances(values)
    total, along, rest = yields.sum(axis=0), derivatives.sum(axis=1), simulated.sum(axis=0)
    if isinstance(source, Fit):
        total, slopes, rest = likelihood.total_derivatives(values)
        along = root.T @ slopes
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


def _with_error(values: Floats, derivatives: Floats, variances: Floats) -> tuple[float, float]:
    """Return the sum over bins and its error."""
    return float(values.sum()), float(np.sqrt((derivatives.sum(axis=1) ** 2).sum() + variances.sum()))
