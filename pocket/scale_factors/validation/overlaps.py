"""Selected events that are in two datasets, and so count twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.columns.config import EVENT_IDS, WEIGHT
from pocket.columns.parquet import column_files
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.measurement.templates import NOMINAL
from pocket.scale_factors.validation.checks import Check

#: role → dataset → run, luminosity section, event number, and further numbers, each of shape (events,)
Selected: TypeAlias = Mapping[str, Mapping[str, tuple[npt.NDArray[Any], ...]]]


def read_selected(folder: Path, declaration: ScaleFactor) -> Selected:
    """Return the events that a configuration for closures in events exports; ``folder`` is the output of its merging.

    Simulated events of different processes have the same numbers, so sums over their objects tell them apart.
    """
    found: dict[str, dict[str, list[Any]]] = {role: {} for role in declaration.roles()}
    for role, samples in declaration.roles().items():
        for (sample, _, variation), files in column_files(folder).items():
            for file in files if sample in samples and variation == NOMINAL else ():
                table = ak.from_parquet(str(file))
                jagged = [name for name in table.fields if table[name].ndim > 1]
                # Events without objects have no entries.
                for name in jagged:
                    table = table[ak.num(table[name]) > 0]
                names = EVENT_IDS if role == "data" else [name for name in table.fields if name != WEIGHT]
                columns = [ak.sum(table[name], axis=1) if name in jagged else table[name] for name in names]
                found[role].setdefault(file.stem, []).append([np.asarray(column) for column in columns])
    return {
        role: {dataset: tuple(map(np.concatenate, zip(*parts, strict=True))) for dataset, parts in datasets.items()}
        for role, datasets in found.items()
    }


def check_overlaps(selected: Selected) -> Check:
    """Return the check that no selected event is in two datasets of one role."""
    compared = "run, luminosity section and number of selected events, in simulation with sums over their objects"
    problems = []
    for role, datasets in selected.items():
        names, events = list(datasets), [np.concatenate(parts) for parts in zip(*datasets.values(), strict=True)]
        numbers = np.repeat(np.arange(len(names)), [len(first) for first, *_ in datasets.values()])
        order = np.lexsort((numbers, *reversed(events)))
        same = np.diff(numbers[order]) != 0
        for column in events:
            same &= column[order][1:] == column[order][:-1]
        if same.any():
            first, second = order[same.argmax() :][:2]
            event = ":".join(str(column[first]) for column in events[:3])
            where = f"{event} in {names[numbers[first]]} and in {names[numbers[second]]}"
            problems.append(f"{same.sum()} events of {role} count twice, such as {where}")
    count = sum(len(first) for datasets in selected.values() for first, *_ in datasets.values())
    return Check("events", not problems, compared, "; ".join(problems) or f"each of {count} events is in one dataset")
