"""Declarations of statistical models: regions, processes, and the uncertainties of their templates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError, StatisticsError, UnknownNameError, check_known
from pocket.statistics.declared_grids import Grid
from pocket.statistics.declared_places import remember_place
from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, McStat, check_factors, is_number
from pocket.statistics.names import as_patterns, check_parameter_name, fits, fits_any, in_year, matched_part, plain_name

#: modes of events outside of the bins: added to the outermost bins, or left out
FLOWS = ("fold", "drop")
SYMMETRISE = ("average", "mirror", "envelope")
SMOOTH = ("353QH", "lowess")
ONLY = ("shape", "rate")
#: the value of ``bins`` of a region that is one number of events
COUNTING = "counting"

T = TypeVar("T")

#: a factor at +1, or factors (at −1, at +1)
Factor = float | tuple[float, float]
#: correlation of years: one parameter (``True``), one for each year (``"apart"``), or the correlation of two years
Years = bool | str | float


@dataclass(frozen=True)
class Region(metaclass=Declarative):
    """Events that are fitted: a histogram of a configuration in one category.

    Args:
        config: the configuration.
        category: the category.
        variable: the histogram, of one axis unless the region is only counted.
        edges: edges of the bins, which must be edges of the histogram; default: all of them.
        bins: ``"counting"`` for one bin with all events.
        flow: ``"fold"`` adds events outside of the edges to the outermost bins, ``"drop"`` leaves them out.
        years: years whose datasets are read; default: all.

    Raises:
        ConfigError: if the edges don't rise, or options contradict each other.

    >>> Region("large", "4j_2b", "MET_pt", edges=(0, 30, 60, 100, 200)).edges
    (0.0, 30.0, 60.0, 100.0, 200.0)
    """

    config: str
    category: str
    variable: str
    edges: Sequence[float] | None = None
    bins: str | None = None
    flow: str = "fold"
    years: Sequence[str] = ()

    def __post_init__(self) -> None:
        remember_place(self)
        where = f"region of category {self.category!r}"
        check_known("flow", [self.flow], FLOWS, where)
        object.__setattr__(self, "years", _strings(self.years))
        if self.bins is not None:
            check_known("bins", [self.bins], [COUNTING], where)
            if self.edges is not None:
                raise ConfigError(f"{where} has bins={COUNTING!r}, so it can't have edges")
        if self.edges is not None:
            edges = [float(edge) if is_number(edge) else math.nan for edge in self.edges]
            if len(edges) < 2 or not all(low < high for low, high in itertools.pairwise(edges)):
                raise ConfigError(f"{where}: edges must be at least two numbers that rise, not {list(self.edges)}")
            object.__setattr__(self, "edges", tuple(edges))

    @property
    def is_counting(self) -> bool:
        """Whether all events are in one bin."""
        return self.bins == COUNTING


@dataclass(frozen=True, init=False)
class Process(metaclass=Declarative):
    """Samples that are one contribution to all regions.

    Args:
        *samples: samples, or subsamples ``{sample}__{subsample}``.
        signal: whether its yield is multiplied with the parameter of interest; the name of one if there are several.

    Raises:
        ConfigError: if there is no sample, or one is named twice.

    >>> Process("TTToSemiLeptonic__ttB", signal=True).samples
    ('TTToSemiLeptonic__ttB',)
    """

    samples: tuple[str, ...]
    signal: bool | str = False

    def __init__(self, *samples: str, signal: bool | str = False) -> None:
        if not samples or not all(isinstance(name, str) and name for name in samples):
            raise ConfigError(f"a process needs names of samples, not {list(samples)}")
        if len(set(samples)) < len(samples):
            raise ConfigError(f"a process has a sample twice: {', '.join(samples)}")
        if not isinstance(signal, bool | str) or signal == "":
            raise ConfigError(f"signal must be True, False or the name of a parameter of interest, not {signal!r}")
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "signal", signal)
        remember_place(self)


@dataclass(frozen=True)
class Stored(metaclass=Declarative):
    """Stored variations that become nuisances: of weights, of calibrators and of dedicated samples alike.

    Where several declarations fit a variation of a process in a region, the last one counts.

    Args:
        pattern: names of variations without ``Up`` and ``Down``, with ``*`` and ``?``.
        years: ``True`` for one parameter, ``"apart"`` for one in each year, or the correlation ρ between two years,
            which takes one common parameter, of effect √ρ, and one in each year, of effect √(1 − ρ).
        rename: name of the parameter, in which ``{name}`` stands for that of the variation and ``{year}``, for years
            apart, for the year; or a mapping from patterns to such names, as :data:`CMS_NAMES`. The default is the
            variation's, followed by ``_{year}`` for years apart.
        symmetrise: ``"average"`` takes half of the difference of both sides in both directions, ``"mirror"`` mirrors
            the side up, or that down where up is no change, ``"envelope"`` takes the larger change of both in each bin.
        smooth: ``"353QH"`` or ``"lowess"``: method by which the ratio to nominal is smoothed, at the same yield.
        only: ``"shape"`` keeps yields as they are, ``"rate"`` keeps shapes.
        processes, regions: patterns of what it is for; default: all.

    Raises:
        ConfigError: if an option has another value.

    >>> Stored("pileup", rename="CMS_pileup").parameter("pileup", "")
    'CMS_pileup'
    >>> Stored("sf_btag_hfstats*", years="apart").parameter("sf_btag_hfstats1", "2018")
    'sf_btag_hfstats1_2018'
    """

    pattern: str
    years: Years = True
    rename: str | Mapping[str, str] = ""
    symmetrise: str | None = None
    smooth: str | None = None
    only: str | None = None
    processes: str | Sequence[str] = ()
    regions: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        where = f"Stored({self.pattern!r})"
        _check_pattern(self.pattern, "Stored")
        _check_years(self.years, where)
        for option, known in {"symmetrise": SYMMETRISE, "smooth": SMOOTH, "only": ONLY}.items():
            value = getattr(self, option)
            if value is not None:
                check_known(option, [value], known, where)
        _set_places(self)
        names = [self.rename] if isinstance(self.rename, str) else list(self.rename.values())
        for name in names:
            if not isinstance(name, str):
                raise ConfigError(f"{where}: rename has {name!r}, expected a name")
            if name:
                check_parameter_name(name.replace("{name}", "n").replace("{year}", "y").replace("*", "n"), where)
            if "{year}" in name and self.years != "apart":
                raise ConfigError(f"{where}: the name {name!r} has a year, which needs years='apart'")

    def takes(self, variation: str, process: str, region: str) -> bool:
        """Tell whether this is for a variation of a process in a region."""
        return fits(self.pattern, variation) and _is_for(self, process, region)

    def parameter(self, variation: str, year: str) -> str:
        """Return the name of a variation's parameter.

        Args:
            variation: the variation, without ``Up`` and ``Down``.
            year: the year that the parameter is for, empty if it is for all.
        """
        rename = self.rename
        if not isinstance(rename, str):
            found = [(pattern, name) for pattern, name in rename.items() if fits(pattern, variation)]
            pattern, rename = found[-1] if found else ("", "")
            rename = rename.replace("*", matched_part(pattern, variation))
        return plain_name(in_year((rename or "{name}").replace("{name}", variation), year))


@dataclass(frozen=True)
class Drop(metaclass=Declarative):
    """Stored variations that are no uncertainty of the model.

    Args:
        pattern: names of variations without ``Up`` and ``Down``, with ``*`` and ``?``.
        processes, regions: patterns of what it is for; default: all.

    >>> Drop("sf_ele_*").takes("sf_ele_id", "ttB", "sr")
    True
    """

    pattern: str
    processes: str | Sequence[str] = ()
    regions: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_pattern(self.pattern, "Drop")
        _set_places(self)

    def takes(self, variation: str, process: str, region: str) -> bool:
        """Tell whether this is for a variation of a process in a region."""
        return fits(self.pattern, variation) and _is_for(self, process, region)


@dataclass(frozen=True)
class LogNormal(metaclass=Declarative):
    """A nuisance that multiplies yields.

    Args:
        name: name of the parameter.
        value: the factor at +1, of which that at −1 is the inverse, or factors (at −1, at +1); or a mapping to these
            from years, or from patterns of processes or of regions, which may be nested. Where several patterns fit,
            the last one counts; what none fits isn't changed.
        years: as of :class:`Stored`.
        processes, regions: patterns of what it is for; default: all.

    Raises:
        ConfigError: if a factor isn't positive, a single one is so small that it is a relative uncertainty, or the
            name can't be one.

    >>> lumi = LogNormal("lumi_13TeV", {"2017": 1.020, "2018": (0.99, 1.015)})
    >>> lumi.factors("ttB", "sr", "2018")
    (0.99, 1.015)
    """

    name: str
    value: Factor | Mapping[str, Any]
    years: Years = True
    processes: str | Sequence[str] = ()
    regions: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        where = f"LogNormal({self.name!r})"
        check_parameter_name(self.name.replace("{year}", "y") if isinstance(self.name, str) else self.name, "nuisances")
        if "{year}" in self.name and self.years != "apart":
            raise ConfigError(f"{where}: the name has a year, which needs years='apart'")
        _check_years(self.years, where)
        for value in _leaves(self.value):
            check_factors(value if isinstance(value, tuple | list) else (value,), where)
        _set_places(self)

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of mappings in the value."""
        return tuple(_keys(self.value))

    def parameter(self, year: str) -> str:
        """Return the name of the parameter for a year, or for all years if that is empty."""
        return plain_name(in_year(self.name, year))

    def factors(self, process: str, region: str, year: str) -> tuple[float, float] | None:
        """Return the factors (at −1, at +1) of a process in a region and year, ``None`` if it isn't changed."""
        value: Any = self.value if _is_for(self, process, region) else None
        while isinstance(value, Mapping):
            place = (process, region, year)
            found = [of_key for key, of_key in value.items() if any(fits(str(key), name) for name in place)]
            value = found[-1] if found else None
        if value is None:
            return None
        if isinstance(value, tuple | list):
            return (float(value[0]), float(value[1])) if len(value) == 2 else (1 / float(value[0]), float(value[0]))
        return 1 / float(value), float(value)


@dataclass(frozen=True)
class Free(metaclass=Declarative):
    """A normalisation without constraint, combine's ``rateParam``.

    Args:
        name: name of the parameter or of the formula; several declarations of one name are one parameter.
        processes: patterns of the processes whose yields it multiplies.
        range: its bounds.
        initial: value at which fits start.
        regions: patterns of regions; default: all.
        formula: function of other parameters, such as ``"@0*@1/@2"``, which takes the place of a parameter.
        arguments: names of the parameters ``@0``, ``@1``, … of the formula: free ones or those of interest.

    Raises:
        ConfigError: if the range or the formula can't be used.

    >>> Free("norm_other", "other", range=(0, 5)).range
    (0.0, 5.0)
    """

    name: str
    processes: str | Sequence[str]
    range: tuple[float, float] = (0.0, 10.0)
    initial: float = 1.0
    regions: str | Sequence[str] = ()
    formula: str | None = None
    arguments: Sequence[str] = ()

    def __post_init__(self) -> None:
        where = f"Free({self.name!r})"
        check_parameter_name(self.name, "nuisances")
        object.__setattr__(self, "arguments", _strings(self.arguments))
        _set_places(self)
        if not self.processes:
            raise ConfigError(f"{where} multiplies no process")
        object.__setattr__(self, "range", _read_range(self.range, where))
        try:
            if self.formula is None:
                _ = self.parameter
            else:
                Formula(self.formula, tuple(self.arguments))
        except StatisticsError as error:
            raise ConfigError(f"{where}: {error}") from None
        if self.formula is None and self.arguments:
            raise ConfigError(f"{where} has arguments, which only a formula takes")

    @property
    def parameter(self) -> FreeParameter:
        """The parameter, if this isn't a formula."""
        return FreeParameter(*self.range, initial=float(self.initial))

    def multiplies(self, process: str, region: str) -> bool:
        """Tell whether it multiplies the yield of a process in a region."""
        return _is_for(self, process, region)


@dataclass(frozen=True)
class Prune(metaclass=Declarative):
    """Effects that are left out because they are small.

    Args:
        rate: changes of a process's yield below this share are left out, if those up and down are.
        shape: changes of the shape are left out if none of a bin is larger than this share, at the same yield.

    Raises:
        ConfigError: if one is negative.

    >>> Prune(rate=1e-3, shape=1e-3).rate
    0.001
    """

    rate: float = 0.0
    shape: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate", "shape"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < 1:
                raise ConfigError(f"Prune: {name} is {value!r}, expected a share from 0 to 1")


Nuisance = Stored | Drop | LogNormal | Free


@dataclass(frozen=True)
class StatisticalModel(metaclass=Declarative):
    """Templates of configurations as one binned model, with its uncertainties.

    Args:
        regions: name → region; they must have no events in common.
        processes: name → process.
        data: samples of data; without any, all regions are blind.
        nuisances: the uncertainties. Each stored variation of each process must be taken or dropped.
        groups: name → patterns of parameters whose share of the error is shown together.
        mc_stat: statistical errors of simulation, ``None`` to leave them out.
        pois: parameters of interest → range, or :class:`~pocket.statistics.model.FreeParameter`.
        prune: what is left out because it is small.
        blind: patterns of regions whose data are hidden.
        grid: values of a parameter of the signal; the model of each is fitted.

    Raises:
        ConfigError: if a name can't be used, a sample is in two processes, or there is no signal.
        UnknownNameError: if a pattern or a name fits nothing.

    >>> model = StatisticalModel(
    ...     regions={"sr": Region("large", "4j_2b", "MET_pt", edges=(0, 50, 100))},
    ...     processes={"ttB": Process("TTToSemiLeptonic__ttB", signal=True), "other": Process("WJetsToLNu")},
    ...     data=("DATA_SingleMuon",),
    ...     nuisances=[Stored("*"), LogNormal("lumi", 1.015), Free("norm_other", "other", range=(0, 5))],
    ... )
    >>> model.pois["r"]
    FreeParameter(low=0.0, high=20.0, initial=1.0)
    """

    regions: Mapping[str, Region]
    processes: Mapping[str, Process]
    data: Sequence[str] = ()
    nuisances: Sequence[Nuisance] = ()
    groups: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    mc_stat: McStat | None = None
    pois: Mapping[str, Any] = field(default_factory=lambda: {"r": (0, 20)})
    prune: Prune | None = None
    blind: str | Sequence[str] = ()
    grid: Grid | None = None

    def __post_init__(self) -> None:
        remember_place(self)
        object.__setattr__(self, "data", _strings(self.data))
        object.__setattr__(self, "nuisances", tuple(self.nuisances))
        object.__setattr__(self, "blind", as_patterns(self.blind))
        groups = {name: as_patterns(members) for name, members in self.groups.items()}
        object.__setattr__(self, "groups", groups)
        self._check_places()
        self._check_signals()
        self._check_nuisances()
        _check_fit("region", self.blind, self.regions, "blind")
        for name, cls in {"mc_stat": McStat, "prune": Prune, "grid": Grid}.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, cls):
                raise ConfigError(f"{name} must be {cls.__name__}(…) or None, not {value!r}")
        if self.grid is not None:
            object.__setattr__(self, "grid", self.grid.of(self))

    @property
    def configs(self) -> tuple[str, ...]:
        """Names of the configurations whose templates it needs."""
        return tuple(dict.fromkeys(region.config for region in self.regions.values()))

    @property
    def samples(self) -> tuple[str, ...]:
        """Simulated samples of all processes."""
        return tuple(name for process in self.processes.values() for name in process.samples)

    def is_blind(self, region: str) -> bool:
        """Tell whether the data of a region are hidden."""
        return fits_any(self.blind, region)

    def poi_of(self, process: str) -> str | None:
        """Return the parameter of interest that multiplies a process, ``None`` if it isn't a signal."""
        signal = self.processes[process].signal
        return next(iter(self.pois)) if signal is True else (signal or None)

    def of_kind(self, kind: type[T]) -> tuple[T, ...]:
        """Return the nuisances of one class, in order."""
        return tuple(one for one in self.nuisances if isinstance(one, kind))

    def declared_for(self, variation: str, process: str, region: str) -> Stored | Drop | None:
        """Return the declaration that counts for a stored variation, ``None`` if there is none."""
        fitting = [
            one for one in self.nuisances if isinstance(one, Stored | Drop) and one.takes(variation, process, region)
        ]
        return fitting[-1] if fitting else None

    def _check_places(self) -> None:
        for kind, declared, cls in (("region", self.regions, Region), ("process", self.processes, Process)):
            if not declared:
                raise ConfigError(f"a model needs at least one {kind}")
            for name, one in declared.items():
                check_parameter_name(name, f"the {kind}s" if kind == "region" else "the processes", kind)
                if not isinstance(one, cls):
                    raise ConfigError(f"{kind} {name!r} must be a {cls.__name__}(…), not {one!r}")
        owners: dict[str, str] = {}
        for name, process in self.processes.items():
            for sample in process.samples:
                if owners.setdefault(sample, name) != name:
                    raise ConfigError(f"sample {sample!r} is in the processes {owners[sample]!r} and {name!r}")
            both = [sample for sample in process.samples if sample in self.data]
            if both:
                raise ConfigError(f"sample {both[0]!r} is in process {name!r} and in data")
        for (other_name, other), (name, region) in itertools.combinations(self.regions.items(), 2):
            if share_events(region, other):
                raise ConfigError(
                    f"regions {other_name!r} and {name!r} have the same events, of category {region.category!r} of "
                    f"configuration {region.config!r}"
                )

    def _check_signals(self) -> None:
        if not self.pois:
            raise ConfigError("a model needs at least one parameter of interest")
        pois = {}
        for name, declared in self.pois.items():
            check_parameter_name(name, "pois")
            pois[name] = declared if isinstance(declared, FreeParameter) else _poi(name, declared)
        object.__setattr__(self, "pois", pois)
        used = {name for one in self.of_kind(Free) for name in one.arguments}
        for name, process in self.processes.items():
            if process.signal is True and len(pois) > 1:
                known = ", ".join(pois)
                raise ConfigError(f"process {name!r} has signal=True, but there are the parameters {known}: name one")
            poi = self.poi_of(name)
            if poi is not None:
                check_known("parameter of interest", [poi], pois, f"signal of process {name!r}")
                used.add(poi)
        for name in pois:
            if name not in used:
                raise ConfigError(f"the parameter of interest {name!r} multiplies no process: set signal= of one")

    def _check_nuisances(self) -> None:
        free: dict[str, Free] = {}
        for one in self.nuisances:
            if not isinstance(one, Stored | Drop | LogNormal | Free):
                raise ConfigError(f"nuisances has {one!r}, expected Stored, Drop, LogNormal or Free")
            where = f"{type(one).__name__}({getattr(one, 'name', None) or getattr(one, 'pattern', '')!r})"
            _check_fit("process", one.processes, self.processes, f"processes of {where}")
            _check_fit("region", one.regions, self.regions, f"regions of {where}")
            if isinstance(one, Free):
                before = free.setdefault(one.name, one)
                if (before.range, before.initial, before.formula, before.arguments) != (
                    one.range, one.initial, one.formula, one.arguments,
                ):  # fmt: skip
                    raise ConfigError(f"{where} is declared twice, with another range, initial value or formula")
                if one.name in self.pois:
                    raise ConfigError(f"{where} has the name of a parameter of interest")
        parameters = [*self.pois, *(name for name, one in free.items() if one.formula is None)]
        for one in free.values():
            check_known("parameter", one.arguments, parameters, f"the formula of Free({one.name!r})")
        for log_normal in self.of_kind(LogNormal):
            if log_normal.name in (*free, *self.pois):
                raise ConfigError(f"LogNormal({log_normal.name!r}) has the name of a parameter without constraint")


def _check_fit(kind: str, patterns: Sequence[str] | str, known: Mapping[str, Any], where: str) -> None:
    for pattern in as_patterns(patterns):
        if not any(fits(pattern, name) for name in known):
            raise UnknownNameError(kind, pattern, known, where)


def _check_pattern(pattern: object, kind: str) -> None:
    if not isinstance(pattern, str) or not pattern:
        raise ConfigError(f"{kind} needs the name of a variation, or a pattern such as 'JES_*', not {pattern!r}")
    for side in ("Up", "Down"):
        if pattern.endswith(side) and len(pattern) > len(side):
            raise ConfigError(f"{kind}({pattern!r}) is for both sides: name it {pattern.removesuffix(side)!r}")


def _check_years(years: object, where: str) -> None:
    if years is True or years == "apart":
        return
    if isinstance(years, bool) or not is_number(years) or not 0 < float(years) < 1:  # type: ignore[arg-type]
        raise ConfigError(f"{where}: years is {years!r}, expected True, 'apart' or a correlation between 0 and 1")


def _is_for(one: Stored | Drop | LogNormal | Free, process: str, region: str) -> bool:
    return (not one.processes or fits_any(one.processes, process)) and (
        not one.regions or fits_any(one.regions, region)
    )


def _set_places(one: Stored | Drop | LogNormal | Free) -> None:
    remember_place(one)
    for name in ("processes", "regions"):
        object.__setattr__(one, name, as_patterns(getattr(one, name)))


def share_events(region: Region, other: Region) -> bool:
    """Tell whether two regions have events in common, as far as their declarations say so.

    >>> share_events(Region("a", "sr", "pt", years=("2017",)), Region("a", "sr", "eta", years=("2018",)))
    False
    """
    if (region.config, region.category) != (other.config, other.category):
        return False
    return not region.years or not other.years or bool(set(region.years) & set(other.years))


def _strings(names: str | Sequence[Any]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(map(str, names))


def _read_range(value: Any, where: str) -> tuple[float, float]:
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: the range {value!r} must be two numbers, such as (0, 5)") from None
    return low, high


def _poi(name: str, declared: Any) -> FreeParameter:
    where = f"parameter of interest {name!r}"
    low, high = _read_range(declared, where)
    try:
        return FreeParameter(low, high, initial=min(max(1.0, low), high))
    except StatisticsError as error:
        raise ConfigError(f"{where}: {error}") from None


def _leaves(value: Any) -> Iterator[Any]:
    if not isinstance(value, Mapping):
        yield value
        return
    for of_key in value.values():
        yield from _leaves(of_key)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, of_key in value.items():
            yield str(key)
            yield from _keys(of_key)
