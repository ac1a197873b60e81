"""Options that name parameters of a model: values, ranges, and what is frozen, by name, pattern or group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar

from pocket.errors import ConfigError, UnknownNameError

#: kinds of results besides the fit and the intervals of the parameters of interest
RESULTS = ("breakdown", "impacts", "scan", "significance", "limits", "goodness", "background")
#: what looks for minima
MINIMISERS = ("newton", "minuit")
#: beginning of the name of a group, where parameters are named
GROUP = "group:"
T = TypeVar("T")


@dataclass(frozen=True)
class KnownParameters:
    """What is known of the parameters of a model.

    Args:
        groups: group → its members, as far as these are known.
        ranges: parameter → its bounds, of those without a constraint.
        is_complete: whether there can be no others.
    """

    names: Sequence[str]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    is_complete: bool = True

    def find(self, pattern: str, where: str) -> tuple[str, ...]:
        """Return the parameters that a name or a pattern stands for, or the members of groups, ``group:NAME``."""
        kind, name, among = "parameter", pattern, tuple(self.names)
        if pattern.startswith(GROUP):
            kind, name, among = "group", pattern.removeprefix(GROUP), tuple(self.groups)
        found = tuple(one for one in among if fnmatchcase(one, name))
        if not found and (self.is_complete or kind == "group"):
            raise UnknownNameError(kind, name, among, where)
        if kind == "parameter":
            return found
        return tuple(dict.fromkeys(member for group in found for member in self.groups[group]))


def joined_parameters(parts: Sequence[KnownParameters]) -> KnownParameters:
    """Return what is known of the parameters of models that are combined.

    >>> joined_parameters([KnownParameters(("r", "a")), KnownParameters(("r", "b"))]).names
    ('r', 'a', 'b')
    """
    names = dict.fromkeys(name for part in parts for name in part.names)
    groups: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for group, members in part.groups.items():
            groups[group] = tuple(dict.fromkeys((*groups.get(group, ()), *members)))
    ranges = {name: ends for part in parts for name, ends in part.ranges.items()}
    return KnownParameters(tuple(names), groups, ranges, all(part.is_complete for part in parts))


def read_values(pairs: Iterable[str], option: str = "--set") -> dict[str, float]:
    """Return name or pattern → value of options ``name=value``.

    >>> read_values(["r=2", "btag_*=-1"])
    {'r': 2.0, 'btag_*': -1.0}
    """
    values: dict[str, float] = {}
    for pair in pairs:
        name, equals, text = str(pair).partition("=")
        value = _number(text)
        if not (name and equals) or not math.isfinite(value):
            raise ConfigError(f"{option}: expected name=number with commas in between, not {pair!r}")
        if name in values:
            raise ConfigError(f"{option} names {name!r} twice")
        values[name] = value
    return values


def read_ranges(pairs: Iterable[str], option: str = "--ranges") -> dict[str, tuple[float, float]]:
    """Return name or pattern → lowest and highest value of options ``name=low:high``; an end may be ``inf``.

    >>> read_ranges(["r=-5:5", "norm_*=0:inf"])
    {'r': (-5.0, 5.0), 'norm_*': (0.0, inf)}
    """
    ranges: dict[str, tuple[float, float]] = {}
    for pair in pairs:
        name, equals, text = str(pair).partition("=")
        low, high = (_number(end) for end in (text.split(":") if text.count(":") == 1 else ("", "")))
        if not (name and equals) or math.isnan(low) or math.isnan(high):
            raise ConfigError(f"{option}: expected name=low:high with commas in between, such as r=-5:5, not {pair!r}")
        if not low < high:
            raise ConfigError(f"{option}: the range from {low:g} to {high:g} of {name!r} is empty")
        if name in ranges:
            raise ConfigError(f"{option} names {name!r} twice")
        ranges[name] = low, high
    return ranges


def read_points(text: str, option: str = "--points") -> tuple[str, tuple[float, ...]]:
    """Return the parameter and its values of an option ``name=low:high:count``.

    >>> read_points("r=0:2:3")
    ('r', (0.0, 1.0, 2.0))
    """
    name, equals, ends = text.partition("=")
    low, high, count = (_number(end) for end in (ends.split(":") if ends.count(":") == 2 else ("", "", "")))
    if not (name and equals and low < high and count >= 2 and count.is_integer() and math.isfinite(high - low)):
        raise ConfigError(f"{option}: expected name=low:high:count, such as r=0:5:11, not {text!r}")
    step = (high - low) / (count - 1)
    return name, tuple(low + step * number for number in range(int(count)))


def check_options(
    known: KnownParameters,
    freeze: Iterable[str],
    values: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    where: str,
) -> None:
    """Check the options ``--freeze``, ``--set`` and ``--ranges`` against what is known of the parameters of a model."""
    for pattern in freeze:
        known.find(pattern, f"--freeze, {where}")
    found = dict(known.ranges)
    for pattern, ends in ranges.items():
        found |= dict.fromkeys(_find_one(known, pattern, f"--ranges, {where}"), ends)
    for pattern, value in values.items():
        for name in _find_one(known, pattern, f"--set, {where}"):
            low, high = found.get(name, (-math.inf, math.inf))
            if not low <= value <= high:
                raise ConfigError(
                    f"--set {name}={value:g} is outside of the range from {low:g} to {high:g}, which --ranges changes"
                )


def expand(known: KnownParameters, patterns: Mapping[str, T], where: str) -> dict[str, T]:
    """Return parameter → value of names and patterns, of which the last one counts that fits."""
    found: dict[str, T] = {}
    for pattern, value in patterns.items():
        found |= dict.fromkeys(_find_one(known, pattern, where), value)
    return found


def _find_one(known: KnownParameters, pattern: str, where: str) -> tuple[str, ...]:
    if pattern.startswith(GROUP):
        raise ConfigError(f"{where}: {pattern!r} is a group, but only --freeze takes groups")
    return known.find(pattern, where)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
