"""On-disk cache of values computed from a file, stored beside it in ``__pycache__``.

Some of these values are pickles, which execute code when they are read. So each user has a folder there that nobody
else may write to, and files that belong to anyone but the user or root aren't read.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

#: Bytes of a SHA-256 checksum.
_CHECKSUM = 32
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# With O_NONBLOCK, somebody else's named pipe can't block this process.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def cached(file: Path, suffix: str, version: bytes, compute: Callable[[bytes], bytes]) -> bytes:
    """Return a value computed from a file by a ``version`` of the code; a process before may have cached it."""
    content = file.read_bytes()
    place = Path(importlib.util.cache_from_source(str(file)))
    name = place.with_suffix(f".{suffix}").name

    def checksum(value: bytes) -> bytes:
        # The value is part of it, since its file may have been cut off when a disk was full.
        return hashlib.sha256(b"".join([repr(sys.version_info).encode(), version, content, value])).digest()

    for user in dict.fromkeys((os.geteuid(), 0)):
        with contextlib.suppress(OSError), _folder(place.parent, user) as folder:
            known = _read(folder, name, user)
            if known[:_CHECKSUM] == checksum(known[_CHECKSUM:]):
                return known[_CHECKSUM:]
    value = compute(content)
    if not sys.dont_write_bytecode:
        # As for Python, it is no error if the folder can't be written to.
        with contextlib.suppress(OSError):
            place.parent.mkdir(exist_ok=True)
            with _opened(place.parent, _FOLDER) as parent, contextlib.suppress(FileExistsError):
                # The rights are explicit, since a group's umask would let the group write to the folder.
                os.mkdir(f"pocketlaw-{os.geteuid()}", 0o755, dir_fd=parent)
            with _folder(place.parent, os.geteuid()) as folder:
                _write(folder, name, checksum(value) + value)
    return value


@contextlib.contextmanager
def _folder(pycache: Path, user: int) -> Iterator[int]:
    with _opened(pycache, _FOLDER) as parent, _opened(f"pocketlaw-{user}", _FOLDER, parent) as folder:
        _check(os.fstat(folder), user)
        yield folder


def _read(folder: int, name: str, user: int) -> bytes:
    with _opened(name, _READ, folder) as file:
        status = os.fstat(file)
        _check(status, user)
        if not stat.S_ISREG(status.st_mode):
            raise PermissionError(f"{name} is no file")
        with open(file, "rb", closefd=False) as stream:
            return stream.read()


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file under a temporary name and rename it when it is complete, since two processes may write at once."""
    temporary = f".{name}.{secrets.token_hex(8)}"
    try:
        with _opened(temporary, _NEW, folder) as file, open(file, "wb", closefd=False) as stream:
            stream.write(content)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


@contextlib.contextmanager
def _opened(path: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o644, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check(status: os.stat_result, user: int) -> None:
    if status.st_uid != user or status.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError("others may have written it")
