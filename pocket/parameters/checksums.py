"""Checksums of the files that parameters name: corrections, golden JSONs, models.

Fingerprints contain the names; the contents are known only where the files are. So an output records the checksums of
the bytes that were used, and is out of date once such a file has another content. Code that reads such a file gets its
content from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pocket.base.fingerprint.places import located, portable
from pocket.base.runtime.file_state import checksum
from pocket.errors import ConfigError
from pocket.parameters.locations import local_path
from pocket.parameters.used_files import changed, files_in_use


@dataclass(frozen=True)
class FileContent:
    """File with a certain content: a key for values computed from it, since a replaced file has another key."""

    path: str
    sha256: str

    def read(self) -> bytes:
        """Return the content."""
        content = Path(self.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise changed(self.path)
        return content


def content_of(name: str) -> FileContent:
    """Return a file with its current content, or with its first content while files are recorded."""
    path = local_path(name)
    used = files_in_use()
    sha256 = used.pinned(path) if used is not None else None
    if sha256 is None:
        sha256 = checksum(path)
        if used is not None:
            used.pin(path, sha256)
    return FileContent(path, sha256)


def checksums(names: Iterable[str]) -> dict[str, str]:
    """Return portable name → SHA-256 of files on this machine."""
    return {portable(name): checksum(local_path(name)) for name in names}


def changed_files(recorded: Mapping[str, str]) -> list[str]:
    """Return the names whose files have another checksum now.

    A file that isn't on this machine counts as unchanged, since outputs are also checked elsewhere. Those of the
    checkout, the analysis, the store or the home directory must exist.
    """
    different = []
    for name, sha256 in recorded.items():
        try:
            same = checksum(local_path(located(name))) == sha256
        except (ConfigError, OSError):
            same = not name.startswith("<")
        if not same:
            different.append(name)
    return different
