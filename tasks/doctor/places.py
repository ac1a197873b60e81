"""Checks of folders: whether a site accepts and can write them, and whether law's index is up to date."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tasks.doctor.result import Result, Status, of_text
from tasks.settings.own_modules import indexed_files

GB = 1e9
#: free space in GB below which there is a problem or a warning
TOO_LITTLE, LITTLE = 1.0, 10.0


def placement(problems: Sequence[str], site: str) -> list[Result]:
    """Return one result for each folder that is in a wrong place, or one if there is none."""
    if not problems:
        return [Result("placement", Status.OK, f"site {site!r} takes the checkout, the store, and the logs")]
    return [of_text("placement", problem) for problem in problems]


def writable(name: str, folder: Path, variable: str) -> Result:
    """Return whether a folder, which needn't exist yet, can be written and has free space."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    advice = f"set {variable} to a folder with space that you can write"
    if there == Path(there.anchor) and len(folder.absolute().parts) > 2:
        # A file system such as AFS isn't mounted, so the free space of the root means nothing.
        top = Path(*folder.absolute().parts[:2])
        return Result(name, Status.PROBLEM, f"{folder} doesn't exist here, because this machine has no {top}", advice)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(there).free / GB
    except OSError as error:
        return Result(name, Status.PROBLEM, f"{there} can't be written: {error.strerror}", advice)
    where = f"{folder} has" if there == folder else f"{folder} doesn't exist yet; {there} has"
    found = f"{where} {free:.1f} GB left"
    if free < TOO_LITTLE:
        return Result(name, Status.PROBLEM, found, advice)
    if free < LITTLE:
        return Result(name, Status.WARNING, found, advice)
    return Result(name, Status.OK, found)


def index(file: Path, checkout: Path) -> Result:
    """Return whether law's index of the tasks is newer than they are."""
    if not file.is_file():
        return Result("index", Status.WARNING, f"law has no index {file}", "source setup.sh")
    indexed = file.stat().st_mtime
    for path in indexed_files(checkout):
        if path.stat().st_mtime > indexed:
            return Result("index", Status.WARNING, f"{path} is newer than law's index", "source setup.sh")
    return Result("index", Status.OK, f"{file} is newer than all tasks")
