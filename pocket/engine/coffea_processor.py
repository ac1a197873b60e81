"""The workflow as a coffea processor, for coffea's executors."""

from __future__ import annotations

from typing import Any

from coffea import processor

from pocket.base.runtime.user_code import UserCall
from pocket.engine.chunk import Output, process_chunk
from pocket.plan.processing import ProcessingPlan, processing_metadata


class CoffeaProcessor(processor.ProcessorABC):  # type: ignore[misc]
    """Processor that runs a configuration chunk by chunk, with parameters that are resolved for this run."""

    def __init__(self, plan: ProcessingPlan, params: Any) -> None:
        with UserCall("workflow", plan.workflow.__name__):
            self._workflow = plan.workflow(plan.with_parameters(params))

    def process(self, events: Any) -> Output:
        """Return the raw sums of one chunk, see :func:`~pocket.engine.chunk.empty_output`."""
        return process_chunk(self._workflow, events, processing_metadata(events.metadata))

    def postprocess(self, accumulator: Output) -> Output:
        """Return the accumulated output unchanged: it is normalised when outputs are merged."""
        return accumulator
