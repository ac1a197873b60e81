"""Declarations of measured scale factors: their method, histogram and bins.

Declarations are plain data without heavy imports, because an analysis creates them when it is loaded. This module has
the common parts of all methods; the methods are in :mod:`pocket.scale_factors.methods.efficiency.declaration`,
:mod:`~pocket.scale_factors.methods.yields.declaration` and
:mod:`~pocket.scale_factors.methods.pass_fail_template.declaration`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args

from pocket.base.edges import missing_edge
from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.histograms.config import Axis
from pocket.histograms.edges import declared_edges
from pocket.histograms.readings import Reading, joined
from pocket.scale_factors.declarations.base import ScaleFactorBase
from pocket.scale_factors.declarations.closure import Closure, check_closure, places
from pocket.scale_factors.declarations.systematics import LogNormal, Shape, Systematic

Flow = Literal["clamp", "error"]
PassFailScaleFactor = TypeVar("PassFailScaleFactor", bound="PassFail")
FLOWS = get_args(Flow)
#: inputs and axes that the written correction and the engine add themselves
RESERVED_AXES = ("systematic", "cat", "variation", "year", "sample")


@dataclass(frozen=True, kw_only=True)
class ScaleFactor(ScaleFactorBase):
    """Base of all scale factors that are measured; a subclass sets ``method``.

    Args:
        input: name of the configuration that fills the histogram.
        variable: name of the histogram.
        category: category in which the scale factor is measured.
        axes: histogram axes that bin the scale factor; they are the inputs of the correction, in this order.
        mc: simulated samples that it is measured with.
        bins: axis → edges to use instead of those of the histogram, of which they must be a subset.
        years: years in which it is measured separately; the correction's first input is then ``year``. If empty, all
            years are combined.
        flow: ``clamp`` uses the nearest bin outside of the axes, ``error`` raises an error, for all axes or per axis;
            axes that aren't named clamp.
        min_n_eff: smallest effective number of entries (Σw)²/Σw² of a bin, in data and in simulation; adjacent bins
            along ``merge_axis`` are joined until they have it.
        merge_axis: the axis along which bins are joined; the first one with edges if empty.
        systematics: sources of uncertainty.
        upstream: derived scale factors that ``input`` must apply.
        closure: places where the closure of the scale factor is checked.

    Raises:
        ConfigError: if a name or a list is empty, something appears twice, or a value has the wrong type.
        UnknownNameError: if a flow, an axis or a changed argument is unknown.
    """

    maker: ClassVar[str] = "pocket.scale_factors.files.measured:make"
    validator: ClassVar[str] = "pocket.scale_factors.validation.validate:validate_from"
    #: ``module:function`` of the method: ``function(declaration, templates) -> Measured``, see
    #: :mod:`pocket.scale_factors.measurement.templates` and :mod:`pocket.scale_factors.measurement.result`
    method: ClassVar[str]
    #: ``module:function`` that puts known values into pseudo-data, see
    #: :mod:`pocket.scale_factors.validation.pseudo_data`; empty if there is none
    injection: ClassVar[str] = ""
    #: values that bins have in turn in pseudo-data; an efficiency can't be above 1
    injected: ClassVar[tuple[float, ...]] = (0.94, 0.97, 1.0)
    #: whether known values can also be put into simulated events, since they are efficiencies of objects in data
    injects_events: ClassVar[bool] = False
    #: output of the correction: a ``weight``, an ``efficiency``, or the ``calibration`` of objects
    quantity: ClassVar[str] = "weight"
    #: whether entries outside of an axis that clamps count in its first or last bin, which is evaluated for them
    folds_flow: ClassVar[bool] = False
    #: whether entries are counted, so that any bins with some of them can be measured
    counts_entries: ClassVar[bool] = False
    #: whether it is 1 when it is measured again with itself applied
    becomes_one: ClassVar[bool] = True
    #: error of the difference of two measurements with the same events, relative to that of one: in pseudo-experiments
    #: of the shipped ones to which the measured values are applied, fits differ by 0.02 to 0.10 of it, and counts by
    #: rounding
    same_events_error: ClassVar[float] = 0.15
    #: arguments that differ where it is measured again with itself applied
    remeasured_with: ClassVar[Mapping[str, Any]] = {}
    #: arguments that determine the bins or the systematics, so systematics may not change them
    fixed: ClassVar[tuple[str, ...]] = (
        *("axes", "bins", "years", "flow", "min_n_eff", "merge_axis"),
        *("systematics", "upstream", "closure", "description"),
    )

    input: str
    variable: str
    category: str
    axes: tuple[str, ...]
    mc: tuple[str, ...]
    bins: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    years: tuple[str, ...] = ()
    flow: Flow | Mapping[str, Flow] = "clamp"
    min_n_eff: float = 0.0
    merge_axis: str = ""
    systematics: tuple[Systematic, ...] = ()
    upstream: tuple[str, ...] = ()
    # The closure doesn't affect the measurement, so it is no part of the fingerprint.
    closure: Closure = dataclasses.field(default=Closure(), metadata={"fingerprint": False})

    def __post_init__(self) -> None:
        for key in ("input", "variable", "category"):
            if not getattr(self, key):
                raise ConfigError(f"{self.where}: {key} is empty")
        for key in ("axes", "mc"):
            self._set_names(key)
        for key in ("years", "upstream"):
            self._set_names(key, optional=True)
        self._refuse_axes(RESERVED_AXES, "is added by the engine")
        self._check_binning()
        self._check_systematics()
        check_closure(self)

    @property
    def where(self) -> str:
        """Name of this declaration in error messages."""
        return f"{type(self).__name__} of variable {self.variable!r}"

    def measured(self) -> tuple[ScaleFactor, ...]:
        """Return the scale factor itself."""
        return (self,)

    def flows(self) -> dict[str, Flow]:
        """Return the flow of every axis."""
        if isinstance(self.flow, str):
            return dict.fromkeys(self.axes, self.flow)
        return {axis: self.flow.get(axis, "clamp") for axis in self.axes}

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return self.axes

    def check_axes(self, axes: Sequence[Axis], where: str) -> None:
        """Check that the declared axes of the histogram have the axes and the edges of this declaration.

        Args:
            axes: the axes of the histogram.
            where: this declaration, for errors.

        Raises:
            UnknownNameError: if the histogram lacks an axis.
            ConfigError: if an edge of ``bins`` is none of the histogram, or its axis has categories.
        """
        declared = {axis.name: axis for axis in axes}
        histogram = f"histogram {self.variable!r}"
        check_known("axis", self.histogram_axes(), declared, f"{where}, {histogram}")
        for name, wanted in self.bins.items():
            edges = declared_edges(declared[name])
            if edges is None:
                raise ConfigError(f"bins of {where}: axis {name!r} of {histogram} has categories, not edges")
            if missing := missing_edge([edge for edge in wanted if math.isfinite(edge)], edges):
                raise ConfigError(
                    f"bins of {where}: {missing[0]:g} is no edge of axis {name!r} of {histogram}, nearest: "
                    f"{missing[1]:g}; change these bins or those of the histogram"
                )

    def input_names(self) -> tuple[str, ...]:
        """Return the inputs of the correction except ``systematic``; a method with further inputs overrides this."""
        return (*(["sample"] if self.per_sample() else []), *(["year"] if self.years else []), *self.axes)

    def categories(self) -> tuple[str, ...]:
        """Return all categories that are read."""
        return (self.category,)

    def entry_categories(self) -> tuple[str, ...]:
        """Return the categories that together contain every entry once."""
        return (self.category,)

    def entry_range(self) -> tuple[str, tuple[float, float]] | None:
        """Return an axis of the histogram and the range on it in which entries count; None for all entries."""
        return None

    def range_in(self, label: str) -> tuple[float, float] | None:
        """Return the range of :meth:`entry_range` in a bin that has its own."""
        return None

    def same_events_categories(self) -> tuple[str, ...]:
        """Return the categories that the closure in the same events reads."""
        return self.categories()

    def roles(self) -> dict[str, tuple[str, ...]]:
        """Return role → samples: ``mc``, and further roles of a method."""
        return {"mc": self.mc}

    def samples(self) -> tuple[str, ...]:
        """Return all samples that are read."""
        return tuple(dict.fromkeys(sample for samples in self.roles().values() for sample in samples))

    def simulated(self) -> tuple[str, ...]:
        """Return all samples that are read, except those of data."""
        data = self.roles().get("data", ())
        return tuple(sample for sample in self.samples() if sample not in data)

    def known_factors(self) -> tuple[float, ...]:
        """Return the scale factors that bins have in turn in pseudo-data and in simulated events."""
        return self.closure.injected or self.injected

    def per_sample(self) -> Mapping[str, Self]:
        """Return sample → what is measured for it alone; ``sample`` is then the first axis. Empty for all together."""
        return {}

    def remeasured_systematics(self) -> tuple[Systematic, ...]:
        """Return the sources for which the scale factor is measured again; not those that the method fits."""
        return self.systematics

    def fitted_systematics(self) -> tuple[Systematic, ...]:
        """Return the sources that the method fits, which other measurements keep since they change its result."""
        return tuple(systematic for systematic in self.systematics if systematic not in self.remeasured_systematics())

    def bare(self) -> Self:
        """Return the measurement without sources of uncertainty, which is repeated for each of them."""
        return dataclasses.replace(self, systematics=(), closure=Closure())

    def of_all_objects(self, changes: Mapping[str, Any]) -> ScaleFactor:
        """Return what is read of all simulated objects, for a method that compares an efficiency with theirs."""
        raise NotImplementedError

    def changed(self) -> Iterator[tuple[Systematic, Self]]:
        """Yield each systematic source with the measurements that it needs, as declarations without systematics."""
        for systematic in self.systematics:
            for changes in systematic.alternatives():
                yield systematic, self._changed_by(changes)

    def _changed_by(self, changes: Mapping[str, Any]) -> Self:
        return dataclasses.replace(self.bare(), **changes)

    def of_year(self, year: str) -> Self:
        """Return the measurement in one of its years, or in all for an empty name."""
        return self

    def check_changes(self, changes: Iterable[str], where: str) -> None:
        """Check that arguments may be changed for another measurement of the same scale factor.

        Raises:
            UnknownNameError: if an argument may not.
        """
        # A measurement per sample has fixed samples.
        fixed = (*self.fixed, "mc") if self.per_sample() else self.fixed
        known = [field.name for field in dataclasses.fields(self) if field.name not in fixed]
        check_known("argument", changes, known, where)

    def sources(self) -> tuple[tuple[str, str], ...]:
        """Return all pairs of configuration and histogram that are read, the nominal one first."""
        others = ((declaration.input, declaration.variable) for _, declaration in self.changed())
        return tuple(dict.fromkeys([(self.input, self.variable), *others]))

    def read_variations(self) -> tuple[str, ...]:
        """Return the variations that are read, without sides; the name of a weight stands for all of its variations."""
        return tuple(source.stem for source in self.systematics if isinstance(source, Shape))

    def reading(self) -> Reading:
        """Return the part of the templates that the measurement itself reads."""
        return Reading(self.input, self.variable, self.categories(), self.samples(), self.read_variations())

    def readings(self) -> tuple[Reading, ...] | None:
        """Return the parts of templates that are read, nominal first; ``None`` if another maker reads them."""
        if self.maker != ScaleFactor.maker:
            return None
        return joined([self.reading(), *(declaration.reading() for _, declaration in self.changed())])

    def other_samples(self, simulated: Iterable[str]) -> tuple[str, ...]:
        """Return the samples that pseudo-data have besides the measured ones.

        They are all others of the configuration, except those that a source of uncertainty takes in their place.

        Args:
            simulated: all simulated samples of the configuration.
        """
        instead = {sample for _, declaration in self.changed() for sample in declaration.mc}
        return tuple(sample for sample in simulated if sample not in (*self.mc, *instead))

    def closure_readings(self, simulated: Iterable[str] = ()) -> tuple[Reading, ...] | None:
        """Return the parts of templates and sums that the closure checks read, ``None`` with another validator.

        A reading without a histogram name stands for sums alone.

        Args:
            simulated: all simulated samples of the configuration, which pseudo-data have.
        """
        if self.validator != ScaleFactor.validator:
            return None
        measured = (place.reading() for of_argument in places(self).values() for place in of_argument)
        preserved = (
            Reading(one.config, "", one.categories(), one.samples or self.mc) for one in self.closure.preserved
        )
        others = self.other_samples(simulated) if self.injection else ()
        pseudo_data = Reading(self.input, self.variable, self.categories(), others, self.read_variations())
        return joined([self.reading(), pseudo_data, *measured, *preserved])

    def _check_binning(self) -> None:
        for axis, flow in self.flows().items():
            if flow not in FLOWS:
                raise UnknownNameError("flow", flow, FLOWS, f"axis {axis!r} of {self.where}")
        if not isinstance(self.flow, str):
            check_known("axis", self.flow, self.axes, f"flow of {self.where}")
        check_known("axis", self.bins, self.axes, f"bins of {self.where}")
        for axis, edges in self.bins.items():
            # This form of the comparison also refuses NaN.
            if len(edges) < 2 or not all(low < high for low, high in itertools.pairwise(edges)):
                raise ConfigError(f"{self.where}: the edges of axis {axis!r} must rise, not {tuple(edges)!r}")
        if not (math.isfinite(self.min_n_eff) and self.min_n_eff >= 0):
            raise ConfigError(f"{self.where}: min_n_eff must not be negative, not {self.min_n_eff!r}")
        if self.merge_axis:
            check_known("axis", [self.merge_axis], self.axes, f"merge_axis of {self.where}")

    def _check_systematics(self) -> None:
        names = [systematic.name for systematic in self.systematics]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"{self.where}: two systematics are named {name!r}")
        for systematic in self.systematics:
            where = f"systematic {systematic.name!r} of {self.where}"
            if isinstance(systematic, LogNormal):
                check_known("simulated sample", systematic.samples, self.simulated(), where)
            for changes in systematic.alternatives():
                self.check_changes(changes, where)
        # This creates and thereby checks the changed declarations.
        for _ in self.changed():
            pass

    def _of_samples(self, samples: tuple[str, ...], **changes: Any) -> Self:
        """Return the measurement in some of the samples in ``mc``, without the uncertain rates of other samples."""
        systematics: list[Systematic] = []
        for systematic in self.systematics:
            if isinstance(systematic, LogNormal):
                among = tuple(sample for sample in systematic.samples if sample in samples)
                if not among:
                    continue
                systematic = dataclasses.replace(systematic, samples=among)
            systematics.append(systematic)
        return dataclasses.replace(self, mc=samples, systematics=tuple(systematics), **changes)

    def _set_names(self, key: str, optional: bool = False) -> None:
        object.__setattr__(self, key, _names(getattr(self, key), key, self.where, optional))

    def _refuse_axes(self, taken: Iterable[str], reason: str) -> None:
        for axis in taken:
            if axis in self.axes:
                raise ConfigError(f"{self.where}: axis {axis!r} {reason}, it can't bin the scale factor")


@dataclass(frozen=True, kw_only=True)
class DataScaleFactor(ScaleFactor):
    """Base of scale factors that compare data with simulation.

    Args:
        data: samples of data.
    """

    data: tuple[str, ...]

    def __post_init__(self) -> None:
        self._set_names("data")
        super().__post_init__()

    def roles(self) -> dict[str, tuple[str, ...]]:
        """Return the samples of data and of simulation."""
        return {"data": self.data, **super().roles()}


@dataclass(frozen=True, kw_only=True)
class BackgroundScaleFactor(DataScaleFactor):
    """Base of scale factors that compare data with simulation of a signal, which is in ``mc``, and of a background.

    Args:
        background: simulated samples of the background, which aren't corrected.

    Raises:
        ConfigError: as in other declarations, and if a sample is signal and background.
    """

    background: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._set_names("background", optional=True)
        super().__post_init__()
        for sample in self.background:
            if sample in self.mc:
                raise ConfigError(f"{self.where}: {sample!r} can't be in mc and in background")

    def samples(self) -> tuple[str, ...]:
        """Return all samples that are read."""
        return (*super().samples(), *self.background)


@dataclass(frozen=True, kw_only=True)
class PassFail(ScaleFactor):
    """Base of scale factors from entries that pass and entries that fail a requirement.

    An axis of the histogram says which entries pass or, if one of the categories below is given, the category does.

    Args:
        pass_axis: histogram axis that is 1 for passing and 0 for failing entries.
        fail_category: category of failing entries; ``category`` then has the passing ones.
        denominator: category of passing and failing entries together; ``category`` then has the passing ones.
        given: further axes that are 1 for passing entries, of requirements that all entries have passed before.
    """

    pass_axis: str = "passing"
    fail_category: str = ""
    denominator: str = ""
    given: tuple[str, ...] = dataclasses.field(default=(), metadata={"fingerprint": "given"})

    def __post_init__(self) -> None:
        self._set_names("given", optional=True)
        super().__post_init__()
        if self.pass_axis in self.given:
            raise ConfigError(f"{self.where}: axis {self.pass_axis!r} can't be in given, since entries pass or fail it")
        self._refuse_axes(self.given, "is a requirement")
        if self.fail_category and self.denominator:
            raise ConfigError(f"{self.where}: give fail_category or denominator, not both")
        if self.category in (self.fail_category, self.denominator):
            raise ConfigError(f"{self.where}: category {self.category!r} can't pass and fail")
        self._refuse_axes((self.pass_axis,), "separates passing from failing")

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        axes = (*super().histogram_axes(), *self.given)
        return axes if self.fail_category or self.denominator else (*axes, self.pass_axis)

    def categories(self) -> tuple[str, ...]:
        """Return all categories that are read."""
        return tuple(name for name in (self.category, self.fail_category, self.denominator) if name)

    def entry_categories(self) -> tuple[str, ...]:
        """Return the categories that together contain every entry once."""
        return (self.denominator,) if self.denominator else self.categories()

    def of_all_objects(self, changes: Mapping[str, Any]) -> PassFail:
        """Return what is read of all simulated objects, which have neither data nor a mass.

        Raises:
            UnknownNameError: if an argument may not be changed.
        """
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(PassFail)}
        check_known("argument", changes, own.keys() - set(self.fixed), f"all_objects of the closure of {self.where}")
        return PassFail(**{**own, "systematics": (), "upstream": (), "closure": Closure(), **changes})


def conditional(declaration: PassFailScaleFactor, steps: Mapping[str, str]) -> dict[str, PassFailScaleFactor]:
    """Return the scale factors of requirements that objects pass one after the other, such as ID, isolation, trigger.

    Each efficiency is that of objects that pass all requirements before, so the product is that of all together.

    Args:
        declaration: what all of them have in common.
        steps: scale factor → axis that is 1 for entries that pass its requirement, in their order.

    >>> from pocket.scale_factors import EfficiencyRatio
    >>> of_all = EfficiencyRatio(input="tnp", variable="probes", category="all", axes=("pt",), mc=("DY",), data=("D",))
    >>> {name: (one.given, one.pass_axis) for name, one in conditional(of_all, {"id": "id", "iso": "isolated"}).items()}
    {'id': ((), 'id'), 'iso': (('id',), 'isolated')}
    """
    axes = tuple(steps.values())
    return {
        name: dataclasses.replace(declaration, pass_axis=axis, given=(*declaration.given, *axes[:number]))
        for number, (name, axis) in enumerate(steps.items())
    }


def _names(values: Any, key: str, where: str, optional: bool) -> tuple[str, ...]:
    if isinstance(values, str):
        raise ConfigError(f"{where}: {key} must be a list of names, not the string {values!r}")
    names = tuple(values)
    if not (names or optional) or not all(names):
        raise ConfigError(f"{where}: {key} needs at least one name and no empty one, not {names!r}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{where}: {key} names something twice: {', '.join(names)}")
    return names
