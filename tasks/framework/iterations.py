"""Iterations of scale factors that are measured with each other applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import luigi

from pocket.errors import ConfigError
from tasks.framework.base import TemplateTask, load

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.scale_factors import Coupled

#: value for tasks outside of iterations, which apply converged scale factors
NO_ITERATION = -1


class IterationTask(TemplateTask):
    """A task that exists once for each iteration of coupled scale factors, and once with the converged ones."""

    iteration = luigi.IntParameter(
        default=NO_ITERATION,
        description="iteration of coupled scale factors, from 0; -1 for converged scale factors; "
        f"default: {NO_ITERATION}",
    )

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an iteration that doesn't exist before anything runs."""
        params = super().modify_param_values(params)
        iteration = params.get("iteration", NO_ITERATION)
        if iteration != NO_ITERATION:
            group = cls.find_group(load(params), params)
            if group is None:
                name = params.get("scale_factor") or params["config"]
                raise ConfigError(f"--iteration is {iteration}, but {name!r} has no part in coupled scale factors")
            if not 0 <= iteration < group.max_iterations:
                raise ConfigError(
                    f"--iteration is {iteration}, expected 0 to {group.max_iterations - 1} for the coupled scale "
                    f"factors {group.label}"
                )
        return params

    @classmethod
    def find_group(cls, analysis: Analysis, params: dict[str, Any]) -> Coupled | None:
        """Return the coupled scale factors that a task with these parameters is iterated with."""
        return analysis.coupled_in(params["config"])

    @property
    def group(self) -> Coupled | None:
        """The coupled scale factors of this iteration, ``None`` if the task belongs to no iteration."""
        if self.iteration == NO_ITERATION:
            return None
        return self.find_group(self.analysis_inst, self.param_kwargs)

    @property
    def config_part(self) -> str:
        """The name, with the number of the iteration if there is one."""
        part = super().config_part
        return part if self.iteration == NO_ITERATION else f"{part}.iteration{self.iteration}"
