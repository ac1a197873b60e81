"""Declarations of the places where a scale factor's closure is checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError

if TYPE_CHECKING:
    from pocket.scale_factors.declarations.measured import ScaleFactor


@dataclass(frozen=True, kw_only=True)
class PreservedYield(metaclass=Declarative):
    """Two categories of a configuration between which a weight must not change the yields of simulation.

    Args:
        config: the configuration.
        unweighted: category without the weight.
        category: category with the weight, which selects the same events.
        covariance: category with the square root of the weight (:class:`pocket.weights.square_root.SquareRoot`), whose
            sum of squared weights is the covariance of two sums over the same events. Without it they count as
            independent, which gives a far too large error.
        samples: samples whose yields are compared; those of ``mc`` if empty.

    Raises:
        ConfigError: if a name is empty or categories coincide.
    """

    renamed: ClassVar[Mapping[str, str]] = {"without": "unweighted", "root": "covariance"}

    config: str
    unweighted: str
    category: str
    covariance: str = ""
    samples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("config", "unweighted", "category"):
            if not getattr(self, key):
                raise ConfigError(f"preserved of a closure: {key} is empty")
        if len(set(self.categories())) < len(self.categories()):
            raise ConfigError(f"preserved of a closure: the categories must differ, not {', '.join(self.categories())}")

    def categories(self) -> tuple[str, ...]:
        """Return all categories that are read."""
        return tuple(name for name in (self.unweighted, self.category, self.covariance) if name)


@dataclass(frozen=True, kw_only=True)
class Closure(metaclass=Declarative):
    """Places where the closure of a scale factor is checked.

    A place gives arguments of the declaration other values, such as
    ``{"input": "calibrated", "weighted": "btag_calibrated"}``. The binning can't change.

    Args:
        same_events: place where the scale factor is applied to the same simulated events that it was measured with, so
            that sums of weights equal those that they are corrected to.
        remeasured: place where it is applied and measured again, which must give 1 within errors.
        split: two places with independent halves of the events, whose measurements must agree.
        preserved: yields that the weight must not change.
        injected: scale factors that bins have in turn in pseudo-data, in which the measurement must find them; default:
            those of the method.
        accept: bin, as reports name it → why its fit is accepted although it doesn't describe the data.
        events: whether the measurement must also find injected scale factors in simulated events, to which they are
            applied instead of the measured ones in the ``input`` of ``remeasured``.
        all_objects: place with all simulated objects that the efficiency is meant for, selected without tag and
            trigger, whose efficiency must be that of the measured ones.
        tolerance: standard deviation of the relative difference that a bin of ``all_objects`` may have besides the
            statistical one, since measured objects are distributed differently within the bin.

    Raises:
        ConfigError: if an injected scale factor isn't positive, a fit is accepted without a reason, a place isn't a
            mapping of arguments, ``split`` doesn't have two places, ``tolerance`` is negative, or ``events`` needs an
            ``input`` in ``remeasured``.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "exact": "same_events",
        "again": "remeasured",
        "halves": "split",
        "kept": "preserved",
    }

    same_events: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    remeasured: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    split: tuple[Mapping[str, Any], ...] = ()
    preserved: tuple[PreservedYield, ...] = ()
    injected: tuple[float, ...] = ()
    accept: Mapping[str, str] = dataclasses.field(default_factory=dict)
    events: bool = False
    all_objects: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tolerance: float = 0.003

    def __post_init__(self) -> None:
        for factor in self.injected:
            if not 0 < factor < math.inf:
                raise ConfigError(f"injected of a closure: expected positive scale factors, not {factor!r}")
        for label, reason in self.accept.items():
            if not reason:
                raise ConfigError(f"accept of a closure: {label!r} needs a reason")
        if not 0 <= self.tolerance < math.inf:
            raise ConfigError(f"tolerance of a closure: expected a number that isn't negative, not {self.tolerance!r}")
        if len(self.split) not in (0, 2):
            raise ConfigError(f"split of a closure: expected two places, not {len(self.split)}")
        for name, places in self.changes().items():
            for place in places:
                if not isinstance(place, Mapping) or not place:
                    raise ConfigError(
                        f"{name} of a closure: expected arguments of the declaration and their values, not {place!r}"
                    )
        if self.events and "input" not in self.remeasured:
            raise ConfigError("events of a closure: name what weights probes, remeasured={'input': …}")

    def changes(self) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Return argument → its places, for the arguments that are given."""
        places: dict[str, tuple[Mapping[str, Any], ...]] = {
            "same_events": (self.same_events,),
            "remeasured": (self.remeasured,),
            "all_objects": (self.all_objects,),
        }
        if self.events and "input" in self.remeasured:
            places["events"] = ({**self.remeasured, "input": f"{self.remeasured['input']}_injected"},)
        given = {name: of for name, of in places.items() if of != ({},)}
        return {**given, "split": self.split} if self.split else given


def places(declaration: ScaleFactor) -> dict[str, tuple[ScaleFactor, ...]]:
    """Return argument of the closure → the declarations of measurements in its places, which have no closure."""

    def measured(changes: Mapping[str, Any]) -> ScaleFactor:
        fitted = declaration.fitted_systematics()
        return dataclasses.replace(declaration, **changes, systematics=fitted, closure=Closure())

    changed = declaration.closure.changes()
    if "remeasured" in changed:
        changed["remeasured"] = tuple({**declaration.remeasured_with, **one} for one in changed["remeasured"])
    of_all = {"all_objects": declaration.of_all_objects}
    return {name: tuple(map(of_all.get(name, measured), changes)) for name, changes in changed.items()}


def closure_sources(declaration: ScaleFactor) -> tuple[tuple[str, str], ...]:
    """Return the pairs of configuration and histogram in which the closure is checked, the measurement's first."""
    others = ((place.input, place.variable) for of_argument in places(declaration).values() for place in of_argument)
    return tuple(dict.fromkeys([(declaration.input, declaration.variable), *others]))


def closure_configs(declaration: ScaleFactor) -> tuple[str, ...]:
    """Return the configurations in whose outputs the closure is checked, that of the measurement first."""
    preserved = (one.config for one in declaration.closure.preserved)
    return tuple(dict.fromkeys([*(config for config, _ in closure_sources(declaration)), *preserved]))


def check_closure(declaration: ScaleFactor) -> None:
    """Check that a declaration's closure fits it."""
    closure, method = declaration.closure, type(declaration).__name__
    for name, changes in closure.changes().items():
        for one in changes:
            declaration.check_changes(one, f"{name} of the closure of {declaration.where}")
    if closure.same_events and (not declaration.algebra or declaration.quantity == "efficiency"):
        raise ConfigError(
            f"{declaration.where}: the closure of {method} isn't exact, hence not same_events=, but remeasured=, "
            "split= or preserved="
        )
    if closure.remeasured and not declaration.becomes_one:
        raise ConfigError(
            f"{declaration.where}: {method} isn't 1 when measured again, its closure is same_events=, split= or "
            "preserved="
        )
    for given, argument in ((closure.events, "events=True injects"), (closure.all_objects, "all_objects= compares")):
        if given and not declaration.injects_events:
            raise ConfigError(
                f"{declaration.where}: {argument} an efficiency of objects, which {method} doesn't measure in data"
            )
    # This creates and thereby checks the declarations of the places.
    places(declaration)
