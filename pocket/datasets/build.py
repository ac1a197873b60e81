"""Construction of filesets: every file is opened once to record its entries, UUID and size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pocket.base.runtime.remarks import remark, some_of
from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.check import refuse_twice
from pocket.datasets.content import content_id
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import TREE, DatasetInfo, FileInfo, Fileset
from pocket.datasets.generated import read_generated
from pocket.datasets.generator_sums import RESCALE
from pocket.datasets.listing import DatasetFile, expand_each, in_threads
from pocket.datasets.sections import read_sections
from pocket.datasets.skim_sums import needs_all_files
from pocket.errors import BadFileError, DatasetError, PocketError, nearest
from pocket.io.nanoaod.ttree import read_tree, structure
from pocket.io.remote.attempts import first_readable
from pocket.io.remote.client import is_remote, open_root
from pocket.io.remote.failures import why_unreadable


@dataclass(frozen=True)
class SkippedFile:
    """File that was left out of its dataset because it can't be read."""

    dataset: str
    path: str
    reason: str


@dataclass(frozen=True)
class FilesetResult:
    """Fileset, and the files that were left out of it."""

    fileset: Fileset
    skipped: tuple[SkippedFile, ...]


def build_fileset(
    definitions: Mapping[str, DatasetDefinition],
    *,
    toy_files: Mapping[str, Sequence[Path]],
    cache: Path,
    workers: int = 8,
    limit_files: int = 0,
    skip_bad_files: bool = False,
    catalogues: Catalogues | None = None,
    progress: Callable[[int, int], None] | None = None,
    listing_progress: Callable[[int, int], None] | None = None,
) -> FilesetResult:
    """Return the fileset of datasets, with the entries, UUID and size of every file, which is opened for that.

    Args:
        cache: folder for the downloaded files of coffea's source distribution.
        limit_files: number of files of each dataset, the first ones; 0 for all.
        skip_bad_files: leave out files that can't be read, instead of failing at the first one; files of a skim that is
            normalised by its metadata are never left out.
        progress: called with the number of files opened so far and the total number, ``listing_progress`` with those of
            the datasets listed.
    """
    if empty := [name for name, definition in definitions.items() if not (definition.values or definition.has_sums)]:
        remark(f"datasets without files are left out: {', '.join(empty)}")
        definitions = {name: definition for name, definition in definitions.items() if name not in empty}
    for definition in definitions.values():
        if definition.is_mc and definition.xsec is None and definition.source == "toys":
            raise DatasetError(f"{definition.where} has no cross section: fill 'xsec' in from the toys' parameters")
    listed = expand_each(
        definitions,
        toy_files=toy_files,
        cache=cache,
        catalogues=catalogues,
        limit_files=limit_files,
        progress=listing_progress,
    )
    _refuse_unlisted({name: files for name, files in listed.items() if isinstance(files, DatasetError)})
    jobs = [(name, file) for name, files in listed.items() if not isinstance(files, DatasetError) for file in files]

    fileset: Fileset = {
        name: {"metadata": {**definition.metadata(), "nevents": 0, "size": 0}, "files": {}}
        for name, definition in definitions.items()
    }
    needed = {name for name, definition in definitions.items() if definition.has_sums}
    skipped: list[SkippedFile] = []
    seen: dict[str, tuple[str, str]] = {}  # UUID → dataset and path.
    results = _inspect_all(jobs, workers, skip_bad_files, needed, catalogues, progress)
    for (name, file), result in zip(jobs, results, strict=True):
        if isinstance(result, BadFileError):
            skipped.append(SkippedFile(name, file.url, str(result)))
            continue
        info, size = result
        refuse_twice(seen, info, name, file.url)
        if replicas := list(file.locations[1:]):
            info["replicas"] = replicas
        fileset[name]["files"][file.url] = info
        fileset[name]["metadata"]["nevents"] += info["num_entries"]
        fileset[name]["metadata"]["size"] += size
    for name, dataset in fileset.items():
        if not dataset["metadata"]["nevents"] and not definitions[name].has_sums:
            left_out = [file.reason for file in skipped if file.dataset == name]
            bad = f"; unreadable: {len(left_out)}, the first because {left_out[0]}" if left_out else ""
            raise DatasetError(f"{definitions[name].where} has no events; files read: {len(dataset['files'])}{bad}")
        _remark_unknown_sums(definitions[name], dataset)
    return FilesetResult(fileset, tuple(skipped))


def _refuse_unlisted(errors: Mapping[str, DatasetError]) -> None:
    """Raise the error of the first dataset whose files can't be listed, with the names of the others."""
    if not errors:
        return
    error, *_ = errors.values()
    _, *others = errors
    if not others:
        raise error
    number = f"{len(others)} other dataset{'s' if len(others) > 1 else ''}"
    raise DatasetError(f"{error}; nor can files of {number} be listed: {some_of(others)}") from error


def _remark_unknown_sums(definition: DatasetDefinition, dataset: DatasetInfo) -> None:
    """Say that a skim of simulation has no sum of weights, since its templates would be refused after all events."""
    before = definition.before_skim
    if not definition.is_mc or before is None or before.sum_genweights is not None or not dataset["files"]:
        return
    try:
        with open_root(next(iter(dataset["files"]))) as file:
            has_factor = RESCALE in set(file[TREE].keys())
    except Exception:
        # It was readable, maybe in another place, and is named where its events are read.
        return
    if not has_factor:
        remark(
            f"{definition.where} is a skim, and neither its metadata have 'sum_genweights' nor its files the branch "
            f"{RESCALE!r}: a configuration that normalises it by generator weights can't be merged"
        )


def inspect_file(path: str | Path) -> tuple[FileInfo, int]:
    """Return the properties of a ROOT file for a fileset, and its size in bytes; the file is opened once."""
    if not is_remote(str(path)):
        if not Path(path).is_file():
            logical = "; write root://server/ before a logical name of CMS" if str(path).startswith("/store/") else ""
            raise BadFileError(f"file {path} doesn't exist{logical}")
        if not Path(path).stat().st_size:
            raise BadFileError(f"file {path} is empty (0 bytes)")
    try:
        with open_root(str(path)) as file:
            size = int(file.file.source.num_bytes)
            end = file.file.fEND
            names = file.keys(cycle=False)
            # uproot alone would make objects of all branches, which takes a second for thousands of them.
            tree, *_ = read_tree(file, TREE) or (file[TREE],) if TREE in names else (None,)
            entries = getattr(tree, "num_entries", None)
            uuid = str(file.file.uuid)
            layout = structure(file)
            is_whole = entries is not None and end <= size
            content = content_id(file, str(path), TREE) if is_whole else ""
            generated = read_generated(file, int(entries or 0)) if is_whole else None
            sections = read_sections(file) if is_whole else None
    # For a corrupt file, uproot may raise any type of exception: zlib, struct, Unicode, key and value errors.
    except PocketError:
        raise
    except Exception as error:
        if not is_remote(str(path)) and not _begins_as_root(Path(path)):
            raise BadFileError(f"file {path} is no ROOT file: it doesn't begin with 'root'") from error
        raise BadFileError(f"file {path} {why_unreadable(str(path), error)}") from error
    if end > size:
        raise BadFileError(f"file {path} is truncated: it has {size} of {end} bytes")
    if tree is None:
        close = nearest(TREE, names) or names
        raise BadFileError(f"file {path} has no tree {TREE!r}; it has {', '.join(close) or 'nothing'}")
    if entries is None:
        raise BadFileError(f"{TREE!r} in file {path} is no tree but a {type(tree).__name__}")
    info = FileInfo(object_path=TREE, num_entries=int(entries), uuid=uuid, size=size, structure=layout, content=content)
    if sections is not None:
        info["sections"] = sections
    if generated is not None:
        info["generated"] = generated
    return info, size


def _begins_as_root(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"root"


def inspect_listed(file: DatasetFile, catalogues: Catalogues | None = None) -> tuple[FileInfo, int]:
    """Return the result of :func:`inspect_file` for the first readable location, compared with the catalogue.

    A file in the catalogues' cache isn't opened again unless they are ``fresh``.
    """
    known = catalogues.opened.get(file.identity) if catalogues and not catalogues.fresh else None
    # Caches from before files had content ids contain lists.
    if known is not None and isinstance(known[0], dict):
        info, size = cast(FileInfo, dict(known[0])), known[1]
    else:
        info, size = first_readable(file.locations, inspect_file).value
        if catalogues:
            catalogues.opened.put(file.identity, [info, size])
    if file.entries not in (None, info["num_entries"]):
        raise BadFileError(
            f"file {file.url} has {info['num_entries']} events, but its catalogue says that it has {file.entries}"
        )
    return info, size


def _inspect_all(
    jobs: Sequence[tuple[str, DatasetFile]],
    workers: int,
    skip_bad_files: bool,
    needed: Collection[str],
    catalogues: Catalogues | None,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[FileInfo, int] | BadFileError]:
    def inspect(job: tuple[str, DatasetFile]) -> tuple[FileInfo, int] | BadFileError:
        dataset, file = job
        try:
            return inspect_listed(file, catalogues)
        except BadFileError as error:
            if skip_bad_files and dataset not in needed:
                return error
            # It is raised in the thread, so that the pool drops the remaining files.
            if skip_bad_files:
                raise needs_all_files(dataset, error) from error
            raise BadFileError(f"dataset {dataset!r}: {error}") from error

    return in_threads(inspect, jobs, workers, progress)
