"""Division of a fileset into branches, which are ranges of entries that are processed separately."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, pairwise

from pocket.datasets.fileset import DatasetInfo, FileInfo
from pocket.errors import ConfigError


@dataclass(frozen=True)
class Segment:
    """Range of entries, from ``start`` to before ``stop``, of the tree ``object_path`` in one file.

    Args:
        path: path or URL of the file, the preferred one if there are several.
        uuid: UUID of the file, whichever replica is read.
        replicas: further paths or URLs of the file, in the order of preference.
        size: size of the file in bytes, 0 if it isn't known.
        structure: digest of its objects' positions (:func:`pocket.io.nanoaod.ttree.structure`), empty if unknown.
        content: id of its content (:func:`pocket.datasets.content.content_id`), empty if it isn't known.
    """

    path: str
    uuid: str
    object_path: str
    start: int
    stop: int
    replicas: tuple[str, ...] = ()
    size: int = 0
    structure: str = ""
    content: str = ""

    @property
    def identity(self) -> tuple[str, int, int]:
        """The content of the file and the range, which identify the events wherever the file is."""
        return self.content or self.uuid, self.start, self.stop

    @property
    def locations(self) -> tuple[str, ...]:
        """All paths and URLs of the file, in the order of preference."""
        return self.path, *self.replicas

    def at(self, location: str) -> Segment:
        """Return the same entries in one of the file's replicas."""
        return replace(self, path=location, replicas=())

    def chunks(self, size: int) -> list[tuple[int, int]]:
        """Return the range divided into the fewest ranges of equal size that have at most ``size`` entries."""
        if size < 1:
            raise ConfigError(f"the chunk size must be positive, not {size}")
        return [(self.start + first, self.start + last) for first, last in equal_ranges(self.stop - self.start, size)]


@dataclass(frozen=True)
class Branch:
    """Entries of one dataset, as ranges of single files in order, none of which is empty.

    Args:
        start: first entry of a range of the dataset, counted through all of its files; 0 if the branch isn't a range
            but consists of some of the files.
        stop: entry after the last one, counted likewise.
        name: name that identifies it among the branches of the dataset, also when the fileset changes.
    """

    dataset: str
    start: int
    stop: int
    segments: tuple[Segment, ...]
    name: str = ""

    @property
    def folder(self) -> str:
        """Name of the output folder."""
        return self.name or f"{self.start:010d}-{self.stop:010d}"

    @property
    def label(self) -> str:
        """Description for errors."""
        if not self.name:
            return f"{self.dataset}, events {self.start} to {self.stop}"
        if len(self.segments) == 1:
            (part,) = self.segments
            return f"{self.dataset}, events {part.start} to {part.stop} of {part.path}"
        more = f"{self.segments[0].path} and {len(self.segments) - 1} more files" if self.segments else "no events"
        return f"{self.dataset}, {more}"

    @property
    def locations(self) -> tuple[str, ...]:
        """All paths and URLs of its files."""
        return tuple(location for segment in self.segments for location in segment.locations)


def split(fileset: Mapping[str, DatasetInfo], events_per_branch: int) -> list[Branch]:
    """Return each dataset divided into the fewest ranges of equal size with at most ``events_per_branch`` events.

    Every entry is in exactly one branch, and sizes within a dataset differ by at most one. A dataset without entries,
    such as a skim without surviving events, has one empty branch. See :func:`pocket.datasets.division.divide` for
    branches that don't change when files are added.
    """
    if events_per_branch < 1:
        raise ConfigError(f"the number of events per branch is {events_per_branch}, expected at least 1")
    branches = []
    for name, dataset in fileset.items():
        files = list(dataset["files"].items())
        file_stops = list(accumulate(info["num_entries"] for _, info in files))
        ranges = equal_ranges(file_stops[-1] if files else 0, events_per_branch) or [(0, 0)]
        branches += [Branch(name, start, stop, _segments(files, file_stops, start, stop)) for start, stop in ranges]
    return branches


def equal_ranges(total: int, size: int) -> list[tuple[int, int]]:
    """Return the fewest ranges of equal size, up to ``size``, that cover some entries; none for no entries."""
    number = -(-total // size)
    return list(pairwise(total * index // number for index in range(number + 1))) if number else []


def _segments(
    files: Sequence[tuple[str, FileInfo]], file_stops: Sequence[int], start: int, stop: int
) -> tuple[Segment, ...]:
    segments = []
    # Begin with the first file that ends after the start, since a loop over all files would be quadratic.
    for (path, info), file_stop in islice(zip(files, file_stops, strict=True), bisect_right(file_stops, start), None):
        file_start = file_stop - info["num_entries"]
        if file_start >= stop:
            break
        first, last = max(start, file_start) - file_start, min(stop, file_stop) - file_start
        if first < last:
            segments.append(segment(path, info, first, last))
    return tuple(segments)


def segment(path: str, info: FileInfo, start: int, stop: int) -> Segment:
    """Return a range of entries of a file in a fileset."""
    return Segment(
        path,
        info["uuid"],
        info["object_path"],
        start,
        stop,
        tuple(info.get("replicas", ())),
        info.get("size", 0),
        info.get("structure", ""),
        info.get("content", ""),
    )
