"""Declarations of where a scale factor's closure is looked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Two categories of a configuration between which a weight must not change the yields of simulation.

    Args:
        config: the configuration.
        without: category without the weight.
        category: category with it, of the same events.
        root: category with the square root of the weight (:class:`pocket.weights.square_root.SquareRoot`), which the
            error of two sums over the same events needs; without it they count as independent, which is too
            large an error by far.
        samples: samples that keep their yields each; those of ``mc`` without any.

    Raises:
        ConfigError: if a name is empty or categories coincide.
    """

    config: str
    without: str
    category: str
    root: str = ""
    samples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("config", "without", "category"):
            if not getattr(self, key):
                raise ConfigError(f"kept of a closure: {key} is empty")
        if len(set(self.categories())) < len(self.categories()):
            raise ConfigError(f"kept of a closure: the categories must differ, not {', '.join(self.categories())}")

    def categories(self) -> tuple[str, ...]:
        """Return all categories that are read."""
        return tuple(name for name in (self.without, self.category, self.root) if name)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Where it is looked whether a scale factor does what it is for.

    Places are arguments of the declaration and their other values, such as
    ``{"input": "calibrated", "weighted": "btag_calibrated"}``; what bins the scale factor can't change.

    Args:
        exact: place where simulation has the scale factor applied to the very events it was measured with, and where
            sums of weights therefore equal those they are corrected to.
        again: place where it is applied, and where measured again it must be 1 within errors.
        halves: two places with independent halves of the events, in which the measurements must agree.
        kept: yields that the weight must not change.

    Raises:
        ConfigError: if a place is none, or there is another number of halves than two.
    """

    exact: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    again: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    halves: tuple[Mapping[str, Any], ...] = ()
    kept: tuple[Kept, ...] = ()

    def __post_init__(self) -> None:
        if len(self.halves) not in (0, 2):
            raise ConfigError(f"halves of a closure: expected two, not {len(self.halves)}")
        for name, places in self.places().items():
            for place in places:
                if not isinstance(place, Mapping) or not place:
                    raise ConfigError(
                        f"{name} of a closure: expected arguments of the declaration and their values, not {place!r}"
                    )

    def places(self) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Return argument → its places, those arguments that are given."""
        places: dict[str, tuple[Mapping[str, Any], ...]] = {"exact": (self.exact,), "again": (self.again,)}
        given = {name: of for name, of in places.items() if of != ({},)}
        return {**given, "halves": self.halves} if self.halves else given
