"""Checksums of the files that parameters name: corrections, golden JSONs, models.

Names are in the fingerprints, contents are known only where the files are. So an output records what it was made with,
and is out of date once a file of that name has another content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pocket.errors import ConfigError
from pocket.parameters.locations import local_path
from pocket.store.manifest import known_checksum


def checksums(names: Iterable[str]) -> dict[str, str]:
    """Return name → SHA-256 of files, as they are on this machine (:func:`pocket.parameters.locations.local_path`)."""
    return {name: _checksum(local_path(name)) for name in names}


def changed_files(recorded: Mapping[str, str]) -> list[str]:
    """Return those names whose files have another checksum now.

    A file that isn't on this machine counts as unchanged: outputs are also looked at where none can be made.
    """
    changed = []
    for name, checksum in recorded.items():
        try:
            if _checksum(local_path(name)) != checksum:
                changed.append(name)
        except (ConfigError, OSError):
            continue
    return changed


def _checksum(path: str) -> str:
    stat = Path(path).stat()
    return known_checksum(path, stat.st_size, stat.st_mtime_ns)
