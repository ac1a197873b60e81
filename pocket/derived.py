"""What takes long to find out about a file, kept for the next process where Python keeps what it has compiled."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

#: bytes of a SHA-256 checksum
_CHECKSUM = 32


def derived(file: Path, kind: str, method: bytes, make: Callable[[bytes], bytes]) -> bytes:
    """Return what is made of a file's content, from ``__pycache__`` if an earlier process has kept it there.

    Args:
        file: the file.
        kind: what is made of it, the suffix of the name under which it is kept.
        method: what else than the content and Python's version decides what is made: code, versions of libraries.
        make: makes it of the content.

    Raises:
        OSError: if the file can't be read.
    """
    content = file.read_bytes()
    kept = Path(importlib.util.cache_from_source(str(file))).with_suffix(f".{kind}")

    def checksum(made: bytes) -> bytes:
        # of what was made, too: two processes may have written at once, and one may have been killed
        return hashlib.sha256(b"".join([repr(sys.version_info).encode(), method, content, made])).digest()

    with contextlib.suppress(OSError):
        known = kept.read_bytes()
        if known[:_CHECKSUM] == checksum(known[_CHECKSUM:]):
            return known[_CHECKSUM:]
    made = make(content)
    if not sys.dont_write_bytecode:
        # a folder that can't be written to is no error, as for Python
        with contextlib.suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(checksum(made) + made)
    return made
