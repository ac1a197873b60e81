"""Checks of the keys of parameters, and of the kinds of their values.

An analysis may add sections of its own, and keys of its own to the shipped sections. An unknown key in a shipped
section that is similar to a known one is a mistake. A section that is similar to a shipped one may be one, too.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pocket.base.runtime.remarks import remark, some_of
from pocket.errors import ConfigError, UnknownNameError, nearest
from pocket.parameters.further_keys import accepted
from pocket.parameters.near_keys import line_of
from pocket.parameters.schema import ANY, LIMIT, NUMBER, OWN, SCHEMA, YEAR, Kind

#: OmegaConf's notation for a value that isn't known yet.
_MISSING = "???"
#: Notation of values that YAML writes differently than Python.
_SHOWN = {"None": "null", "True": "true", "False": "false"}
#: Similarity from which a key or section of the user's own counts as a misspelling of a known one.
_MISSPELT = 0.75
#: The same in tables in which keys of the user's own are unusual.
_UNUSUAL = 0.6
#: The same for keys that extend a known one.
_NEARLY_EQUAL = 0.9


def check_keys(parameters: Any, where: str, written: Mapping[str, str] | None = None) -> None:
    """Check the keys of parameters, and the kinds of their values, against :data:`SCHEMA`.

    Interpolations and ``???`` are accepted, since they may become any value.

    Args:
        parameters: plain dictionary, section → contents, with interpolations as written.
        written: key → number as written, for numbers that YAML reads differently
            (:func:`pocket.parameters.numbers.surprising_numbers`).
    """
    own: list[str] = []
    for section, content in parameters.items():
        if section in accepted():
            _check(content, accepted()[section], str(section), where, written or {}, own)
        elif meant := resembled(str(section), SCHEMA, _MISSPELT, forms=False):
            place = line_of(where, [str(section)])
            remark(f"section {section!r} in {place} is taken as one of your own, did you mean {meant[0]!r}?")
    if own:
        remark(f"{where}: {some_of(own)} are keys of your own, which nothing but your code reads")


def without_numbered_years(part: DictConfig, earlier: Sequence[DictConfig], where: str) -> DictConfig:
    """Return parameters without the years that are written as numbers, as far as the year is known otherwise.

    The name of a year is a string, so nothing would read them, as in PocketCoffea.
    """
    numbered = list(_numbered(part, SCHEMA, ()))
    if not numbered:
        return part
    copied = copy.deepcopy(part)
    for *path, year in numbered:
        sentence = f"{'.'.join(path)} in {where} has the number {year} as a key"
        if not any(str(year) in _keys(one, path) for one in earlier):
            raise ConfigError(f"{sentence}, write the year in quotes: '{year}'")
        table: Any = copied
        for key in path:
            table = table._get_node(key)
        del table[year]
        remark(f"{sentence}, which isn't the year '{year}', so it is ignored")
    return copied


def _numbered(node: Any, schema: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    content = node._content if isinstance(node, DictConfig) else None
    if not (isinstance(content, dict) and isinstance(schema, Mapping)):
        return
    of_any = next((schema[any_key] for any_key in ANY if any_key in schema), None)
    for key, inner in content.items():
        if YEAR in schema and isinstance(key, int):
            yield (*path, key)
        else:
            yield from _numbered(inner, schema.get(key, of_any), (*path, key))


def _keys(parameters: DictConfig, path: Sequence[str]) -> Collection[Any]:
    table = OmegaConf.select(parameters, ".".join(path), throw_on_resolution_failure=False)
    return table if isinstance(table, DictConfig) else ()


def _check(content: Any, schema: Any, prefix: str, where: str, written: Mapping[str, str], own: list[str]) -> None:
    if isinstance(schema, tuple):
        schema = schema[isinstance(content, Mapping)]
    if isinstance(schema, Kind):
        _check_kind(content, schema, prefix, where, written)
        return
    if schema is None or content is None or _is_open(content):
        return
    if not isinstance(content, Mapping):
        keys = [key for key in schema if key not in (*ANY, OWN)]
        known = f" of keys such as {keys[0]!r}" if keys else " by year" if YEAR in schema else ""
        raise ConfigError(f"{prefix} in {where} is {content!r}, expected a table{known}")
    for key, value in content.items():
        if YEAR in schema and isinstance(key, int):
            continue  # See without_numbered_years.
        of_any = [schema[any_key] for any_key in ANY if any_key in schema]
        if key not in schema and not of_any:
            _check_own(str(key), schema, prefix, where, own)
        _check(value, schema.get(key, *of_any), f"{prefix}.{key}", where, written, own)


def _check_own(key: str, schema: Mapping[str, Any], prefix: str, where: str, own: list[str]) -> None:
    """Refuse an unknown key that looks like a misspelt or shortened one, and note others where they are unusual."""
    known = [name for name in schema if name != OWN]
    if OWN in schema:
        meant = resembled(key, known, _MISSPELT, forms=False)
    else:
        own.append(f"{prefix}.{key}")
        meant = resembled(key, known, _UNUSUAL)
    if meant:
        raise UnknownNameError("key", f"{prefix}.{key}", [f"{prefix}.{name}" for name in known], where)


def resembled(key: str, known: Iterable[str], likeness: float, forms: bool = True) -> list[str]:
    """Return the known names that a key may be a misspelling of."""
    names = [name for name in known if name not in (*ANY, OWN)]
    if any(key.startswith(f"{name}_") for name in names):
        return nearest(key, names, 1, max(likeness, _NEARLY_EQUAL))
    found = [name for name in names if forms and (key.startswith(name) or name.startswith(key))]
    word = f"{key.partition('_')[0]}_"
    return (
        found
        or [
            name
            for name in nearest(key, names, 3, likeness)
            if not name.startswith(word) or nearest(key.removeprefix(word), [name.removeprefix(word)], 1, likeness)
        ][:1]
    )


def _is_open(value: Any) -> bool:
    """Tell whether a value is an interpolation or isn't known yet."""
    return isinstance(value, str) and ("${" in value or value == _MISSING)


def _check_kind(value: Any, kind: Kind, key: str, where: str, written: Mapping[str, str]) -> None:
    if _is_open(value):
        return
    if kind in (NUMBER, LIMIT) and key in written:
        raise ConfigError(
            f"{key} in {where} is written {written[key]}, which YAML reads as {value}: write {value} if that is meant"
        )
    if not kind.has(value):
        raise ConfigError(f"{key} in {where} is {_SHOWN.get(repr(value), repr(value))}, expected {kind.name}")
