"""Configurations that apply known scale factors to simulated events, for closures with ``events=True``."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING

from pocket.columns.config import ColOut
from pocket.configuration.parts import part_of
from pocket.errors import ConfigError
from pocket.scale_factors.declarations.closure import places
from pocket.weights.scale_factor import InjectedWeight, ScaleFactorWeight

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator
    from pocket.scale_factors import ScaleFactor


def add_injected(analysis: Analysis) -> None:
    """Add the configurations that closures in events read; each reads the skim of the one that it is derived from."""
    configs, skims = dict(analysis.configs), dict(analysis.skims)
    for name, scale_factor in analysis.scale_factors.items():
        for declaration in scale_factor.measured():
            base = declaration.closure.remeasured.get("input", "")
            # Unknown configurations are refused with those of the other places.
            for place in places(declaration).get("events", ()) if base in analysis.configs else ():
                where = f"events of the closure of scale factor {name!r}: configuration"
                if place.input in configs:
                    raise ConfigError(f"{where} {place.input!r} exists already, remeasure it in another than {base!r}")
                factors = declaration.known_factors()
                configs[place.input] = _injected(analysis.configs[base], name, place, factors, f"{where} {base!r}")
                skims |= {place.input: skims[base]} if base in skims else {}
    object.__setattr__(analysis, "configs", configs)
    object.__setattr__(analysis, "skims", skims)


def _injected(cfg: Configurator, name: str, place: ScaleFactor, factors: tuple[float, ...], where: str) -> Configurator:
    """Return what fills the templates of a place, with known scale factors, and exports the values on their axes."""
    part = copy.copy(part_of(cfg, [place.reading()]))
    # A part isn't processed, so its parameters are resolved already.
    part.resolved = None
    applied = [cls for cls in part.weights.classes.values() if issubclass(cls, ScaleFactorWeight)]
    probes = [cls for cls in applied if cls.scale_factor == name and cls.passing is not None]
    if len(probes) != 1:
        raise ConfigError(f"{where} must apply it by one ScaleFactorWeight with passing=…, not by {len(probes)}")
    (weight,) = probes
    known = type(weight.name, (InjectedWeight, weight), {"factors": factors})
    part.weights = dataclasses.replace(part.weights, classes={**part.weights.classes, weight.name: known})
    axes = [axis for histogram in part.variables.values() for axis in histogram.axes]
    values = [ColOut(axis.coll, [axis.field]) for axis in axes if axis.coll not in ("metadata", "custom")]
    columns = (ColOut("events", ["event"]), *values)
    part.columns = {sample: dict.fromkeys(part.categories.names, columns) for sample in part.weights.samples}
    return part
