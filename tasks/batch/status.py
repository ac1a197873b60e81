"""One-line status of a workflow's jobs, and advice on the resources to request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pocket.executors.proxy import in_words
from tasks.batch.causes import Needs

_WIDTH = 20


@dataclass(frozen=True)
class Status:
    """The jobs of a workflow at one look at the queue.

    ``new`` jobs wait for their first submission, ``waiting`` ones for another; ``held`` ones count as waiting or
    failed, too. ``all_events`` is 0 if there are none, and ``rate`` is in events per second since the first look.
    """

    jobs: int
    done: int = 0
    running: int = 0
    queued: int = 0
    new: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0
    events: int = 0
    all_events: int = 0
    unit: str = "events"
    rate: float = 0.0
    causes: Mapping[str, int] = field(default_factory=dict)

    @property
    def bar(self) -> str:
        """A bar with the share of finished events in percent."""
        filled = self.events * _WIDTH // self.all_events
        return f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {self.events * 100 // self.all_events} %"

    def line(self, label: str) -> str:
        counts = {
            "running": self.running,
            "queued": self.queued,
            "on hold": self.held,
            "to be submitted": self.new,
            "to be tried again": self.waiting,
            "failed": self.failed,
        }
        shown = [f"{n} {word}" for word, n in counts.items() if n or word in ("running", "queued")]
        line = ", ".join([f"{self.done} of {self.jobs} jobs done", *shown])
        if self.all_events:
            line = f"{label} {self.bar}: {line}; {self.events:,} of {self.all_events:,} {self.unit}"
            if self.rate > 0 and self.events < self.all_events:
                left = (self.all_events - self.events) / self.rate
                line += f", {self.rate:,.0f} {self.unit}/s, about {in_words(left)} left"
        else:
            line = f"{label}: {line}"
        if self.causes:
            line += f"; failed attempts: {', '.join(f'{n} {cause}' for cause, n in self.causes.items())}"
        return line


#: factor between used and suggested resources, and seconds that a job takes to begin
MARGIN, BEGIN = 1.5, 120.0
#: largest number of branches to look at, since each has a file to read
MOST = 200


def advice(usage: Sequence[Mapping[str, Any]], needs: Needs, branches_per_job: int = 1) -> str:
    """Return what branches used, with options if that is less than half of the requests; empty if no usage is known.

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
    """Return the branches to look at: all, or evenly spaced ones if there are many."""
    return branches[:: math.ceil(len(branches) / MOST)] if branches else ()
