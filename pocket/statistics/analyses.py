"""All results of a model: what a fit gives to data that are observed, expected or thrown."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, TypeVar

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import ConfigError, StatisticsError, UnknownNameError, check_known
from pocket.statistics.fits import Fit, at_lowest_minimum, fit
from pocket.statistics.goodness import goodness_of_fit
from pocket.statistics.impacts import break_down, find_impact, moved_parameters, rank_simulation, ranked
from pocket.statistics.intervals import ONE_SIGMA, find_interval, scan
from pocket.statistics.likelihood import Likelihood, Observations
from pocket.statistics.limits import find_significance, find_upper_limit
from pocket.statistics.minimisation import minimise
from pocket.statistics.model import Model
from pocket.statistics.parameter_options import MINIMISERS, RESULTS, KnownParameters, check_options, expand
from pocket.statistics.results import Breakdown, Confirmation, Impact, Interval, NoResult, PointToys, Scan
from pocket.statistics.toy_points import PointStatistics, find_toy_interval, find_toy_limit, find_toy_significance
from pocket.statistics.toys import Simulation, asimov, toy

OBSERVED, ASIMOV = "observed", "asimov"
#: where the nuisances of Asimov data are: as expected, or as a fit to data puts them
PREFIT, POSTFIT = "prefit", "postfit"
#: difference of the deviance that two minimisers may find
DIFFERENCE = 1e-3
#: points of a scan and its reach, in errors
POINTS, REACH = 31, 3.0
#: points of each axis of a scan of two parameters, and the most parameters of interest of which pairs are scanned
GRID, PAIRED = 21, 3
T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """What is fitted, and which results are made; names may be patterns.

    Args:
        asimov: ``"prefit"`` for Asimov data with nuisances as expected, ``"postfit"`` with those of a fit to the data
            of the regions that aren't blind.
        freeze: parameters that don't float: names, patterns, and groups as ``group:lumi``.
        values: parameter, or a pattern → value at which it starts, and Asimov data are made.
        toys: number of toys for the goodness of fit.
    """

    data: str = ASIMOV
    asimov: str = PREFIT
    mask: Sequence[str] = ()
    minimiser: str = MINIMISERS[0]
    freeze: Sequence[str] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    results: Sequence[str] = RESULTS
    toys: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        check_known("kind of data", [self.data], (ASIMOV, OBSERVED), "the fit")
        check_known("kind of Asimov data", [self.asimov], (PREFIT, POSTFIT), "the fit")
        check_known("minimiser", [self.minimiser], MINIMISERS, "the fit")
        check_known("result", self.results, RESULTS, "the fit")


@dataclass(frozen=True, eq=False)
class Results:
    """The results of a fit; ``others`` are records by the name of their JSON file, ``background`` has no signal."""

    fit: Fit
    intervals: Mapping[str, Interval]
    breakdowns: Mapping[str, Breakdown]
    impacts: tuple[Impact, ...]
    simulation: tuple[Impact, ...]
    others: Mapping[str, Any]
    seconds: float
    confirmation: Confirmation
    missing: tuple[NoResult, ...] = ()
    background: Fit | None = None


def known_parameters(model: Model) -> KnownParameters:
    """Return the parameters of a model, with groups and ranges, for options that name them."""
    free = {**model.pois, **model.free}
    return KnownParameters(model.parameters, model.groups, {name: (one.low, one.high) for name, one in free.items()})


def with_names(model: Model, choice: Choice, where: str = "the model") -> Choice:
    """Return a choice in which patterns and groups are names of parameters."""
    known = known_parameters(model)
    check_options(known, choice.freeze, choice.values, choice.ranges, where)
    frozen = dict.fromkeys(name for pattern in choice.freeze for name in known.find(pattern, "--freeze"))
    return replace(
        choice,
        mask=masked_regions(choice.mask, [region.name for region in model.regions], where),
        freeze=tuple(frozen),
        values=expand(known, choice.values, "--set"),
        ranges=expand(known, choice.ranges, "--ranges"),
    )


def masked_regions(patterns: Iterable[str], regions: Sequence[str], where: str = "the model") -> tuple[str, ...]:
    """Return the regions that patterns leave out of a fit.

    >>> masked_regions(["sr_*"], ["sr_low", "sr_high", "cr"])
    ('sr_low', 'sr_high')
    """
    masked: dict[str, None] = {}
    for pattern in patterns:
        found = [name for name in regions if fnmatchcase(name, pattern)]
        if not found:
            raise UnknownNameError("region", pattern, regions, f"--mask, {where}")
        masked |= dict.fromkeys(found)
    if len(masked) == len(regions):
        raise ConfigError(f"--mask: no region of {where} is left")
    return tuple(masked)


def choose_likelihood(model: Model, choice: Choice) -> Likelihood:
    """Return the likelihood of a model with the data that are fitted."""
    choice = with_names(model, choice)
    none = np.zeros(sum(region.bins for region in model.regions))
    nothing = Observations(none, np.zeros(len(model.nuisances)), none, np.zeros((len(model.processes), len(none))))
    likelihood = Likelihood(model, None if choice.data == OBSERVED else nothing)
    likelihood = likelihood.adjusted(freeze=tuple(choice.freeze), start=choice.values, ranges=choice.ranges)
    return likelihood.masked(choice.mask) if choice.data == OBSERVED else expect(likelihood, choice)


def expect(likelihood: Likelihood, choice: Choice, without: str | None = None) -> Likelihood:
    """Return a likelihood with the Asimov data of a question.

    Args:
        choice: where the nuisances and free parameters are. After a fit, they are those of the fit to the data of all
            regions that have some, with the parameters of interest at their values.
        without: the parameter of interest of a signal that the data don't have, as for expected limits.
    """
    parameters = likelihood.parameters
    values = parameters.start.copy()
    if without is not None:
        values[parameters.index(without)] = 0.0
    simulation = None
    if choice.asimov == POSTFIT:
        values, simulation = _fit_to_data(likelihood, choice, values)
    return likelihood.observing(asimov(likelihood, values, simulation)).masked(choice.mask)


def _fit_to_data(likelihood: Likelihood, choice: Choice, values: Floats) -> tuple[Floats, Simulation]:
    """Return where a fit to the data that aren't blind puts all parameters but those of interest."""
    model, parameters = likelihood.model, likelihood.parameters
    if len(model.blind) == len(model.regions):
        raise StatisticsError("all regions are blind, so there is no fit whose nuisances Asimov data could have")
    none = [np.full(region.bins, np.nan) for region in model.regions]
    data = [region.data if region.data is not None else nan for region, nan in zip(model.regions, none, strict=True)]
    seen = likelihood.observing(likelihood.expected_observations(np.concatenate(data))).masked(choice.mask)
    # What only changes blind regions stays where it is.
    second, first = np.diag(seen.hessian(values)), seen.gradient(values)
    flat = [name for name, *ends in zip(parameters.names, first, second, strict=True) if not any(ends)]
    frozen = {name: float(values[parameters.index(name)]) for name in (*model.pois, *flat)}
    start = {name: float(value) for name, value in zip(parameters.names, values, strict=True)}
    fitted = fit(seen.adjusted(freeze=frozen, start=start), choice.minimiser)
    return fitted.values, seen.simulation(fitted.values)


def find_results(model: Model, choice: Choice) -> Results:
    """Return the results of a model."""
    likelihood = choose_likelihood(model, choice)
    start = time.perf_counter()
    best = fit(likelihood, choice.minimiser)
    seconds = time.perf_counter() - start
    _, results = at_lowest_minimum(best, lambda best: _results_of(model, best, choice, seconds))
    return results


def _results_of(model: Model, best: Fit, choice: Choice, seconds: float) -> Results:
    """Return what follows from a best fit, confirmed by the other minimiser."""
    best, confirmation = confirm(best)
    likelihood = best.likelihood
    parameters, wanted, missing = likelihood.parameters, set(choice.results), list[NoResult]()
    pois = [poi for poi in model.pois if parameters.floating[parameters.index(poi)]]
    intervals = _each("interval", pois, lambda poi: find_interval(best, poi), missing)
    others: dict[str, Any] = {}
    if "scan" in wanted:
        others["scan"] = _scans(best, intervals, missing)
    from_zero = [poi for poi in pois if parameters.low[parameters.index(poi)] <= 0]
    if "significance" in wanted:
        found = _each("significance", from_zero, lambda poi: find_significance(likelihood, poi), missing)
        others["significance"] = list(found.values())
    background: dict[str, Fit] = {}
    # Where nothing is expected without signal, there is nothing to fit.
    unbounded = any(np.isinf(one.significance) for one in others.get("significance", ()))
    if "background" in wanted and choice.data == OBSERVED and from_zero == pois != [] and not unbounded:
        without = likelihood.adjusted(freeze=dict.fromkeys(pois, 0.0))
        background = _each("fit without", [" and ".join(pois)], lambda _: fit(without, choice.minimiser), missing)
    if "limits" in wanted:
        limits = _each(
            "limit", from_zero, lambda poi: find_upper_limit(of_limit(likelihood, choice, poi), poi), missing
        )
        missing += [
            NoResult(f"{which} limit", poi, reason)
            for poi, limit in limits.items()
            for which, reason in limit.missing.items()
        ]
        others["limits"] = list(limits.values())
    if "goodness" in wanted and choice.data == OBSERVED:
        others["gof"] = goodness_of_fit(best, range(choice.toys), choice.seed)
    breakdowns, impacts = {}, {}
    if "breakdown" in wanted:
        breakdowns = _each("breakdown", intervals, lambda poi: break_down(best, poi), missing)
    if "impacts" in wanted and pois:
        impacts = _each("impact", moved_parameters(best), lambda name: find_impact(best, name), missing)
    return Results(
        fit=best,
        intervals=intervals,
        breakdowns=breakdowns,
        impacts=ranked(impacts.values()),
        simulation=rank_simulation(best) if "impacts" in wanted and pois else (),
        others=others,
        seconds=seconds,
        confirmation=confirmation,
        missing=tuple(missing),
        background=next(iter(background.values()), None),
    )


def with_toys(results: Results, choice: Choice, wanted: Sequence[str], toys: Sequence[PointToys]) -> Results:
    """Return results with ``"toy_limits"``, ``"toy_significance"`` or ``"feldman_cousins"``."""
    poi, missing, others = toys[0].poi, list(results.missing), dict(results.others)
    finders: dict[str, dict[str, Callable[[PointStatistics, str], Any]]] = {
        "toy_limits": {poi: find_toy_limit},
        "toy_significance": {poi: find_toy_significance},
        "feldman_cousins": {
            f"{poi} at {100 * level:.3g} % CL": partial(find_toy_interval, level=level) for level in (ONE_SIGMA, 0.95)
        },
    }

    def find(result: str, name: str) -> Any:
        start = results.fit
        if result == "toy_limits" and choice.data == ASIMOV:
            # Expected limits are those of data without the signal.
            start = fit(of_limit(start.likelihood, choice, poi), choice.minimiser)
        return at_lowest_minimum(start, lambda best: finders[result][name](PointStatistics(best, toys), poi))[1]

    for result in wanted:
        others[result] = list(_each(result, finders[result], partial(find, result), missing).values())
    for found_limit in others.get("toy_limits", ()):
        if not np.isfinite(found_limit.expected).all():
            reason = "CLs is too uncertain there, or not crossed: ask for more with --toys-per-point, or other --points"
            missing.append(NoResult("expected limit by toys", f"{poi} in some bands", reason))
    return replace(results, others=others, missing=tuple(missing))


def confirm(best: Fit) -> tuple[Fit, Confirmation]:
    """Return the best fit, and what the other minimiser finds from the start.

    If that is lower, the fit begins again there, so that all results are those of the lower minimum.
    """
    likelihood, parameters = best.likelihood, best.likelihood.parameters
    (other,) = (name for name in MINIMISERS if name != best.minimiser)
    found = minimise(likelihood, parameters.start, parameters.floating, other)
    confirmation = Confirmation(other, found.converged, found.deviance - best.deviance)
    if confirmation.difference < -DIFFERENCE:
        best = fit(likelihood, other, start=found.values)
    return best, confirmation


def of_limit(likelihood: Likelihood, choice: Choice, poi: str) -> Likelihood:
    """Return the likelihood whose limit is asked for: with the data, or with Asimov data without the signal."""
    return likelihood if choice.data == OBSERVED else expect(likelihood, choice, without=poi)


def _each(result: str, names: Iterable[str], find: Callable[[str], T], missing: list[NoResult]) -> dict[str, T]:
    """Return name → result, and add what isn't found to ``missing``, with the reason."""
    found = {}
    for name in names:
        try:
            found[name] = find(name)
        except StatisticsError as error:
            missing.append(NoResult(result, name, str(error)))
    return found


def thrower(model: Model, likelihood: Likelihood, choice: Choice) -> Likelihood:
    """Return the likelihood of a model whose toys another one is fitted to."""
    regions = {region.name: region.bins for region in model.regions}
    fitted, place = likelihood.model, "the model whose toys are fitted"
    check_known("region", [region.name for region in fitted.regions], regions, place)
    check_known("parameter of interest", fitted.pois, (*model.pois, *model.parameters), place)
    for region in fitted.regions:
        if regions[region.name] != region.bins:
            raise StatisticsError(
                f"region {region.name!r} has {regions[region.name]} bins in {place}, and {region.bins} in the fit"
            )
    values = with_names(fitted, choice).values
    known = {name: value for name, value in values.items() if name in model.parameters}
    return choose_likelihood(model, Choice(values=known))


def fit_toys(
    model: Model,
    numbers: Iterable[int],
    choice: Choice,
    progress: Callable[[int], None] = lambda _: None,
    of: Model | None = None,
) -> dict[str, dict[str, list[float]]]:
    """Return the values and intervals of the parameters of interest in toys.

    Args:
        of: the model whose data the toys have, for studies of the bias that the choice of a model is; by default the
            fitted one. Auxiliary measurements are those of the fitted one.

    Returns:
        Parameter of interest → ``"value"``, ``"low"``, ``"high"``, ends of its interval, and ``"number"`` of the toy.
        Toys without a minimum are left out, and so are frozen parameters.
    """
    likelihood = choose_likelihood(model, choice)
    pois = [poi for poi in model.pois if likelihood.parameters.floating[likelihood.parameters.index(poi)]]
    events = None
    if of is not None:
        expected = thrower(of, likelihood, choice)
        bins = dict(zip((region.name for region in of.regions), expected.arrays.slices(), strict=True))
        events = np.concatenate([expected.observations.data[bins[region.name]] for region in model.regions])
    found: dict[str, dict[str, list[float]]] = {
        poi: {key: [] for key in ("number", "value", "low", "high")} for poi in pois
    }
    for number in numbers:
        thrown = likelihood.observing(toy(likelihood, choice.seed, number, events=events))
        try:
            _, intervals = at_lowest_minimum(fit(thrown), lambda best: {poi: find_interval(best, poi) for poi in pois})
        except StatisticsError:
            continue
        finally:
            progress(1)
        for poi, interval in intervals.items():
            found[poi]["number"].append(float(number))
            for key in ("value", "low", "high"):
                found[poi][key].append(float(getattr(interval, key)))
    return found


def _scans(best: Fit, intervals: Mapping[str, Interval], missing: list[NoResult]) -> list[Scan]:
    """Return the profiles of parameters of interest, and of pairs unless these are many."""
    pairs = itertools.combinations(intervals, 2) if len(intervals) <= PAIRED else ()
    names = {" and ".join(pois): pois for pois in (*((poi,) for poi in intervals), *pairs)}

    def find(label: str) -> Scan:
        pois = names[label]
        count = POINTS if len(pois) == 1 else GRID
        return scan(best, {poi: _points(best, intervals[poi], count) for poi in pois})

    return list(_each("scan", names, find, missing).values())


def _points(best: Fit, interval: Interval, count: int) -> list[float]:
    """Return the values of a scan, some errors to both sides and within the range."""
    parameters = best.likelihood.parameters
    index = parameters.index(interval.name)
    down, up = (max(error, 1e-9) for error in interval.errors)
    low = max(interval.value - REACH * down, float(parameters.low[index]))
    high = min(interval.value + REACH * up, float(parameters.high[index]))
    return [float(value) for value in np.linspace(low, high, count)]
