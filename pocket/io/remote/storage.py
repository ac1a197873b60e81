"""Storage on a server: the few operations that a remote store needs."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pocket.errors import BadFileError, RemoteStoreError
from pocket.io.remote.attempts import PAUSES, first_readable
from pocket.io.remote.client import prepare_client, request_timeout
from pocket.io.remote.failures import is_missing, why_unreadable

T = TypeVar("T")

#: Bytes per request.
_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """Entry of a folder, and the time of its last modification in s since 1970, on the server's clock."""

    is_folder: bool
    mtime: int


class _ServerError(OSError):
    """Error that the server reported, or no answer."""


class XRootDStorage:
    """Operations that a remote store needs, on files below ``root://`` URLs; folders are made as needed.

    All raise RemoteStoreError with the URL, after some attempts if the failure may be temporary.
    """

    def list(self, url: str) -> Mapping[str, Entry]:
        """Return name → entry of a folder; empty if there is no such folder."""
        return _attempt(url, "listed", lambda: _list(url))

    def read(self, url: str) -> bytes | None:
        """Return the content of a small file, ``None`` if there is none."""
        return _attempt(url, "read", lambda: _unless_missing(lambda: b"".join(_blocks(url))))

    def read_end(self, url: str, size: int) -> tuple[int, bytes] | None:
        """Return the size of a file and its last bytes, at most so many; ``None`` if there is none."""
        return _attempt(url, "read", lambda: _unless_missing(lambda: _read_end(url, size)))

    def upload(self, file: Path, url: str) -> str:
        """Copy a local file to a URL, check the copy, and return the SHA-256 of the bytes sent."""
        return _attempt(url, "written", lambda: _upload(file, url))

    def download(self, url: str, file: Path) -> str:
        """Copy a file to a local path, and return the SHA-256 of the bytes received."""

        def act() -> str:
            digest = hashlib.sha256()
            with file.open("wb") as target:
                for block in _blocks(url):
                    digest.update(block)
                    target.write(block)
            return digest.hexdigest()

        return _attempt(url, "read", act)

    def rename(self, old: str, new: str) -> None:
        """Rename a folder or file, which fails for a folder if the new one isn't empty; a file may replace another."""
        _attempt(new, "written", lambda: _checked(_system(old).mv(_path(old), _path(new), timeout=request_timeout())))

    def remove(self, url: str, pauses: Sequence[float] = PAUSES) -> None:
        """Remove a file, or a folder with its contents, if it exists; ``pauses`` are those between attempts."""
        _attempt(url, "removed", lambda: _remove(url), pauses)


def _attempt(url: str, done: str, act: Callable[[], T], pauses: Sequence[float] = PAUSES) -> T:
    def once(url: str) -> T:
        try:
            return act()
        except _ServerError as error:
            reason = why_unreadable(url, error).replace("can't be read", f"can't be {done}", 1)
            raise BadFileError(f"{url} {reason}") from error

    prepare_client()
    try:
        return first_readable([url], once, pauses=pauses).value
    except BadFileError as error:
        raise RemoteStoreError(str(error)) from error


def _checked(answer: tuple[Any, T]) -> T:
    status, content = answer
    if not status.ok:
        raise _ServerError(str(status.message))
    return content


def _path(url: str) -> str:
    return url[url.index("//", len("root://")) + 1 :]


def _system(url: str) -> Any:
    from XRootD import client

    return client.FileSystem(url)


def _unless_missing(act: Callable[[], T]) -> T | None:
    try:
        return act()
    except _ServerError as error:
        if is_missing(error):
            return None
        raise


def _found(answer: tuple[Any, T]) -> T | None:
    return _unless_missing(lambda: _checked(answer))


def _list(url: str) -> dict[str, Entry]:
    from XRootD.client.flags import DirListFlags, StatInfoFlags

    answer = _system(url).dirlist(_path(url), DirListFlags.STAT, timeout=request_timeout())
    return {
        entry.name: Entry(bool(entry.statinfo.flags & StatInfoFlags.IS_DIR), entry.statinfo.modtime)
        for entry in _found(answer) or ()
    }


def _remove(url: str) -> None:
    from XRootD.client.flags import StatInfoFlags

    system, timeout = _system(url), request_timeout()
    info = _found(system.stat(_path(url), timeout=timeout))
    if info is None:
        return
    if not info.flags & StatInfoFlags.IS_DIR:
        _found(system.rm(_path(url), timeout=timeout))
        return
    for name, entry in _list(url).items():
        if entry.is_folder:
            _remove(f"{url}/{name}")
        else:
            _found(system.rm(_path(f"{url}/{name}"), timeout=timeout))
    _found(system.rmdir(_path(url), timeout=timeout))


@contextlib.contextmanager
def _opened(url: str, flags: int, mode: int = 0) -> Iterator[Any]:
    from XRootD import client

    file, timeout = client.File(), request_timeout()
    _checked(file.open(url, flags, mode, timeout=timeout))
    try:
        yield file
    except BaseException:
        file.close(timeout=timeout)
        raise
    # The server may report only here that it couldn't store the data.
    _checked(file.close(timeout=timeout))


def _blocks(url: str) -> Iterator[bytes]:
    from XRootD.client.flags import OpenFlags

    timeout = request_timeout()
    with _opened(url, OpenFlags.READ) as file:
        size, offset = _checked(file.stat(timeout=timeout)).size, 0
        while offset < size:
            block = _checked(file.read(offset, min(_BLOCK, size - offset), timeout=timeout))
            if not block:
                raise _ServerError(f"[ERROR] ended after {offset} of {size} bytes")
            offset += len(block)
            yield block


def _read_end(url: str, size: int) -> tuple[int, bytes]:
    from XRootD.client.flags import OpenFlags

    timeout = request_timeout()
    with _opened(url, OpenFlags.READ) as file:
        whole = _checked(file.stat(timeout=timeout)).size
        start = max(0, whole - size)
        content = _checked(file.read(start, whole - start, timeout=timeout)) if whole else b""
    if len(content) != whole - start:
        raise _ServerError(f"[ERROR] ended after {start + len(content)} of {whole} bytes")
    return whole, content


def _upload(file: Path, url: str) -> str:
    from XRootD.client.flags import AccessMode, OpenFlags

    sha256, adler32, offset = hashlib.sha256(), 1, 0
    mode = AccessMode.UR | AccessMode.UW | AccessMode.GR | AccessMode.OR
    with file.open("rb") as source, _opened(url, OpenFlags.DELETE | OpenFlags.MAKEPATH, mode) as target:
        while block := source.read(_BLOCK):
            _checked(target.write(block, offset, len(block), timeout=request_timeout()))
            sha256.update(block)
            adler32 = zlib.adler32(block, adler32)
            offset += len(block)
    size = _checked(_system(url).stat(_path(url), timeout=request_timeout())).size
    if size != offset:
        # A full server may accept a block and store only a part of it; 3009 is the code of that error.
        raise _ServerError(f"[ERROR] [3009] only {size} of {offset} bytes arrived, there may be no space left")
    known = _server_checksum(url)
    if known is None:
        arrived = hashlib.sha256()
        for block in _blocks(url):
            arrived.update(block)
        same = arrived.digest() == sha256.digest()
    else:
        same = known == adler32
    if not same:
        raise _ServerError("[ERROR] what arrived has another checksum")
    return sha256.hexdigest()


def _server_checksum(url: str) -> int | None:
    """Return the server's Adler-32 of a file; ``None`` if it has none."""
    from XRootD.client.flags import QueryCode

    status, answer = _system(url).query(QueryCode.CHECKSUM, _path(url), timeout=request_timeout())
    if not status.ok:
        return None
    kind, _, value = answer.decode().strip("\0 \n").partition(" ")
    return int(value, 16) if kind == "adler32" else None
