"""Variants of the tt̄ flow ``large`` with more variations, categories or histograms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.ttbar import config as ttbar
from analysis.ttbar.workflow import TTBAR
from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_min
from pocket.errors import ConfigError
from pocket.histograms.config import Axis, HistConf
from pocket.weights import WeightLambda, WeightWrapper

#: quantity → its values; 15 variations, 14 categories and 5 histograms are the flow ``large``
GROWN = {"variations": (1, 15, 31, 61, 121), "categories": (2, 8, 16, 32, 64), "histograms": (5, 10, 25, 50, 100)}
#: contents of histograms, which are repeated with other bins: collection, field, position, start, stop
_FILLED: tuple[tuple[str, str, int | None, float, float], ...] = (
    *itertools.chain.from_iterable(
        (("JetGood", "pt", pos, 30, 330), ("JetGood", "eta", pos, -2.4, 2.4), ("JetGood", "phi", pos, -3.2, 3.2))
        for pos in (None, 0, 1, 2, 3)
    ),
    ("LeptonGood", "pt", 0, 30, 300),
    ("LeptonGood", "eta", 0, -2.4, 2.4),
    ("LeptonGood", "phi", 0, -3.2, 3.2),
    ("MET", "pt", None, 20, 300),
    ("events", "HT", None, 120, 920),
)


def above(events: Any, params: Mapping[str, float], **kwargs: Any) -> Any:
    """Return the mask of events with a missing transverse momentum above ``params["met"]`` in GeV."""
    return events.MET.pt > params["met"]


def grown(what: str, number: int) -> Configurator:
    """Return the configuration with a given number of variations, categories or histograms.

    Args:
        what: quantity in :data:`GROWN`.
        number: its value.
    """
    settings: dict[str, Any] = {"subsamples": {TTBAR: ttbar.tt_flavours}}
    if what == "variations":
        weights = some_weights(number)
        names = [weight.name for weight in weights]
        block = {"common": {"inclusive": ["genWeight", "lumi", "XS", *names]}}
        return ttbar.flow(ttbar.many_categories, names, weights_classes=weights, weights=block, **settings)
    if what == "categories":
        return ttbar.flow(some_categories(number), ttbar.scale_factors, **settings)
    return ttbar.flow(ttbar.many_categories, ttbar.scale_factors, variables=some_histograms(number), **settings)


def some_weights(variations: int) -> Sequence[type[WeightWrapper]]:
    """Return weights with so many variations in total, including the nominal one.

    The weights are as cheap as possible, so that only the work of the engine grows.

    Raises:
        ConfigError: for an even number, since each weight has an up and a down variation.
    """
    if variations % 2 == 0:
        raise ConfigError(f"variations: weights vary up and down, which makes an odd number, not {variations}")
    return [_weight(number) for number in range(1, 1 + variations // 2)]


def some_categories(number: int) -> dict[str, list[Cut]]:
    """Return overlapping categories in the number of jets and the missing transverse momentum."""
    found = {}
    for index in range(number):
        jets, met = 4 + index % 4, 20.0 + 5 * (index // 4)
        cut = Cut(name=f"met{met:g}", params={"met": met}, function=above)
        found[f"{jets}j_met{met:g}"] = [get_nObj_min(jets), cut]
    return found


def some_histograms(number: int) -> dict[str, HistConf]:
    """Return histograms of jets, leptons and events."""
    found = {}
    for index in range(number):
        coll, field, pos, start, stop = _FILLED[index % len(_FILLED)]
        bins = 30 + 5 * (index // len(_FILLED))
        axis = Axis(coll=coll, field=field, pos=pos, bins=bins, start=start, stop=stop)
        found[f"{index}_{coll}_{field}"] = HistConf([axis])
    return found


def _weight(number: int) -> type[WeightWrapper]:
    def function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        nominal = np.ones(size)
        return nominal, nominal * (1 + 0.001 * number), nominal * (1 - 0.001 * number)

    return WeightLambda.wrap_func(f"w{number}", function, has_variations=True)
