"""Advice on what jobs could ask for, from what their branches took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pocket.executors.proxy import in_words
from tasks.batch.causes import Needs

#: how much more than what was needed is asked for, and s that a job takes to begin
MARGIN, BEGIN = 1.5, 120.0
#: most branches that are looked at: each has a file to read
MOST = 200


def advice(usage: Sequence[Mapping[str, Any]], needs: Needs, branches_per_job: int = 1) -> str:
    """Return what the branches took, and what jobs could ask for if that is less than half of what they do.

    Args:
        usage: of each branch, ``wall_time`` in s and ``peak_memory`` in bytes
            (:func:`pocket.io.store.usage.work_done`).
        needs: what jobs ask for.
        branches_per_job: number of branches that a job runs one after the other.

    Returns:
        A clause for people, empty if nothing is known.

    Example:
        >>> advice([{"wall_time": 200.0, "peak_memory": 6e8}], Needs(memory=2000.0, runtime=3.0))
        'a branch took up to 600 MB and 3 min; --memory 900MB --runtime 10min would do'
    """
    known = [part for part in usage if "wall_time" in part and "peak_memory" in part]
    if not known:
        return ""
    memory = max(float(part["peak_memory"]) for part in known) / 1e6
    seconds = max(float(part["wall_time"]) for part in known)
    took = f"a branch took up to {memory:.0f} MB and {in_words(seconds)}"
    least = Needs(
        memory=100.0 * math.ceil(memory * MARGIN / 100),
        runtime=math.ceil((seconds * branches_per_job * MARGIN + BEGIN) / 600) / 6,
    )
    options = []
    if least.memory < needs.memory / 2:
        options.append(f"--memory {least.memory:.0f}MB")
    if least.runtime < needs.runtime / 2:
        options.append(f"--runtime {round(least.runtime * 60)}min")
    return f"{took}; {' '.join(options)} would do" if options else took


def sample(branches: Sequence[int]) -> Sequence[int]:
    """Return the branches to look at, all or evenly spaced ones."""
    return branches[:: math.ceil(len(branches) / MOST)] if branches else ()
