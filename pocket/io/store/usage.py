"""Time and memory that the making of an output takes, and the kind of place where it is made."""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

#: environment variable with the kind of place, such as htcondor; by default this machine
VARIABLE = "POCKET_HOST_KIND"


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


_begin = time.monotonic(), _cpu()


def begin_work() -> None:
    """Note that this process begins to make an output."""
    global _begin
    _begin = time.monotonic(), _cpu()


def work_done() -> dict[str, Any]:
    """Return what was used since :func:`begin_work`, or else since the process began, and where.

    Wall and CPU time in s, memory in bytes at the peak.
    """
    wall, cpu = _begin
    # macOS counts bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "wall_time": round(time.monotonic() - wall, 3),
        "cpu_time": round(_cpu() - cpu, 3),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "host_kind": os.environ.get(VARIABLE) or "local",
        "host": os.uname().nodename,
    }
