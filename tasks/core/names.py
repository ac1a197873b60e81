"""Names on the command line, which may be lists with commas and patterns such as ``m*``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import law
import luigi

from pocket.base.file_names import check_store_name
from pocket.errors import ConfigError, UnknownNameError

_SIGNS = frozenset("*?[")
#: characters that no folder of the store has, and those that its name doesn't begin with
_REFUSED, _NOT_FIRST = re.compile(r"[^A-Za-z0-9_.+=,@-]+"), ".+=,@-"


class VersionParameter(luigi.Parameter):
    """A version, which becomes a folder in the store, so other values are refused when options are parsed."""

    def parse(self, value: str) -> str:
        """Return the value."""
        try:
            return check_store_name("version", value)
        except ConfigError as error:
            near = _REFUSED.sub("_", value).lstrip(_NOT_FIRST)[:128]
            raise ConfigError(f"{error}" + (f", e.g. {near}" if near.strip("_.") else "")) from None


class AssignmentsParameter(law.CSVParameter):
    """Assignments ``key=value``, whose values may be lists, ``key=[1,2]``, or strings in quotes."""

    def parse(self, value: Any) -> Any:
        """Return the assignments; what law separates inside of brackets or quotes is joined again."""
        found: list[str] = []
        for part in super().parse(value):
            if found and _is_open(found[-1]):
                found[-1] += f",{part}"
            else:
                found.append(part)
        return tuple(found)


def read_inputs(option: str, inputs: Sequence[str]) -> dict[str, str]:
    """Return input → value from an option with one ``name=value`` for each input."""
    for each in inputs:
        if not all(each.partition("=")):
            raise ConfigError(f"{option}: expected name=value with commas in between, not {each!r}")
    pairs = {name: value for name, _, value in (each.partition("=") for each in inputs)}
    if len(pairs) < len(inputs):
        raise ConfigError(f"{option} names an input twice: {', '.join(inputs)}")
    return pairs


def _is_open(assignment: str) -> bool:
    """Whether a list or a string in quotes begins in an assignment, and doesn't end in it."""
    value = assignment.partition("=")[2].strip()
    quote = value[:1]
    return value.count("[") > value.count("]") or (quote in ("'", '"') and (len(value) == 1 or value[-1] != quote))


def is_pattern(name: str) -> bool:
    """Whether a name has signs of a pattern.

    >>> is_pattern("m*"), is_pattern("mll")
    (True, False)
    """
    return not _SIGNS.isdisjoint(name)


def split_names(value: str) -> list[str]:
    """Return the names in an option that is no list for law, none if it isn't given.

    >>> split_names("tnp, nominal")
    ['tnp', 'nominal']
    """
    return [] if value == law.NO_STR else [name for part in value.split(",") if (name := part.strip())]


def choose(kind: str, given: Iterable[str], known: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the names that are meant, each once; a pattern stands for all names that it matches.

    >>> choose("variable", ["n*", "mll"], ["mll", "npvs", "njets"], "configuration 'main'")
    ('npvs', 'njets', 'mll')
    """
    valid = list(known)
    chosen: dict[str, None] = {}
    for name in map(str, given):
        if name in valid:
            chosen[name] = None
        elif not is_pattern(name):
            raise UnknownNameError(kind, name, valid, where)
        elif matching := [each for each in valid if fnmatchcase(each, name)]:
            chosen |= dict.fromkeys(matching)
        else:
            raise ConfigError(f"no {kind} in {where} matches {name!r}; known: {', '.join(valid)}")
    return tuple(chosen)
