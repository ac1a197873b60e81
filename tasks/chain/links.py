"""The seam of the chain: templates need scale factors, which need templates, so each finds the other's task here.

No step imports another one that requires it. The modules are named, not imported, since they import this one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tasks.framework.iterations import NO_ITERATION, group_of

if TYPE_CHECKING:
    from tasks.chain.coupling import IterateScaleFactors
    from tasks.chain.merging import MergeOutputs
    from tasks.chain.processing import RunProcessor
    from tasks.chain.scale_factors import ComputeScaleFactors


def scale_factors_of(processor: RunProcessor) -> dict[str, ComputeScaleFactors]:
    """Return the tasks of the scale factors that the weights of a configuration apply, by name.

    For coupled scale factors, these are the results of the previous iteration; the first iteration has none.
    """
    group = group_of(processor.param_kwargs)
    before = dict.fromkeys(group.scale_factors if group else (), processor.iteration - 1)
    names = [name for name in processor.config_inst.scale_factors if processor.iteration != 0 or name not in before]
    task = _task("scale_factors", "ComputeScaleFactors")
    return {name: task.req(processor, scale_factor=name, iteration=before.get(name, NO_ITERATION)) for name in names}


def templates_of(scale_factor: ComputeScaleFactors) -> dict[str, MergeOutputs]:
    """Return the tasks of the templates that a scale factor is measured from, by configuration."""

    def iteration(config: str) -> int:
        coupled = scale_factor.analysis_inst.coupled_in(config)
        return scale_factor.iteration if coupled == group_of(scale_factor.param_kwargs) else NO_ITERATION

    task = _task("merging", "MergeOutputs")
    return {
        config: task.req(scale_factor, config=config, iteration=iteration(config))
        for config in scale_factor.declaration.configs()
    }


def iterations_of(scale_factor: ComputeScaleFactors) -> IterateScaleFactors:
    """Return the task that iterates a coupled scale factor together with the others."""
    task: IterateScaleFactors = _task("coupling", "IterateScaleFactors").req(scale_factor)
    return task


def _task(step: str, name: str) -> Any:
    return getattr(importlib.import_module(f"tasks.chain.{step}"), name)
