"""Atomic outputs: all files and the manifest are written to a temporary folder, which is then renamed.

Outputs with places for containers are packed in that folder, and the container is renamed.
Outputs may also be received as the contents of their files, if they were made without access to the store.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pocket.base.containers import is_container
from pocket.base.runtime.file_state import file_checksum
from pocket.errors import ConfigError, DamagedOutputError
from pocket.io.store.manifest import (
    NAME,
    FileRecord,
    Manifest,
    content_id,
    is_complete,
    manifest_of,
    parse_manifest,
    written,
)
from pocket.io.store.packing import PACKED, files_below, pack_folder, records_to_pack
from pocket.io.store.provenance import revision, software, work_done
from pocket.io.store.publishing import readable_errors, replacing, sync
from pocket.io.store.remote import upload
from pocket.io.store.scratch import FULL, copy_file, copy_filled, naming_full_scratch, scratch_folder

#: Entries of a manifest's ``info`` by which tasks see whether an output has what they need.
_PARTS = ("parameter_files", "reads", "figures", "formats")


@contextlib.contextmanager
def write_output(
    directory: Path,
    *,
    task: str,
    inputs: Mapping[str, str],
    remote: str | None = None,
    replaces: str | None = None,
    measured: bool = False,
    **info: object,
) -> Iterator[Path]:
    """Write an output so that it is there completely or not at all.

    The body fills a temporary folder, which is beside the output's place, or in the scratch space
    (:mod:`pocket.io.store.scratch`) and copied to a temporary folder beside the place afterwards. After the manifest is
    written, that folder replaces the previous one. If the body raises, or the process dies at any moment, the previous
    output stays, if there is one. If another process has written an equal output meanwhile, that one stays, because
    other outputs may have been made from it already.

    Args:
        directory: folder or container of the output.
        task: name of the task.
        inputs: label → manifest id of each input of the output.
        remote: URL of the output in the remote store, to which it is copied afterwards; ``None`` for no copy.
        replaces: the manifest's ``writing`` of the output that existed when the task began, empty if there was none;
            ``None`` for the current one.
        measured: record time, memory and kind of machine, too (:mod:`pocket.io.store.provenance`).
        **info: more entries of the manifest, as JSON. Like ``inputs`` they are read after the body, so it may still
            fill a list or dict.

    Yields:
        The temporary folder.

    Raises:
        PocketError: if the store can't be written.
        RemoteStoreError: if the remote store can't be written; the output is in the store in this case.
        ConfigError: if the body writes no file, or one with the manifest's name.
    """
    # This is read before the body, since another process may write the output meanwhile.
    before = written(directory) if replaces is None else replaces

    def write_manifest(folder: Path, files: Mapping[str, FileRecord]) -> None:
        whole = {**info, **({"usage": work_done()} if measured else {})}
        created, identity = datetime.now(UTC).isoformat(timespec="seconds"), content_id(task, files, whole)
        manifest = Manifest(identity, task, created, dict(inputs), files, software(), revision(), whole)
        (folder / NAME).write_text(manifest.to_json())

    with scratch_folder(directory) as scratch:
        if scratch is None:
            with replacing_unless_equal(directory, before) as temporary:
                with readable_errors(directory, FULL):
                    yield temporary
                _check_files(temporary, task)
                with readable_errors(directory):
                    if is_container(directory):
                        write_manifest(temporary, records_to_pack(temporary))
                        pack_folder(temporary, temporary / PACKED)
                    else:
                        write_manifest(temporary, _synced(temporary))
                        sync(temporary / NAME)
                        sync(temporary)
        else:
            with naming_full_scratch(directory, scratch):
                yield scratch
            _check_files(scratch, task)
            with replacing_unless_equal(directory, before) as temporary, readable_errors(directory):
                files = records_to_pack(scratch) if is_container(directory) else copy_filled(scratch, temporary)
                with naming_full_scratch(directory, scratch):
                    write_manifest(scratch, files)
                if is_container(directory):
                    pack_folder(scratch, temporary / PACKED)
                else:
                    copy_file(scratch / NAME, temporary / NAME)
                    sync(temporary)
        if remote is not None:
            upload(directory, remote, like=scratch)


@contextlib.contextmanager
def replacing_unless_equal(directory: Path, replaces: str | None = None) -> Iterator[Path]:
    """Fill a temporary folder in the body, with its manifest, which replaces an output afterwards."""
    # An equal output that another process wrote meanwhile stays, because other outputs may depend on it already.
    before = written(directory) if replaces is None else replaces

    def was_written_meanwhile(temporary: Path) -> bool:
        there, ours = manifest_of(directory), manifest_of(temporary)
        if there is None or ours is None or there.writing == before:
            return False
        return _decisive(there) == _decisive(ours) and is_complete(directory)

    with replacing(directory, was_written_meanwhile) as temporary:
        yield temporary


def _decisive(manifest: Manifest) -> tuple[Any, ...]:
    """Return the properties that decide whether a task can use an output."""
    return manifest.inputs, manifest.counted, [manifest.info.get(key, {}) for key in _PARTS]


def _check_files(folder: Path, task: str) -> None:
    if (folder / NAME).exists():
        raise ConfigError(f"task {task!r} wrote a file {NAME!r}: the name is reserved for the store")
    # Otherwise the output would be complete, and the task that reads it would fail instead.
    if not any(path.is_file() for path in folder.rglob("*")):
        raise ConfigError(f"task {task!r} wrote no file: write_output() yields the folder for its files")


def _synced(directory: Path) -> dict[str, FileRecord]:
    """Return the records of all files in a folder, after they are flushed to disk."""
    for path in directory.rglob("*"):
        if path.is_dir() or path.is_file():
            sync(path)
    found = ((name, path, path.stat()) for name, path in files_below(directory).items())
    return {name: FileRecord(stat.st_size, file_checksum(path), stat.st_mtime_ns) for name, path, stat in found}


def receive_output(directory: Path, contents: Mapping[str, bytes], replaces: str | None = None) -> None:
    """Move an output that was received, as name → content of each file, to its place, completely or not at all."""
    manifest = parse_manifest(contents.get(NAME, b""))
    files = {name: content for name, content in contents.items() if name != NAME}
    if manifest is None or manifest.files.keys() != files.keys():
        raise DamagedOutputError(f"the output for {directory} didn't arrive as it was written: run this again")
    for name, record in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != record.sha256:
            raise DamagedOutputError(f"{name} of {directory} didn't arrive as it was written: run this again")
    with replacing_unless_equal(directory, replaces) as folder, readable_errors(directory):
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name != NAME:
                # Otherwise the content would be read again at each check of the output.
                os.utime(path, ns=(manifest.files[name].mtime_ns,) * 2)
            sync(path)
        sync(folder)
