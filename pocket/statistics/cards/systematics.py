"""The lines below the rates of datacards, by what they mean.

Source: combine's documentation, "Preparing the datacard" and "Automatic statistical uncertainties".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from pocket.errors import UnknownNameError, nearest
from pocket.statistics.cards.edits import edit
from pocket.statistics.cards.syntax import Card, Column, Line, fits
from pocket.statistics.cards.uncertainties import (
    Effect,
    RateFormula,
    Systematics,
    Uncertainty,
    parse_value,
    split_kind,
)
from pocket.statistics.model import FreeParameter, McStat

#: kinds of lines that mean something that can't be read exactly, with the reason
_REFUSED = {
    "trG": "a truncated Gaussian has no counterpart in models of templates",
    "dFD": "a double Fermi-Dirac distribution has no counterpart in models of templates",
    "dFD2": "a double Fermi-Dirac distribution has no counterpart in models of templates",
    "discrete": "a discrete parameter chooses among functions of a RooFit workspace, which can't be read",
    "constr": "a constraint that is a formula can't be read",
}
#: kinds of lines that can be read: with a column for each process, besides shapes, and all
_WITH_COLUMNS = ("lnN", "lnU", "gmN", "gmM", "unif")
_KINDS = (*_WITH_COLUMNS, "shape", "rateParam", "extArg", "param", "flatParam", "group", "autoMCStats")
#: numbers after the kind that come before those of columns
_ARGUMENTS = {"gmN": 1, "unif": 2}


def parse_systematics(card: Card) -> Systematics:
    """Return what the lines below the rates mean."""
    found = Systematics()
    handlers: dict[str, Callable[[Card, Line, Systematics], None]] = {
        "rateParam": _rate_parameter,
        "extArg": _argument,
        "param": _gaussian,
        "group": _group,
        "autoMCStats": _mc_stat,
        "edit": edit,
    }
    for line in card.lines:
        if line.kind in _REFUSED:
            card.refuse(line.number, f"{line.name!r} is {line.kind}: {_REFUSED[line.kind]}")
        if line.kind == "flatParam":
            continue  # It is only a remark on a parameter that is defined elsewhere.
        if line.kind in handlers:
            handlers[line.kind](card, line, found)
        elif line.kind in _WITH_COLUMNS or line.kind.startswith("shape"):
            _uncertainty(card, line, found)
        else:
            near = nearest(line.kind, _KINDS, 2)
            hint = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
            card.refuse(line.number, f"combine has no kind of uncertainty {line.kind!r}, as {line.name!r} has{hint}")
    _check_declared(card)
    return found


def _check_declared(card: Card) -> None:
    kinds = [line.kind for line in card.lines]
    count = sum(kind in (*_WITH_COLUMNS, "param") or kind.startswith("shape") for kind in kinds)
    # Edits change the number, so combine doesn't check it where there are some.
    if card.declared is not None and card.declared[1] != count and "edit" not in kinds:
        card.refuse(card.declared[0], f"kmax is {card.declared[1]}, but there are {count} systematic uncertainties")


def _uncertainty(card: Card, line: Line, found: Systematics) -> None:
    name, kind = line.name, line.kind
    if name.endswith("[nofloat]"):
        name = name.removesuffix("[nofloat]")
        found.frozen.add(name)
    # Names of variables don't begin with a digit, so combine changes them.
    name = f"theta{name}" if name[0].isdigit() else name
    kind, logarithmic, uniform = split_kind(card, line.number, name, kind)
    if any(other.uniform != uniform for other in found.named(name)):
        card.refuse(
            line.number, f"{name!r} is uniform in one line and constrained in another, which combine can't take"
        )
    before = {other.kind for other in found.named(name)}
    if before and before != {kind}:
        card.refuse(
            line.number,
            f"{name!r} is {line.kind} here but {before.pop()} before, which combine can't take: write shape? for both",
        )
    skip = _ARGUMENTS.get(kind, 0)
    if len(line.words) < skip + len(card.columns):
        card.refuse(
            line.number,
            f"{name!r} has {max(len(line.words) - skip, 0)} columns, but there are {len(card.columns)} processes",
        )
    arguments = tuple(
        float(card.integer(line.number, word)) if kind == "gmN" else card.number(line.number, word)
        for word in line.words[:skip]
    )
    effects = {}
    for column, word in zip(card.columns, line.words[skip:], strict=False):
        value = parse_value(card, line.number, kind, word, f"{name!r} of process {column.process!r}")
        if value is not None:
            effects[column.place] = Effect(value, line.name.removesuffix("[nofloat]"))
    found.uncertainties.append(Uncertainty(line.number, name, kind, arguments, effects, logarithmic, uniform))


def places(card: Card, line: int, region: str, process: str) -> Iterator[Column]:
    """Yield the columns that two patterns fit."""
    matching = [c for c in card.columns if fits(region, c.region) and fits(process, c.process)]
    if not matching:
        if not any(fits(region, name) for name in card.regions):
            _unknown(card, line, "region", region, card.regions)
        names = {c.process for c in card.columns}
        if not any(fits(process, name) for name in names):
            _unknown(card, line, "process", process, names)
        # Combine takes a process that the region doesn't have, and does nothing.
    yield from matching


def _unknown(card: Card, line: int, kind: str, name: str, known: Iterable[str]) -> NoReturn:
    raise UnknownNameError(kind, name, known, f"line {line} of {card.name}")


def _range(card: Card, line: Line, words: tuple[str, ...]) -> FreeParameter | None:
    """Return the free parameter of an initial value and maybe a range, or None if these aren't some."""
    if len(words) == 2 and not re.fullmatch(r"\[.*\]", words[1]):
        return None
    initial = card.number(line.number, words[0])
    if len(words) == 1:
        return FreeParameter(initial=initial)
    limits = words[1].strip("[]").split(",")
    if len(limits) != 2:
        card.refuse(line.number, f"the range {words[1]} of {line.name!r} must be [low,high]")
    low, high = (card.number(line.number, limit) for limit in limits)
    if not low < high or not low <= initial <= high:
        card.refuse(line.number, f"the initial value {initial:g} of {line.name!r} is outside of its range {words[1]}")
    return FreeParameter(low, high, initial)


def _rate_parameter(card: Card, line: Line, found: Systematics) -> None:
    if not 3 <= len(line.words) <= 4:
        card.refuse(line.number, f"{line.name!r} must be: rateParam region process initial [low,high], or formula args")
    region, process, *rest = line.words
    if len(rest) == 1 and ".root:" in rest[0]:
        card.refuse(line.number, f"{line.name!r} is in the RooFit workspace {rest[0]}, which can't be read")
    parameter = _range(card, line, tuple(rest))
    if parameter is None:
        formula = RateFormula(rest[0], tuple(rest[1].split(",")), line.number)
        before: object = found.formulas.setdefault(line.name, formula)
        same = isinstance(before, RateFormula) and (before.expression, before.arguments) == (rest[0], formula.arguments)
    elif line.name in found.gaussian:
        same = True
    else:
        before = found.free.setdefault(line.name, parameter)
        same = before == parameter
    if not same or (line.name in found.free and line.name in found.formulas):
        card.refuse(line.number, f"the rateParam {line.name!r} is another one in a line before")
    for column in places(card, line.number, region, process):
        found.rates.setdefault(column.place, []).append(line.name)


def _argument(card: Card, line: Line, found: Systematics) -> None:
    if not line.words or ":" in line.words[-1]:
        where = line.words[-1] if line.words else "a RooFit workspace"
        card.refuse(line.number, f"the extArg {line.name!r} is in the RooFit workspace {where}, which can't be read")
    if line.words[-1] == "[const]":
        found.constants[line.name] = card.number(line.number, line.words[0])
        return
    parameter = _range(card, line, line.words)
    if parameter is None or found.free.setdefault(line.name, parameter) != parameter:
        card.refuse(line.number, f"the extArg {line.name!r} must be: initial [low,high], and is one parameter")


def _gaussian(card: Card, line: Line, found: Systematics) -> None:
    if len(line.words) < 2:
        card.refuse(line.number, f"{line.name!r} must be: param mean width")
    found.gaussian[line.name] = line.words, line.number
    # A rateParam with a constraint isn't free.
    found.free.pop(line.name, None)


def _group(card: Card, line: Line, found: Systematics) -> None:
    sign, *members = line.words or ("",)
    if sign not in ("=", "+=") or not members:
        card.refuse(line.number, f"the group {line.name!r} must be: group = members; or: group += members")
    if (line.name in found.groups) != (sign == "+="):
        reason = "is defined before" if sign == "=" else "isn't defined before"
        card.refuse(line.number, f"the group {line.name!r} {reason}, so it can't have {sign} here")
    known, _ = found.groups.get(line.name, ([], 0))
    found.groups[line.name] = [*dict.fromkeys([*known, *members])], line.number


def _mc_stat(card: Card, line: Line, found: Systematics) -> None:
    if not 1 <= len(line.words) <= 3:
        card.refuse(line.number, "autoMCStats must be: region autoMCStats threshold [include-signal] [hist-mode]")
    threshold = card.number(line.number, line.words[0])
    include = len(line.words) > 1 and card.integer(line.number, line.words[1]) != 0
    if len(line.words) > 2 and card.integer(line.number, line.words[2]) != 1:
        card.refuse(line.number, f"autoMCStats with hist-mode {line.words[2]} can't be read, only with 1")
    matching = [region for region in card.regions if fits(line.name, region)]
    if not matching and "*" not in line.name:
        _unknown(card, line.number, "region", line.name, card.regions)
    for region in matching:
        found.mc_stat[region] = McStat(threshold, include) if threshold >= 0 else None
