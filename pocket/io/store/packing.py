"""Containers of outputs: written from a folder with a manifest, and removed with what they stand for."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from pocket.base.containers import folder_of, is_container, members, write_container
from pocket.base.runtime.file_state import file_checksum
from pocket.errors import DamagedOutputError
from pocket.io.store.manifest import NAME, FileRecord, manifest_text, parse_manifest, time_of

#: Name of the finished container in the temporary folder that it is made from.
PACKED = ".packed.zip"
#: Beginning of the new name of a damaged container.
DAMAGED = "damaged-"


def pack_folder(folder: Path, container: Path) -> None:
    """Write a new container with the files that a folder's manifest names, and the manifest as it is."""
    manifest = parse_manifest(manifest_text(folder))
    if manifest is None:
        raise DamagedOutputError(f"{folder} has no {NAME} that can be read: run this again, which makes it anew")
    # Only the first file of a container can be opened as HDF5.
    names = sorted(manifest.files, key=lambda name: (not name.endswith(".h5"), name))
    write_container(container, folder, names, NAME)
    # If this isn't possible, checks of the output compare checksums.
    with contextlib.suppress(OSError):
        os.utime(container, ns=(time_of(manifest.files),) * 2)


def records_to_pack(folder: Path) -> dict[str, FileRecord]:
    """Return relative path → record of the files in a folder that are about to be packed."""
    # Whole seconds are kept by any file system.
    now = int(time.time()) * 10**9
    found = files_below(folder).items()
    return {name: FileRecord(path.stat().st_size, file_checksum(path), now) for name, path in found}


def files_below(folder: Path) -> dict[str, Path]:
    """Return relative path → path of all files in a folder."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def contents_of_output(place: Path) -> Mapping[str, bytes]:
    """Return name → content of all files of an output, including its manifest."""
    if is_container(place):
        return {name: member.content() for name, member in members(place).items()}
    return {name: path.read_bytes() for name, path in files_below(place).items()}


def size_of_output(place: Path) -> int:
    """Return the size of an output's files in bytes."""
    return sum(path.stat().st_size for path in ([place] if is_container(place) else files_below(place).values()))


def remove_output(place: Path) -> None:
    """Remove an output from its place, and the folder that stands in for a container."""
    if is_container(place):
        place.unlink(missing_ok=True)
        place.with_name(DAMAGED + place.name).unlink(missing_ok=True)
        place = Path(folder_of(place))
    remove_folder(place)


def remove_folder(folder: Path) -> None:
    """Remove a folder as far as that is possible, or a link to one in another store, which stays."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
