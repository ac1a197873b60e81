"""Contents of files that values name."""

from __future__ import annotations

import functools
import hashlib
import os

from pocket.errors import ConfigError
from pocket.fingerprint.sources import read_source


def describe_file(path: str) -> list[tuple[str, object]]:
    """Return the content of a file as a part of the value that names it; nothing unless there is such a file.

    Python source counts by its syntax, so that a comment in a file that names itself changes nothing.
    """
    try:
        if not os.path.isfile(path):  # noqa: PTH113
            return []
        stat = os.stat(path)  # noqa: PTH116
        if path.endswith(".py"):
            return [("()", read_source(path, stat.st_mtime_ns, stat.st_size).digest)]
        return [("()", _checksum(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))]
    except (OSError, ValueError, ConfigError):
        return []


@functools.lru_cache(maxsize=4096)
def _checksum(path: str, *state: int) -> str:
    """Return the SHA-256 of a file, read again only when its state is another one."""
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").hexdigest()
