"""Goodness of fit: the test against the saturated model, by the χ² distribution and by toys."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from scipy import stats

from pocket.errors import FitError
from pocket.statistics.fits import Fit, fit
from pocket.statistics.results import GoodnessOfFit
from pocket.statistics.toys import toys


def goodness_of_fit(best: Fit, numbers: Sequence[int] = (), seed: int = 1) -> GoodnessOfFit:
    """Return the test of the model against the saturated one.

    Toys are drawn at the best fit, with auxiliary measurements that fluctuate about it.

    Args:
        best: the best fit.
        numbers: numbers of the toys.
        seed: seed of all toys; those whose fit has no minimum are left out.

    Source: S. Baker and R. D. Cousins, Nucl. Instrum. Meth. 221 (1984) 437.

    >>> import numpy as np
    >>> from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.full((1, 2), 50.0), np.zeros((1, 2)), edges=np.arange(3.0),
    ...     data=np.array([45.0, 55.0]), factors={"signal": ("r",)})
    >>> test = goodness_of_fit(fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 10)}))), range(20))
    >>> round(test.deviance, 3), test.degrees, round(test.p_value, 2), len(test.toys)
    (1.002, 1, 0.32, 20)
    """
    likelihood = best.likelihood
    free = int(likelihood.parameters.floating.sum() - likelihood.parameters.floating[likelihood.constrained].sum())
    degrees = int(likelihood.is_seen.sum()) - free
    simulation = likelihood.simulation(best.values)
    found: list[float] = []
    for thrown in toys(likelihood, numbers, seed, best.values, simulation):
        # One of a thousand toys is no reason to have no result.
        with contextlib.suppress(FitError):
            found.append(fit(thrown, start=best.values).deviance)
    shares = likelihood.arrays.by_region(likelihood.deviances(best.values))
    return GoodnessOfFit(
        deviance=best.deviance,
        degrees=degrees,
        p_value=float(stats.chi2.sf(best.deviance, degrees)) if degrees > 0 else 1.0,
        regions=dict(zip((region.name for region in likelihood.model.regions), shares.tolist(), strict=True)),
        toys=tuple(found),
        p_toys=sum(value >= best.deviance for value in found) / len(found) if found else None,
        failed=len(numbers) - len(found),
    )
