"""Luminosity sections of files of data, and overlaps between files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pocket.datasets.fileset import Sections

TREE = "LuminosityBlocks"
Keys: TypeAlias = npt.NDArray[np.uint64]
_BITS = np.uint64(32)
_REMEDY = "BuildDatasets --check-duplicates tells whether events are there twice"


@dataclass(frozen=True)
class Overlap:
    """Luminosity sections of a primary dataset that are in several files: their number, and two files with one."""

    primary: str
    count: int
    run: int
    section: int
    files: tuple[str, str]

    def __str__(self) -> str:
        """Return a description as a clause."""
        sections = f"{self.count} luminosity section{'s' if self.count > 1 else ''}"
        return (
            f"primary dataset {self.primary}: {sections} in more than one file, such as {self.section} of run "
            f"{self.run} in {self.files[0]} and {self.files[1]}"
        )


def read_sections(file: Any) -> Sections | None:
    """Return the luminosity sections of an open file of data; ``None`` for simulation, or if they aren't known.

    The tree ``LuminosityBlocks`` has an entry for each section, also for sections without events.
    """
    if TREE not in file.keys(cycle=False):
        return None
    columns = file[TREE].arrays(["run", "luminosityBlock"], library="np")
    keys = section_keys(columns["run"], columns["luminosityBlock"])
    # Simulation only has run 1.
    if not keys.size or (keys >> _BITS).max() == 1:
        return None
    return ranges(keys)


def section_keys(run: Any, section: Any) -> Keys:
    """Return one number for each pair of run and section, in an array of the same shape."""
    return (np.asarray(run).astype(np.uint64) << _BITS) | np.asarray(section).astype(np.uint64)


def run_and_section(key: np.uint64) -> tuple[int, int]:
    """Return the run and the section of a number from :func:`section_keys`."""
    return int(key >> _BITS), int(key) & 0xFFFFFFFF


def ranges(keys: Keys) -> Sections:
    """Return run → ranges of sections."""
    found: Sections = {}
    keys = np.unique(keys)
    ends = np.flatnonzero(np.diff(keys) != 1) + 1
    for part in np.split(keys, ends):
        (run, first), (_, last) = run_and_section(part[0]), run_and_section(part[-1])
        found.setdefault(str(run), []).append([first, last])
    return found


def keys_in(sections: Sections) -> Keys:
    """Return one number for each section."""
    parts = [
        np.arange(first, last + 1, dtype=np.uint64) | (np.uint64(int(run)) << _BITS)
        for run, several in sections.items()
        for first, last in several
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def primary_datasets(fileset: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return primary dataset → file → its properties, for data; without a primary dataset, the sample is the key."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for dataset in fileset.values():
        metadata = dataset["metadata"]
        if not metadata["isMC"]:
            found[str(metadata.get("primaryDataset", metadata["sample"]))].update(dataset["files"])
    return dict(found)


def overlaps(fileset: Mapping[str, Any]) -> Iterator[Overlap]:
    """Yield the primary datasets with files that share luminosity sections that are known, and may share events."""
    for primary, files in primary_datasets(fileset).items():
        known = {path: keys_in(info["sections"]) for path, info in files.items() if info.get("sections")}
        if not known:
            continue
        keys, counts = np.unique(np.concatenate(list(known.values())), return_counts=True)
        shared = keys[counts > 1]
        if shared.size:
            first = shared[0]
            one, other, *_ = [path for path, of_file in known.items() if first in of_file]
            yield Overlap(primary, shared.size, *run_and_section(first), (one, other))


def section_notes(fileset: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about possible duplicate events."""
    for overlap in overlaps(fileset):
        yield f"{overlap}; {_REMEDY}"
    for primary, files in primary_datasets(fileset).items():
        unknown = [path for path, info in files.items() if not info.get("sections")]
        if unknown and len(files) > 1:
            yield (
                f"primary dataset {primary}: the luminosity sections of {len(unknown)} of {len(files)} files can't be "
                f"compared, such as those of {unknown[0]}, which has no tree {TREE}; {_REMEDY}"
            )
