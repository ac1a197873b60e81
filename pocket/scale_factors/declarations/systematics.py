"""Systematic uncertainties of scale factors, as they are declared.

For all except :class:`Flat`, the scale factor is measured again, and the uncertainty is its change. Methods that fit
templates use :class:`Shape` and :class:`LogNormal` as nuisance parameters instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError

#: names that have another meaning in the written correction
RESERVED = re.compile(r"nominal|up|down|stat\d*")


@dataclass(frozen=True)
class Systematic(metaclass=Declarative):
    """A source of uncertainty.

    Args:
        name: name of the source; the correction has ``<name>_up`` and ``<name>_down``.

    Raises:
        ConfigError: if the name is empty or taken.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name or RESERVED.fullmatch(self.name):
            raise ConfigError(f"a systematic uncertainty can't be named {self.name!r}: that name has another meaning")

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Return the changes of the declaration for this source, one per measurement."""
        return ()


@dataclass(frozen=True)
class Shape(Systematic):
    """A variation in the templates of simulation.

    Args:
        variation: name of the variation without ``Up`` and ``Down``; the name of the source if empty.
    """

    variation: str = ""

    @property
    def stem(self) -> str:
        """Name of the variation without its side."""
        return self.variation or self.name


@dataclass(frozen=True)
class LogNormal(Systematic):
    """An uncertain rate, which multiplies simulation by κ and by 1/κ.

    Args:
        kappa: κ, above 1.
        samples: the affected simulated samples.
    """

    kappa: float
    samples: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.kappa) and self.kappa > 1):
            raise ConfigError(f"systematic {self.name!r}: kappa must be above 1, not {self.kappa!r}")
        if not self.samples:
            raise ConfigError(f"systematic {self.name!r}: samples needs at least one name")


@dataclass(frozen=True)
class Alternative(Systematic):
    """An alternative measurement, whose full difference is the uncertainty up and down.

    Args:
        changes: arguments of the declaration and their other values, e.g. ``{"category": "tight_tag"}`` or another
            ``input`` with other simulation. Arguments that bin the scale factor can't change.
    """

    changes: Mapping[str, Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_changes(self.changes, f"changes of systematic {self.name!r}")

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Return the change."""
        return (self.changes,)


@dataclass(frozen=True)
class Spread(Systematic):
    """Half of the difference between two measurements, e.g. in halves of the events; up is towards the first one.

    Args:
        one: arguments of the declaration and their values in the first measurement.
        other: the same for the second measurement.
    """

    one: Mapping[str, Any]
    other: Mapping[str, Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in ("one", "other"):
            _require_changes(getattr(self, side), f"{side} of systematic {self.name!r}")

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Return both changes."""
        return (self.one, self.other)


@dataclass(frozen=True)
class Flat(Systematic):
    """An uncertainty known from elsewhere, relative to the scale factor and the same in all bins.

    Args:
        size: relative uncertainty, above 0.
    """

    size: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.size) and self.size > 0):
            raise ConfigError(f"systematic {self.name!r}: size must be above 0, not {self.size!r}")


def _require_changes(changes: Any, where: str) -> None:
    if not isinstance(changes, Mapping) or not changes:
        raise ConfigError(f"{where}: expected arguments of the declaration and their values, not {changes!r}")
