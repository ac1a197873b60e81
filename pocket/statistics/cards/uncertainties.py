"""Uncertainties of datacards with a column for each process of each region, and all else that stands below the rates.

Source: combine's documentation, "Preparing the datacard".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pocket.statistics.cards.syntax import Card
from pocket.statistics.model import FreeParameter, McStat

#: region and process
Place = tuple[str, str]
#: κ, or κ at −1 and at +1; for shapes the number of standard deviations that templates stand for
Value = float | tuple[float, float]

#: kinds of shapes that differ only for functions, not for histograms
_SHAPE = re.compile(r"shape(?P<logs>N?)2?a?(?P<uniform>U?)\*?(?P<either>\??)")


@dataclass
class Effect:
    """What an uncertainty does to a process in a region.

    Args:
        value: the number in the card.
        template: name of the uncertainty in names of histograms.
    """

    value: Value
    template: str


@dataclass
class Uncertainty:
    """A line with a column for each process of each region.

    Args:
        kind: ``lnN``, ``lnU``, ``gmN``, ``gmM``, ``unif``, ``shape`` or ``shape?``.
        arguments: numbers before the columns.
        effects: region and process → effect, where there is one.
        logarithmic: whether templates are interpolated in their logarithms, ``shapeN``.
        uniform: whether the parameter is uniform between −1 and 1, ``shapeU``.
    """

    line: int
    name: str
    kind: str
    arguments: tuple[float, ...]
    effects: dict[Place, Effect]
    logarithmic: bool = False
    uniform: bool = False


@dataclass(frozen=True)
class RateFormula:
    """A formula of a ``rateParam``: expression, arguments and line."""

    expression: str
    arguments: tuple[str, ...]
    line: int


@dataclass
class Systematics:
    """All lines below the rates.

    Args:
        uncertainties: lines with columns.
        free: name → free parameter, of ``rateParam`` and ``extArg``.
        constants: name → constant value, of ``extArg``.
        gaussian: name → words and line of ``param``, mean and width.
        formulas: name → formula.
        rates: region and process → names of what multiplies it.
        mc_stat: region → statistical errors of simulation; None stands for none, but with the rates of histograms.
        groups: name → members, and the line.
        frozen: names of parameters that don't float.
    """

    uncertainties: list[Uncertainty] = field(default_factory=list)
    free: dict[str, FreeParameter] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    gaussian: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    formulas: dict[str, RateFormula] = field(default_factory=dict)
    rates: dict[Place, list[str]] = field(default_factory=dict)
    mc_stat: dict[str, McStat | None] = field(default_factory=dict)
    groups: dict[str, tuple[list[str], int]] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)

    def named(self, name: str) -> list[Uncertainty]:
        """Return the lines of a parameter."""
        return [uncertainty for uncertainty in self.uncertainties if uncertainty.name == name]


def split_kind(card: Card, line: int, name: str, kind: str) -> tuple[str, bool, bool]:
    """Return a kind of uncertainty, of which combine has many words.

    Two more say whether logarithms of templates are interpolated, and whether the parameter is uniform.
    """
    if not kind.startswith("shape"):
        return kind, False, False
    match = _SHAPE.fullmatch(kind)
    if match is None:
        card.refuse(line, f"combine has no kind of uncertainty {kind!r}, as {name!r} has")
    if match["uniform"] and kind != "shapeU":
        # Combine interpolates it as shapeU, but constrains the parameter as a Gaussian one.
        card.refuse(line, f"{name!r} is {kind}, of which combine doesn't make a uniform parameter: write shapeU")
    return "shape" + match["either"], bool(match["logs"]), bool(match["uniform"])


def parse_value(card: Card, line: int, kind: str, word: str, what: str) -> Value | None:
    """Return the effect that a word stands for, or None for no effect."""
    if not word.strip("-"):
        return None
    if "/" in word:
        if kind not in ("lnN", "lnU") and not kind.endswith("?"):
            card.refuse(line, f"the effect {word} on {what} has two numbers, which only log-normals can have")
        parts = [card.number(line, part) for part in word.split("/")]
        if len(parts) != 2 or min(parts) <= 0:
            card.refuse(line, f"the effect {word} on {what} must be two positive numbers")
        return parts[0], parts[1]
    value = card.number(line, word)
    if value < 0 and kind != "unif":
        card.refuse(line, f"the effect {word} on {what} is negative")
    if value == 0 or (kind in ("lnN", "lnU") and value == 1):
        return None
    return value
