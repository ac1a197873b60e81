"""The parameters that code may read: those that it names, for the years in which it is used.

Outputs depend on the parameters that code reads, and these aren't known before it runs. So the code gets only the
parameters whose names stand in it, and an error for all others.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import ConfigKeyError

from pocket.errors import ConfigError, MissingParameterError, UnknownParameterError
from pocket.parameters.schema import ANY, SCHEMA, YEAR

#: Placeholder for all sections.
EVERYTHING = "*"
#: Names of years, such as 2018 and 2022_preEE.
_YEAR = re.compile(r"20\d\d(_\w+)?|toys")
#: Sections that the engine adds at run time.
MADE = ("scale_factors",)


@dataclass(frozen=True)
class Reader:
    """Code that reads parameters."""

    names: frozenset[str]
    years: frozenset[str] = frozenset()
    listed: tuple[str, ...] = ()

    def reads_section(self, name: str) -> bool:
        """Tell whether a section may be read."""
        return EVERYTHING in self.listed or name in self.listed or name in MADE or self.reads(name)

    def reads(self, name: str) -> bool:
        """Tell whether a key may be read; its name may consist of two parts, as in ``f"{level}_triggers"``."""
        return (
            name in self.names
            or name.startswith("_")
            or any(name[:i] in self.names and name[i:] in self.names for i in range(1, len(name)))
        )

    def reads_year(self, name: str) -> bool:
        """Tell whether the entry of a year may be read."""
        return name in self.years or name in self.names

    def lists(self, section: str) -> bool:
        """Tell whether all of a section may be read."""
        return EVERYTHING in self.listed or section in self.listed


def visible(parameters: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Return the parameters that may be read, of plain and resolved ones.

    Of shipped sections, these are the named keys, and in tables by year the entries of the reader's years. A table that
    lacks one of these, and has keys that aren't names of years, stays as it is. The user's own sections are included
    completely.
    """
    return {
        section: content if reader.lists(section) else _visible(content, SCHEMA.get(section), reader)
        for section, content in parameters.items()
        if reader.reads_section(section)
    }


def guarded(parameters: Mapping[str, Any], reader: Reader, known: Collection[str] = ()) -> DictConfig:
    """Return the parameters that may be read; access to any others raises a ``ConfigError``.

    So does access to entries that don't exist or are still ``???``. The parameters are plain and resolved.
    """
    part = visible(parameters, reader)
    root = DictConfig(part)
    if EVERYTHING not in reader.listed:
        _watch(root, _Guard(reader, "", "section", frozenset({*known, *part})))
    for section in part:
        if not reader.lists(section):
            _watch_within(root, section, SCHEMA.get(section), reader, section)
    _watch_all(root)
    OmegaConf.set_readonly(root, True)
    return root


def names_of(node: Any) -> Collection[Any]:
    """Return the names of a table's entries, for errors."""
    guard = node.__dict__["_guard"] if isinstance(node, _Guarded) else None
    return list(node) if guard is None else guard.known


def _level(content: Any, schema: Any, reader: Reader, first: bool) -> str:
    """Return how the entries of a table are restricted: by ``year``, by ``key``, or not at all (empty)."""
    if not (isinstance(content, Mapping) and isinstance(schema, Mapping)):
        return ""
    if YEAR in schema:
        has_all = all(year in content for year in reader.years)
        return "year" if reader.years and (has_all or all(map(_YEAR.fullmatch, map(str, content)))) else ""
    return "key" if first and any(key not in ANY for key in schema) else ""


def _visible(content: Any, schema: Any, reader: Reader, first: bool = True) -> Any:
    level = _level(content, schema, reader, first)
    if level == "year":
        return {year: value for year, value in content.items() if reader.reads_year(str(year))}
    if not (isinstance(content, Mapping) and isinstance(schema, Mapping)):
        return content
    return {
        key: _visible(value, _schema_of(schema, key), reader, first=False)
        for key, value in content.items()
        if level != "key" or reader.reads(str(key))
    }


def _watch_within(parent: DictConfig, key: Any, schema: Any, reader: Reader, place: str, first: bool = True) -> None:
    node = parent._get_node(key)
    if not (isinstance(node, DictConfig) and isinstance(schema, Mapping) and isinstance(node._content, dict)):
        return
    level = _level(node._content, schema, reader, first)
    if level != "year":
        for inner in node._content:
            _watch_within(node, inner, _schema_of(schema, inner), reader, f"{place}.{inner!s}", first=False)
    if level:
        _watch(node, _Guard(reader, place, level, frozenset(map(str, node._content))))


def _watch(node: DictConfig, guard: _Guard | None) -> None:
    # Setting an attribute of a table would set an entry, so we bypass it.
    object.__setattr__(node, "__class__", _Guarded)
    node.__dict__["_guard"] = guard


def _watch_all(node: Any) -> None:
    """Make all tables raise our errors for entries that don't exist."""
    if isinstance(node, DictConfig) and not isinstance(node, _Guarded):
        _watch(node, None)
    content = node._content if isinstance(node, DictConfig | ListConfig) else None
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _watch_all(inner)


def _schema_of(schema: Mapping[str, Any], key: Any) -> Any:
    return schema.get(key, next((schema[any_key] for any_key in ANY if any_key in schema), None))


@dataclass(frozen=True)
class _Guard:
    """Restriction of a table to the entries that may be read; the table of all sections has no place."""

    reader: Reader
    place: str
    kind: str
    known: frozenset[str]

    def check(self, key: Any) -> None:
        """Refuse access to an entry that may not be read."""
        # OmegaConf.select() looks up the whole dotted path first.
        name = str(key).partition(".")[0]
        allowed = {"section": self.reader.reads_section, "key": self.reader.reads, "year": self.reader.reads_year}
        if not allowed[self.kind](name):
            what = f"parameter {self.place}.{name}" if self.place else f"section {name!r} of the parameters"
            raise ConfigError(
                f"{_caller()}, reads {what}, which no code of this configuration names: write the name out where it is "
                f"read, or list {self._section(name)!r} in parameters_read= of the configuration"
            )

    def refuse_all(self) -> None:
        """Refuse to loop over all entries."""
        what = f"all of {self.place!r}" if self.place else "all sections"
        raise ConfigError(
            f"{_caller()}, loops over {what} in the parameters, but only entries that code names are available: list "
            f"{self._section(EVERYTHING)!r} in parameters_read= of the configuration"
        )

    def _section(self, name: str) -> str:
        return self.place.partition(".")[0] or name


class _Guarded(DictConfig):
    """Table with a restriction, or with none if it has no guard."""

    def _check(self, key: Any) -> None:
        guard = self.__dict__.get("_guard")
        if guard is not None and not (isinstance(key, str) and key.startswith("__")):
            guard.check(key)

    def _check_found(self, key: Any) -> None:
        content = self.__dict__["_content"]
        if not isinstance(content, dict) or (isinstance(key, str) and key.startswith("__")):
            return
        if key not in content:
            place = self._get_full_key(key).removesuffix(str(key)).removesuffix(".") or "the parameters"
            raise UnknownParameterError("parameter", key, names_of(self), f"{place} ({_caller()})")
        if content[key]._is_missing():
            name = self._get_full_key(key)
            raise MissingParameterError(f"parameter {name} is still '???': {_caller()}, reads it, so give it a value")

    def _refuse_all(self) -> None:
        guard = self.__dict__.get("_guard")
        if guard is not None:
            guard.refuse_all()

    def _get_node(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        self._check(key)
        if kwargs.get("throw_on_missing_key") and key not in self.__dict__["_content"]:
            # OmegaConf would search all keys for a similar one.
            raise ConfigKeyError(f"Missing key {key}")
        return super()._get_node(key, *args, **kwargs)

    # These methods check first, since OmegaConf turns errors that are raised inside of them into several lines.

    def __getattr__(self, key: str) -> Any:
        self._check(key)
        self._check_found(key)
        return _for_caller(super().__getattr__(key))

    def __getitem__(self, key: Any) -> Any:
        self._check(key)
        self._check_found(key)
        return _for_caller(super().__getitem__(key))

    def __contains__(self, key: object) -> bool:
        self._check(key)
        return super().__contains__(key)

    def get(self, key: Any, default_value: Any = None) -> Any:
        self._check(key)
        return _for_caller(super().get(key, default_value))

    def __iter__(self) -> Iterator[Any]:
        self._refuse_all()
        return super().__iter__()

    def keys(self) -> KeysView[Any]:
        self._refuse_all()
        return super().keys()

    def items(self) -> ItemsView[Any, Any]:
        self._refuse_all()
        return super().items()

    def items_ex(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse_all()
        return super().items_ex(*args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> DictConfig:
        copied = super().__deepcopy__(memo)
        _watch(copied, self.__dict__.get("_guard"))
        return copied


def _for_caller(value: Any) -> Any:
    if not (isinstance(value, str) and "://" in value):
        return value
    # The import is by name to keep the module out of the fingerprint: where files lie doesn't change them.
    return importlib.import_module("pocket.parameters.public_places").for_code(value, sys._getframe(2))


def _is_own(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__"))
    return module in (__name__, "pocket.parameters.access") or module.partition(".")[0] == "omegaconf"


def _caller() -> str:
    """Return a description of the function that reads, for errors."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_own(frame):
        frame = frame.f_back
    return f"{frame.f_code.co_name}() in {Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
