"""Declarations of models that are fitted together, in which parameters of one name are one parameter."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pocket.base.arguments import Declarative
from pocket.cuts.cut import Cut
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.statistics.declarations import Free, LogNormal, Region, StatisticalModel, share_events
from pocket.statistics.declared_grids import grids_of
from pocket.statistics.declared_places import remember_place

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis


@dataclass(frozen=True, init=False)
class CombinedModel(metaclass=Declarative):
    """Models of an analysis that are fitted together; parameters of one name are one parameter.

    The parameters of interest and free ones of one name must have one range, and regions different names and events.
    If some are grids, which must be the same one, it is a grid, too: it combines their models of each point.

    Args:
        *models: names of the models.

    Raises:
        ConfigError: if there are less than two, or one is named twice.

    >>> CombinedModel("tt_2017", "tt_2018").models
    ('tt_2017', 'tt_2018')
    """

    models: tuple[str, ...]
    #: it has no regions of its own, so that whoever looks at the regions of all models sees each once
    regions: ClassVar[Mapping[str, Region]] = {}

    def __init__(self, *models: str) -> None:
        if len(models) < 2 or not all(isinstance(name, str) and name for name in models):
            raise ConfigError(f"a CombinedModel needs names of two models or more, not {list(models)}")
        if len(set(models)) < len(models):
            raise ConfigError(f"a CombinedModel has a model twice: {', '.join(models)}")
        object.__setattr__(self, "models", models)
        remember_place(self)


def parts_of(name: str, analysis: Analysis) -> dict[str, StatisticalModel]:
    """Return the models that a model of an analysis is made of, by name: itself, unless it combines others."""
    model: Any = analysis.model(name)
    if name in (grids := grids_of(analysis.models)):
        first, *_ = grids[name].models(name).values()
        raise ConfigError(f"the model {name!r} is a grid, which PlotGrid draws: name a point of it, such as {first!r}")
    if isinstance(model, CombinedModel):
        return {part: analysis.model(part, f"the combined model {name!r}") for part in model.models}
    return {name: model}


def check_combined(name: str, model: CombinedModel, analysis: Analysis) -> None:
    """Check that the models of a combined one are there and can be fitted together."""
    where = f"the combined model {name!r}"
    parts: dict[str, StatisticalModel] = {}
    for part in model.models:
        if part not in analysis.models:
            raise UnknownNameError("model", part, set(analysis.models) - {name}, where)
        declared = analysis.models[part]
        if not isinstance(declared, StatisticalModel):
            raise ConfigError(f"{where}: {part!r} combines models itself: name those")
        parts[part] = declared
    for (first, one), (second, other) in itertools.combinations(parts.items(), 2):
        for name in one.regions:
            if name in other.regions:
                raise ConfigError(
                    f"{where}: the models {first!r} and {second!r} both have a region {name!r}: give one of them "
                    "another name"
                )
        for (name, region), (other_name, other_region) in itertools.product(one.regions.items(), other.regions.items()):
            both = f"{where}: region {name!r} of {first!r} and region {other_name!r} of {second!r}"
            if share_events(region, other_region):
                raise ConfigError(
                    f"{both} have the same events, of category {region.category!r} of configuration {region.config!r}"
                )
            check_parts(region, other_region, analysis, both)
        free, other_free = _free(one), _free(other)
        for name in free:
            if name in other_free and free[name] != other_free[name]:
                raise ConfigError(
                    f"{where}: the parameter {name!r} is {free[name]} in {first!r} and {other_free[name]} in "
                    f"{second!r}: make them the same, or give one of them another name"
                )


def check_parts(region: Region, other: Region, analysis: Analysis, where: str) -> None:
    """Check that no region is a part of another one, whose events would count twice."""
    # Of one category, they share events if they share the configuration and a year.
    if not share_events(region, dataclasses.replace(other, category=region.category)):
        return
    with contextlib.suppress(BrokenConfigError):
        categories = analysis.config(region.config, where).categories.categories
        for outer, inner in itertools.permutations((region.category, other.category)):
            if outer in categories and inner in categories and _includes(categories[outer], categories[inner]):
                raise ConfigError(
                    f"{where} have events in common, which would count twice: category {inner!r} of configuration "
                    f"{region.config!r} has all cuts of {outer!r}; give {outer!r} a cut against the events of {inner!r}"
                )


def _includes(outer: Sequence[Cut], inner: Sequence[Cut]) -> bool:
    """Tell whether all cuts of one category are cuts of the other one."""
    from pocket.cuts import passthrough

    required = [cut for cut in outer if cut.function is not passthrough.function]
    # Cuts are compared by their ids, since an array among their parameters has no single result of a comparison.
    return all(any(cut.function is one.function and cut.id == one.id for one in inner) for cut in required)


def _free(model: StatisticalModel) -> dict[str, object]:
    """Return name → declaration without places, of all parameters that are no stored variation."""
    found: dict[str, object] = dict(model.pois)
    found |= {
        one.name: (one.formula, tuple(one.arguments)) if one.formula is not None else one.parameter
        for one in model.of_kind(Free)
    }
    return found | {one.name: "a nuisance" for one in model.of_kind(LogNormal)}
