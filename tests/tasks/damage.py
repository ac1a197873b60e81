"""Files that went wrong."""

from __future__ import annotations

import os
from pathlib import Path

import uproot


def delete(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def truncate(path: Path) -> None:
    """Lose the second half of a file."""
    os.truncate(path, path.stat().st_size // 2)


def corrupt(path: Path) -> None:
    """Change a byte in the middle of a file, whose size stays."""
    overwrite(path, path.stat().st_size // 2, 1)


def corrupt_branch(path: Path, branch: str = "Muon_pt") -> None:
    """Spoil the values of a branch in a ROOT file that can be opened as before."""
    with uproot.open(path) as file:
        start = int(file["Events"][branch].member("fBasketSeek")[0])
    overwrite(path, start + 100, 100)


def overwrite(path: Path, start: int, size: int) -> None:
    """Invert some bytes of a file."""
    content = bytearray(path.read_bytes())
    content[start : start + size] = bytes(byte ^ 0xFF for byte in content[start : start + size])
    path.write_bytes(content)


def rot(path: Path, start: int = -1) -> None:
    """Change bytes of a file, whose size and time of modification stay, as where a disk loses them.

    Args:
        path: the file.
        start: place of the bytes, in the middle by default.
    """
    stat = path.stat()
    overwrite(path, stat.st_size // 2 if start < 0 else start, 4)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
