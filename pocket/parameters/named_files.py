"""Files that a configuration names by a relative path."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from pocket.parameters.locations import project_path, project_root

#: Folder of the configuration file that is being loaded.
_beside: ContextVar[Path | None] = ContextVar("configuration_folder", default=None)


@contextlib.contextmanager
def configuration_folder(folder: Path) -> Iterator[None]:
    """Look for the files that a configuration names in its own folder first, inside of this block."""
    token = _beside.set(folder)
    try:
        yield
    finally:
        _beside.reset(token)


def definition_file(file: str | Path) -> str:
    """Return the path of a file with definitions of datasets.

    A relative one lies beside the configuration file that is being loaded, in the project, or in the working directory,
    whichever has it first. One in the project stays relative to it.
    """
    places = [folder for folder in (_beside.get(), project_root(), Path.cwd()) if folder is not None]
    path = next((folder / file for folder in places if (folder / file).exists()), project_path(file))
    return str(file) if path == project_path(file) else str(path.absolute())
