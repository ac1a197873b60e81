"""Local scratch space, where jobs write outputs before each file is copied to the store once.

Libraries write files in many small pieces, and rewrite their headers. Network file systems such as EOS and AFS are slow
at that, and fast for whole files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocket.errors import PocketError
from pocket.io.store.manifest import FileRecord
from pocket.io.store.publishing import sync, sync_open

#: Environment variable with a folder on a local disk, set by jobs; without it, outputs are written beside their places.
VARIABLE = "POCKET_SCRATCH"
#: Free bytes that the scratch space must have; otherwise an output is written beside its place.
LEAST_FREE = 1_000_000_000
#: Bytes that are copied at a time.
_BLOCK = 8 * 2**20
#: Error numbers of a full disk.
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def scratch_folder(directory: Path) -> Iterator[Path | None]:
    """Make a folder in the scratch space for an output, if there is enough of it; it is removed at the end."""
    # If the place can't be written, writing beside it raises the error before the output is made.
    with contextlib.ExitStack() as stack:
        folder = None
        space = os.environ.get(VARIABLE)
        if space and os.access(directory.parent, os.W_OK | os.X_OK):
            with contextlib.suppress(OSError):
                if shutil.disk_usage(space).free >= LEAST_FREE:
                    folder = Path(tempfile.mkdtemp(prefix="pocketlaw-", dir=space))
                    stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextlib.contextmanager
def naming_full_scratch(directory: Path, folder: Path) -> Iterator[None]:
    """Turn the error of a full disk into a sentence about the scratch space."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise PocketError(
            f"can't fill {directory} in the scratch space {folder.parent} of {os.uname().nodename}: {error.strerror}: "
            f"let jobs ask for more disk space, or begin them with {VARIABLE} set to nothing, to fill it in the store"
        ) from error


def copy_filled(folder: Path, target: Path) -> dict[str, FileRecord]:
    """Copy all files of a folder to an empty one, and return relative path → record of the files."""
    records = {}
    folders = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            (target / name).mkdir()
            folders.append(target / name)
        elif path.is_file():
            records[name] = copy_file(path, target / name)
    for each in folders:
        sync(each)
    return records


def copy_file(path: Path, copy: Path) -> FileRecord:
    """Copy a file sequentially, flush the copy to disk, and return its record."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, copy.open("xb") as target:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += target.write(block)
        target.flush()
        sync_open(target.fileno())
    # A file server may set another time, or store less than it was sent, when the file is closed.
    stat = copy.stat()
    if stat.st_size != size:
        raise OSError(errno.EIO, f"the copy has {stat.st_size} of {size} bytes", str(copy))
    return FileRecord(size=size, sha256=digest.hexdigest(), mtime_ns=stat.st_mtime_ns)
