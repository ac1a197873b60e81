"""The parameters that code may read: those that it names, for the years in which it is used.

Outputs depend on the parameters that code reads, and these aren't known before it runs. So the code gets only the
parameters whose names stand in it, and an error for all others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pocket.parameters.schema import ANY, SCHEMA, YEAR
from pocket.parameters.values import Guard, Parameters

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


def guarded(parameters: Mapping[str, Any], reader: Reader, known: Collection[str] = ()) -> Parameters:
    """Return the parameters that may be read, of plain and resolved ones; access to any others is an error.

    Args:
        parameters: section → its contents.
        reader: the code that reads them.
        known: names of further sections, for errors.
    """
    part = visible(parameters, reader)
    sections = {
        section: content if reader.lists(section) else _guarded(content, SCHEMA.get(section), reader, section)
        for section, content in part.items()
    }
    all_of_them = EVERYTHING in reader.listed
    return Parameters(sections, "", None if all_of_them else Guard(reader.reads_section, frozenset({*known, *part})))


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


def _guarded(content: Any, schema: Any, reader: Reader, place: str, first: bool = True) -> Any:
    if not (isinstance(content, Mapping) and isinstance(schema, Mapping)):
        return content
    level = _level(content, schema, reader, first)
    allows = {"year": reader.reads_year, "key": reader.reads}
    guard = Guard(allows[level], frozenset(map(str, content))) if level else None
    if level == "year":
        return Parameters(content, place, guard)
    within = {
        key: _guarded(value, _schema_of(schema, key), reader, f"{place}.{key}", first=False)
        for key, value in content.items()
    }
    return Parameters(within, place, guard)


def _schema_of(schema: Mapping[str, Any], key: Any) -> Any:
    return schema.get(key, next((schema[any_key] for any_key in ANY if any_key in schema), None))
