"""Categorisations: how events are divided into categories by cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pocket.cut import Cut
from pocket.errors import ConfigError

#: keys of the cutflow that aren't categories
RESERVED = frozenset({"initial", "skim", "presel"})


def check_cuts(cuts: object, where: str) -> tuple[Cut, ...]:
    """Return the cuts as a tuple.

    Raises:
        ConfigError: if there is anything but a :class:`~pocket.cut.Cut` in them.
    """
    if isinstance(cuts, Cut) or not isinstance(cuts, Sequence):
        raise ConfigError(f"{where} must be a list of cuts, not {cuts!r}")
    for position, cut in enumerate(cuts):
        if not isinstance(cut, Cut):
            raise ConfigError(f"{where}[{position}] must be a Cut, not {cut!r}")
    return tuple(cuts)


@dataclass(frozen=True)
class StandardSelection:
    """Categories as the logical AND of their cuts; an event may be in several.

    Args:
        categories: category name → list of cuts.

    Raises:
        ConfigError: if there is no category, a name is reserved, or a cut isn't one.
    """

    categories: Mapping[str, Sequence[Cut]]

    def __post_init__(self) -> None:
        if not self.categories:
            raise ConfigError("categories: at least one is needed, e.g. {'baseline': [passthrough]}")
        for name, cuts in self.categories.items():
            if not isinstance(name, str) or not name or name in RESERVED:
                raise ConfigError(f"categories: {name!r} can't be a category's name")
            check_cuts(cuts, f"categories.{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.categories)

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the categories, in order."""
        return tuple(self.categories)
