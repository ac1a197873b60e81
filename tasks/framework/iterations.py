"""Iterations of scale factors that are measured with each other applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError
from tasks.framework.analysis_task import load
from tasks.settings.options import OptionGroup, option

if TYPE_CHECKING:
    from pocket.scale_factors import Coupled

#: value for tasks outside of iterations, which apply converged scale factors
NO_ITERATION = -1


def group_of(params: Mapping[str, Any]) -> Coupled | None:
    """Return the coupled scale factors that a task with these parameters is iterated with, ``None`` if it isn't."""
    if params["iteration"] == NO_ITERATION:
        return None
    analysis = load(params)
    if "scale_factor" in params:
        return analysis.coupled_with(params["scale_factor"])
    return analysis.coupled_in(params["config"])


def part_of_iteration(name: str, iteration: int) -> str:
    """Return a name, with the number of the iteration if there is one."""
    return name if iteration == NO_ITERATION else f"{name}.iteration{iteration}"


def _check(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Refuse an iteration that doesn't exist before anything runs."""
    iteration, group = params["iteration"], group_of(params)
    if iteration != NO_ITERATION:
        if group is None:
            name = params.get("scale_factor") or params["config"]
            raise ConfigError(f"--iteration is {iteration}, but {name!r} has no part in coupled scale factors")
        if not 0 <= iteration < group.max_iterations:
            raise ConfigError(
                f"--iteration is {iteration}, expected 0 to {group.max_iterations - 1} for the coupled scale "
                f"factors {group.label}"
            )
    return params


#: of tasks that exist once for each iteration of coupled scale factors, and once with the converged ones
ITERATION = OptionGroup(
    "",
    {"iteration": option("iteration of coupled scale factors, from 0; -1 for converged scale factors", NO_ITERATION)},
    check=_check,
)
