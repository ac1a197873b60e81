"""Parameters of datacards that multiply rates: free ones, formulas, and numbers of events in sidebands."""

from __future__ import annotations

import re

import numpy as np

from pocket.errors import StatisticsError, UnknownNameError
from pocket.statistics.cards.interest import Interest
from pocket.statistics.cards.syntax import Card, Column
from pocket.statistics.cards.uncertainties import Systematics, Uncertainty
from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, RegionModel


class Parameters:
    """Names and meaning of all that multiplies rates in a card."""

    def __init__(self, card: Card, systematics: Systematics, interest: Interest) -> None:
        self._card = card
        self._systematics = systematics
        self._interest = interest
        #: free parameters
        self.free: dict[str, FreeParameter] = dict(systematics.free)
        #: formulas, of parameters alone
        self.formulas: dict[str, Formula] = dict(interest.formulas)
        self._factors: dict[tuple[str, str], list[str]] = {}
        self._from_sideband: dict[tuple[str, str], float] = {}
        # parameter → events that its sideband is expected to have and has
        self._observed: dict[str, tuple[float, float]] = {}
        self._gaussian: dict[str, tuple[float, float]] = {}
        for uncertainty in systematics.uncertainties:
            if uncertainty.kind in ("lnU", "unif", "gmN", "gmM") or uncertainty.uniform:
                self._define(uncertainty)
        self._check_gaussian()
        for name in systematics.formulas:
            self._set_formula(name, name)

    def nuisances(self) -> tuple[str, ...]:
        """Return the names of the Gaussian-constrained parameters, in the order of the card."""
        lines = [(u.line, u.name) for u in self._systematics.uncertainties if u.name not in self.free]
        lines += [(line, name) for name, (_, line) in self._systematics.gaussian.items()]
        return tuple(dict.fromkeys(name for _, name in sorted(lines)))

    def factors(self, column: Column) -> tuple[str, ...]:
        """Return what multiplies a process, besides parameters of interest."""
        rates = self._systematics.rates.get(column.place, ())
        return (*map(self._factor, rates), *self._factors.get(column.place, ()))

    def from_sideband(self, column: Column) -> float | None:
        """Return the events of a process that come from a sideband, ``gmN``, or None if they are simulated."""
        return self._from_sideband.get(column.place)

    def sidebands(self) -> list[RegionModel]:
        """Return the counting regions that sidebands are."""
        return [
            RegionModel(
                name=f"{name}_sideband",
                processes=("sideband",),
                nominal=np.array([[expected]]),
                sumw2=np.zeros((1, 1)),
                data=np.array([observed]),
                factors={"sideband": (name,)},
                weighted=not observed.is_integer(),
            )
            for name, (expected, observed) in self._observed.items()
        ]

    def groups(self, used: set[str]) -> dict[str, tuple[str, ...]]:
        """Return the groups, without parameters that aren't used."""
        known = {*self.free, *self.nuisances(), *self._systematics.formulas, *self._systematics.constants}
        found = {}
        for group, (members, line) in self._systematics.groups.items():
            for member in members:
                if member not in known:
                    raise UnknownNameError("parameter", member, known, f"line {line} of {self._card.name}")
            kept = tuple(name for name in members if name in used and name not in self.formulas)
            if kept:
                found[group] = kept
        return found

    def _define(self, uncertainty: Uncertainty) -> None:
        """Define the free parameter that an uncertainty without Gaussian constraint is."""
        card, name = self._card, uncertainty.name
        if name in self._systematics.frozen:
            card.refuse(uncertainty.line, f"the parameter {name!r} is {uncertainty.kind}, so it can't be frozen here")
        if uncertainty.kind == "gmN":
            self._define_sideband(uncertainty)
            return
        if uncertainty.kind == "gmM":
            self._define_width(uncertainty)
            return
        if name in self._systematics.free:
            card.refuse(uncertainty.line, f"{name!r} is {uncertainty.kind}, but also a rateParam")
        low, high = uncertainty.arguments or (-1.0, 1.0)
        self.free[name] = FreeParameter(low, high, (low + high) / 2)
        formulas: dict[str, str] = {}
        if uncertainty.uniform:
            return
        for place, effect in uncertainty.effects.items():
            if isinstance(effect.value, tuple):
                card.refuse(uncertainty.line, f"{name!r} is lnU with two numbers, which can't be read exactly")
            expression = f"{effect.value!r}^@0" if uncertainty.kind == "lnU" else f"1+{effect.value!r}*@0"
            formula = formulas.setdefault(expression, f"{name}_effect{len(formulas)}")
            self.formulas[formula] = Formula(expression, (name,))
            self._factors.setdefault(place, []).append(formula)

    def _define_sideband(self, uncertainty: Uncertainty) -> None:
        card, name, events = self._card, uncertainty.name, uncertainty.arguments[0]
        # Without events, the parameter is the number of events.
        numbers = events or 1.0, events
        if events < 0 or self._observed.get(name, numbers) != numbers:
            card.refuse(
                uncertainty.line, f"{name!r} is gmN with {events:g} events, but has others before, or it is negative"
            )
        if not uncertainty.effects:
            return
        self._observed[name] = numbers
        self.free[name] = FreeParameter(low=0.0)
        rates = {column.place: column.rate for column in card.columns}
        for place, effect in uncertainty.effects.items():
            region, process = place
            if place in self._from_sideband:
                card.refuse(uncertainty.line, f"process {process!r} in region {region!r} has two uncertainties gmN")
            alpha = effect.value if isinstance(effect.value, float) else 0.0
            rate = rates[place]
            if rate != -1 and abs(alpha * events - rate) > max(0.05 * max(rate, 1), alpha):
                card.refuse(
                    uncertainty.line,
                    f"{name!r} has {events:g} events times {alpha:g}, but the rate of process {process!r} in region "
                    f"{region!r} is {rate:g}",
                )
            self._from_sideband[place] = alpha * numbers[0]
            self._factors.setdefault(place, []).append(name)

    def _define_width(self, uncertainty: Uncertainty) -> None:
        """Define the factor of rates that has a Gamma distribution of some relative width.

        With k = 1 / width², its density is ``x^(k−1) exp(−k x)``: that of k − 1 events in a sideband where k x are
        expected. Its range is that of ``doNuisances`` in combine's ``ModelTools.py``.
        """
        name = uncertainty.name
        widths = {effect.value for line in self._systematics.named(name) for effect in line.effects.values()}
        if not widths:
            return
        width = max(widths) if len(widths) == 1 else 0.0
        if not (isinstance(width, float) and 0 < width <= 1):
            reason = "several widths" if len(widths) > 1 else f"the width {width:g}, more than 1"
            self._card.refuse(uncertainty.line, f"{name!r} is gmM with {reason}, which combine can't take")
        expected = 1 / width**2
        self._observed[name] = expected, expected - 1
        self.free[name] = FreeParameter(max(0.01, 1 - 5 * width), 1 + 5 * width, 1.0)
        for place in uncertainty.effects:
            self._factors.setdefault(place, []).append(name)

    def _check_gaussian(self) -> None:
        systematics = self._systematics
        used = {name for names in systematics.rates.values() for name in names}
        used |= {argument for formula in systematics.formulas.values() for argument in formula.arguments}
        for name, (words, line) in systematics.gaussian.items():
            if name not in used and not systematics.named(name):
                self._card.refuse(line, f"the param {name!r} changes no rate, so it is one of a RooFit workspace")
            if len(words) > 2 or "/" in words[1]:
                self._card.refuse(line, f"the param {name!r} has two widths or a range, which can't be read exactly")
            mean, width = (self._card.number(line, word) for word in words)
            if not width > 0:
                self._card.refuse(line, f"the width {width:g} of {name!r} must be positive")
            self._gaussian[name] = mean, width

    def _factor(self, name: str) -> str:
        """Return the name of what a rateParam multiplies with."""
        if name not in self._systematics.gaussian:
            return name
        self._set_formula(f"{name}_value", name)
        return f"{name}_value"

    def _set_formula(self, name: str, of: str) -> None:
        if name in self.formulas:
            return
        line = self._systematics.formulas[of].line if of in self._systematics.formulas else 0
        try:
            self.formulas[name] = Formula(*self._resolve(of, ()))
        except UnknownNameError:
            raise
        except StatisticsError as error:
            self._card.refuse(line, f"the rateParam {of!r}: {error}")

    def _resolve(self, name: str, within: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the expression of a name in parameters alone, and these."""
        systematics = self._systematics
        if name in within:
            raise StatisticsError(f"the formulas {', '.join(within)} are made of each other")
        if name in systematics.constants:
            return repr(systematics.constants[name]), ()
        if name in systematics.gaussian:
            mean, width = self._gaussian[name]
            return ("@0" if (mean, width) == (0, 1) else f"{mean!r}+{width!r}*@0"), (name,)
        if name in systematics.formulas:
            formula = systematics.formulas[name]
            parts = [self._resolve(argument, (*within, name)) for argument in formula.arguments]
            return _substitute(formula.expression, parts)
        known = (*self._interest.pois, *self.free, *self.nuisances())
        if name not in known:
            line = systematics.formulas[within[-1]].line if within else 0
            raise UnknownNameError("parameter", name, known, f"line {line} of {self._card.name}")
        return "@0", (name,)


def _substitute(expression: str, parts: list[tuple[str, tuple[str, ...]]]) -> tuple[str, tuple[str, ...]]:
    """Return an expression in which each argument is replaced by an expression of its own.

    >>> _substitute("@0*@1", [("@0", ("a",)), ("1+@0/@1", ("b", "c"))])
    ('@0*(1+@1/@2)', ('a', 'b', 'c'))
    """
    arguments: list[str] = []
    texts = []
    for part, names in parts:
        first = len(arguments)
        arguments += names
        text = re.sub(r"@(\d+)", lambda found, first=first: f"@{first + int(found[1])}", part)  # type: ignore[misc]
        texts.append(text if re.fullmatch(r"@\d+", text) else f"({text})")

    def replace(found: re.Match[str]) -> str:
        number = int(found[1])
        if number >= len(texts):
            raise StatisticsError(f"the formula {expression!r} uses @{number}, but has {len(texts)} arguments")
        return texts[number]

    return re.sub(r"@(\d+)", replace, expression), tuple(arguments)
