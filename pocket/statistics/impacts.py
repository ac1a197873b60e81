"""The effects of nuisances and of simulation on the parameters of interest, and their errors by group of nuisances."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import check_known
from pocket.statistics.fits import Fit, at_lowest_minimum, fit
from pocket.statistics.intervals import crossing, find_interval
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.parameter_options import GROUP
from pocket.statistics.results import Breakdown, Impact, Pair

#: precision of the errors of nuisances at which impacts are taken
PRECISION = 0.01
#: names of groups in breakdowns that aren't groups of a model
MC_STAT, STAT = "mc_stat", "stat"


def rank_impacts(best: Fit, names: Iterable[str] | None = None) -> tuple[Impact, ...]:
    """Return the changes of the parameters of interest when each other parameter moves by its error, up and down.

    All others are fitted again, as combine's ``Impacts`` method does.

    Args:
        best: the best fit.
        names: the parameters; by default all that float and aren't of interest.

    Returns:
        Impacts, those with the largest effect on the first parameter of interest first.

    Raises:
        UnknownNameError: if a name isn't that of such a parameter.
        FitError: if a fit has no minimum.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[1e6]]), np.zeros((1, 1)), data=np.array([1e6]),
    ...     factors={"signal": ("r",)}, log_normals={"lumi": {"signal": (1 / 1.02, 1.02)}})
    >>> best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 50)}, nuisances=("lumi",))))
    >>> [round(effect, 4) for effect in rank_impacts(best)[0].effects["r"]]
    [0.02, -0.0196]
    """
    others = moved_parameters(best)
    chosen = others if names is None else list(names)
    check_known("parameter", chosen, others, "the impacts")
    return ranked([find_impact(best, name) for name in chosen])


def moved_parameters(best: Fit) -> list[str]:
    """Return the parameters that have an impact: those that float and aren't of interest."""
    parameters, pois = best.likelihood.parameters, best.likelihood.model.pois
    return [
        name for name, floats in zip(parameters.names, parameters.floating, strict=True) if floats and name not in pois
    ]


def ranked(impacts: Iterable[Impact]) -> tuple[Impact, ...]:
    """Return impacts, those with the largest effect on the first parameter of interest first."""
    return tuple(sorted(impacts, key=lambda impact: -impact.size(next(iter(impact.effects)))))


def find_impact(best: Fit, name: str) -> Impact:
    """Return the changes of the parameters of interest when one parameter moves by its error, up and down."""
    parameters = best.likelihood.parameters
    index, where = parameters.index(name), {poi: parameters.index(poi) for poi in best.likelihood.model.pois}
    down, up = (crossing(best, index, side, 1.0, PRECISION)[0].values for side in (-1, 1))
    return Impact(
        name=name,
        value=float(best.values[index]),
        errors=(float(best.values[index] - down[index]), float(up[index] - best.values[index])),
        effects={
            poi: (float(down[at] - best.values[at]), float(up[at] - best.values[at])) for poi, at in where.items()
        },
    )


def rank_simulation(best: Fit) -> tuple[Impact, ...]:
    """Return the changes of the parameters of interest when a statistical error of simulation moves by its error.

    They are of first order, without fits: covariances of the parameters, divided by the error of the moved one.

    Args:
        best: the best fit.

    Returns:
        Impacts named ``mc_<region>_bin<number>``, with ``_<process>`` where each process has a parameter, those with
        the largest effect on the first parameter of interest first. Values and errors of Gaussian parameters are in
        units of the error before the fit. Poisson parameters are factors: with n effective events, they were measured
        as 1 with an error of 1/√n, which their pulls are in units of.

    >>> from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[1e4]]), np.array([[3e4]]), data=np.array([1e4]),
    ...     factors={"signal": ("r",)}, mc_stat=McStat(10, include_signal=True))
    >>> best = fit(Likelihood(Model((region,), pois={"r": FreeParameter(0, 50)})))
    >>> [(impact.name, round(impact.effects["r"][1], 4)) for impact in rank_simulation(best)]
    [('mc_sr_bin0', -0.0173)]
    """
    likelihood = best.likelihood
    pois = {name: likelihood.parameters.index(name) for name in likelihood.model.pois}
    values = likelihood.simulation(best.values)
    (gaussian, gaussian_free), (poisson, poisson_free) = likelihood.simulation_derivatives(best.values)
    processes, found = likelihood.model.processes, []

    def add(name: str, value: float, slopes: Floats, free: float, measured: float, prior: float = 1.0) -> None:
        covariance = best.covariance @ slopes
        error = math.sqrt(max(free + float(slopes @ covariance), 0.0))
        if error > 0:
            effects = {poi: float(covariance[at] / error) for poi, at in pois.items()}
            sides = {poi: (-effect, effect) for poi, effect in effects.items()}
            found.append(Impact(name, value, (error, error), sides, measured, prior))

    for region, bins in zip(likelihood.model.regions, likelihood.arrays.slices(), strict=True):
        for number, at in enumerate(range(bins.start, bins.stop)):
            name = f"mc_{region.name}_bin{number}"
            if likelihood.has_gaussian[at]:
                measured = float(likelihood.observations.gaussian[at])
                add(name, float(values[0][at]), gaussian[:, at], float(gaussian_free[at]), measured)
            for row in np.flatnonzero(likelihood.simulation_events[:, at]):
                slopes, free = poisson[:, row, at], float(poisson_free[row, at])
                events = float(likelihood.simulation_events[row, at])
                measured, prior = float(likelihood.observations.poisson[row, at]) / events, 1 / math.sqrt(events)
                add(f"{name}_{processes[row]}", float(values[1][row, at]), slopes, free, measured, prior)
    return ranked(found)


def break_down(best: Fit, poi: str, groups: Mapping[str, Iterable[str]] | None = None) -> Breakdown:
    """Return the error of a parameter of interest by group of nuisances.

    The share of a group is the quadratic difference of the errors with and without it floating, all else floating.

    Args:
        best: the best fit.
        poi: the parameter of interest.
        groups: name → parameters; by default the groups of the model.

    Returns:
        Shares of the groups, then ``"mc_stat"`` if there are statistical errors of simulation, and ``"stat"``. A group
        of one of these names is ``"group:stat"``.

    Raises:
        UnknownNameError: if a parameter is unknown.
        FitError: if a fit has no minimum.

    >>> from pocket.statistics.model import FreeParameter, Model, RegionModel
    >>> region = RegionModel("sr", ("signal",), np.array([[100.0]]), np.zeros((1, 1)), data=np.array([100.0]),
    ...     factors={"signal": ("r",)}, log_normals={"lumi": {"signal": (1 / 1.1, 1.1)}})
    >>> model = Model((region,), pois={"r": FreeParameter(0, 50)}, nuisances=("lumi",), groups={"lumi": ("lumi",)})
    >>> found = break_down(fit(Likelihood(model)), "r")
    >>> {name: tuple(round(side, 3) for side in sides) for name, sides in found.groups.items()}
    {'lumi': (0.087, 0.105), 'stat': (0.097, 0.103)}
    """
    model = best.likelihood.model
    check_known("parameter of interest", [poi], model.pois, "the breakdown")
    total = find_interval(best, poi).errors
    shares = {}
    for group, members in (model.groups if groups is None else groups).items():
        name = f"{GROUP}{group}" if group in (MC_STAT, STAT) else group
        shares[name] = _difference(total, _errors(_frozen(best, members), best, poi))
    likelihood = _frozen(best, model.nuisances)
    if best.likelihood.has_gaussian.any() or best.likelihood.simulation_events.any():
        shares[MC_STAT] = _difference(total, _errors(best.likelihood.with_simulation_frozen(best.values), best, poi))
        likelihood = likelihood.with_simulation_frozen(best.values)
    shares[STAT] = _errors(likelihood, best, poi)
    return Breakdown(poi=poi, value=best.value(poi), total=total, groups=shares)


def _frozen(best: Fit, members: Iterable[str]) -> Likelihood:
    return best.likelihood.adjusted(freeze={name: best.value(name) for name in members})


def _errors(likelihood: Likelihood, best: Fit, poi: str) -> Pair:
    """Return the errors of a parameter in a likelihood in which less floats, at the same best fit."""
    _, interval = at_lowest_minimum(fit(likelihood, start=best.values), lambda found: find_interval(found, poi))
    return interval.errors


def _difference(total: Pair, less: Pair) -> Pair:
    down, up = (float(np.sqrt(max(one**2 - other**2, 0.0))) for one, other in zip(total, less, strict=True))
    return down, up
