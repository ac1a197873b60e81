"""Contents of files that values name."""

from __future__ import annotations

import os

from pocket.base.fingerprint.sources import read_source
from pocket.base.runtime.file_state import checksum
from pocket.errors import ConfigError


def describe_file(path: str) -> list[tuple[str, object]]:
    """Return the content of a file as a part of the value that names it; nothing unless there is such a file.

    Python source counts by its syntax, so that a comment in a file that names itself changes nothing.
    """
    try:
        if not os.path.isfile(path):  # noqa: PTH113
            return []
        if path.endswith(".py"):
            stat = os.stat(path)  # noqa: PTH116
            return [("()", read_source(path, stat.st_mtime_ns, stat.st_size).digest)]
        return [("()", checksum(path))]
    except (OSError, ValueError, ConfigError):
        return []
