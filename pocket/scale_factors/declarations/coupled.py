"""Scale factors that are measured with each other applied: their declaration and its checks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError, check_known


@dataclass(frozen=True)
class Coupled(metaclass=Declarative):
    """Scale factors that are measured with each other applied, repeatedly until they converge.

    Args:
        scale_factors: names of the scale factors.
        tolerance: limit on |ΔSF| / σ in all of their bins below which they have converged, with σ the statistical
            error.
        max_iterations: largest number of iterations, the first of which doesn't apply them.

    Raises:
        ConfigError: if there are no names or one appears twice, or a number is out of range.
    """

    scale_factors: tuple[str, ...]
    tolerance: float = 0.1
    max_iterations: int = 5

    def __post_init__(self) -> None:
        names: Any = self.scale_factors
        if isinstance(names, str) or not names or not all(names):
            raise ConfigError(f"coupled scale factors: expected a list of names, not {names!r}")
        object.__setattr__(self, "scale_factors", tuple(names))
        if len(set(names)) < len(names):
            raise ConfigError(f"coupled scale factors: a name appears twice in {', '.join(names)}")
        if not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise ConfigError(f"coupled scale factors {self.label}: tolerance must be above 0, not {self.tolerance!r}")
        if self.max_iterations < 2:
            raise ConfigError(
                f"coupled scale factors {self.label}: max_iterations must be at least 2, one without and one with each "
                f"other, not {self.max_iterations!r}"
            )

    @property
    def label(self) -> str:
        """Names of the scale factors for messages."""
        return ", ".join(self.scale_factors)


def find_cycles(applied: Mapping[str, Collection[str]]) -> list[tuple[str, ...]]:
    """Return the groups of scale factors that depend on each other, including single ones that depend on themselves.

    Args:
        applied: scale factor → scale factors that are applied where it is measured.
    """

    def behind(name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = set(applied[waiting.pop()]) - found
            found |= new
            waiting += new
        return found

    reached = {name: behind(name) for name in applied}
    cycles = (
        tuple(other for other in applied if other in reached[name] and name in reached[other]) for name in applied
    )
    return [cycle for cycle in dict.fromkeys(cycles) if cycle]


def check_coupled(
    groups: Sequence[Coupled], measured_in: Mapping[str, Mapping[str, Collection[str]]], where: str
) -> None:
    """Check that exactly those scale factors depend on each other that are declared as coupled.

    Args:
        measured_in: scale factor → configuration that it is measured in → scale factors applied there.
    """
    names = [name for group in groups for name in group.scale_factors]
    check_known("scale factor", names, measured_in, f"coupled of {where}")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"coupled of {where}: scale factor {name!r} is in two groups; join them")
    cycles = find_cycles(
        {name: [used for of in configs.values() for used in of] for name, configs in measured_in.items()}
    )
    for group in groups:
        members = set(group.scale_factors)
        if not any(members <= set(cycle) for cycle in cycles):
            told = _told(group.scale_factors, measured_in)
            raise ConfigError(f"coupled of {where}: {group.label} don't all depend on each other: {told}")
    for cycle in cycles:
        if not any(set(cycle) == set(group.scale_factors) for group in groups):
            raise ConfigError(
                f"{where}: scale factors depend on each other, {_told(cycle, measured_in)}; "
                f"to measure them again until they converge, declare coupled=[{cycle!r}]"
            )


def _told(names: Sequence[str], measured_in: Mapping[str, Mapping[str, Collection[str]]]) -> str:
    """Return a description of which scale factors are applied where each of them is measured."""
    told = []
    for name in names:
        for config, applied in measured_in[name].items():
            among = [repr(used) for used in applied if used in names]
            if among or len(measured_in[name]) == 1:
                told.append(f"{name!r} is measured in {config!r} with {' and '.join(among) or 'none of them'} applied")
    return ", ".join(told)
