"""How far the jobs of a workflow are, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pocket.executors.proxy import in_words

_WIDTH = 20


@dataclass(frozen=True)
class Status:
    """The jobs of a workflow at one look at the queue.

    Args:
        jobs: number of all jobs.
        done: number of jobs that are done.
        running: number of jobs that run.
        queued: number of jobs that wait in the queue.
        waiting: number of jobs that wait to be submitted, be it again.
        held: number of jobs that were on hold at this look; they are among those that wait or failed.
        failed: number of jobs that failed for good.
        events: number of events in jobs that are done.
        all_events: number of events in all jobs; 0 if the jobs process none.
        rate: events per second since the first look.
        causes: why attempts failed → number of attempts.
    """

    jobs: int
    done: int = 0
    running: int = 0
    queued: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0
    events: int = 0
    all_events: int = 0
    rate: float = 0.0
    causes: Mapping[str, int] = field(default_factory=dict)

    @property
    def bar(self) -> str:
        """A bar with the share of events that are done, in percent."""
        filled = self.events * _WIDTH // self.all_events
        return f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {self.events * 100 // self.all_events} %"

    def line(self, label: str) -> str:
        """Return everything that is worth saying.

        Args:
            label: what the jobs do.
        """
        counts = {
            "running": self.running,
            "queued": self.queued,
            "on hold": self.held,
            "to be tried again": self.waiting,
            "failed": self.failed,
        }
        shown = [f"{n} {word}" for word, n in counts.items() if n or word in ("running", "queued")]
        line = ", ".join([f"{self.done} of {self.jobs} jobs done", *shown])
        if self.all_events:
            line = f"{label} {self.bar}: {line}; {self.events:,} of {self.all_events:,} events"
            if self.rate > 0 and self.events < self.all_events:
                left = (self.all_events - self.events) / self.rate
                line += f", {self.rate:,.0f} events/s, about {in_words(left)} left"
        else:
            line = f"{label}: {line}"
        if self.causes:
            line += f"; failed attempts: {', '.join(f'{n} {cause}' for cause, n in self.causes.items())}"
        return line
