"""Skimming of a branch: for each of its files a smaller one, and the sums over all events before the skim."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.configurator import Configurator, processing_metadata
from pocket.datasets.fileset import TREE, FileInfo
from pocket.datasets.segments import Branch, Segment
from pocket.engine.nano import NanoTree
from pocket.engine.reading import nano_events, open_file, read_segment
from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import BadFileError
from pocket.skims.before import BeforeSkim, needs_all_files
from pocket.skims.normalisation import RESCALE, generator_sums
from pocket.skims.record import SkimRecord
from pocket.skims.selection import kept_events
from pocket.skims.skim import Skim
from pocket.skims.writing import copy_events
from pocket.workflows.base import BaseProcessorABC

#: UUID version 5 namespace of the files of skims
NAMESPACE = uuid.UUID("5f3c8f2e-64a1-4c1d-9c61-0e0f6a1f7d52")


@dataclass(frozen=True)
class _Selected:
    """The entries of a segment that survive, and the sums over all of them."""

    entries: npt.NDArray[np.int64]
    sum_genweights: float
    sum_signs: float
    #: of the surviving entries
    sum_kept: float


def skim_branch(
    cfg: Configurator,
    skim: Skim,
    branch: Branch,
    metadata: Mapping[str, Any],
    resources: Resources,
    folder: Path,
    *,
    identity: str,
    chunk_size: int,
    skip_bad_files: bool = False,
    progress: Callable[[int], None] = lambda events: None,
) -> SkimRecord:
    """Skim one branch into ``events_{number}.root``, one file for each of its segments.

    The content of a file doesn't depend on the size of chunks, apart from rounding of the sums.

    Args:
        cfg: the configuration whose selection it is.
        skim: the skim.
        branch: dataset and entry ranges.
        metadata: metadata of the dataset.
        resources: files made by earlier steps.
        folder: an existing folder for the files.
        identity: a text that changes with whatever changes the content; the UUIDs of the files follow from it and
            the segments.
        chunk_size: largest number of events that are selected at once.
        skip_bad_files: leave out files that can't be read, instead of failing.
        progress: called with the number of events of each chunk that is selected.

    Raises:
        BadFileError: if a file can't be read and isn't to be skipped, naming it.
    """
    meta = {**processing_metadata(metadata), "dataset": branch.dataset}
    workflow = cfg.workflow(cfg.with_parameters(resolve_parameters(cfg, resources)))
    record = SkimRecord()
    for number, segment in enumerate(branch.segments):
        name = f"events_{number:04d}.root"
        file_uuid = uuid.uuid5(NAMESPACE, json.dumps([identity, segment.uuid, segment.start, segment.stop]))
        run_segment = partial(_skim_segment, workflow, skim, meta, chunk_size, progress, folder / name, file_uuid)
        try:
            found = read_segment(segment, run_segment)
        except BadFileError as error:
            if not skip_bad_files:
                raise
            if (before := BeforeSkim.of(metadata)) and before.is_known:
                raise needs_all_files(branch.dataset, error) from error
            # the file is left out as a whole, its sum of generator weights with it
            record.skipped[segment.path] = str(error)
            (folder / name).unlink(missing_ok=True)
            continue
        selected = found.value
        record.failures |= found.failures
        record.nevents += segment.stop - segment.start
        record.sum_genweights += selected.sum_genweights
        record.sum_signs += selected.sum_signs
        if len(selected.entries):
            record.files[name] = FileInfo(object_path=TREE, num_entries=len(selected.entries), uuid=str(file_uuid))
            record.size += (folder / name).stat().st_size
    return record


def _skim_segment(
    workflow: BaseProcessorABC,
    skim: Skim,
    metadata: Mapping[str, Any],
    chunk_size: int,
    progress: Callable[[int], None],
    path: Path,
    file_uuid: uuid.UUID,
    segment: Segment,
) -> _Selected:
    """Select the events of a segment and copy them."""
    done = 0

    def count(events: int) -> None:
        nonlocal done
        done += events
        progress(events)

    try:
        selected = _select(workflow, skim.mode, segment, metadata, chunk_size, count)
        if len(selected.entries):
            constants = {RESCALE: _rescale(selected)} if metadata["isMC"] else {}
            copy_events(segment, selected.entries, path, skim, file_uuid=file_uuid, constants=constants)
    except BadFileError:
        # the next attempt counts them again
        progress(-done)
        raise
    return selected


def _select(
    workflow: BaseProcessorABC,
    mode: str,
    segment: Segment,
    metadata: Mapping[str, Any],
    chunk_size: int,
    progress: Callable[[int], None],
) -> _Selected:
    entries = []
    sums = np.zeros(3)
    with open_file(segment) as file:
        nano = NanoTree(file, segment.object_path, metadata)
        for start, stop in segment.chunks(chunk_size):
            events = nano_events(nano, segment, start, stop)
            sum_genweights, sum_signs = generator_sums(events, metadata) if metadata["isMC"] else (0.0, 0.0)
            weights = np.asarray(events.genWeight, dtype=np.float64) if metadata["isMC"] else np.zeros(len(events))
            kept = kept_events(workflow, events, metadata, mode)
            sums += (sum_genweights, sum_signs, weights[kept].sum())
            entries.append(start + np.flatnonzero(kept))
            progress(stop - start)
    return _Selected(np.concatenate(entries), *map(float, sums))


def _rescale(selected: _Selected) -> float:
    """Return the factor by which the generator weights of the survivors stand for those of all events."""
    return selected.sum_genweights / selected.sum_kept if selected.sum_kept else 0.0
