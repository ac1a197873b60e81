"""Checks of the imported packages: whether they are those of ``requirements.lock``, and what unpacks files."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

from tasks.doctor.result import Result, Status

#: packages that affect numbers, or without which nothing runs
LOOKED_AT = (
    "awkward", "boost-histogram", "coffea", "correctionlib", "h5py", "hist", "law", "luigi", "numba", "numpy",
    "omegaconf", "scipy", "uproot", "vector",
)  # fmt: skip
_LOCKED = re.compile(r"^([\w.-]+)==([^\s;]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE)


def decompression() -> Result:
    """Return the library that unpacks files compressed by LZMA."""
    from pocket.io.nanoaod.baskets import liblzma_version, xz_library

    system = f"liblzma {liblzma_version() or 'of Python'}"
    if xz_library() == "lzma":
        return Result("LZMA", Status.OK, f"unpacked by {system}")
    return Result("LZMA", Status.OK, f"unpacked by cramjam, since {system} takes longer")


def packages(lock: Path) -> Result:
    """Return whether the imported packages are those of the lock."""
    is_system = os.environ.get("POCKET_ENVIRONMENT") == "system"
    # A container image has the lock of its packages beside them.
    if is_system and not Path(sys.prefix, lock.name).is_file():
        return Result("packages", Status.OK, f"those of {sys.executable}, as POCKET_ENVIRONMENT says")
    locked = {
        name: version
        for name, version, marker in _LOCKED.findall(lock.read_text(encoding="utf-8"))
        if not marker or Marker(marker).evaluate()
    }
    for name in LOOKED_AT:
        spec = importlib.util.find_spec(name.replace("-", "_"))
        place = Path(spec.origin).parent if spec is not None and spec.origin else None
        if place is None or not place.is_relative_to(sys.prefix):
            found = f"{name} is imported from {place or 'nowhere'}, not from {sys.prefix}"
            return Result(
                "packages", Status.PROBLEM, found, "leave PYTHONPATH empty and source setup.sh in a new shell"
            )
        if (version := metadata.version(name)) != locked.get(name, version):
            found = f"{name} is {version}, but {locked[name]} in {lock.name}"
            remedy = "build the image anew" if is_system else "source setup.sh"
            return Result("packages", Status.WARNING, found, remedy)
    return Result("packages", Status.OK, f"those of {lock.name}, in {sys.prefix}")
