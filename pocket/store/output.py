"""Atomic outputs: a folder is filled beside its place and moved there when its manifest is in it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError
from pocket.file_state import file_checksum
from pocket.store.manifest import (
    NAME,
    FileRecord,
    Manifest,
    content_id,
    is_complete,
    read_manifest,
    written,
)
from pocket.store.provenance import revision, software
from pocket.store.publishing import readable_errors, replacing, sync
from pocket.store.remote import upload
from pocket.store.usage import work_done

#: errors that say that the store has no space left, wherever they come from
_FULL = (errno.ENOSPC, errno.EDQUOT)


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

    The body fills a temporary folder. When it ends, the manifest is written into it and the folder takes its place,
    instead of the one that may be there. If the body raises, or the process dies at any moment, what was there
    before stays, or nothing does. If another process wrote an equal output meanwhile, that one stays, because something
    may have been made from it already.

    Args:
        directory: folder of the output.
        task: name of the task.
        inputs: label → manifest id of what the output is made from.
        remote: URL of the output in the remote store, to which it is copied then; ``None`` for no copy.
        replaces: the manifest's ``writing`` of the output that was there when the task began, empty if there was
            none; ``None`` for the one that is there now.
        measured: record time, memory and the kind of place, too (:mod:`pocket.store.usage`).
        **info: more to record in the manifest, as far as JSON goes. Like ``inputs`` it is read when the body has
            ended, so a list or dict may still be filled in it.

    Yields:
        The temporary folder.

    Raises:
        PocketError: if the store can't be written.
        RemoteStoreError: if the remote store can't be written; the output is in the store then.
        ConfigError: if the body writes a file of the manifest's name.
    """
    with replacing_unless_equal(directory, replaces) as temporary:
        with readable_errors(directory, _FULL):
            yield temporary
        with readable_errors(directory):
            used = {"usage": work_done()} if measured else {}
            _write_manifest(temporary, task, inputs, {**info, **used})
    if remote is not None:
        upload(directory, remote)


@contextlib.contextmanager
def replacing_unless_equal(directory: Path, replaces: str | None = None) -> Iterator[Path]:
    """Fill a temporary folder in the body, which then takes the place of an output.

    An equal output that another process wrote meanwhile stays, because something may have been made from it already.

    Args:
        directory: folder of the output.
        replaces: as for :func:`write_output`.

    Yields:
        The temporary folder, in which the body must write the manifest too.
    """
    before = written(directory) if replaces is None else replaces

    def was_written_meanwhile(temporary: Path) -> bool:
        there, ours = read_manifest(directory), read_manifest(temporary)
        if there is None or ours is None or there.writing == before:
            return False
        return _decisive(there) == _decisive(ours) and is_complete(directory)

    with replacing(directory, was_written_meanwhile) as temporary:
        yield temporary


def _decisive(manifest: Manifest) -> tuple[Any, ...]:
    """Return what decides whether an output is the one that a task must have."""
    return manifest.inputs, manifest.counted, [manifest.info.get(key, {}) for key in ("parameter_files", "reads")]


def _write_manifest(directory: Path, task: str, inputs: Mapping[str, str], info: Mapping[str, object]) -> None:
    manifest_file = directory / NAME
    if manifest_file.exists():
        raise ConfigError(f"task {task!r} wrote a file {NAME!r}: the name is reserved for the store")
    files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_dir():
            sync(path)
        elif path.is_file():
            sync(path)
            stat = path.stat()
            record = FileRecord(size=stat.st_size, sha256=file_checksum(path), mtime_ns=stat.st_mtime_ns)
            files[path.relative_to(directory).as_posix()] = record
    created = datetime.now(UTC).isoformat(timespec="seconds")
    identity = content_id(task, files, info)
    manifest = Manifest(identity, task, created, dict(inputs), files, software(), revision(), dict(info))
    manifest_file.write_text(manifest.to_json())
    sync(manifest_file)
    sync(directory)
