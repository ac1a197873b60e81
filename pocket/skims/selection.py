"""Selection of the events of a chunk that a skim keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pocket.configuration.workflow import BaseProcessorABC
from pocket.engine.category_patterns import Mask
from pocket.engine.chunk import preselect, skim, workflow_call
from pocket.engine.layout import dataset_layout
from pocket.errors import ConfigError


def kept_events(workflow: BaseProcessorABC, events: Any, metadata: Mapping[str, Any], mode: str) -> Mask:
    """Return the mask of the events that a skim keeps.

    Args:
        workflow: instance of the workflow of the configuration whose selection it is.
        events: NanoEvents of the chunk.
        metadata: dataset, sample, year, isMC, ….
        mode: one of :data:`pocket.configuration.skim.MODES`.

    Returns:
        Shape (n events,).

    Raises:
        ConfigError: if the workflow removes events by itself.
    """
    with workflow_call(workflow):
        workflow.start_chunk(events, metadata)
    kept = skim(workflow)
    _check_size(workflow, len(kept), len(events))
    if mode == "skim" or not kept.any():
        return kept
    passed = np.zeros(int(kept.sum()), dtype=np.bool_)
    for selected in preselect(workflow, dataset_layout(workflow.cfg, workflow.params, metadata)):
        _check_size(workflow, len(selected.mask), len(passed))
        passed |= selected.mask
    kept[kept] = passed
    return kept


def _check_size(workflow: BaseProcessorABC, size: int, expected: int) -> None:
    if size != expected:
        raise ConfigError(
            f"{type(workflow).__name__} removes events by itself ({size} of {expected} are left), which a skim can't "
            "follow: let a cut do it"
        )
