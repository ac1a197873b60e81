"""Checks of filesets: against their files, against the current lists of these, and for files in two datasets."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pocket.datasets.fileset import DatasetInfo, FileInfo, Fileset
from pocket.datasets.listing import DatasetFile, in_threads
from pocket.errors import BadFileError, DatasetError, PocketError

# The second alternative is the error code in XRootD's protocol.
_GONE = re.compile(r"doesn't exist|\[3011\]")
# Prefix of logical names of CMS.
_LOGICAL = "/store/"


class Problem(enum.Enum):
    """Problem with a file."""

    VANISHED = "vanished"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    UNLISTED = "no longer listed"
    NEW = "new"


@dataclass(frozen=True)
class Finding:
    """File that differs from its description in a fileset; without a path or URL, the finding is about the dataset."""

    dataset: str
    url: str
    problem: Problem
    detail: str


def check_fileset(
    fileset: Fileset,
    listed: Mapping[str, Sequence[DatasetFile] | PocketError],
    skipped: Mapping[str, str],
    inspect: Callable[[DatasetFile], tuple[FileInfo, int]],
    *,
    workers: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Return the differences between a fileset and its files, in the order of the fileset.

    ``listed`` has the files that now belong to each dataset, or the error if they can't be listed. Files that were left
    out when the fileset was built (``skipped``: path → reason) are reported only if they can be read now. A file is
    opened by ``inspect``, see :func:`pocket.datasets.build.inspect_listed`.
    """
    jobs: list[tuple[str, str | None, DatasetFile]] = []  # Dataset, path in the fileset, current location of the file.
    findings: list[Finding] = []
    unlisted: set[tuple[str, str]] = set()
    for name, dataset in fileset.items():
        now = listed[name]
        if isinstance(now, PocketError):
            findings.append(Finding(name, "", Problem.UNLISTED, str(now)))
            jobs += [(name, path, _recorded(path, info)) for path, info in dataset["files"].items()]
            continue
        places, added = _pair(dataset, now)
        for path, info in dataset["files"].items():
            if path not in places:
                unlisted.add((name, path))
            jobs.append((name, path, places.get(path, _recorded(path, info))))
        jobs += [(name, None, file) for file in added]

    def look(job: tuple[str, str | None, DatasetFile]) -> tuple[FileInfo, int] | BadFileError:
        try:
            return inspect(job[2])
        except BadFileError as error:
            return error

    states = in_threads(look, jobs, workers, progress)
    # A file that has moved is at none of its old locations, but has its UUID.
    moved = {
        (name, state[0]["uuid"])
        for (name, place, _), state in zip(jobs, states, strict=True)
        if place is None and not isinstance(state, BadFileError)
    }
    for (name, place, file), state in zip(jobs, states, strict=True):
        if place is None:
            findings += _added(name, file, state, fileset[name], skipped)
            continue
        recorded = fileset[name]["files"][place]
        if (name, place) not in unlisted or (name, recorded["uuid"]) not in moved:
            findings += _compared(name, place, recorded, state, (name, place) in unlisted)
    return findings


def _pair(dataset: DatasetInfo, now: Sequence[DatasetFile]) -> tuple[dict[str, DatasetFile], list[DatasetFile]]:
    """Return path in the fileset → listed file, and the listed files that aren't in the fileset."""
    of_place: dict[str, str] = {}
    of_name: dict[str, str] = {}
    for path, info in dataset["files"].items():
        for place in (path, *info.get("replicas", ())):
            of_place[place] = path
            # Sites and redirectors add a prefix to a logical name.
            of_name[place[place.find(_LOGICAL) :]] = path
    places: dict[str, DatasetFile] = {}
    added = []
    for file in now:
        known = [of_place[place] for place in file.locations if place in of_place]
        known += [of_name[file.name]] if file.name in of_name else []
        if known:
            # The recorded locations are as valid as the current ones.
            recorded = _recorded(known[0], dataset["files"][known[0]])
            places[known[0]] = replace(file, replicas=(*file.replicas, *recorded.locations))
        else:
            added.append(file)
    return places, added


def _added(
    name: str,
    file: DatasetFile,
    state: tuple[FileInfo, int] | BadFileError,
    dataset: DatasetInfo,
    skipped: Mapping[str, str],
) -> list[Finding]:
    left_out = any(place in skipped for place in file.locations)
    if isinstance(state, BadFileError):
        return [] if left_out else [Finding(name, file.url, Problem.NEW, f"not in the fileset; {state}")]
    info, _ = state
    if any(info["uuid"] == recorded["uuid"] for recorded in dataset["files"].values()):
        return []
    was = "left out when the fileset was built" if left_out else "not in the fileset"
    return [Finding(name, file.url, Problem.NEW, f"{was}; {info['num_entries']} events")]


def _compared(
    name: str, path: str, recorded: FileInfo, state: tuple[FileInfo, int] | BadFileError, unlisted: bool
) -> list[Finding]:
    if isinstance(state, BadFileError):
        problem = Problem.VANISHED if _GONE.search(str(state)) else Problem.UNREADABLE
        return [Finding(name, path, problem, str(state))]
    info, _ = state
    differences = [
        f"{label} {info[key]} instead of {recorded[key]}"  # type: ignore[literal-required]
        for label, key in (("events:", "num_entries"), ("UUID", "uuid"))
        if info[key] != recorded[key]  # type: ignore[literal-required]
    ]
    if not differences and info.get("content") != recorded.get("content", info.get("content")):
        differences = ["another content with the same UUID"]
    if differences:
        return [Finding(name, path, Problem.CHANGED, ", ".join(differences))]
    return [Finding(name, path, Problem.UNLISTED, "readable, but no longer part of the dataset")] if unlisted else []


def _recorded(path: str, info: FileInfo) -> DatasetFile:
    return DatasetFile(path, tuple(info.get("replicas", ())))


def joined_filesets(filesets: Iterable[Fileset]) -> Fileset:
    """Return the datasets of several definition files in one fileset."""
    joined: Fileset = {}
    seen: dict[str, tuple[str, str]] = {}
    for fileset in filesets:
        for name, dataset in fileset.items():
            for path, info in dataset["files"].items():
                refuse_twice(seen, info, name, path)
            joined[name] = dataset
    return joined


def refuse_twice(seen: dict[str, tuple[str, str]], info: FileInfo, name: str, path: str) -> None:
    """Record a file by its UUID, and refuse a file or copy that was recorded before."""
    if info["uuid"] in seen:
        other_name, other_path = seen[info["uuid"]]
        chosen = "" if other_name == name else ", or read one of the datasets only (--filter-datasets)"
        raise DatasetError(
            f"{path} of dataset {name!r} is the same file as {other_path} of dataset {other_name!r} (UUID "
            f"{info['uuid']}): its events would count twice; name it once{chosen}"
        )
    seen[info["uuid"]] = (name, path)
