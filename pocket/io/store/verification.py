"""Verification of outputs by checksum before other outputs are made from them.

Completeness is checked so often that it uses only sizes and times. A disk or a copy that loses bits changes neither, so
every task that makes an output from another one compares checksums first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pocket.base.containers import existing_place, is_container
from pocket.base.runtime.file_state import checksum, file_state
from pocket.errors import DamagedOutputError
from pocket.io.store import packing
from pocket.io.store.manifest import (
    NAME,
    FileRecord,
    Manifest,
    have_same_content,
    manifest_of,
    member_checksums,
    read_manifest,
    why_incomplete,
)

#: New name of the manifest of a damaged folder; a damaged container is renamed as a whole.
DAMAGED = f"damaged-{NAME}"
# Files are in the folder of their output, or a few folders below it: columns/<sample>/<category>/<variation>.
_DEPTH = 5
# Checksums are computed without Python's global lock.
_THREADS = min(8, os.cpu_count() or 1)


def verify(directory: Path, names: Collection[str] | None = None) -> None:
    """Compare some or all files of an output with their checksums; a damaged output isn't complete afterwards."""
    if reason := _damage(directory, names):
        raise DamagedOutputError(reason)


def verify_all(directories: Iterable[Path]) -> None:
    """Check several outputs as :func:`verify` does; all are checked before an error is raised."""
    with ThreadPoolExecutor(_THREADS) as pool:
        reasons = [reason for reason in pool.map(_damage, directories) if reason]
    if reasons:
        more = f" (damaged outputs besides: {len(reasons) - 1})" if len(reasons) > 1 else ""
        raise DamagedOutputError(reasons[0] + more)


def verify_files(paths: Iterable[str | Path]) -> None:
    """Check those files that belong to outputs in a store; other files and URLs are skipped."""
    wanted: dict[Path, set[str]] = {}
    for path in paths:
        if found := find_output(path):
            directory, name, _ = found
            wanted.setdefault(directory, set()).add(name)
        elif reason := next(filter(None, map(_found_before, list(Path(path).parents)[:_DEPTH])), None):
            raise DamagedOutputError(reason)
    for directory, names in wanted.items():
        verify(directory, names)


def find_output(path: str | Path) -> tuple[Path, str, FileRecord] | None:
    """Return the output that a file belongs to, its name there and its record; ``None`` if there is none."""
    path = Path(path)
    for directory in list(path.parents)[:_DEPTH]:
        if manifest := read_manifest(directory):
            name = path.relative_to(directory).as_posix()
            return (directory, name, manifest.files[name]) if name in manifest.files else None
    return None


def _damage(directory: Path, names: Collection[str] | None = None) -> str | None:
    """Return the damage of an output as a sentence, after setting its manifest aside; ``None`` if there is none."""
    manifest = manifest_of(directory)
    if manifest is None:
        # Another process may have found it a moment ago.
        return _found_before(directory) or f"{why_incomplete(directory)}: run this again, which makes it anew"
    place = existing_place(directory)
    found = _first_damage(place, manifest, names)
    if found is None:
        return None
    now = manifest_of(directory)
    if now is None or now.writing != manifest.writing:
        # Another process has replaced the output meanwhile.
        return _damage(directory, names)
    with contextlib.suppress(OSError):
        if is_container(place):
            place.replace(place.with_name(packing.DAMAGED + place.name))
        elif place.is_symlink():
            # Nothing is changed in another store.
            place.unlink()
            place.mkdir()
            (place / DAMAGED).touch()
        else:
            (place / NAME).replace(place / DAMAGED)
    name, reason = found
    return f"{name} in {place} {reason}; the output counts as missing now: run this again, which makes it anew"


def is_damaged(directory: Path) -> bool:
    """Tell whether the output at a place was found damaged and isn't made again yet."""
    aside = directory.with_name(packing.DAMAGED + directory.name) if is_container(directory) else directory / DAMAGED
    return os.path.lexists(aside)


def _found_before(folder: Path) -> str | None:
    """Return that a folder's output was found damaged and isn't made again yet, as a sentence."""
    if not (folder / DAMAGED).exists():
        return None
    return f"the output in {folder} was found damaged: run this again, which makes it anew"


def damage(place: Path) -> str | None:
    """Return the damage of an output as a sentence, ``None`` if there is none; the output stays as it is."""
    manifest = manifest_of(place)
    if manifest is None:
        return why_incomplete(place)
    found = _first_damage(place, manifest, None)
    return None if found is None else f"{found[0]} in {place} {found[1]}"


def _first_damage(place: Path, manifest: Manifest, names: Collection[str] | None) -> tuple[str, str] | None:
    """Return the first damaged file of an output, and its damage; of a container that can't be read, all are."""
    wanted = {name: record for name, record in manifest.files.items() if names is None or name in names}
    changed, name = "isn't what was written: its checksum is another one", ", ".join(wanted)
    try:
        members = member_checksums(place) if is_container(place) else None
        for name, record in wanted.items():
            if members is not None:
                same = have_same_content(record, members.get(name))
            else:
                state = file_state(path := place / name)
                same = state.size == record.size and checksum(path, state) == record.sha256
            if not same:
                return name, changed
    except OSError as error:
        return name, f"can't be read ({error.strerror})"
    except ValueError:
        return name, changed
    return None
