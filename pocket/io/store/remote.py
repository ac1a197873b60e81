"""Outputs in a remote store, uploaded atomically and downloaded unmodified.

An output is uploaded to a hidden folder beside its place, checked, and renamed: the folder, or the container in it. So
an output at its place is complete and comes from one writer. Instead of a container, there may be the folder that it
stands for.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import tempfile
import time
from pathlib import Path

from pocket.base.containers import existing_place, folder_of, is_container, last_content
from pocket.base.runtime.file_state import FileState, checksum, file_state
from pocket.errors import PocketError, RemoteStoreError
from pocket.io.remote.storage import XRootDStorage
from pocket.io.store.manifest import (
    NAME,
    Manifest,
    container_change,
    is_complete,
    manifest_text,
    parse_manifest,
    time_of,
    written,
)
from pocket.io.store.packing import PACKED, pack_folder
from pocket.io.store.publishing import readable_errors, replacing, sync

#: Local file that records which writing of an output was uploaded, and to which URL: in the folder of the output, or
#: beside its container, with a line for each.
UPLOADED = ".uploaded"
# Most rounds if other writers of the same output are faster.
_ROUNDS = 10
# Seconds during which there is no output while it is replaced.
_MOMENT = 0.1
# Seconds after which an upload is abandoned.
_ABANDONED = 24 * 3600
#: Bytes at the end of a container that have its manifest.
_END_SIZE = 65_536
_TEMPORARY = re.compile(r"\..+\.(?:tmp|old)-[0-9a-f]{16}")

_storage = XRootDStorage()


def storage() -> XRootDStorage:
    """Return the storage that reads and writes the remote store."""
    return _storage


def upload(directory: Path, url: str, like: Path | None = None) -> None:
    """Copy a complete output to the remote store, unless it is there already, and record that.

    The last of several processes wins. The folder ``like`` has a copy of the files, read as long as it is equal to the
    output.
    """
    for _ in range(_ROUNDS):
        content = manifest_text(directory)
        manifest = parse_manifest(content)
        if manifest is None:
            time.sleep(_MOMENT)
            continue
        source = like if like is not None and manifest_text(like) == content else existing_place(directory)
        try:
            _upload(source, manifest, content, url)
        except _ChangedError:
            # Another writer may have changed it, whose output it is now.
            if written(directory) == manifest.writing:
                raise
        except RemoteStoreError as error:
            raise RemoteStoreError(
                f"{directory} is complete but not in the remote store, running the task again copies it: {error}"
            ) from error
        else:
            _note(directory, manifest.writing, url)
            return
    raise PocketError(f"{directory} has no {NAME} that can be read, or others write it all the time")


def is_uploaded(directory: Path, url: str) -> bool:
    """Tell whether the current output in a folder was copied to its place in the remote store."""
    try:
        if _has_record_beside(directory):
            record = directory.with_name(UPLOADED)
            return _mark(written(directory), url) in _marks(record, file_state(record))
        return (directory / UPLOADED).read_text(encoding="utf-8") == _mark(written(directory), url)
    except OSError:
        return False


def download(url: str, directory: Path) -> None:
    """Copy an output from the remote store, unless it exists already."""
    failed: str | None = None
    for _ in range(_ROUNDS):
        content = read_manifest_text(url)
        manifest = parse_manifest(content or b"")
        if content is None or manifest is None:
            time.sleep(_MOMENT)
            continue
        if written(directory) == manifest.writing and is_complete(directory):
            _note(directory, manifest.writing, url)
            return
        try:
            with replacing(directory) as folder, readable_errors(directory):
                if not (is_container(url) and _download_container(url, manifest, folder / PACKED)):
                    _download(folder_of(url), manifest, folder)
                    (folder / NAME).write_bytes(content)
                    sync(folder / NAME)
                    sync(folder)
        except RemoteStoreError:
            # Another writer may have replaced it meanwhile. A server still gives the old manifest to everybody while
            # somebody has it open, so it is asked again.
            if _remote_writing(url) == manifest.writing:
                if failed == manifest.writing:
                    raise
                failed = manifest.writing
                time.sleep(_MOMENT)
        else:
            _note(directory, manifest.writing, url)
            return
    raise RemoteStoreError(f"{url} has no {NAME} that can be read")


def remove(url: str) -> None:
    """Remove an output from the remote store, atomically for other readers."""
    parent = url.rpartition("/")[0]
    there = _storage.list(parent)
    # A folder goes before the container that stands for it, since it would be found again without it.
    for place in dict.fromkeys((folder_of(url), url)):
        if place.rpartition("/")[2] in there:
            aside = _beside(place, "old")
            _storage.rename(place, aside)
            _storage.remove(aside)


def read_manifest_text(url: str) -> bytes | None:
    """Return the content of the manifest of an output in the remote store, ``None`` if there is none."""
    if not is_container(url):
        return _storage.read(f"{url}/{NAME}")
    found = _storage.read_end(url, _END_SIZE)
    if found is None:
        return _storage.read(f"{folder_of(url)}/{NAME}")
    size, end = found

    def read(offset: int, wanted: int) -> bytes:
        begin, known = size - len(end), end
        if offset < begin:
            begin, known = (offset, (_storage.read_end(url, size - offset) or (0, b""))[1])
        return known[offset - begin :][:wanted]

    return last_content(NAME, size, read) or b""


class _ChangedError(PocketError):
    """The files of an output don't match its manifest."""


def _upload(directory: Path, manifest: Manifest, content: bytes, url: str) -> None:
    if _remote_writing(url) == manifest.writing:
        return
    _remove_abandoned(url.rpartition("/")[0])
    temporary = _beside(url, "tmp")
    if is_container(url):
        _upload_container(directory, manifest, url, temporary)
        return
    checksums = {name: record.sha256 for name, record in manifest.files.items()}
    checksums[NAME] = hashlib.sha256(content).hexdigest()
    try:
        for name, expected in checksums.items():
            _send(directory / name, f"{temporary}/{name}", f"{name} in {directory}", expected)
        _publish(temporary, url, manifest.writing)
    except BaseException:
        _remove_if_possible(temporary)
        raise


def _send(file: Path, url: str, what: str, expected: str | None = None) -> None:
    try:
        expected = expected or checksum(file)
        sent = _storage.upload(file, url)
    except OSError as error:
        raise _ChangedError(f"{what} can't be read: {error.strerror}") from error
    if sent != expected:
        raise _ChangedError(f"{what} has changed since it was written")


def _remove_if_possible(url: str) -> None:
    # There is one attempt only, since the server may be down. Leftovers are hidden, and removed after a day.
    with contextlib.suppress(RemoteStoreError):
        _storage.remove(url, pauses=())


def _upload_container(place: Path, manifest: Manifest, url: str, temporary: str) -> None:
    """Upload a container; an output that is a folder is packed first."""
    with tempfile.TemporaryDirectory(prefix="pocketlaw-") as folder:
        if not is_container(place):
            packed = Path(folder, PACKED)
            pack_folder(place, packed)
            place = packed
        if reason := container_change(place, manifest):
            raise _ChangedError(reason)
        uploaded = f"{temporary}/{PACKED}"
        try:
            _send(place, uploaded, str(place))
            _publish(uploaded, url, manifest.writing)
        finally:
            _remove_if_possible(temporary)
    if folder_of(url).rpartition("/")[2] in _storage.list(url.rpartition("/")[0]):
        old = _beside(folder_of(url), "old")
        with contextlib.suppress(RemoteStoreError):
            _storage.rename(folder_of(url), old)
            _remove_if_possible(old)


def _publish(temporary: str, url: str, identifier: str) -> None:
    """Rename the new folder or container to its place; an old one is moved aside first."""
    aside: list[str] = []
    parent, _, name = url.rpartition("/")
    for number in range(_ROUNDS):
        try:
            _storage.rename(temporary, url)
            break
        except RemoteStoreError:
            if number == _ROUNDS - 1:
                raise
            if name not in _storage.list(parent):
                # Another writer has moved it aside meanwhile.
                continue
            if _remote_writing(url) == identifier:
                # It was renamed, but the answer was lost.
                break
        # Another writer may be faster.
        with contextlib.suppress(RemoteStoreError):
            old = _beside(url, "old")
            _storage.rename(url, old)
            aside.append(old)
    for old in aside:
        _remove_if_possible(old)


def _download(url: str, manifest: Manifest, folder: Path) -> None:
    for name, record in manifest.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _storage.download(f"{url}/{name}", path) != record.sha256:
            raise RemoteStoreError(f"{url}/{name} isn't what its manifest says: it has another checksum")
        # Otherwise its content would be read again at each check of the output.
        os.utime(path, ns=(record.mtime_ns, record.mtime_ns))
        sync(path)


def _download_container(url: str, manifest: Manifest, path: Path) -> bool:
    """Download a container; return whether there is one."""
    if url.rpartition("/")[2] not in _storage.list(url.rpartition("/")[0]):
        return False
    _storage.download(url, path)
    if container_change(path, manifest):
        raise RemoteStoreError(f"{url} isn't what its manifest says: a file in it has another checksum")
    # Otherwise its content would be read again at each check of the output.
    os.utime(path, ns=(time_of(manifest.files),) * 2)
    return True


def _remote_writing(url: str) -> str | None:
    manifest = parse_manifest(read_manifest_text(url) or b"")
    return manifest.writing if manifest else None


@functools.lru_cache(maxsize=10_000)
def _marks(record: Path, state: FileState) -> frozenset[str]:
    return frozenset(record.read_text(encoding="utf-8").splitlines(keepends=True))


def _has_record_beside(directory: Path) -> bool:
    """Tell whether nothing may be written into the place of an output: a container, or a link to another store."""
    return is_container(directory) or directory.is_symlink()


def _note(directory: Path, identifier: str, url: str) -> None:
    if _has_record_beside(directory):
        if not is_uploaded(directory, url):
            with contextlib.suppress(OSError), directory.with_name(UPLOADED).open("a", encoding="utf-8") as file:
                file.write(_mark(identifier, url))
        return
    temporary = directory / f"{UPLOADED}-{secrets.token_hex(8)}"
    # Without the record, the output is only looked up again.
    with contextlib.suppress(OSError):
        temporary.write_text(_mark(identifier, url), encoding="utf-8")
        temporary.replace(directory / UPLOADED)


def _mark(identifier: str, url: str) -> str:
    return f"{identifier} {url}\n"


def _beside(url: str, kind: str) -> str:
    """Return a new hidden name beside an output."""
    parent, _, name = url.rpartition("/")
    return f"{parent}/.{name}.{kind}-{secrets.token_hex(8)}"


@functools.cache
def _remove_abandoned(folder: str) -> None:
    """Remove leftovers of interrupted uploads to a folder, once per process."""
    for name, entry in _storage.list(folder).items():
        if _TEMPORARY.fullmatch(name) and time.time() - entry.mtime > _ABANDONED:
            _remove_if_possible(f"{folder}/{name}")
