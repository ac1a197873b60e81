"""Which software an output was made with."""

from __future__ import annotations

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path

_PACKAGES = (
    "awkward", "boost-histogram", "coffea", "correctionlib", "hist", "iminuit", "law", "numba", "numpy", "pocketlaw",
    "scipy", "uproot",
)  # fmt: skip


@functools.cache
def software() -> dict[str, str]:
    """Return the versions of Python and of the main packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def revision() -> str | None:
    """Return the git revision of the code, with ``-dirty`` behind if files differ; ``None`` outside a checkout."""
    command = ("git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        run = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()
