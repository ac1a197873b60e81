"""Asimov data, and toys: data and auxiliary measurements drawn at a point of the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.likelihood import Likelihood, Observations

#: Gaussian parameters and Poisson factors of the statistical errors of simulation, see ``Likelihood.simulation``
Simulation = tuple[Floats, Floats]


def asimov(likelihood: Likelihood, values: Floats | None = None, simulation: Simulation | None = None) -> Observations:
    """Return the observations that equal their expectations, so that a fit finds the values again.

    Args:
        likelihood: the likelihood.
        values: values of all parameters; by default where they start, which gives the data before the fit.
        simulation: parameters of the statistical errors of simulation; by default as expected. For Asimov data after
            the fit, take those that :meth:`Likelihood.simulation` returns at the best values.

    Source: G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554, section 3.2.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[5.5]]), np.zeros((1, 1)), factors={"signal": ("r",)})
    >>> model = Model((region,), pois={"r": FreeParameter(0, 10)})
    >>> likelihood = Likelihood(model, Observations(np.zeros(1), np.zeros(0), np.zeros(1), np.zeros((1, 1))))
    >>> asimov(likelihood, np.array([2.0])).data.tolist()
    [11.0]
    """
    at = likelihood.parameters.start if values is None else values
    shape = likelihood.arrays.nominal.shape
    gaussian, poisson = simulation or (np.zeros(shape[1]), np.ones(shape))
    return Observations(
        data=np.where(likelihood.is_seen, likelihood.simulated_expectation(at, gaussian, poisson), np.nan),
        nuisances=at[likelihood.constrained],
        gaussian=gaussian,
        poisson=likelihood.simulation_events * poisson,
    )


def toy(
    likelihood: Likelihood,
    seed: int,
    number: int = 0,
    values: Floats | None = None,
    simulation: Simulation | None = None,
    events: Floats | None = None,
) -> Observations:
    """Return a toy: Poisson data and auxiliary measurements, which fluctuate about the values.

    Args:
        likelihood: the likelihood.
        seed: seed of all toys.
        number: number of this toy, on which alone it depends besides the seed, so that branches may share toys.
        values: values of all parameters; by default where they start.
        simulation: parameters of the statistical errors of simulation; by default as expected.
        events: expected number of data, such as that of another model, shape (bins,); by default the likelihood's.

    Raises:
        StatisticsError: if the expectation of a bin isn't a number.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[5.5]]), np.zeros((1, 1)), factors={"signal": ("r",)},
    ...     data=np.array([3.0]))
    >>> likelihood = Likelihood(Model((region,), pois={"r": FreeParameter(0, 10)}))
    >>> bool(toy(likelihood, 1).data == toy(likelihood, 1).data)
    True
    """
    rng = np.random.default_rng([seed, number])
    expected = asimov(likelihood, values, simulation)
    events = expected.data if events is None else events
    seen = likelihood.is_seen
    broken = np.flatnonzero(seen & ~np.isfinite(events))
    if len(broken):
        raise StatisticsError(f"the expectation of bin {broken[0]} isn't a number")
    return Observations(
        data=np.where(seen, rng.poisson(np.where(seen, events, 0.0)), np.nan),
        nuisances=expected.nuisances + rng.normal(size=len(expected.nuisances)),
        gaussian=expected.gaussian + rng.normal(size=len(expected.gaussian)) * likelihood.has_gaussian,
        poisson=rng.poisson(expected.poisson).astype(float),
    )


def toys(
    likelihood: Likelihood,
    numbers: Iterable[int],
    seed: int,
    values: Floats | None = None,
    simulation: Simulation | None = None,
) -> Iterator[Likelihood]:
    """Yield the likelihood with each of some toys as observations.

    Args:
        likelihood: the likelihood.
        numbers: numbers of the toys.
        seed: seed of all toys.
        values: values of all parameters; by default where they start.
        simulation: parameters of the statistical errors of simulation; by default as expected.
    """
    for number in numbers:
        yield likelihood.observing(toy(likelihood, seed, number, values, simulation))
