"""Lists of the files of a dataset definition, and their locations."""

from __future__ import annotations

import glob
import importlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pocket.base.snapshots.process import original
from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.coffea_samples import sample_path
from pocket.datasets.definitions import DatasetDefinition
from pocket.errors import DatasetError, UnknownNameError
from pocket.io.remote.client import is_remote
from pocket.io.remote.listing import files_in, files_like, is_file_name, remote_path, two_slashes

#: Sources that catalogues know.
CATALOGUE_SOURCES = ("das_names", "open_data")

Job = TypeVar("Job")
Result = TypeVar("Result")

# Number of parallel questions to catalogues; each needs a process for Rucio.
_QUESTIONS = 4


@dataclass(frozen=True)
class DatasetFile:
    """Locations of a file, of which ``url`` is preferred, and what a catalogue says about it.

    Its ``identity`` changes with the file's content. What the catalogue doesn't have is empty, and the number of events
    None.
    """

    url: str
    replicas: tuple[str, ...] = ()
    identity: str = ""
    entries: int | None = None
    name: str = ""

    @property
    def locations(self) -> tuple[str, ...]:
        """All paths and URLs, each once, in the order of preference."""
        return tuple(dict.fromkeys((self.url, *self.replicas)))


def expand(
    definition: DatasetDefinition,
    *,
    toy_files: Mapping[str, Sequence[Path]],
    cache: Path,
    catalogues: Catalogues | None = None,
) -> list[DatasetFile]:
    """Return the files of a definition, without opening them, in its order; those of one pattern or folder are sorted.

    Folders and patterns on servers are listed over the network; a URL that ends in ``.root`` is used unchanged.
    Downloaded files of coffea's source distribution are kept in ``cache``.
    """
    # Paths of the original are used, since filesets live longer than snapshots of the code.
    folder = Path(original(definition.origin.parent.absolute()))
    where, values = definition.where, definition.values
    if definition.source == "toys":
        for process in definition.toys:
            if process not in toy_files:
                raise UnknownNameError("toy process", process, toy_files, where)
        return [DatasetFile(str(path.absolute())) for process in definition.toys for path in toy_files[process]]
    if definition.source == "coffea_samples":
        return [DatasetFile(str(sample_path(name, cache=cache))) for name in values]
    if definition.own_catalogue:
        return [file for value in values for file in _own_files(definition.own_catalogue, value, where)]
    if definition.source in CATALOGUE_SOURCES:
        return [file for value in values for file in _catalogued(value, definition, folder, catalogues)]
    return [DatasetFile(url) for value in values for url in _listed(value, definition.source, folder, where)]


def expand_each(
    definitions: Mapping[str, DatasetDefinition],
    *,
    toy_files: Mapping[str, Sequence[Path]],
    cache: Path,
    catalogues: Catalogues | None = None,
    limit_files: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[DatasetFile] | DatasetError]:
    """Return the files of several datasets, which are listed in parallel, or errors for those that can't be listed."""

    def files(definition: DatasetDefinition) -> list[DatasetFile] | DatasetError:
        try:
            found = expand(definition, toy_files=toy_files, cache=cache, catalogues=catalogues)
        except DatasetError as error:
            return error
        return found[: limit_files or None]

    found = in_threads(files, [*definitions.values()], _QUESTIONS, progress)
    return dict(zip(definitions, found, strict=True))


def in_threads(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int, progress: Callable[[int, int], None] | None
) -> list[Result]:
    """Return the result of each job, and tell the number of those that are done and of all."""
    results: list[Result] = []
    with ThreadPoolExecutor(workers) as pool:
        for result in pool.map(function, jobs):
            results.append(result)
            if progress:
                progress(len(results), len(jobs))
    return results


def _catalogued(
    value: str, definition: DatasetDefinition, folder: Path, catalogues: Catalogues | None
) -> list[DatasetFile]:
    """Return the files of one entry of ``das_names`` or ``open_data``."""
    if is_remote(value):
        # PocketCoffea allows folders of private samples among the names.
        return [DatasetFile(url) for url in _listed(value, "paths", folder, definition.where)]
    if catalogues is None:
        raise DatasetError(f"{definition.where}: no catalogue to ask for {value}")
    try:
        if definition.source == "open_data":
            listed = catalogues.open_data(value)
        else:
            listed = catalogues.das(value, definition.dbs_instance, definition.storage_prefix)
    except DatasetError as error:
        raise DatasetError(f"{definition.where}: {error}") from error
    return [
        DatasetFile(item.urls[0], item.urls[1:], item.file.identity, item.file.entries, item.file.name)
        for item in listed
    ]


def _own_files(reference: str, value: str, where: str) -> list[DatasetFile]:
    """Return the files that a function of one's own lists: addresses, or these with what is known of the files."""
    module, _, name = reference.partition(":")
    try:
        answer = list(getattr(importlib.import_module(module), name)(value))
    except Exception as error:
        raise DatasetError(f"{where}: {reference} fails for {value!r}: {type(error).__name__}: {error}") from error
    found = []
    for listed in answer:
        file = listed if isinstance(listed, CatalogueFile) else CatalogueFile(listed)
        if not (isinstance(file.name, str) and (is_remote(file.name) or Path(file.name).is_absolute())):
            raise DatasetError(
                f"{where}: {reference} lists {file.name!r} for {value!r}, expected an address or an absolute path"
            )
        if file.valid:
            found.append(DatasetFile(file.name, (), file.identity, file.entries, file.name))
    if not found:
        raise DatasetError(f"{where}: {reference} lists no file for {value!r}")
    return found


def _listed(value: str, source: str, folder: Path, where: str) -> list[str]:
    """Return the files of one entry of ``paths`` or ``globs``."""
    if not is_remote(value):
        if source == "globs":
            return [str(path) for path in _matches(value, folder, where)]
        if (folder / value).is_dir():
            raise DatasetError(
                f"{where}: {folder / value} is a folder; name its files by 'globs': {value.rstrip('/')}/*.root"
            )
        return [str(folder / value)]
    value = two_slashes(value)
    try:
        if source == "globs":
            return files_like(value)
        remote_path(value)  # This checks the form.
        return [value] if is_file_name(value) else files_in(value)
    except DatasetError as error:
        raise DatasetError(f"{where}: {error}") from error


def _matches(pattern: str, folder: Path, where: str) -> list[Path]:
    # Unlike Path.glob, this accepts absolute patterns and follows links to folders.
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    paths = sorted(folder / match for match in found)
    for path in paths:
        if path.is_symlink() and not path.exists():
            raise DatasetError(
                f"{where}: {path} matches {pattern!r}, but links to {path.readlink()}, which doesn't exist"
            )
    files = [path for path in paths if path.is_file()]
    if not files:
        raise DatasetError(f"{where}: no file matches {pattern!r} (folder {(folder / pattern).parent})")
    return files
