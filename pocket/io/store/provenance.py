"""Provenance of an output: its software, the time and memory it took, and the kind of machine."""

from __future__ import annotations

import functools
import os
import platform
import resource
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from pocket import __version__

_PACKAGES = (
    "awkward", "boost-histogram", "coffea", "correctionlib", "hist", "iminuit", "law", "numba", "numpy", "scipy",
    "uproot",
)  # fmt: skip


@functools.cache
def software() -> dict[str, str]:
    """Return package → version of Python and the main packages."""
    versions = {"python": platform.python_version(), "pocketlaw": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def revision() -> str | None:
    """Return the git revision of the code, followed by ``-dirty`` if files differ; ``None`` outside of a checkout."""
    command = ("git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        run = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()


#: Environment variable with the kind of machine, such as htcondor; by default ``local``.
VARIABLE = "POCKET_HOST_KIND"


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


_begin = time.monotonic(), _cpu()


def begin_work() -> None:
    """Note that this process starts to make an output."""
    global _begin
    _begin = time.monotonic(), _cpu()


def work_done() -> dict[str, Any]:
    """Return the time in s, peak memory in bytes and machine since :func:`begin_work`, or since the process began."""
    wall, cpu = _begin
    # The memory is in bytes on macOS, elsewhere in kB.
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "wall_time": round(time.monotonic() - wall, 3),
        "cpu_time": round(_cpu() - cpu, 3),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "host_kind": os.environ.get(VARIABLE) or "local",
        "host": os.uname().nodename,
    }
