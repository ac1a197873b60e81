"""Files that earlier steps of the chain make, and the parameters that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pocket.parameters.locations import expand_directories
from pocket.parameters.values import Parameters
from pocket.parameters.visible import guarded
from pocket.plan.processing import ProcessingPlan

#: Scheme of files that are made together with the toys.
TOYS = "toys://"


@dataclass(frozen=True)
class Resources:
    """Files that exist only after other steps of the chain.

    Args:
        toys: folder of the toys' own corrections, for parameters like ``toys://puWeights.json.gz``.
        scale_factors: derived scale factor → its correctionlib file, or ``None`` for one that isn't applied since the
            same iteration measures it.
    """

    toys: str | None = None
    scale_factors: Mapping[str, str | None] = field(default_factory=dict)

    def find(self, name: str) -> str:
        """Return the path of a file that is made together with the toys; any other name stays as it is.

        Without toys, such a name stays as it is too, and raises an error where it is used.
        """
        if self.toys is None or not name.startswith(TOYS):
            return name
        return f"{self.toys}/{name.removeprefix(TOYS)}"

    def not_made(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return name → path of the files that no step of the chain made."""
        made = tuple(self.scale_factors.values())
        return {
            name: path
            for name, path in files.items()
            if path not in made and not (self.toys and path.startswith(f"{self.toys}/"))
        }


def resolve_parameters(plan: ProcessingPlan, resources: Resources) -> Parameters:
    """Return the parameters that the processor reads, with resources and registered directories as paths.

    Access to any others raises a ``ConfigError`` (:mod:`pocket.parameters.values`).
    """
    return guarded(with_paths(plan.parameters, resources), plan.reader, known=plan.sections)


def with_paths(parameters: Mapping[str, Any], resources: Resources) -> dict[str, Any]:
    """Return plain parameters with resources and registered directories as paths, and the derived scale factors."""

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: resolve(item) for name, item in value.items()}
        if isinstance(value, list):
            return [resolve(item) for item in value]
        return expand_directories(resources.find(value)) if isinstance(value, str) else value

    return {**resolve(dict(parameters)), "scale_factors": dict(resources.scale_factors)}
