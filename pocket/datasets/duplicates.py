"""Duplicate events of data: the same run, luminosity section and event number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pocket.datasets.sections import Keys, primary_datasets, run_and_section, section_keys
from pocket.errors import BadFileError, DatasetError, PocketError
from pocket.io.remote.attempts import first_readable
from pocket.io.remote.client import is_remote, open_root
from pocket.io.remote.failures import why_unreadable

#: Largest number of events that are compared at the same time, 24 bytes each.
MOST = 20_000_000
_COLUMNS = ("run", "luminosityBlock", "event")
_EVENT = np.dtype([("section", np.uint64), ("event", np.uint64), ("file", np.uint32)])
#: Function that yields the columns of a file by name, in parts.
Read: TypeAlias = Callable[[str], Iterator[Mapping[str, npt.NDArray[Any]]]]


@dataclass(frozen=True)
class Duplicates:
    """Duplicate events of a primary dataset: their surplus, and the first of them with the files that hold it."""

    primary: str
    count: int
    event: tuple[int, int, int]
    files: tuple[str, str]

    def __str__(self) -> str:
        """Return a description as a clause."""
        number = ":".join(map(str, self.event))
        one, other = self.files
        where = f"twice in {one}" if one == other else f"in {one} and {other}"
        return f"primary dataset {self.primary}: {self.count} events too many, such as {number} {where}"


def read_numbers(path: str) -> Iterator[Mapping[str, npt.NDArray[Any]]]:
    """Yield run, luminosity section and number of the events of a file, some hundred thousand at a time."""
    if not is_remote(path) and not Path(path).is_file():
        raise BadFileError(f"file {path} doesn't exist")
    try:
        with open_root(path) as file:
            events = file["Events"]
            if lacking := [name for name in _COLUMNS if name not in events]:
                raise DatasetError(f"events of {path} can't be compared: they have no {' and no '.join(lacking)}")
            yield from events.iterate(list(_COLUMNS), library="np", step_size="16 MB")
    except PocketError:
        raise
    # For a corrupt file, uproot may raise any type of exception.
    except Exception as error:
        raise BadFileError(f"file {path} {why_unreadable(path, error)}") from error


def find_duplicates(
    fileset: Mapping[str, Any],
    *,
    read: Read = read_numbers,
    most: int = MOST,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Duplicates]:
    """Yield the primary datasets that have duplicate events.

    All files are read once to count the events of each section, and again for the sections of each batch of at most
    ``most`` events, so that memory doesn't grow with the number of events. A larger section is a batch of its own. The
    numbers of one file are in memory together, so that a replica is read from its beginning. Progress is told as the
    number of files read so far, and of all.
    """
    by_primary = primary_datasets(fileset)
    total = sum(map(len, by_primary.values()))
    done = 0
    for primary, files in by_primary.items():
        paths = list(files)

        def read_whole(path: str, files: Mapping[str, Any] = files) -> Iterator[Mapping[str, npt.NDArray[Any]]]:
            locations = (path, *files[path].get("replicas", ()))
            return iter(first_readable(locations, lambda location: list(read(location))).value)

        counts: list[tuple[Keys, npt.NDArray[np.int64]]] = []
        for path in paths:
            counts.append(_count(read_whole(path)))
            done += 1
            if progress:
                progress(done, total)
        found = [
            found
            for sections in _batches(counts, most)
            if (found := _compare(primary, paths, counts, sections, read_whole)) is not None
        ]
        if found:
            yield Duplicates(primary, sum(part.count for part in found), found[0].event, found[0].files)


def _count(parts: Iterator[Mapping[str, npt.NDArray[Any]]]) -> tuple[Keys, npt.NDArray[np.int64]]:
    """Return the sections of a file, sorted, and the number of events in each."""
    keys, counts = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    for part in parts:
        more, of_more = np.unique(section_keys(part["run"], part["luminosityBlock"]), return_counts=True)
        keys, counts = _added((keys, counts), (more, of_more))
    return keys, counts


def _added(*several: tuple[Keys, npt.NDArray[np.int64]]) -> tuple[Keys, npt.NDArray[np.int64]]:
    keys, places = np.unique(np.concatenate([keys for keys, _ in several]), return_inverse=True)
    return keys, np.bincount(places, np.concatenate([counts for _, counts in several]), len(keys)).astype(np.int64)


def _batches(counts: Sequence[tuple[Keys, npt.NDArray[np.int64]]], most: int) -> Iterator[Keys]:
    """Yield all sections in batches with a limited number of events."""
    if not counts:
        return
    keys, totals = _added(*counts)
    start, size = 0, 0
    for position, total in enumerate(totals.tolist()):
        if size and size + total > most:
            yield keys[start:position]
            start, size = position, 0
        size += total
    yield keys[start:]


def _compare(
    primary: str,
    paths: Sequence[str],
    counts: Sequence[tuple[Keys, npt.NDArray[np.int64]]],
    sections: Keys,
    read: Read,
) -> Duplicates | None:
    events = []
    for number, (path, (of_file, _)) in enumerate(zip(paths, counts, strict=True)):
        if not np.isin(of_file, sections, assume_unique=True).any():
            continue
        for part in read(path):
            keys = section_keys(part["run"], part["luminosityBlock"])
            chosen = np.isin(keys, sections)
            found = np.empty(int(chosen.sum()), dtype=_EVENT)
            found["section"], found["event"], found["file"] = keys[chosen], part["event"][chosen], number
            events.append(found)
    together = np.concatenate(events) if events else np.empty(0, dtype=_EVENT)
    together.sort(order=("section", "event", "file"))
    same = (np.diff(together["section"]) == 0) & (np.diff(together["event"]) == 0)
    if not same.any():
        return None
    one, other = together[int(np.argmax(same))], together[int(np.argmax(same)) + 1]
    event = (*run_and_section(one["section"]), int(one["event"]))
    return Duplicates(primary, int(same.sum()), event, (paths[int(one["file"])], paths[int(other["file"])]))
