"""Division of datasets into branches that don't change when other files are added or removed.

Equal ranges over all files of a dataset (:func:`pocket.datasets.branches.split`) shift together. Here, the branch of a
file depends on the file itself. A file with more events than a branch may have is divided into equal ranges. The other
files are grouped by the hash of their UUIDs: all of them are one group if a branch may have that many events; otherwise
the first bit of the hash divides them into two groups, the next bit divides each group that is still too large, and so
on. The result is a function of the set of files, independent of history and order. A new file is added to one group,
which may be divided. The other groups don't change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pocket.datasets.branches import Branch, Segment, equal_ranges, segment, split
from pocket.datasets.fileset import DatasetInfo, FileInfo
from pocket.errors import ConfigError

#: Number of bits of a hash; files with equal hashes get branches of their own.
_BITS = 256


@dataclass(frozen=True)
class _File:
    """File of a dataset: its position there, and the hash that decides its group."""

    position: int
    path: str
    info: FileInfo
    hash: int

    @property
    def size(self) -> int:
        return self.info["num_entries"]


def divide(
    fileset: Mapping[str, DatasetInfo], events_per_branch: int, made_at_once: Collection[str] = ()
) -> list[Branch]:
    """Return each dataset divided into branches of whole files, or of ranges of one file.

    They are in the order of datasets and of their first files, and every entry is in exactly one of them. A dataset
    that fits into one branch has one branch, and one without entries has one empty branch. Datasets whose files are all
    made at once, such as toys, are never added to. They are divided into equal ranges, which are fewer.
    """
    if events_per_branch < 1:
        raise ConfigError(f"the number of events per branch is {events_per_branch}, expected at least 1")
    branches: list[Branch] = []
    for name, dataset in fileset.items():
        if name in made_at_once:
            branches += split({name: dataset}, events_per_branch)
        else:
            branches += _branches(name, dataset, events_per_branch)
    return branches


def _branches(name: str, dataset: DatasetInfo, most: int) -> list[Branch]:
    files = [
        _File(position, path, info, int.from_bytes(hashlib.sha256((info["uuid"] or path).encode()).digest(), "big"))
        for position, (path, info) in enumerate(dataset["files"].items())
        if info["num_entries"]
    ]
    if not files:
        return [_branch(name, [])]
    found: list[tuple[int, list[Segment]]] = []
    for file in files:
        if file.size > most:
            ranges = equal_ranges(file.size, most)
            found += [(file.position, [segment(file.path, file.info, *each)]) for each in ranges]
    for group in _groups([file for file in files if file.size <= most], most):
        found.append((group[0].position, [segment(file.path, file.info, 0, file.size) for file in group]))
    # Ranges of one file are in order already.
    return [_branch(name, segments) for _, segments in sorted(found, key=lambda each: each[0])]


def _groups(files: Sequence[_File], most: int, bit: int = 0) -> Iterator[list[_File]]:
    """Yield groups of files, each in the order of the dataset."""
    if not files:
        return
    if sum(file.size for file in files) <= most:
        yield list(files)
    elif bit == _BITS:
        yield from ([file] for file in files)
    else:
        for side in (0, 1):
            yield from _groups([file for file in files if file.hash >> (_BITS - 1 - bit) & 1 == side], most, bit + 1)


def _branch(dataset: str, segments: Sequence[Segment]) -> Branch:
    size = sum(part.stop - part.start for part in segments)
    parts = [(part.uuid or part.path, part.start, part.stop) for part in segments]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
    return Branch(dataset, 0, size, tuple(segments), name=f"{digest}-{size}")
