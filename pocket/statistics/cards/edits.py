"""Edits of uncertainties: the lines ``nuisance edit`` of datacards.

Patterns of processes and regions are regular expressions, or ``*`` for all. Source: combine's documentation,
"Manipulation of Nuisance parameters".
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from pocket.statistics.cards.syntax import Card, Column, Line
from pocket.statistics.cards.uncertainties import Effect, Systematics, Uncertainty, parse_value, split_kind

_OPTIONS = ("ifexists", "overwrite")


def edit(card: Card, line: Line, found: Systematics) -> None:
    """Change the uncertainties that come before a line ``nuisance edit …``."""
    handlers: dict[str, tuple[int, Callable[[Card, Line, Systematics, Sequence[str]], None]]] = {
        "add": (5, _add),
        "drop": (3, _drop),
        "rename": (2, _rename),
        "freeze": (1, _freeze),
    }
    command, *words = line.words or ("",)
    if command not in handlers:
        card.refuse(line.number, f"the edit {command!r} can't be read, only {', '.join(handlers)}")
    count, handler = handlers[command]
    if len(words) < count:
        card.refuse(line.number, f"the edit {command!r} needs {count} words after it")
    handler(card, line, found, words)


def _compiled(card: Card, line: Line, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        card.refuse(line.number, f"{pattern!r} is no regular expression: {error}")


def _columns(card: Card, line: Line, process: str, region: str) -> list[Column]:
    # Combine takes a + in names of regions as it is.
    patterns = (".*" if each == "*" else each for each in (process, region.replace("+", r"\+")))
    of_process, of_region = (_compiled(card, line, pattern) for pattern in patterns)
    return [c for c in card.columns if of_process.fullmatch(c.process) and of_region.fullmatch(c.region)]


def _check_options(card: Card, line: Line, options: Sequence[str]) -> None:
    for option in options:
        if option not in _OPTIONS:
            card.refuse(line.number, f"the option {option!r} of an edit can't be read, only {', '.join(_OPTIONS)}")


def _add(card: Card, line: Line, found: Systematics, words: Sequence[str]) -> None:
    process, region, name, kind, value, *options = words
    _check_options(card, line, options)
    kind, logarithmic, _ = split_kind(card, line.number, name, kind)
    if kind not in ("lnN", "shape", "shape?"):
        card.refuse(line.number, f"the edit can't add {kind}, only lnN and shape")
    same = found.named(name)
    if same and same[0].kind != kind:
        card.refuse(line.number, f"the edit adds {name!r} as {kind}, but it is {same[0].kind}")
    if not same:
        same = [Uncertainty(line.number, name, kind, (), {}, logarithmic)]
        found.uncertainties += same
    number = parse_value(card, line.number, kind, value, repr(name))
    columns = _columns(card, line, process, region) if number is not None else []
    for column in columns:
        if column.place in same[0].effects and "overwrite" not in options:
            card.refuse(
                line.number,
                f"process {column.process!r} in region {column.region!r} has {name!r} already, which the edit adds",
            )
        same[0].effects[column.place] = Effect(number or 0.0, name)


def _drop(card: Card, line: Line, found: Systematics, words: Sequence[str]) -> None:
    process, region, pattern, *options = words
    _check_options(card, line, options)
    names = _compiled(card, line, pattern)
    matching = [u for u in found.uncertainties if names.fullmatch(u.name)]
    columns = _columns(card, line, process, region)
    if not (matching and columns) and "ifexists" not in options:
        card.refuse(line.number, f"the edit drops {pattern!r}, which isn't there")
    for uncertainty in matching:
        for column in columns:
            uncertainty.effects.pop(column.place, None)


def _rename(card: Card, line: Line, found: Systematics, words: Sequence[str]) -> None:
    if len(words) == 3:
        card.refuse(line.number, "the edit 'rename' needs old and new name, maybe with process and region before")
    process, region, (old, new, *options) = ("*", "*", words) if len(words) == 2 else (words[0], words[1], words[2:])
    _check_options(card, line, options)
    columns = _columns(card, line, process, region)
    source = found.named(old)
    if (not source and (len(words) == 2 or "ifexists" not in options)) or (not columns and "ifexists" not in options):
        card.refuse(line.number, f"the edit renames {old!r}, which isn't there")
    for uncertainty in source:
        if uncertainty.kind not in ("lnN", "shape", "shape?"):
            card.refuse(line.number, f"the edit renames {old!r}, which is {uncertainty.kind}; not lnN or shape")
        moved = {c.place: uncertainty.effects.pop(c.place) for c in columns if c.place in uncertainty.effects}
        same = [other for other in found.named(new) if other.kind == uncertainty.kind]
        if found.named(new) and not same:
            card.refuse(line.number, f"the edit renames {old!r} to {new!r}, which is of another kind")
        if not same:
            same = [dataclasses.replace(uncertainty, line=line.number, name=new, effects={})]
            found.uncertainties += same
        same[0].effects.update(moved)


def _freeze(card: Card, line: Line, found: Systematics, words: Sequence[str]) -> None:
    pattern, *options = words
    _check_options(card, line, options)
    names = _compiled(card, line, pattern)
    free = [name for name in (*found.free, *found.gaussian) if names.fullmatch(name)]
    if free:
        card.refuse(line.number, f"the edit freezes {free[0]!r}, of rates; change the rates instead")
    matching = [u.name for u in found.uncertainties if names.fullmatch(u.name)]
    if not matching and "ifexists" not in options:
        card.refuse(line.number, f"the edit freezes {pattern!r}, which isn't there")
    found.frozen.update(matching)
