"""Cuts whose threshold is written in every way that Python has; each is a category of ``main``."""

from __future__ import annotations

import enum
import functools
import importlib
import operator
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ClassVar

import awkward as ak
import numba
import numpy as np

from pocket.cuts.cut import Cut

from . import tables
from .nearby import threshold_from_afar
from .tables import LEAST_BY_POINTS, LEAST_COMPILED, THRESHOLDS, Thresholds, scaled

Mask = Callable[..., Any]
LEAST = 3
LEAST_BY_NAME = 3
LEAST_BY_EVAL = 2
LEAST_IN_STRINGS = "3"
LEAST_IN_BYTES = b"\x03"
LEAST_IN_SET = frozenset({1, 2, 3})
LIST_OF_LEAST = [3]


def by_constant(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a constant of the module."""
    return events.PV.npvsGood > LEAST


def by_default(events: Any, params: Any, least: int = 3, **kwargs: Any) -> Any:
    """Compare with a default value."""
    return events.PV.npvsGood > least


def at_least(least: int) -> Mask:
    """Return a function with the threshold in its closure."""

    def by_closure(events: Any, params: Any, **kwargs: Any) -> Any:
        return events.PV.npvsGood > least

    return by_closure


by_closure = at_least(3)


def by_helper(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a function two modules away returns."""
    return events.PV.npvsGood > threshold_from_afar()


class Tight(Thresholds):
    """Has its threshold from a base class in another module."""


def by_base_method(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a method of a base class returns."""
    return events.PV.npvsGood > Tight().least()


@scaled
def by_decorator(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a decorator multiplies."""
    return events.PV.npvsGood


by_lambda = lambda events, params, **kwargs: events.PV.npvsGood > 3  # noqa: E731


def _at_least(events: Any, params: Any, least: int, **kwargs: Any) -> Any:
    return events.PV.npvsGood > least


by_partial = functools.partial(_at_least, least=3)


def by_comprehension(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the constants of a comprehension."""
    return events.PV.npvsGood > max([1 * least for least in (1, 2, 3)])


def by_attribute(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an attribute of the function itself."""
    return events.PV.npvsGood > by_attribute.least  # type: ignore[attr-defined]


by_attribute.least = 3  # type: ignore[attr-defined]


def by_globals(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a global by its name."""
    return events.PV.npvsGood > globals()["LEAST_BY_NAME"]


def by_getattr(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an attribute of a module by its name."""
    return events.PV.npvsGood > getattr(tables, "least_by_getattr")  # noqa: B009


def by_own_names(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable that is looked up by its name."""
    low, high = 3, 5
    return events.PV.npvsGood > locals()["low"] + 0 * high


def by_eval(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the value of a text."""
    return events.PV.npvsGood > eval("LEAST_BY_EVAL + 1")


def by_import_module(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a constant of a module that is imported by its name."""
    return events.PV.npvsGood > importlib.import_module("study.late").LEAST


def by_local_import(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a constant that is imported here."""
    from .later import LEAST as LATER

    return events.PV.npvsGood > LATER


def by_points(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an interpolation."""
    return events.PV.npvsGood > LEAST_BY_POINTS(events.PV.npvsGood)


@numba.njit(cache=True)
def exceeds(values: Any, result: Any) -> Any:
    """Compare with a constant that is compiled in."""
    for place in range(len(values)):
        result[place] = values[place] > LEAST_COMPILED
    return result


def by_compiled(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare in compiled code."""
    values = np.asarray(events.PV.npvsGood, dtype=np.int64)
    return exceeds(values, np.empty(len(values), dtype=np.bool_))


class MuonOfTheStudy(ak.Array):
    """Behaviour of muons."""

    @property
    def energetic(self) -> Any:
        """Whether they are."""
        return self.pt > 30


ak.behavior["*", "MuonOfTheStudy"] = MuonOfTheStudy


def by_behavior(events: Any, params: Any, **kwargs: Any) -> Any:
    """Ask the behaviour of an array, which is found by its name."""
    return ak.any(ak.with_name(events.Muon, "MuonOfTheStudy").energetic, axis=1)


class Meta(type):
    """Metaclass."""

    @property
    def least(cls) -> int:
        """The threshold."""
        return 3


class OfMeta(metaclass=Meta):
    """Has its threshold from its metaclass."""


def by_metaclass(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a property of a metaclass."""
    return events.PV.npvsGood > OfMeta.least


class Kind(enum.Enum):
    """Has something that is no member."""

    ANY = 1
    least = enum.nonmember(3)


def by_nonmember(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what is no member of an enumeration."""
    return events.PV.npvsGood > Kind.least


class Fields:
    """Has fields of its own."""

    _fields: ClassVar = ("least",)
    least = 3


def by_fields(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an attribute of a class that lists its fields."""
    return events.PV.npvsGood > Fields.least


def by_order(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what comes first."""
    return events.PV.npvsGood > next(iter(THRESHOLDS.values()))


class Slotted:
    """Has slots."""

    __slots__ = ("least",)

    def __init__(self, least: int) -> None:
        self.least = least


slotted = Slotted(3)


def by_slot(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a slot of an instance."""
    return events.PV.npvsGood > slotted.least


class Called:
    """Is called like a function."""

    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, events: Any, params: Any, **kwargs: Any) -> Any:
        """Compare with an attribute of the instance."""
        return events.PV.npvsGood > self.least


by_instance = Called(3)


def by_class_attribute(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an attribute of a class."""
    return events.PV.npvsGood > Thresholds.LEAST


def by_proxy(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a value of a read-only table."""
    return events.PV.npvsGood > READ_ONLY["least"]


READ_ONLY = MappingProxyType({"least": 3})


def by_itemgetter(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a getter takes."""
    return events.PV.npvsGood > second((1, 3, 4))


second = operator.itemgetter(1)


def by_string(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a string, in bytes, in a set and in a list."""
    least = max(int(LEAST_IN_STRINGS), LEAST_IN_BYTES[0], len(LEAST_IN_SET), *LIST_OF_LEAST)
    return events.PV.npvsGood > least


@functools.cache
def cached_least() -> int:
    """Return the threshold."""
    return 3


def by_cached(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a function returned before."""
    return events.PV.npvsGood > cached_least()


def by_parameters(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Compare with a parameter that isn't an argument of the cut."""
    return events.PV.npvsGood > processor_params.read_by_a_cut.least


def by_match(events: Any, params: Any, year: str, **kwargs: Any) -> Any:
    """Compare with a constant of a pattern."""
    match year:
        case "2018":
            return events.PV.npvsGood > 3
        case _:
            return events.PV.npvsGood > 0


def by_nested(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a function in this one returns."""

    def inner() -> int:
        return LEAST_OF_INNER

    return events.PV.npvsGood > inner()


LEAST_OF_INNER = 3


def named(function: Mask) -> Cut:
    """Return the cut of a function of this module."""
    name = next(name for name, value in globals().items() if value is function)
    return Cut(name=name, params={}, function=function)


cuts = [
    named(function)
    for function in (
        by_constant,
        by_default,
        by_closure,
        by_helper,
        by_base_method,
        by_decorator,
        by_lambda,
        by_partial,
        by_comprehension,
        by_attribute,
        by_globals,
        by_getattr,
        by_own_names,
        by_eval,
        by_import_module,
        by_local_import,
        by_points,
        by_compiled,
        by_behavior,
        by_metaclass,
        by_nonmember,
        by_fields,
        by_order,
        by_slot,
        by_instance,
        by_class_attribute,
        by_proxy,
        by_itemgetter,
        by_string,
        by_cached,
        by_parameters,
        by_match,
        by_nested,
    )
]
