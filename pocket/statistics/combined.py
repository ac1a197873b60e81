"""Declarations of models that are fitted together, in which parameters of one name are one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError
from pocket.statistics.declarations import Region
from pocket.statistics.declared_places import remember_place


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
