"""Filesets: the files of each dataset, opened once to record their entries and UUIDs.

A fileset has coffea's form, so that coffea reads it too::

    {"DYJetsToLL_2018": {
        "metadata": {"sample": "DYJetsToLL", "year": "2018", "isMC": true, "xsec": 6077.22,
                     "nevents": 40, "size": 352599},
        "files": {"/data/nano_dy.root": {"object_path": "Events", "num_entries": 40, "uuid": "a9490124-…"}}}}
"""

from __future__ import annotations

import glob
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from pocket.datasets.coffea_samples import sample_path
from pocket.datasets.definitions import DatasetDefinition
from pocket.errors import BadFileError, ConfigError, DatasetError, UnknownNameError, nearest
from pocket.skims.before import needs_all_files

TREE = "Events"


class FileInfo(TypedDict):
    """What a fileset records of one file."""

    object_path: str
    num_entries: int
    uuid: str


class DatasetInfo(TypedDict):
    """Metadata and files (by path) of one dataset."""

    metadata: dict[str, Any]
    files: dict[str, FileInfo]


Fileset: TypeAlias = dict[str, DatasetInfo]


@dataclass(frozen=True)
class SkippedFile:
    """A file that was left out of its dataset because it can't be read."""

    dataset: str
    path: str
    reason: str


@dataclass(frozen=True)
class FilesetResult:
    """A fileset and the files that were left out of it."""

    fileset: Fileset
    skipped: tuple[SkippedFile, ...]


def expand(definition: DatasetDefinition, *, toy_files: Mapping[str, Sequence[Path]], cache: Path) -> list[Path]:
    """List the files that a definition stands for, without opening them.

    Args:
        definition: the dataset.
        toy_files: the toy files by process.
        cache: folder that keeps files of coffea's source distribution once they are downloaded.

    Returns:
        Absolute paths in the order of the definition; those of one pattern are sorted.

    Raises:
        DatasetError: if a pattern matches nothing, or the source is not available.
        UnknownNameError: if a toy process or one of coffea's samples is unknown.
    """
    folder = definition.origin.parent.absolute()
    where, values = definition.where, definition.values
    if definition.source == "toys":
        for process in values:
            if process not in toy_files:
                raise UnknownNameError("toy process", process, toy_files, where)
        return [path.absolute() for process in values for path in toy_files[process]]
    if definition.source == "coffea_samples":
        return [sample_path(name, cache=cache) for name in values]
    if definition.source == "das_names":
        raise DatasetError(f"{where}: 'das_names' is not available yet: {', '.join(values)}; use 'paths' or 'globs'")
    if remote := [value for value in values if "://" in value]:
        raise DatasetError(f"{where}: remote files are not available yet: {remote[0]}; use local files")
    if definition.source == "globs":
        return [path for pattern in values for path in _matches(pattern, folder, where)]
    return [folder / value for value in values]


def build_fileset(
    definitions: Mapping[str, DatasetDefinition],
    *,
    toy_files: Mapping[str, Sequence[Path]],
    cache: Path,
    workers: int = 8,
    skip_bad_files: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FilesetResult:
    """Open every file of the datasets and record its entries, UUID and size.

    Args:
        definitions: the datasets by name.
        toy_files: the toy files by process.
        cache: folder that keeps files of coffea's source distribution once they are downloaded.
        workers: number of threads that open files.
        skip_bad_files: leave files out that can't be read, instead of failing at the first one; never those of a skim
            that is normalised by its metadata.
        progress: called with the number of files opened so far and the number of all.

    Returns:
        The fileset, in the order of the definitions, and the files left out.

    Raises:
        BadFileError: if a file is missing or can't be read.
        DatasetError: if a dataset that isn't a skim has no file or no event, a cross section is missing, or a file
            occurs twice, be it as a copy: its events would count twice.
    """
    for definition in definitions.values():
        if definition.is_mc and definition.xsec is None:
            raise DatasetError(f"{definition.where} has no cross section: fill 'xsec' in from the toys' parameters")
    jobs = [
        (name, path)
        for name, definition in definitions.items()
        for path in expand(definition, toy_files=toy_files, cache=cache)
    ]

    fileset: Fileset = {
        name: {"metadata": {**definition.metadata(), "nevents": 0, "size": 0}, "files": {}}
        for name, definition in definitions.items()
    }
    needed = {name for name, definition in definitions.items() if definition.has_sums}
    skipped: list[SkippedFile] = []
    seen: dict[str, tuple[str, Path]] = {}  # dataset and path by UUID
    for (name, path), result in zip(jobs, _inspect_all(jobs, workers, skip_bad_files, needed, progress), strict=True):
        if isinstance(result, BadFileError):
            skipped.append(SkippedFile(name, str(path), str(result)))
            continue
        info, size = result
        if info["uuid"] in seen:
            other_name, other_path = seen[info["uuid"]]
            raise DatasetError(
                f"{path} of dataset {name!r} is the same file as {other_path} of dataset {other_name!r} (UUID "
                f"{info['uuid']}): its events would count twice"
            )
        seen[info["uuid"]] = (name, path)
        fileset[name]["files"][str(path)] = info
        fileset[name]["metadata"]["nevents"] += info["num_entries"]
        fileset[name]["metadata"]["size"] += size
    for name, dataset in fileset.items():
        if not dataset["metadata"]["nevents"] and not definitions[name].has_sums:
            left_out = [file.reason for file in skipped if file.dataset == name]
            bad = f"; unreadable: {len(left_out)}, the first because {left_out[0]}" if left_out else ""
            raise DatasetError(f"{definitions[name].where} has no events; files read: {len(dataset['files'])}{bad}")
    return FilesetResult(fileset, tuple(skipped))


def inspect_file(path: Path) -> tuple[FileInfo, int]:
    """Open a ROOT file and return what a fileset records of it, and its size in bytes.

    Raises:
        BadFileError: if the file is missing, empty, truncated or corrupt, or has no tree ``Events``.
    """
    import uproot

    if not path.is_file():
        raise BadFileError(f"file {path} doesn't exist")
    size = path.stat().st_size
    if not size:
        raise BadFileError(f"file {path} is empty (0 bytes)")
    try:
        with uproot.open(path) as file:
            end = file.file.fEND
            names = file.keys(cycle=False)
            tree = file[TREE] if TREE in names else None
            entries = getattr(tree, "num_entries", None)
            uuid = str(file.file.uuid)
    # a corrupt file makes uproot raise whatever its bytes lead to: zlib, struct, Unicode, key and value errors
    except Exception as error:
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 160)
        raise BadFileError(f"file {path} is not a ROOT file, or truncated or corrupt ({reason})") from error
    if end > size:
        raise BadFileError(f"file {path} is truncated: it has {size} of {end} bytes")
    if tree is None:
        close = nearest(TREE, names) or names
        raise BadFileError(f"file {path} has no tree {TREE!r}; it has {', '.join(close) or 'nothing'}")
    if entries is None:
        raise BadFileError(f"{TREE!r} in file {path} is no tree but a {type(tree).__name__}")
    return FileInfo(object_path=TREE, num_entries=int(entries), uuid=uuid), size


def select_datasets(fileset: Fileset, dataset_filter: Mapping[str, Sequence[str]]) -> Fileset:
    """Keep the datasets that pass PocketCoffea's dataset filter.

    Args:
        fileset: the datasets to select from.
        dataset_filter: any of ``samples`` and ``year`` (keep only these) and ``samples_exclude``.

    Returns:
        The selected datasets, in the order of the fileset.

    Raises:
        UnknownNameError: if the filter has an unknown key, sample or year.
        DatasetError: if no dataset is left.
    """
    samples = {dataset["metadata"]["sample"] for dataset in fileset.values()}
    years = {dataset["metadata"]["year"] for dataset in fileset.values()}
    known = {"samples": samples, "samples_exclude": samples, "year": years}
    for key, names in dataset_filter.items():
        if key not in known:
            raise UnknownNameError("key", key, known, "the dataset filter")
        if isinstance(names, str):
            raise ConfigError(f"{key!r} of the dataset filter is {names!r}, expected a list")
        for name in names:
            if name not in known[key]:
                kind = "year" if key == "year" else "sample"
                raise UnknownNameError(kind, name, known[key], f"{key!r} of the dataset filter")
    kept_samples = set(dataset_filter.get("samples", samples)) - set(dataset_filter.get("samples_exclude", ()))
    kept_years = dataset_filter.get("year", years)
    selected = {
        name: dataset
        for name, dataset in fileset.items()
        if dataset["metadata"]["sample"] in kept_samples and dataset["metadata"]["year"] in kept_years
    }
    if not selected:
        raise DatasetError(f"the dataset filter {dict(dataset_filter)} leaves no dataset of {', '.join(fileset)}")
    return selected


def _inspect_all(
    jobs: Sequence[tuple[str, Path]],
    workers: int,
    skip_bad_files: bool,
    needed: Collection[str],
    progress: Callable[[int, int], None] | None,
) -> list[tuple[FileInfo, int] | BadFileError]:
    def inspect(job: tuple[str, Path]) -> tuple[FileInfo, int] | BadFileError:
        dataset, path = job
        try:
            return inspect_file(path)
        except BadFileError as error:
            if skip_bad_files and dataset not in needed:
                return error
            # raised in the thread, so that the pool drops the files still waiting
            if skip_bad_files:
                raise needs_all_files(dataset, error) from error
            raise BadFileError(f"dataset {dataset!r}: {error}") from error

    results = []
    with ThreadPoolExecutor(workers) as pool:
        for result in pool.map(inspect, jobs):
            results.append(result)
            if progress:
                progress(len(results), len(jobs))
    return results


def _matches(pattern: str, folder: Path, where: str) -> list[Path]:
    # unlike Path.glob, this takes absolute patterns and follows links to folders
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    files = sorted(path for path in (folder / match for match in found) if path.is_file())
    if not files:
        raise DatasetError(f"{where}: no file matches {pattern!r} (folder {(folder / pattern).parent})")
    return files
