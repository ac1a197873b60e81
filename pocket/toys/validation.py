"""Nested frozen dataclasses from plain mappings, with errors that name the key and the file."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, NewType

from pocket.errors import ConfigError, UnknownNameError

#: a number from 0 to 1
Fraction = NewType("Fraction", float)
#: a number above 0
Positive = NewType("Positive", float)

_RANGES = {Fraction: "a fraction from 0 to 1", Positive: "a positive number"}


def build(expected: Any, value: Any, path: str, source: str) -> Any:
    """Return a plain value converted to the type of a field, whose place in the file is ``path``.

    The type is int, float, :data:`Fraction`, :data:`Positive`, str, a dataclass, or a tuple of these; or one of them or
    None, for a field that may be left out.
    """
    if isinstance(expected, types.UnionType):
        (expected,) = (kind for kind in typing.get_args(expected) if kind is not types.NoneType)
    if dataclasses.is_dataclass(expected):
        return _build_dataclass(expected, value, path, source)
    if typing.get_origin(expected) is tuple:
        return _build_tuple(typing.get_args(expected), value, path, source)
    if expected in (int, str) and type(value) is expected:
        return value
    if expected in (float, Fraction, Positive) and type(value) in (int, float) and math.isfinite(value):
        if (expected is Fraction and not 0 <= value <= 1) or (expected is Positive and value <= 0):
            raise ConfigError(f"{source}: {path} is {value}, expected {_RANGES[expected]}")
        return float(value)
    raise ConfigError(f"{source}: {path} is {value!r}, expected {expected.__name__}")


def _build_dataclass(expected: Any, value: Any, path: str, source: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{source}: {path} is {value!r}, expected a mapping")
    fields = typing.get_type_hints(expected)
    for key in value:
        if key not in fields:
            raise UnknownNameError("parameter", f"{path}.{key}", [f"{path}.{name}" for name in fields], source)
    optional = {field.name for field in dataclasses.fields(expected) if field.default is not dataclasses.MISSING}
    for name in fields.keys() - optional:
        if name not in value:
            raise ConfigError(f"{source}: {path}.{name} is missing")
    present = {name: kind for name, kind in fields.items() if name in value}
    return expected(**{name: build(kind, value[name], f"{path}.{name}", source) for name, kind in present.items()})


def _build_tuple(expected: tuple[Any, ...], value: Any, path: str, source: str) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ConfigError(f"{source}: {path} is {value!r}, expected a list")
    kinds = [expected[0]] * len(value) if expected[-1] is Ellipsis else list(expected)
    if len(kinds) != len(value):
        raise ConfigError(f"{source}: {path} has {len(value)} values, expected {len(kinds)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(build(kind, item, f"{path}[{index}]", source) for index, (kind, item) in enumerate(pairs))
