"""Runs a command and writes what it and all processes it started used: ``python -m tests.measured FILE COMMAND...``.

The servers that workers are forked from outlive law and nobody waits for them, so that their usage, and that of their
workers, is not in the command's own. They become children of this process here and are waited for.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

#: from linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36


def main(result: str, *command: str) -> int:
    """Run the command to the end of all its processes and return its exit code."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    code = subprocess.call(command)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass  # none is left
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(result).write_text(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
