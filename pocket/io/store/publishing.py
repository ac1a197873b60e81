"""Folders and files that take their place at once, filled, and what interrupted writers have left beside them."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pocket.errors import PocketError

#: s after which no process on another host goes on with a temporary folder: longer than jobs may run
ABANDONED = 14 * 24 * 3600.0
_LEFTOVER = re.compile(r"\..+\.(?:tmp|old)-(?P<host>.+)-(?P<pid>\d+)-[0-9a-f]+")


@contextlib.contextmanager
def replacing(directory: Path, is_as_good: Callable[[Path], bool] = lambda temporary: False) -> Iterator[Path]:
    """Fill a temporary folder in the body, which then takes the place of the one that may be there.

    If the body raises, or the process dies at any moment, what was there before stays, or nothing does. Of several
    writers of the same folder the last one wins.

    Args:
        directory: the folder.
        is_as_good: called with the temporary folder when there is one at the place; whether that one may stay.

    Yields:
        The temporary folder.

    Raises:
        PocketError: if the store can't be written.
    """
    temporary = _beside(directory, "tmp")
    with readable_errors(directory):
        try:
            temporary.mkdir()
        except FileNotFoundError:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
    try:
        yield temporary
        with readable_errors(directory):
            _publish(temporary, directory, is_as_good)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside its place, and put it there when it is complete; until then what was there stays."""
    temporary = _beside(path, "tmp")
    try:
        # A new file: at a known name, somebody else in a shared folder may have put a link.
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have the content of a file, or the entries of a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_open(descriptor)
    finally:
        os.close(descriptor)


def sync_open(descriptor: int) -> None:
    """Have on the disk what is open."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # the file system can't, for folders
            raise


def prepare_places(folders: Iterable[Path]) -> None:
    """Have the folders that outputs go to, without what interrupted writers have left there: once for many outputs.

    Raises:
        PocketError: if a folder can't be made.
    """
    for folder in set(folders):
        with readable_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)


@contextlib.contextmanager
def readable_errors(directory: Path, only: Collection[int] | None = None) -> Iterator[None]:
    """Turn errors of the system into one sentence; ``only`` those with one of these numbers, if given."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        place = f" ({error.filename})" if error.filename else ""
        raise PocketError(f"can't write {directory} in the store: {error.strerror}{place}") from error


def _publish(temporary: Path, directory: Path, is_as_good: Callable[[Path], bool]) -> None:
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
        if is_as_good(temporary):
            shutil.rmtree(temporary)
            break
        with contextlib.suppress(FileNotFoundError):
            aside.append(directory.rename(_beside(directory, "old")))
    sync(directory.parent)
    for old in aside:
        shutil.rmtree(old, ignore_errors=True)


def _beside(directory: Path, kind: str) -> Path:
    """Return a new hidden name beside a folder that tells whose it is."""
    return directory.with_name(f".{directory.name}.{kind}-{_host()}-{os.getpid()}-{secrets.token_hex(4)}")


def _remove_leftovers(folder: Path) -> None:
    """Remove what dead processes have left of outputs in a folder.

    Of all outputs: one whose writer was killed when only its predecessor was left to remove may not be written again.
    Whether a process of another host, such as a job, is dead tells the time alone.
    """
    for path in folder.iterdir():
        match = _LEFTOVER.fullmatch(path.name)
        if match is None:
            continue
        is_left = not _is_alive(int(match["pid"])) if match["host"] == _host() else _is_abandoned(path)
        if is_left:
            # What can't be removed, because it is of somebody else who shares it with nobody, stays.
            shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > ABANDONED
    return False


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
