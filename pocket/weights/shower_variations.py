"""Variations of the parton shower in PSWeight, by the names in the title of the branch, and split by branching.

Pythia 8 has variations of the renormalisation scale (muRfac) and of non-singular terms (cNS), of the initial state
(isr) and the final state (fsr), also for single kinds of branchings (S. Mrenna, P. Skands, arXiv:1605.08352). CMS
requests 44 (CMSSW, Configuration/Generator, Pythia8PSweightsSettings), of which NanoAOD has four, or all with
``keepAllPSWeights``. CMSSW takes the four by name: of samples with CMS' own names the first is isrDefHi, muRfac = 0.5,
of those with Pythia's names it is isr:murfac=2.0, the opposite. The title says which, in releases from version 13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.errors import ConfigError, check_known
from pocket.weights.generator_branches import GeneratorBranch, title_of

_SOURCE = "PSWeight"
_ENTRY = re.compile(r"\[(\d+)\]\s*(?:is\s+)?([^;\[]+)")
_PYTHIA = re.compile(r"\b(isr|fsr)[:.](?:(\w+)[:.])?(murfac|cns)=(-?[\d.]+)", re.IGNORECASE)
_FACTOR = re.compile(r"\b(isr|fsr)(Red|Def|Con)(Hi|Lo)\b")
_SPLIT = re.compile(r"\b(isr|fsr)_(\w2\w\w)_(muR|cNS)_(dn|up)\b")
_FACTORS = {"Red": (0.707, 1.414), "Def": (0.5, 2.0), "Con": (0.25, 4.0)}
_SPLIT_VALUES = {"mur": (0.5, 2.0), "cns": (-2.0, 2.0)}
SIDES = ("isr", "fsr")
BRANCHINGS = ("G2GG", "G2QQ", "Q2QG", "X2XG")
_QUANTITIES = ("muR", "cNS")

#: Shower (``isr`` or ``fsr``), branching (empty for all), quantity (``mur`` or ``cns``), and its value.
Variation = tuple[str, str, str, float]


def variation_of(name: str) -> Variation | None:
    """Return the variation that a name such as isrDefHi stands for, ``None`` if it is of another form."""
    if match := _PYTHIA.search(name):
        quantity = match[3].lower().removesuffix("fac")
        return match[1].lower(), (match[2] or "").upper(), quantity, float(match[4].rstrip("."))
    if match := _FACTOR.search(name):
        return match[1], "", "mur", _FACTORS[match[2]][match[3] == "Lo"]
    if match := _SPLIT.search(name):
        quantity = match[3].lower()
        return match[1], match[2], quantity, _SPLIT_VALUES[quantity][match[4] == "up"]
    return None


def entries_of(title: str) -> dict[Variation, int]:
    """Return variation → entry of PSWeight, as its title says; empty if it has no names of variations.

    Example:
        >>> entries_of("PS weights (w_var / w_nominal) [0] isr:murfac=2.0; [1] fsr:murfac=2.0; ")
        {('isr', '', 'mur', 2.0): 0, ('fsr', '', 'mur', 2.0): 1}
        >>> entries_of("PS weights (w_var / w_nominal); [0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2")
        {}
    """
    named = ((variation_of(text), int(number)) for number, text in _ENTRY.findall(title))
    return {variation: number for variation, number in named if variation is not None}


def _all_of_cms() -> dict[Variation, int]:
    names = [f"{side}{size}{end}" for size in _FACTORS for end in ("Hi", "Lo") for side in SIDES]
    names += [
        f"{side}_{branching}_{quantity}_{end}"
        for side in ("fsr", "isr")
        for quantity in _QUANTITIES
        for branching in BRANCHINGS
        for end in ("dn", "up")
    ]
    return _numbered(names)


def _all_of_pythia() -> dict[Variation, int]:
    names = []
    for side in ("fsr", "isr"):
        names += [f"{side}:murfac={value}" for size in _FACTORS for value in _FACTORS[size]]
        names += [f"{side}:{each}:murfac={value}" for each in BRANCHINGS for value in _SPLIT_VALUES["mur"]]
        names += [f"{side}:{each}:cns={value}" for each in BRANCHINGS for value in _SPLIT_VALUES["cns"]]
    return _numbered(names)


def _numbered(names: list[str]) -> dict[Variation, int]:
    return {variation: number for number, name in enumerate(names) if (variation := variation_of(name))}


#: Order of the 44 entries where the title doesn't name them → variation → entry: that of CMS' list of variations, and
#: Pythia's own, which sorts them by shower.
ORDERS: Mapping[str, Mapping[Variation, int]] = {"cms": _all_of_cms(), "pythia": _all_of_pythia()}


class PartonShowerSplit(GeneratorBranch):
    """Scales and non-singular terms of the parton shower for each kind of branching, of samples with all 44 entries.

    ``sf_partonshower_split`` has the variations ``{isr,fsr}_{G2GG,G2QQ,Q2QG,X2XG}_{muR,cNS}``. Up of muR is more
    radiation (muRfac = 0.5), as in :class:`~pocket.weights.theory.PartonShowerISR`, up of cNS is +2. They replace
    ``sf_partonshower_isr`` and ``sf_partonshower_fsr``, which change all branchings together.
    """

    name = "sf_partonshower_split"
    order: ClassVar[str] = ""
    _variations = tuple(
        f"{side}_{branching}_{quantity}" for side in SIDES for quantity in _QUANTITIES for branching in BRANCHINGS
    )

    @classmethod
    @declarative
    def wrap(cls, name: str = "sf_partonshower_split", order: str = "") -> type[PartonShowerSplit]:
        """Return a weight class for samples whose title doesn't name the entries.

        Args:
            name: name of the weight.
            order: ``cms`` if the generator's names are CMS' (``fsr_G2GG_muR_dn``), ``pythia`` if they are Pythia's
                (``fsr:g2gg:murfac=0.5``), as GenLumiInfoHeader of MiniAOD says; empty for the title's names.

        Raises:
            UnknownNameError: for another order.

        Example:
            >>> PartonShowerSplit.wrap(order="pythia").order
            'pythia'
        """
        check_known("order", [order] if order else [], ORDERS, f"weight {name!r}")
        return type(name, (cls,), {"name": name, "order": order})

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it.

        Raises:
            ConfigError: if the sample lacks a variation, or the title doesn't name them.
        """
        nominal = np.ones(size)
        if not (size and self.needs_variations(shape_variation)):
            return self.with_variations(nominal, shape_variation, lambda variation, side: nominal)
        weights = self.entries(events, _SOURCE)
        places = entries_of(title_of(events, _SOURCE))
        if not places and self.order:
            places = dict(ORDERS[self.order])
        if not places:
            raise ConfigError(
                f"weight {self.name!r}: the title of {_SOURCE} of sample {self.metadata.get('sample')!r} doesn't name "
                f"its {weights.shape[1]} entries: declare their order, PartonShowerSplit.wrap(order='cms' or 'pythia')"
            )

        def varied(variation: str, side: str) -> Any:
            shower, branching, quantity = variation.split("_")
            low, high = _SPLIT_VALUES[quantity.lower()]
            # A lower scale means more radiation.
            value = low if (side == "up") == (quantity == "muR") else high
            return entry(self, weights, places, (shower, branching, quantity.lower(), value))

        return self.with_variations(nominal, shape_variation, varied)


def entry(weight: GeneratorBranch, weights: Any, places: Mapping[Variation, int], wanted: Variation) -> Any:
    """Return the entries of a variation, shape (n events,), of all entries (n events, n entries)."""
    place = places.get(wanted)
    if place is None or place >= weights.shape[1]:
        shower, branching, quantity, value = wanted
        which = f"{shower} {branching} {quantity}={value:g}".replace("  ", " ")
        raise ConfigError(
            f"weight {weight.name!r}: {_SOURCE} of sample {weight.metadata.get('sample')!r} has {weights.shape[1]} "
            f"entries without the variation {which}"
        )
    return weights[:, place]
