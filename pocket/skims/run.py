"""Skimming of a branch: its surviving events, and the sums over all events before the skim."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.runtime.user_code import EventRange, UserCall
from pocket.base.typing import Mask
from pocket.datasets.branches import Branch, Segment
from pocket.datasets.fileset import FileInfo
from pocket.datasets.generator_sums import RESCALE, generator_sums
from pocket.datasets.skim_sums import BeforeSkim, needs_all_files
from pocket.engine.chunk import chunk_layout, preselect, skim, workflow_call
from pocket.engine.reading import nano_events, open_file, read_segment
from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import BadFileError, ConfigError
from pocket.io.nanoaod.events import NanoTree
from pocket.plan.processing import ProcessingPlan, processing_metadata
from pocket.plan.skim import SkimPlan
from pocket.plan.workflow import BaseProcessorABC
from pocket.skims.record import SkimRecord
from pocket.skims.writing import EventWriter


@dataclass(frozen=True)
class _Selected:
    """The entries of a segment that survive, and the sums over all of its entries."""

    entries: npt.NDArray[np.int64]
    sum_genweights: float
    sum_signs: float
    #: sum of the generator weights of the surviving events
    sum_kept: float


class _UnreadableError(Exception):
    """The file of a segment can't be read."""

    def __init__(self, segment: Segment, reason: BadFileError) -> None:
        super().__init__(segment.path)
        self.segment, self.reason = segment, reason


def skim_branch(
    plan: ProcessingPlan,
    skim: SkimPlan,
    branch: Branch,
    metadata: Mapping[str, Any],
    resources: Resources,
    folder: Path,
    *,
    identity: str,
    chunk_size: int,
    threads: int = 1,
    skip_bad_files: bool = False,
    progress: Callable[[int], None] = lambda events: None,
) -> SkimRecord:
    """Write the selected events of a branch to ``events_{number}.root``, and return its record.

    There is one file, or more if the columns of its input files differ. The content of a file doesn't depend on the
    size of chunks, apart from rounding of the sums. ``identity`` changes with everything that affects the content; the
    UUIDs of the files follow from it and the segments. ``progress`` is called with the events of each selected chunk.
    """
    meta = {**processing_metadata(metadata), "dataset": branch.dataset}
    params = resolve_parameters(plan, resources)
    with UserCall("workflow", plan.workflow.__name__):
        workflow = plan.workflow(plan.with_parameters(params))
    record = SkimRecord()
    selected: dict[Segment, _Selected] = {}

    def leave_out(segment: Segment, error: BadFileError) -> None:
        if not skip_bad_files:
            raise error
        if (before := BeforeSkim.of(metadata)) and before.is_known:
            raise needs_all_files(branch.dataset, error) from error
        # The file is left out completely, including its sum of generator weights.
        record.skipped[segment.path] = str(error)
        if selected.pop(segment, None):
            progress(segment.start - segment.stop)

    for segment in branch.segments:
        select = partial(_select, workflow, skim.mode, meta, chunk_size, threads, progress)
        try:
            found = read_segment(segment, select)
        except BadFileError as error:
            leave_out(segment, error)
        else:
            selected[segment] = found.value
            record.failures |= found.failures
    while True:
        try:
            record.files, failures = _copy(selected, folder, skim, identity, metadata["isMC"])
        except _UnreadableError as error:
            leave_out(error.segment, error.reason)
        else:
            break
    record.failures |= failures
    record.nevents = sum(segment.stop - segment.start for segment in selected)
    record.sum_genweights = sum(one.sum_genweights for one in selected.values())
    record.sum_signs = sum(one.sum_signs for one in selected.values())
    record.size = sum((folder / name).stat().st_size for name in record.files)
    return record


def _copy(
    selected: Mapping[Segment, _Selected], folder: Path, skim: SkimPlan, identity: str, is_mc: bool
) -> tuple[dict[str, FileInfo], dict[str, str]]:
    """Copy the selected events; return the written files, and failed attempts to read a file that was read later."""
    identity = json.dumps([identity, *(segment.identity for segment in selected)])
    constants = {RESCALE: _rescale(selected.values())} if is_mc else {}
    failures: dict[str, str] = {}
    with EventWriter(folder, skim, identity, constants, sum(len(one.entries) for one in selected.values())) as writer:
        for segment, one in selected.items():
            try:
                failures |= writer.copy(segment, one.entries)
            except BadFileError as error:
                raise _UnreadableError(segment, error) from error
    return writer.files, failures


def _select(
    workflow: BaseProcessorABC,
    mode: str,
    metadata: Mapping[str, Any],
    chunk_size: int,
    threads: int,
    progress: Callable[[int], None],
    segment: Segment,
) -> _Selected:
    entries = []
    sums = np.zeros(3)
    done = 0
    try:
        with open_file(segment) as file, closing(NanoTree(file, segment.object_path, metadata, threads)) as nano:
            for start, stop in segment.chunks(chunk_size):
                with EventRange(metadata["dataset"], start, stop):
                    events = nano_events(nano, segment, start, stop)
                    sum_genweights, sum_signs = generator_sums(events, metadata) if metadata["isMC"] else (0.0, 0.0)
                    is_weighted = metadata["isMC"] and "genWeight" in events.fields
                    weights = np.asarray(events.genWeight if is_weighted else np.zeros(len(events)), dtype=np.float64)
                    kept = kept_events(workflow, events, metadata, mode)
                sums += (sum_genweights, sum_signs, weights[kept].sum())
                entries.append(start + np.flatnonzero(kept))
                progress(stop - start)
                done += stop - start
    except BadFileError:
        # The next attempt counts these events again.
        progress(-done)
        raise
    return _Selected(np.concatenate(entries), *map(float, sums))


def _rescale(selected: Collection[_Selected]) -> float:
    """Return the factor that scales the generator weights of the surviving events to the sum of all events."""
    kept = sum(one.sum_kept for one in selected)
    return sum(one.sum_genweights for one in selected) / kept if kept else 0.0


def kept_events(workflow: BaseProcessorABC, events: Any, metadata: Mapping[str, Any], mode: str) -> Mask:
    """Return the mask of the events that a skim keeps, shape (n events,)."""
    with workflow_call(workflow):
        workflow.start_chunk(events, metadata)
    kept = skim(workflow)
    _check_size(workflow, len(kept), len(events))
    if mode == "skim" or not kept.any():
        return kept
    passed = np.zeros(int(kept.sum()), dtype=np.bool_)
    for selected in preselect(workflow, chunk_layout(workflow, metadata)):
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
