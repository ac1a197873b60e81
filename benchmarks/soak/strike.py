"""Faults inside a job. This file is copied into the analysis, whose cut calls :func:`strike`.

Nothing happens in a task that isn't a job, in a job that isn't in the plan, or when a job runs again.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

#: bytes of memory and of disk that a job uses to exceed its limits
_MEMORY, _DISK = 3_000_000_000, 300_000_000


def strike(folder: str) -> None:
    """Execute the planned fault of this job when it runs for the first time.

    Args:
        folder: folder with the plan, a file for each branch, and with the faults that have happened.
    """
    # The branch isn't passed in the environment or in a file, because outputs may not depend on them.
    match = re.search(r" --branch[= ](\d+) ", " ".join([*sys.argv, ""]))
    planned = Path(folder, "planned", match[1] if match else "none")
    struck = Path(folder, "struck", planned.name)
    try:
        # If two processes try this, only one succeeds.
        planned.rename(struck)
    except FileNotFoundError:
        return
    kind = struck.read_text()
    ready = Path(folder, "ready", planned.name)
    ready.with_suffix(".tmp").write_text(json.dumps({"kind": kind, "pid": os.getpid()}))
    ready.with_suffix(".tmp").rename(ready)
    if kind == "error":
        raise OSError("the file server doesn't answer")
    if kind == "disk":
        Path("much").write_bytes(bytes(_DISK))
    much = bytearray(_MEMORY if kind == "memory" else 0)
    for position in range(0, len(much), 4096):
        much[position] = 1
    # A fault from outside ends the job.
    while True:
        time.sleep(1)
