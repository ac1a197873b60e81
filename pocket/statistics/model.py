"""The binned model: templates of processes in regions, with the parameters that change them.

A model has three kinds of parameters: parameters of interest, free normalisations (combine's ``rateParam``) and
nuisances, each constrained by a Gaussian of mean 0 and width 1. One name is one parameter, wherever it appears.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import ConfigError, StatisticsError, check_known
from pocket.statistics.binning import describe_bins
from pocket.statistics.formulas import Formula

T = TypeVar("T")

#: changes of yields by a template's variation below this size are dropped, as combine's ``text2workspace`` does
SMALLEST_NORM = 1e-3
#: a single factor below it is taken for a relative uncertainty, whose factor is 1 more
LEAST_FACTOR = 0.4


@dataclass(frozen=True)
class FreeParameter:
    """A parameter without constraint.

    Args:
        low, high: its range.
        initial: value at which fits start and expectations before the fit are made.

    Raises:
        StatisticsError: if the range is empty or doesn't hold the initial value.

    >>> FreeParameter(0, 20)
    FreeParameter(low=0, high=20, initial=1.0)
    """

    low: float = -math.inf
    high: float = math.inf
    initial: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise StatisticsError(f"the range from {self.low:g} to {self.high:g} of a parameter is empty")
        if not self.low <= self.initial <= self.high:
            raise StatisticsError(f"the initial value {self.initial:g} is outside of {self.low:g} to {self.high:g}")


@dataclass(frozen=True)
class McStat:
    """Statistical errors of simulation in the bins of a region, as combine's ``autoMCStats`` means them.

    Args:
        threshold: bins with more effective events, (Σn)²/Σe² rounded, get one Gaussian parameter for the sum of all
            processes; in the others each process gets its own, of a Poisson distribution if it has no more than this
            number of effective events itself, and one at least.
        include_signal: whether signals count in that sum.

    Raises:
        StatisticsError: if the threshold is negative.

    >>> McStat(threshold=10).include_signal
    False
    """

    threshold: float = 10.0
    include_signal: bool = False

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise StatisticsError(f"the threshold of McStat is {self.threshold:g}, but must not be negative")


@dataclass(frozen=True, eq=False)
class RegionModel:
    """Templates of one region and what changes them.

    Arrays of double precision are not copied, since large models have many.

    Args:
        name: name of the region.
        processes: names of the processes, those with events in this region.
        nominal: expected events with all parameters at 0, or 1 for factors, shape (processes, bins).
        sumw2: squares of the statistical errors of ``nominal``, shape (processes, bins).
        data: observed events, shape (bins,), or None if the region is blind.
        edges: edges of the bins, shape (bins + 1,), or None for a counting region of one bin.
        shapes: nuisance, or free parameter → process → templates at +1 and at −1, each of shape (bins,).
        log_normals: nuisance, or free parameter → process → factors (at −1, at +1) of its yield.
        factors: process → names of what multiplies its yield: parameters of interest, free parameters and formulas.
        mc_stat: statistical errors of simulation, or None to leave them out.
        weighted: whether data may be no integers, as combine takes them from cards.
        logarithmic: processes whose templates are interpolated in logarithms of their shares, combine's ``shapeN``.

    Raises:
        StatisticsError: if shapes disagree or numbers make no sense, naming region, process, nuisance and bin.

    >>> region = RegionModel("sr", ("signal", "other"), np.array([[1.0, 5.0], [20.0, 10.0]]), np.full((2, 2), 0.5),
    ...     data=np.array([22.0, 13.0]), edges=np.array([0.0, 50.0, 100.0]),
    ...     log_normals={"lumi": {"signal": (0.98, 1.02)}}, factors={"signal": ("r",)})
    >>> region.bins
    2
    """

    name: str
    processes: tuple[str, ...]
    nominal: Floats
    sumw2: Floats
    data: Floats | None = None
    edges: Floats | None = None
    shapes: Mapping[str, Mapping[str, tuple[Floats, Floats]]] = field(default_factory=dict)
    log_normals: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mc_stat: McStat | None = None
    weighted: bool = False
    logarithmic: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("nominal", "sumw2", "data", "edges"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else np.asarray(value, dtype=float))
        object.__setattr__(self, "processes", tuple(self.processes))
        object.__setattr__(self, "factors", {process: tuple(names) for process, names in self.factors.items()})
        shapes = {
            nuisance: {
                process: (np.asarray(up, float), np.asarray(down, float)) for process, (up, down) in effects.items()
            }
            for nuisance, effects in self.shapes.items()
        }
        object.__setattr__(self, "shapes", shapes)
        _check_sizes(self)
        _check_numbers(self)
        _check_effects(self)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.nominal.shape[1])

    def describe_bins(self, numbers: Sequence[int]) -> str:
        """Return the numbers of some bins, which count from 0, with the range of each."""
        return describe_bins(numbers, self.edges)

    def row(self, process: str) -> int:
        """Return the row of a process in ``nominal``.

        Raises:
            UnknownNameError: if the region doesn't have the process.
        """
        check_known("process", [process], self.processes, f"region {self.name!r}")
        return self.processes.index(process)


@dataclass(frozen=True, eq=False)
class ModelPart:
    """What :func:`combine_models` makes a model of: a model, or regions without a parameter of interest, unchecked.

    The arguments are those of :class:`Model`.
    """

    regions: tuple[RegionModel, ...]
    pois: Mapping[str, FreeParameter]
    nuisances: tuple[str, ...] = ()
    free: Mapping[str, FreeParameter] = field(default_factory=dict)
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    smallest_norm: float = SMALLEST_NORM


@dataclass(frozen=True, eq=False)
class Model(ModelPart):
    """Regions that are fitted together.

    Args:
        regions: templates by region.
        pois: parameters of interest.
        nuisances: names of the Gaussian-constrained parameters.
        free: free normalisations.
        formulas: name → function of parameters, which ``factors`` of regions may name.
        groups: name → nuisances and free parameters whose share of the error is shown together.
        smallest_norm: changes of a yield by a varied template that are smaller than this, up and down, are dropped;
            0 keeps all.

    Raises:
        StatisticsError: if names are unknown or not unique, or a parameter changes nothing.

    >>> region = RegionModel("sr", ("signal",), np.array([[5.0]]), np.array([[0.1]]), factors={"signal": ("r",)})
    >>> Model((region,), pois={"r": FreeParameter(0, 10)}).parameters
    ('r',)
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
        object.__setattr__(self, "nuisances", tuple(self.nuisances))
        object.__setattr__(self, "groups", {name: tuple(members) for name, members in self.groups.items()})
        _check_model(self)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters: those of interest, free ones, nuisances."""
        return (*self.pois, *self.free, *self.nuisances)

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of the processes of all regions, in order of appearance."""
        return tuple(dict.fromkeys(process for region in self.regions for process in region.processes))

    @property
    def all_signals(self) -> tuple[str, ...]:
        """Names of the processes of all regions whose yields depend on a parameter of interest somewhere."""
        return tuple(dict.fromkeys(process for region in self.regions for process in self.signals(region)))

    @property
    def blind(self) -> tuple[str, ...]:
        """Names of the regions without data."""
        return tuple(region.name for region in self.regions if region.data is None)

    def region(self, name: str) -> RegionModel:
        """Return a region.

        Raises:
            UnknownNameError: if the model doesn't have it.
        """
        names = [region.name for region in self.regions]
        check_known("region", [name], names, "the model")
        return self.regions[names.index(name)]

    def arguments(self, factor: str) -> tuple[str, ...]:
        """Return the parameters that a factor is made of."""
        return self.formulas[factor].arguments if factor in self.formulas else (factor,)

    def signals(self, region: RegionModel) -> tuple[str, ...]:
        """Return the processes of a region whose yields depend on a parameter of interest."""
        return tuple(
            process
            for process in region.processes
            if any(name in self.pois for factor in region.factors.get(process, ()) for name in self.arguments(factor))
        )

    def used_in(self, regions: Iterable[RegionModel]) -> set[str]:
        """Return the names of parameters and formulas that change something in some regions."""
        found = {name for region in regions for name in (*region.shapes, *region.log_normals)}
        factors = {name for region in regions for names in region.factors.values() for name in names}
        return found | factors | {argument for name in factors for argument in self.arguments(name)}

    def shown_data(self, region: RegionModel) -> Floats:
        """Return the data of a region, or the expectation before the fit if it is blind, shape (bins,)."""
        if region.data is not None:
            return region.data
        values = {name: parameter.initial for name, parameter in {**self.pois, **self.free}.items()}

        def factor(name: str) -> float:
            formula = self.formulas.get(name)
            if formula is None:
                return values[name]
            return formula.evaluate([values.get(argument, 0.0) for argument in formula.arguments])[0]

        scales = [math.prod(map(factor, region.factors.get(process, ()))) for process in region.processes]
        return np.asarray(np.array(scales) @ region.nominal)

    def without_data(self, regions: Iterable[str]) -> Model:
        """Return the model with some regions blinded.

        Args:
            regions: names of the regions.

        Raises:
            UnknownNameError: if the model doesn't have one of them.
        """
        names = [self.region(name).name for name in regions]
        blinded = tuple(dataclasses.replace(r, data=None) if r.name in names else r for r in self.regions)
        return dataclasses.replace(self, regions=blinded)


def combine_models(*parts: ModelPart) -> Model:
    """Return one model of the regions of several, in which parameters of one name are one parameter.

    Args:
        *parts: models whose regions have different names.

    Raises:
        StatisticsError: if two have a region of one name, or a parameter, formula or kind of parameter differs.

    >>> def counting(name):
    ...     region = RegionModel(name, ("s",), np.array([[5.0]]), np.array([[0.1]]), factors={"s": ("r",)})
    ...     return Model((region,), pois={"r": FreeParameter(0, 10)})
    >>> combined = combine_models(counting("year1"), counting("year2"))
    >>> [region.name for region in combined.regions], combined.parameters
    (['year1', 'year2'], ('r',))
    """
    if len({part.smallest_norm for part in parts}) > 1:
        raise StatisticsError("models can't be combined: their smallest_norm differs")
    groups: dict[str, dict[str, None]] = {}
    for part in parts:
        for name, members in part.groups.items():
            groups.setdefault(name, {}).update(dict.fromkeys(members))
    return Model(
        regions=tuple(region for part in parts for region in part.regions),
        pois=_union("parameter of interest", [part.pois for part in parts]),
        nuisances=tuple(dict.fromkeys(name for part in parts for name in part.nuisances)),
        free=_union("free parameter", [part.free for part in parts]),
        formulas=_union("formula", [part.formulas for part in parts]),
        groups={name: tuple(members) for name, members in groups.items()},
        smallest_norm=parts[0].smallest_norm,
    )


def check_factors(factors: Sequence[Any], where: str) -> None:
    """Check the factor of yields at +1, or those at −1 and at +1, as they are declared.

    >>> check_factors([0.02], "LogNormal('lumi')")
    Traceback (most recent call last):
    ...
    pocket.errors.ConfigError: LogNormal('lumi'): a factor of 0.02 divides yields by 50; an uncertainty of 2 % is 1.02
    """
    shown: Any = factors[0] if len(factors) == 1 else tuple(factors)
    if len(factors) not in (1, 2) or not all(is_number(factor) and factor > 0 for factor in factors):
        raise ConfigError(f"{where}: the factor {shown!r} must be a positive number, such as 1.02, or two (down, up)")
    if len(factors) == 1 and shown < LEAST_FACTOR:
        relative = f"an uncertainty of {100 * shown:.3g} % is {1 + shown:g}"
        raise ConfigError(f"{where}: a factor of {shown:g} divides yields by {1 / shown:.3g}; {relative}")


def is_number(value: object) -> bool:
    """Tell whether a value of a declaration is a finite number."""
    return not isinstance(value, bool) and isinstance(value, int | float | Real) and math.isfinite(float(value))


def _union(kind: str, parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for part in parts:
        for name, value in part.items():
            if found.setdefault(name, value) != value:
                raise StatisticsError(
                    f"models can't be combined: the {kind} {name!r} is {found[name]} in one and {value} in another"
                )
    return found


def _check_sizes(region: RegionModel) -> None:
    where = f"region {region.name!r}"
    if region.nominal.ndim != 2 or len(region.nominal) != len(region.processes) or not region.nominal.size:
        raise StatisticsError(
            f"nominal of {where} has shape {region.nominal.shape}, but there are {len(region.processes)} processes"
        )
    if len(set(region.processes)) != len(region.processes):
        raise StatisticsError(f"a process appears twice in {where}: {', '.join(region.processes)}")
    bins = region.bins
    if region.sumw2.shape != region.nominal.shape:
        raise StatisticsError(f"sumw2 of {where} has shape {region.sumw2.shape}, not {region.nominal.shape} as nominal")
    if region.data is not None and region.data.shape != (bins,):
        raise StatisticsError(f"data of {where} has shape {region.data.shape}, but there are {bins} bins")
    if region.edges is None:
        if bins != 1:
            raise StatisticsError(f"{where} is a counting region without edges, but has {bins} bins")
    elif region.edges.shape != (bins + 1,) or not np.all(np.diff(region.edges) > 0):
        raise StatisticsError(f"the edges of {where} must be {bins + 1} numbers that increase, for {bins} bins")


def _check_numbers(region: RegionModel) -> None:
    for row, process in enumerate(region.processes):
        where = f"process {process!r} in region {region.name!r}"
        _check_contents(region, region.nominal[row], f"the nominal template of {where}")
        _check_contents(region, region.sumw2[row], f"sumw2 of {where}")
        if not region.nominal[row].sum() > 0:
            raise StatisticsError(f"{where} is empty, so it must be left out")
    if region.data is not None:
        _check_contents(region, region.data, f"the data of region {region.name!r}")
        broken = np.flatnonzero(region.data != np.round(region.data))
        if broken.size and not region.weighted:
            raise StatisticsError(
                f"the data of region {region.name!r} aren't whole: {region.data[broken[0]]} events in "
                f"{region.describe_bins([int(broken[0])])}"
            )


def _check_contents(region: RegionModel, values: Floats, what: str) -> None:
    """Check that numbers of events are neither negative nor missing."""
    for wrong, text in ((~np.isfinite(values), "isn't a number"), (values < 0, "is negative")):
        if wrong.any():
            number = int(np.argmax(wrong))
            raise StatisticsError(f"{what} {text} in {region.describe_bins([number])}: {values[number]}")


def _check_effects(region: RegionModel) -> None:
    where = f"region {region.name!r}"
    check_known("process", region.factors, region.processes, f"the factors of {where}")
    check_known("process", region.logarithmic, region.processes, f"logarithmic of {where}")
    for nuisance, effects in region.shapes.items():
        check_known("process", effects, region.processes, f"the shapes of nuisance {nuisance!r} in {where}")
    templates = list(_flat(region.shapes))
    every = [values for *_, pair in templates for values in pair]
    # Fast path for many good templates.
    if all(values.shape == (region.bins,) for values in every):
        stacked = np.concatenate([np.ones(region.bins), *every]).reshape(-1, region.bins)
        if np.isfinite(stacked).all() and (stacked >= 0).all() and (stacked.sum(axis=1) > 0).all():
            templates = []
    for nuisance, process, pair in templates:
        for direction, values in zip(("up", "down"), pair, strict=True):
            what = f"the template {direction} of nuisance {nuisance!r} of process {process!r} in {where}"
            if values.shape != (region.bins,):
                raise StatisticsError(f"{what} has shape {values.shape}, but there are {region.bins} bins")
            _check_contents(region, values, what)
            if not values.sum() > 0:
                raise StatisticsError(f"{what} is empty")
    for nuisance, process, kappas in _flat(region.log_normals):
        check_known("process", [process], region.processes, f"the log-normals of nuisance {nuisance!r} in {where}")
        if not all(math.isfinite(kappa) and kappa > 0 for kappa in kappas):
            raise StatisticsError(
                f"the factors {kappas} of nuisance {nuisance!r} of process {process!r} in {where} must be positive"
            )


def nested(effects: Iterable[tuple[str, str, T]]) -> dict[str, dict[str, T]]:
    """Return nuisance → process → effect of these three."""
    found: dict[str, dict[str, T]] = {}
    for nuisance, process, effect in effects:
        found.setdefault(nuisance, {})[process] = effect
    return found


def _flat(effects: Mapping[str, Mapping[str, T]]) -> Iterator[tuple[str, str, T]]:
    for nuisance, by_process in effects.items():
        for process, effect in by_process.items():
            yield nuisance, process, effect


def _check_model(model: Model) -> None:
    if not model.regions:
        raise StatisticsError("the model has no region")
    if not model.pois:
        raise StatisticsError("the model has no parameter of interest")
    for kind, names in {
        "region": [region.name for region in model.regions],
        "parameter or formula": [*model.parameters, *model.formulas],
    }.items():
        twice = [name for number, name in enumerate(names) if name in names[:number]]
        if twice:
            raise StatisticsError(f"two {kind.replace(' or ', 's or ')}s of the model are named {twice[0]!r}")
    for name, formula in model.formulas.items():
        check_known("parameter", formula.arguments, model.parameters, f"the formula {name!r}")
    known, changing = (*model.pois, *model.free, *model.formulas), (*model.nuisances, *model.free)
    for region in model.regions:
        for process, factors in region.factors.items():
            check_known("factor", factors, known, f"process {process!r} of region {region.name!r}")
        check_known("nuisance", (*region.shapes, *region.log_normals), changing, f"region {region.name!r}")
    used = model.used_in(model.regions)
    for name in model.parameters:
        if name not in used:
            raise StatisticsError(f"the parameter {name!r} changes no process of any region")
    for group, members in model.groups.items():
        check_known("parameter", members, (*model.free, *model.nuisances), f"group {group!r}")
