"""Atomic outputs: a folder is filled beside its place and moved there when its manifest is in it."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pocket.errors import ConfigError, PocketError
from pocket.store.manifest import NAME, FileRecord, Manifest, file_checksum
from pocket.store.provenance import revision, software

#: errors that say that the store has no space left, wherever they come from
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def write_output(directory: Path, *, task: str, inputs: Mapping[str, str], **info: object) -> Iterator[Path]:
    """Write an output so that it is there completely or not at all.

    The body fills a temporary folder. When it ends, the manifest is written into it and the folder takes its place,
    instead of the one that may be there. If the body raises, or the process dies at any moment, what was there
    before stays, or nothing does. Of several writers of the same output the last one wins.

    Args:
        directory: folder of the output.
        task: name of the task.
        inputs: label → manifest id of what the output is made from.
        **info: more to record in the manifest, as far as JSON goes. Like ``inputs`` it is read when the body has
            ended, so a list or dict may still be filled in it.

    Yields:
        The temporary folder.

    Raises:
        PocketError: if the store can't be written.
        ConfigError: if the body writes a file of the manifest's name.
    """
    with _readable_errors(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(directory.parent)
        temporary = _beside(directory, "tmp")
        temporary.mkdir()
    try:
        with _readable_errors(directory, _FULL):
            yield temporary
        with _readable_errors(directory):
            _write_manifest(temporary, task, inputs, info)
            _publish(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_manifest(directory: Path, task: str, inputs: Mapping[str, str], info: Mapping[str, object]) -> None:
    manifest_file = directory / NAME
    if manifest_file.exists():
        raise ConfigError(f"task {task!r} wrote a file {NAME!r}: the name is reserved for the store")
    files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_dir():
            _sync(path)
        elif path.is_file():
            _sync(path)
            stat = path.stat()
            record = FileRecord(size=stat.st_size, sha256=file_checksum(path), mtime_ns=stat.st_mtime_ns)
            files[path.relative_to(directory).as_posix()] = record
    created = datetime.now(UTC).isoformat(timespec="seconds")
    # random, so that an output made again never passes for the one that others were made from
    identity = hashlib.sha256(f"{files} {created} {secrets.token_hex(16)}".encode()).hexdigest()[:20]
    manifest = Manifest(identity, task, created, dict(inputs), files, software(), revision(), dict(info))
    manifest_file.write_text(manifest.to_json())
    _sync(manifest_file)
    _sync(directory)


def _sync(path: Path) -> None:
    """Have the content of a file, or the entries of a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # the file system can't, for folders
            raise
    finally:
        os.close(descriptor)


def _publish(temporary: Path, directory: Path) -> None:
    """Move the new folder into its place, an old one aside first: a rename only replaces empty folders."""
    aside: list[Path] = []
    # more than one round only if another writer is faster in between
    while True:
        try:
            temporary.rename(directory)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        with contextlib.suppress(FileNotFoundError):
            aside.append(directory.rename(_beside(directory, "old")))
    _sync(directory.parent)
    for old in aside:
        shutil.rmtree(old, ignore_errors=True)


def _beside(directory: Path, kind: str) -> Path:
    """Return a new hidden name beside a folder that tells whose it is."""
    return directory.with_name(f".{directory.name}.{kind}-{_host()}-{os.getpid()}-{secrets.token_hex(4)}")


def _remove_leftovers(folder: Path) -> None:
    """Remove what dead processes of this host have left of outputs in a folder.

    Of all outputs: one whose writer was killed when only its predecessor was left to remove may not be written again.
    """
    pattern = re.compile(rf"\..+\.(?:tmp|old)-{re.escape(_host())}-(\d+)-[0-9a-f]+")
    for path in folder.iterdir():
        match = pattern.fullmatch(path.name)
        if match and not _is_alive(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@functools.cache
def _host() -> str:
    """Return the name of this machine and, on Linux, its process namespace: containers share names, but not pids."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}.{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116
    return socket.gethostname()


@contextlib.contextmanager
def _readable_errors(directory: Path, only: Collection[int] | None = None) -> Iterator[None]:
    """Turn errors of the system into one sentence; ``only`` those with one of these numbers, if given."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        place = f" ({error.filename})" if error.filename else ""
        raise PocketError(f"can't write {directory} in the store: {error.strerror}{place}") from error
