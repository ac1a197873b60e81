"""Public names of Pocketlaw for the objects that PocketCoffea's names stand for."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pocket.compat import histograms, triggers
from pocket.compat.common_weights import common_weights
from pocket.compat.configurator import Configurator
from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.compat.workflow import BaseProcessorABC
from pocket.histograms import factories

#: Modules with public names; of two with the same name, the earlier one is preferred.
MODULES = (
    "pocket",
    *(
        f"pocket.{name}"
        for name in ("calibrators", "columns", "cuts", "histograms", "objects", "parameters", "weights")
    ),
    "pocket.compat.parameters",
)
#: Functions of histograms, which here refuse fields without a histogram.
FACTORIES = tuple(name for name in vars(histograms) if name.endswith("_hists") and hasattr(factories, name))
#: Objects of PocketCoffea's names that have a counterpart here, which takes other defaults or less.
_COUNTERPARTS: tuple[tuple[Any, str], ...] = (
    (Configurator, "Configurator"),
    (common_weights, "common_weights"),
    (BaseProcessorABC, "BaseProcessorABC"),
    (WeightLambda, "WeightLambda"),
    (WeightWrapper, "WeightWrapper"),
    *((getattr(histograms, name), name) for name in ("count_hist", *FACTORIES)),
    *((getattr(triggers, name), name) for name in ("get_HLTsel", "get_HLTsel_custom", "get_L1sel", "get_L1sel_custom")),
)


def counterpart(value: object) -> str | None:
    """Return the name here of what stands for an object with a condition, ``None`` if it is the same or has none."""
    return next((name for other, name in _COUNTERPARTS if other is value), None)


def public_places(value: object) -> Mapping[str, str]:
    """Return module → public name of an object, for all modules that have it.

    Strings and numbers have none, because an equal one may be there by chance.
    """
    if isinstance(value, str | int | float | tuple):
        return {}
    if name := counterpart(value):
        return {module: name for module in MODULES if name in _names(module)}
    return {module: name for module in MODULES for name, there in _names(module).items() if there is value}


def best_module(places: Iterable[Mapping[str, str]]) -> str | None:
    """Return the module that has most of some objects, ``None`` if none has any."""
    counts = {module: sum(module in one for one in places) for module in MODULES}
    best = max(MODULES, key=lambda module: counts[module])
    return best if counts[best] else None


def module_with(values: Mapping[str, object]) -> str | None:
    """Return the public module that has objects by the same names, ``None`` if there is none."""
    if not values:
        return None
    found = (m for m in MODULES if all(_names(m).get(name, MODULES) is value for name, value in values.items()))
    return next(found, None)


@functools.cache
def _names(module: str) -> Mapping[str, Any]:
    loaded = importlib.import_module(module)
    names: Sequence[str] = getattr(loaded, "__all__", None) or dir(loaded)
    found = {name: getattr(loaded, name) for name in names if not name.startswith("_")}
    # A module is no public name of another one.
    return {name: value for name, value in found.items() if type(value).__name__ != "module"}
