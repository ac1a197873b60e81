"""Read-only parameters, as cuts, weights and calibrators get them.

Tables and lists are plain: their entries are Python's numbers, strings, tables and lists, in which nothing is left to
resolve.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from omegaconf import MISSING

from pocket.errors import ConfigError, MissingParameterError, UnknownParameterError

#: modules whose functions read for others: those of parameters, and the base class of tables
_IN_BETWEEN = (__name__, "pocket.parameters.access", "collections.abc")


@dataclass(frozen=True)
class Guard:
    """Restriction of a table to the entries that may be read.

    Args:
        allows: tells whether the entry of a name may be read.
        known: names of all entries, for errors.
    """

    allows: Callable[[str], bool]
    known: frozenset[str]


class Parameters(Mapping[Any, Any]):
    """Read-only table of parameters, whose entries are items and attributes.

    Access to an entry that doesn't exist, is still ``???`` or may not be read raises a ``ConfigError`` with the place.

    Args:
        entries: the entries; tables and lists among them become read-only ones.
        place: names that lead to the table, such as ``"object_preselection.Muon"``; empty for that of all sections.
        guard: restriction of the entries that may be read.

    >>> params = Parameters({"Muon": {"pt": 26.0, "charges": [-1, 1]}})
    >>> params.Muon.pt, params["Muon"]["charges"], params.Muon.get("eta", 2.4)
    (26.0, [-1, 1], 2.4)
    """

    __slots__ = ("_entries", "_guard", "_place")

    _entries: dict[Any, Any]
    _place: str
    _guard: Guard | None

    def __init__(self, entries: Mapping[Any, Any], place: str = "", guard: Guard | None = None) -> None:
        for name, value in (("_entries", {}), ("_place", place), ("_guard", guard)):
            object.__setattr__(self, name, value)
        self._entries.update((key, _read_only(value, self._name_of(key))) for key, value in entries.items())

    def __getitem__(self, key: Any) -> Any:
        return _for_caller(self._entry(key))

    def __getattr__(self, name: str) -> Any:
        # Libraries ask objects for attributes such as ``__array__``.
        if name.startswith("__"):
            raise AttributeError(name)
        if _is_asked_by_omegaconf():
            raise ConfigError(
                f"{_caller()}, gives {self._place or 'the parameters'} to a function of OmegaConf, but parameters are "
                "plain tables where events are processed: read an entry by its name, as in params['dimuon']['low']"
            )
        return _for_caller(self._entry(name))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return an entry, or the default if it doesn't exist or is still ``???``."""
        return _for_caller(self._entries[key]) if key in self else default

    def __contains__(self, key: object) -> bool:
        self._check(key)
        return key in self._entries and not _is_missing(self._entries[key])

    def __iter__(self) -> Iterator[Any]:
        if self._guard is not None:
            what = f"all of {self._place!r}" if self._place else "all sections"
            raise ConfigError(
                f"{_caller()}, loops over {what} in the parameters, but only entries that code names are available: "
                f"list {self._section('*')!r} in parameters_read= of the configuration"
            )
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        self[name] = value

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        _refuse_change(self._name_of(key))

    def __delitem__(self, key: Any) -> NoReturn:
        self[key] = None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *map(str, self._entries)]

    def __repr__(self) -> str:
        return repr(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._entries, self._place, self._guard)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameters:
        return self

    def _entry(self, key: Any) -> Any:
        self._check(key)
        if key not in self._entries:
            place = self._place or "the parameters"
            raise UnknownParameterError("parameter", key, names_of(self), f"{place} ({_caller()})")
        value = self._entries[key]
        if _is_missing(value):
            name = self._name_of(key)
            raise MissingParameterError(f"parameter {name} is still '???': {_caller()}, reads it, so give it a value")
        return value

    def _check(self, key: object) -> None:
        """Refuse access to an entry that may not be read."""
        if self._guard is None or self._guard.allows(str(key)):
            return
        what = f"parameter {self._name_of(key)}" if self._place else f"section {key!r} of the parameters"
        raise ConfigError(
            f"{_caller()}, reads {what}, which no code of this configuration names: write the name out where it is "
            f"read, or list {self._section(str(key))!r} in parameters_read= of the configuration"
        )

    def _name_of(self, key: Any) -> str:
        return f"{self._place}.{key}" if self._place else str(key)

    def _section(self, name: str) -> str:
        return self._place.partition(".")[0] or name


class Values(list[Any]):
    """Read-only list of parameters."""

    def __init__(self, values: Collection[Any], place: str = "") -> None:
        super().__init__(_read_only(value, f"{place}[{position}]") for position, value in enumerate(values))
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self), self._place)

    def _refuse(self, *arguments: Any, **options: Any) -> NoReturn:
        _refuse_change(self._place)

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse


def names_of(table: Any) -> Collection[Any]:
    """Return the names of a table's entries, for errors; where few of them may be read, those of all."""
    guard = table._guard if isinstance(table, Parameters) else None
    return list(table) if guard is None else guard.known


def _read_only(value: Any, place: str) -> Any:
    if isinstance(value, dict):
        return Parameters(value, place)
    return Values(value, place) if isinstance(value, list) else value


def _is_missing(value: Any) -> bool:
    return isinstance(value, str) and value == MISSING


def _refuse_change(place: str) -> NoReturn:
    raise ConfigError(f"{_caller()}, changes {place}, but parameters are read-only: change a copy, or use --params")


def _for_caller(value: Any) -> Any:
    if not (isinstance(value, str) and "://" in value):
        return value
    # The import is by name to keep the module out of the fingerprint: where files lie doesn't change them.
    return importlib.import_module("pocket.parameters.public_places").for_code(value, sys._getframe(2))


def _is_asked_by_omegaconf() -> bool:
    return _module_of(sys._getframe(2)) == "omegaconf"


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _caller() -> str:
    """Return a description of the function that reads, for errors."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_globals.get("__name__") in _IN_BETWEEN or _module_of(frame) == "omegaconf"
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_name}() in {Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
