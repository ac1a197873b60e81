"""Atomic replacement of folders and files, and removal of leftovers of interrupted writers."""

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

from pocket.base.containers import folder_of, is_container
from pocket.errors import PocketError
from pocket.io.store.packing import DAMAGED, PACKED, pack_folder, remove_folder

#: Seconds after which a temporary folder of another host is abandoned: more than a job may run.
ABANDONED = 14 * 24 * 3600.0
_LEFTOVER = re.compile(r"\..+\.(?:tmp|old)-(?P<host>.+)-(?P<pid>\d+)-[0-9a-f]+")


@contextlib.contextmanager
def replacing(directory: Path, is_as_good: Callable[[Path], bool] = lambda temporary: False) -> Iterator[Path]:
    """Fill a temporary folder in the body, which replaces the existing one afterwards, unless that one ``is_as_good``.

    For a container, the files are packed first, unless the body did it (:data:`~pocket.io.store.packing.PACKED`), and
    the container replaces the existing one by one rename. If the body raises, or the process dies at any moment, the
    previous folder stays, if there is one. If several processes write the same folder, the last one wins.
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
            publish = _publish_container if is_container(directory) else _publish
            publish(temporary, directory, is_as_good)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name, and rename it when it is complete; until then the previous one stays."""
    temporary = _beside(path, "tmp")
    try:
        # The file must be new: in a shared folder, somebody else may have put a link at a known name.
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush the content of a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_open(descriptor)
    finally:
        os.close(descriptor)


def sync_open(descriptor: int) -> None:
    """Flush an open file to disk."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # The file system can't do this for folders.
            raise


def prepare_places(folders: Iterable[Path]) -> None:
    """Make the folders of outputs and remove leftovers of interrupted writers, once for many outputs."""
    for folder in set(folders):
        with readable_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)


@contextlib.contextmanager
def readable_errors(directory: Path, only: Collection[int] | None = None) -> Iterator[None]:
    """Turn system errors into one-sentence errors; ``only`` restricts this to some error numbers."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        place = f" ({error.filename})" if error.filename else ""
        # Arrow raises a sentence that ends with the system's.
        reason = str(error.strerror or error).rpartition(f"[errno {error.errno}] ")[2]
        raise PocketError(f"can't write {directory} in the store: {reason}{place}") from error


def _publish(temporary: Path, directory: Path, is_as_good: Callable[[Path], bool]) -> None:
    """Rename the new folder to its place; an old one is moved aside first, since rename only replaces empty folders."""
    aside: list[Path] = []
    # There is another round only if another writer is faster.
    while True:
        try:
            temporary.rename(directory)
            break
        except OSError as error:
            # In the place of a folder may be a link to another store.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) and not directory.is_symlink():
                raise
        if is_as_good(temporary):
            shutil.rmtree(temporary)
            break
        with contextlib.suppress(FileNotFoundError):
            aside.append(directory.rename(_beside(directory, "old")))
    sync(directory.parent)
    for old in aside:
        remove_folder(old)


def _publish_container(temporary: Path, container: Path, is_as_good: Callable[[Path], bool]) -> None:
    """Rename the new container to its place, and remove what it replaces."""
    packed = temporary / PACKED
    if not packed.exists():
        pack_folder(temporary, packed)
    sync(packed)
    if not (container.exists() and is_as_good(packed)):
        packed.replace(container)
        sync(container.parent)
    shutil.rmtree(temporary, ignore_errors=True)
    container.with_name(DAMAGED + container.name).unlink(missing_ok=True)
    # A folder would be found again without the container, so it goes as a whole.
    with contextlib.suppress(FileNotFoundError):
        old = Path(folder_of(container))
        remove_folder(old.rename(_beside(old, "old")))


def link_output(output: Path, directory: Path) -> None:
    """Let an output of another store be read at a place in this one that has none, through a link."""
    place = directory.with_name(output.name)
    temporary = _beside(place, "tmp")
    with readable_errors(directory):
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.symlink_to(output.absolute())
        try:
            temporary.replace(place)
        except IsADirectoryError:
            # Something is left of an earlier output, so this one is made again.
            temporary.unlink()


def _beside(directory: Path, kind: str) -> Path:
    """Return a new hidden name beside a folder that identifies this process."""
    return directory.with_name(f".{directory.name}.{kind}-{_host()}-{os.getpid()}-{secrets.token_hex(4)}")


def _remove_leftovers(folder: Path) -> None:
    """Remove leftovers of dead processes in a folder; for those of other hosts, such as jobs, the age decides."""
    # An output whose writer was killed while it removed the previous one may never be written again.
    # There may be thousands of branches, for which path objects would take much longer than the listing.
    for name in os.listdir(folder):  # noqa: PTH208
        match = _LEFTOVER.fullmatch(name) if name[0] == "." else None
        if match is None:
            continue
        path = folder / name
        # Leftovers of somebody else in an unshared folder can't be removed and stay.
        with contextlib.suppress(OSError):
            is_here = match["host"] == _host()
            if not _is_alive(int(match["pid"])) if is_here else time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
                path.unlink()  # Containers are files.


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with contextlib.suppress(OSError):
        # A process that has ended keeps its number until its parent looks, which may take some time.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    return True


@functools.cache
def _host() -> str:
    """Return the name of this machine and, on Linux, its process namespace: containers share names, but not pids."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}.{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116
    return socket.gethostname()
