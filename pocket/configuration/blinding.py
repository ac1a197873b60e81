"""Categories whose data are hidden: those that an analysis blinds, and those of blind regions of its models."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pocket.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.statistics.declarations import StatisticalModel


def as_blind(patterns: str | Sequence[str], where: str) -> tuple[str, ...]:
    """Return patterns of categories, of which one may be a string."""
    found = (patterns,) if isinstance(patterns, str) else patterns
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) and one for one in found):
        raise ConfigError(f"blind of {where} must be patterns of categories such as ('sr_*',), not {patterns!r}")
    return tuple(found)


def check_blind(analysis: Analysis) -> None:
    """Check that each pattern of an analysis fits a category."""
    known = list(dict.fromkeys(name for config in analysis.configs.values() for name in config.categories.names))
    for pattern in analysis.blind:
        # A configuration that can't be used may have the category.
        if not analysis.broken and not any(fnmatchcase(name, pattern) for name in known):
            raise UnknownNameError("category", pattern, known, f"blind of analysis {analysis.name!r}")


def blind_categories(analysis: Analysis, categories: Collection[str]) -> tuple[str, ...]:
    """Return those of some categories whose data are hidden.

    A blind region of a model hides the data of its category in all configurations, since they are the same events.
    """
    of_regions = {
        region.category
        for model in analysis.models.values()
        for name, region in model.regions.items()
        if model.is_blind(name)
    }
    return tuple(
        name
        for name in categories
        if name in of_regions or any(fnmatchcase(name, pattern) for pattern in analysis.blind)
    )


def with_blind_regions(model: StatisticalModel, analysis: Analysis) -> StatisticalModel:
    """Return a model in which each region of a category with hidden data is blind."""
    hidden = blind_categories(analysis, {region.category for region in model.regions.values()})
    added = [name for name, region in model.regions.items() if region.category in hidden and not model.is_blind(name)]
    return replace(model, blind=(*model.blind, *added)) if added else model
