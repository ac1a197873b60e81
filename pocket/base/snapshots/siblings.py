"""Source files of an analysis outside of the checkout: its own, and those of modules that it imports from beside it.

An analysis is a package, or a configuration file. A package has its own files. A configuration file has all files of
its folder, where its parameters and datasets are, and may import packages from the root of its repository as well.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pocket.base.snapshots.sources import LEFT_OUT, listed_files

#: Files and folders that mark the root of a repository.
_MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg")
#: Import statements of modules outside of the own package.
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([^\s.]+)|import[ \t]+([^\n#;]+))", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w*")
#: Suffixes of events, outputs and figures, which aren't part of the code of a configuration file.
_DATA = (".coffea", ".err", ".log", ".out", ".parquet", ".pdf", ".png", ".pyc", ".root")
#: Most files that a folder of configurations has; one with more, such as a home directory, is no such folder.
_MOST_FILES = 5000


def repository_of(place: Path) -> Path:
    """Return the folder that an analysis may import packages from: the root of its repository, or its own."""
    # For the folder of a package, only git makes a repository. The code of a job has no marks, but is in PYTHONPATH.
    is_package = place.is_dir()
    marks = _MARKS[: 1 if is_package else None]
    named = [] if is_package else os.environ.get("PYTHONPATH", "").split(os.pathsep)
    found = (above for above in place.parents if str(above) in named or any((above / mark).exists() for mark in marks))
    return next(found, place.parent)


def analysis_files(place: Path) -> Iterator[Path]:
    """Yield the source files of an analysis, and of the modules beside it that it imports."""
    if place.is_dir():
        yield from _closure([place.name], [place.parent])
        return
    names = sorted(_imported(str(place), place.stat().st_mtime_ns))
    parents = list(dict.fromkeys([place.parent, repository_of(place)]))
    folder = place.parent
    beside = listed_files(folder) if _is_small(folder) else [path.name for path in folder.iterdir() if path.is_file()]
    found = dict.fromkeys([*(folder / name for name in beside), *_closure(names, parents)])
    yield from (file for file in found if not file.name.endswith(_DATA))


def _is_small(folder: Path) -> bool:
    count = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        count += len(files)
        if count > _MOST_FILES:
            return False
    return True


def _closure(names: Sequence[str], parents: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of modules, and of all that they import from some folders, the first of which comes first."""
    waiting, seen = list(names), set(names)
    while waiting:
        name = waiting.pop()
        files = next((found for parent in parents if (found := _files_of(parent, name))), [])
        yield from files
        for file in files:
            if file.suffix == ".py":
                new = {top for top in _imported(str(file), file.stat().st_mtime_ns) if top not in seen}
                seen.update(new)
                waiting += sorted(new)


def _files_of(parent: Path, name: str) -> list[Path]:
    if (parent / name).is_dir():
        return [parent / name / inner for inner in listed_files(parent / name)]
    return [single] if (single := parent / f"{name}.py").is_file() else []


@functools.cache
def _imported(file: str, mtime_ns: int) -> frozenset[str]:
    """Return the top-level names that a file imports; a line of a string that looks like an import does no harm."""
    found: set[str] = set()
    for single, several in _IMPORT.findall(Path(file).read_text(encoding="utf-8", errors="replace")):
        names = (_NAME.match(part.strip()) for part in (single, *several.split(",")))
        found.update(name[0] for name in names if name)
    return frozenset(found)
