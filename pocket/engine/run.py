"""Processing of a branch, which consists of entry ranges of a dataset's files."""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from coffea.processor import accumulate

from pocket.base.runtime.memory import keep_memory
from pocket.base.runtime.user_code import EventRange
from pocket.datasets.branches import Branch, Segment
from pocket.datasets.skim_sums import BeforeSkim, needs_all_files
from pocket.engine.chunk import Output, empty_output
from pocket.engine.chunking import Chunking
from pocket.engine.coffea_processor import CoffeaProcessor
from pocket.engine.reading import joined_events, nano_events, open_file, read_segment
from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import BadFileError, DatasetError, UnknownNameError
from pocket.io.nanoaod.events import NanoTree
from pocket.io.remote.attempts import in_order
from pocket.plan.processing import ProcessingPlan, processing_metadata

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BranchResult:
    """Raw sums and number of processed events of a branch, with files (→ reason) that were left out completely.

    ``failures`` are paths or URLs after whose failure (→ reason) another attempt or another replica worked.
    """

    output: Output
    skipped: Mapping[str, str]
    nevents: int
    failures: Mapping[str, str]


def run_branch(
    plan: ProcessingPlan,
    branch: Branch,
    metadata: Mapping[str, Any],
    resources: Resources,
    *,
    chunk_size: int,
    chunk_memory: int | None = None,
    threads: int = 1,
    skip_bad_files: bool = False,
    progress: Callable[[int], None] = lambda events: None,
) -> BranchResult:
    """Return the sums of one branch, and the files that were skipped or failed.

    Chunks are made smaller than ``chunk_size`` events if they take more memory than ``chunk_memory`` in MB; the sums
    change by rounding only. ``progress`` is called with the number of events of each chunk that is done.
    """
    if branch.dataset not in plan.datasets:
        raise UnknownNameError("dataset", branch.dataset, plan.datasets)
    keep_memory()
    params = resolve_parameters(plan, resources)
    meta = {**processing_metadata(metadata), "dataset": branch.dataset}
    processor = CoffeaProcessor(plan, params)
    output: Output = {}
    skipped: dict[str, str] = {}
    failures: dict[str, str] = {}
    nevents = 0
    chunking = Chunking(chunk_size, chunk_memory)
    run_segment = partial(_run_segment, processor, meta, chunking, threads, progress)
    for group in chunking.groups(branch.segments):
        together = _run_together(processor, meta, chunking, threads, group) if len(group) > 1 else None
        if together is not None:
            output = accumulate([together], output) if output else together
            nevents += (events := sum(segment.stop - segment.start for segment in group))
            progress(events)
            group = []
        for segment in group:
            try:
                found = read_segment(segment, run_segment)
            except BadFileError as error:
                if not skip_bad_files:
                    raise
                if (before := BeforeSkim.of(metadata)) and before.is_known:
                    raise needs_all_files(branch.dataset, error) from error
                # The file is left out completely, including its sum of generator weights.
                skipped[segment.path] = str(error)
                continue
            # Add in place: a copy of large histograms for each file would take longer than filling them.
            output = accumulate([found.value], output) if output else found.value
            failures |= found.failures
            nevents += segment.stop - segment.start
        _exempt_from_collection()
    if not output:
        output = empty_output(plan, params, meta)
    processed = output["cutflow"]["initial"][branch.dataset]
    if processed != nevents or (not skipped and nevents != branch.stop - branch.start):
        raise DatasetError(
            f"{processed} events of {branch.dataset!r} were processed in the branch "
            f"of {branch.stop - branch.start} events from {branch.start}, and {len(skipped)} of its files skipped"
        )
    return BranchResult(output, skipped, nevents, failures)


def _run_segment(
    processor: CoffeaProcessor,
    metadata: Mapping[str, Any],
    chunking: Chunking,
    threads: int,
    progress: Callable[[int], None],
    segment: Segment,
) -> Output:
    output: Output = {}
    done = 0
    try:
        with open_file(segment) as file, closing(NanoTree(file, segment.object_path, metadata, threads)) as nano:
            for start, stop in chunking.ranges(segment):
                with EventRange(metadata["dataset"], start, stop):
                    part = processor.process(nano_events(nano, segment, start, stop))
                output = accumulate([part], output) if output else part
                progress(stop - start)
                done += stop - start
        processed = output["cutflow"]["initial"][metadata["dataset"]]
        if processed != segment.stop - segment.start:
            raise BadFileError(f"{segment.path}: {processed} events were processed, not {segment.stop - segment.start}")
    except BadFileError:
        # The next attempt counts these events again.
        progress(-done)
        raise
    return output


def _run_together(
    processor: CoffeaProcessor,
    metadata: Mapping[str, Any],
    chunking: Chunking,
    threads: int,
    segments: Sequence[Segment],
) -> Output | None:
    """Return the output of several files, whose events are one chunk if the columns are the same, ``None`` on failure.

    Files by themselves tell which one fails, are tried again, and are skipped.
    """
    output: Output = {}
    events = sum(segment.stop - segment.start for segment in segments)
    try:
        with ExitStack() as stack, chunking.measured(events, segments[0].path):
            nanos = []
            for segment in segments:
                file = stack.enter_context(open_file(segment.at(in_order(segment.locations)[0])))
                nanos.append(NanoTree(file, segment.object_path, metadata, threads))
                stack.callback(nanos[-1].close)
            for events_of_files in joined_events(nanos, segments):
                part = processor.process(events_of_files)
                output = accumulate([part], output) if output else part
    except Exception as error:
        _log.debug("%d files from %s on are processed one by one: %s", len(segments), segments[0].path, error)
        return None
    return output if output["cutflow"]["initial"][metadata["dataset"]] == events else None


@functools.cache
def _exempt_from_collection() -> None:
    """Exclude all current objects from garbage collection, once per process.

    After the first file, these include half a million objects of libraries, which stay alive. Otherwise the many
    objects of each further file would make Python visit all of them again and again.
    """
    gc.collect()
    gc.freeze()
