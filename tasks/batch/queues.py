"""Queues of batch systems: queries, and the states of jobs that they return."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pocket.errors import PocketError

#: seconds that a queue may take to answer
_SECONDS = 300


class QueueError(PocketError):
    """A queue can't be read."""


class QueueManager:
    """Mixin of law's job managers: queries all jobs at once, and passes their states to an observer."""

    # One call is enough for any number of jobs.
    chunk_size_query = 1_000_000
    chunk_size_cancel = 1000

    #: function that is called with job id → state before law sees the states
    observe: Callable[[Mapping[str, Any]], None]

    # These are attributes of law's managers.
    FAILED: str
    job_status_dict: Callable[..., dict[str, Any]]

    #: seconds between two attempts to read a queue, and the number of failed attempts after which it is given up
    pause: float = 60.0
    most_failures: int = 60
    #: function that waits for some seconds
    wait: Callable[[float], None] = time.sleep
    _said: str = ""

    def query_batch(self, job_ids: list[str], **kwargs: Any) -> Any:
        """Return the states of jobs; a queue that doesn't answer is asked again, with one message."""
        states = self._answer(lambda: self.query(job_ids, **kwargs)) if job_ids else {}
        self.observe(states)
        return states

    def _answer(self, question: Callable[[], Any]) -> Any:
        for attempt in range(self.most_failures):
            try:
                answer = question()
            except QueueError as error:
                if attempt + 1 == self.most_failures:
                    raise
                self.say(f"{error}; it is asked again every {self.pause:.0f} s")
                self.wait(self.pause)
            else:
                if attempt:
                    self.say("the queue answers again")
                return answer
        raise AssertionError("no attempt")

    def say(self, sentence: str) -> None:
        """Print a sentence, unless it was the last one printed."""
        if sentence != self._said:
            print(sentence, flush=True)
        self._said = sentence

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        """Return the states of jobs by id."""
        raise NotImplementedError

    def waiting_or_running(self) -> dict[str, tuple[int, ...]]:
        """Return the branches of the workflow's jobs that wait or run, by id."""
        raise NotImplementedError

    def in_queue(self) -> list[str]:
        """Return the ids of the workflow's jobs that are in the queue, including those on hold."""
        return list(self.waiting_or_running())

    def failed(self, job_id: str, host: str | None = None, **failure: Any) -> dict[str, Any]:
        return self.state(job_id, self.FAILED, host, failure.get("code") or 1, failure=failure)

    def state(
        self, job_id: str, status: str | None, host: str | None = None, code: int = 0, **extra: Any
    ) -> dict[str, Any]:
        where = {"remote_host": host.rpartition("@")[2]} if host else {}
        found: dict[str, Any] = self.job_status_dict(job_id=job_id, status=status, code=code, extra={**where, **extra})
        return found


def ask(command: Sequence[str]) -> str:
    """Return the output of a command of a batch system."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueError(f"{command[0]} can't be run: {error}") from None
    if result.returncode:
        reason = " ".join((result.stderr or result.stdout).split())[:300]
        raise QueueError(f"{command[0]} failed with exit code {result.returncode}: {reason}")
    return result.stdout


def branches_of(postfix: str) -> tuple[int, ...]:
    """Return the branches in law's postfix for the files of a job, like ``_0To2``; an empty tuple if it isn't one."""
    match = re.fullmatch(r"_(\d+)To(\d+)", postfix)
    return tuple(range(int(match[1]), int(match[2]))) if match else ()
