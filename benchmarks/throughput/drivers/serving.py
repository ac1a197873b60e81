"""Serving of passes by an engine's process, which passes over the files on request and reports the time.

This is plain Python, since the engines have their own environments. The process reads lines from its standard input:
``pass`` makes a pass and answers with a line of JSON, ``write`` writes the templates of the last pass. The output of an
engine goes to standard error.
"""

import gc
import json
import os
import sys
import time
from pathlib import Path


def serve(prepare):
    """Serve the request named on the command line.

    Args:
        prepare: takes the request and returns a function without arguments that makes one pass, and one that writes the
            templates of the last pass. It must compile and cache everything that a long run compiles and caches once.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(Path(sys.argv[1]).read_text())
    begin = time.perf_counter()
    make_pass, write = prepare(request)
    _answer(answers, {"ready": time.perf_counter() - begin})
    for line in sys.stdin:
        if line.strip() == "pass":
            _answer(answers, timed(make_pass))
        elif line.strip() == "write":
            write()
            _answer(answers, {})


def timed(make_pass):
    """Make a pass, and return seconds of wall and CPU time, and the peak memory so far in MB.

    A pass may return the seconds of CPU and wall time to exclude, e.g. those of compilation.
    """
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    skipped = make_pass() or (0.0, 0.0)
    cpu, wall = time.process_time() - cpu - skipped[0], time.perf_counter() - wall - skipped[1]
    return {"wall": wall, "cpu": cpu, "peak": peak_memory()}


def peak_memory():
    """Return the peak memory of this process so far in MB."""
    # The numbers of getrusage include the parent process, so this reads /proc.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _answer(answers, content):
    answers.write(json.dumps(content) + "\n")
    answers.flush()
