"""Faults inside a job. This file is copied into the analysis, whose cut calls :func:`strike`.

Nothing happens where a task runs without being a job, nor in a job that isn't in the plan, nor when one runs again.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

#: bytes of memory, and of disk, that a job takes which is to take too much
_MEMORY, _DISK = 3_000_000_000, 300_000_000


def strike(folder: str) -> None:
    """Do what the plan has for this job, the first time that it runs.

    Args:
        folder: has the plan, a file for each branch, and what has been struck.
    """
    # Not by the environment, nor by files of the job: what outputs depend on has to be the same everywhere.
    match = re.search(r" --branch[= ](\d+) ", " ".join([*sys.argv, ""]))
    planned = Path(folder, "planned", match[1] if match else "none")
    struck = Path(folder, "struck", planned.name)
    try:
        # Of two processes, one alone succeeds.
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
    # The end comes from outside.
    while True:
        time.sleep(1)
