"""Causes for which jobs fail, and what is changed before they are tried again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tasks.core.loaded import CHANGED

#: seconds that a job waits before its first retry; each further one waits twice as long
BACK_OFF = 30.0
MAX_BACK_OFF = 1800.0
#: as often as one error is seen, in one job or in several, nothing is tried again
SAME_ERROR_IN_JOB, SAME_ERROR_IN_JOBS = 2, 3
#: least share of failures with one error among jobs that have ended, from which on the others are expected to fail, too
_COMMON = 0.2

#: hold codes of HTCondor (https://htcondor.readthedocs.io, "HoldReasonCode"): out of resources; 46 and 47 are the
#: allowed durations of a job and of its execution
_MEMORY_CODES, _RUNTIME_CODES = {34}, {46, 47}
_MEMORY = re.compile(r"memory|\boom\b|out.of.mem", re.IGNORECASE)
_RUNTIME = re.compile(r"wall ?-?time|run ?-?time|duration|time ?limit|timeout|exceeded .*time", re.IGNORECASE)
# not by the code of a hold: "CorruptedCredential" (4) may be a Kerberos ticket
_PROXY = re.compile(
    r"(proxy|certificate)s?\b.{0,300}\b(expired?|lifetime)|expired (\w+ )?(proxy|certificate)", re.IGNORECASE
)
_SIGKILL = 9
#: shells add this to the number of a signal
_SIGNAL_CODE = 128

# numbers, addresses and paths differ from job to job
_VARYING = re.compile(r"0x[0-9a-fA-F]+|/\S+|\d+")
_LAST_LINE = re.compile(
    r"^(?:error: (?:error: )*(?P<sentence>.+)|[A-Za-z_][\w.]*(?:Error|Exception|Interrupt)(?:: .*)?)$", re.MULTILINE
)

# of law's job script, which itself ends with 60, whatever the code of the task
_TASK_CODE = re.compile(r"^task exit code: (\d+)$", re.MULTILINE)


class Cause(Enum):
    """Why a job failed."""

    MEMORY = "needed more memory"
    RUNTIME = "ran too long"
    PROXY = "its X.509 proxy expired"
    HELD = "was held"
    REMOVED = "was removed"
    LOST = "vanished"
    INCOMPLETE = "left no complete output"
    FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """A job that failed.

    Args:
        held: whether it is on hold in the queue.
        reason: the batch system's words, empty without.
        hold_code: HTCondor's code of the reason, 0 without.
        code: exit code, ``None`` if the job didn't exit by itself.
        signal: signal that ended it, 0 without.
        found: whether the batch system still knows the job.
    """

    held: bool = False
    reason: str = ""
    hold_code: int = 0
    code: int | None = None
    signal: int = 0
    found: bool = True

    @property
    def cause(self) -> Cause:
        """Why it failed, as far as the batch system tells."""
        if is_about_proxy(self.reason):
            return Cause.PROXY
        if self.hold_code in _MEMORY_CODES or _MEMORY.search(self.reason):
            return Cause.MEMORY
        if self.hold_code in _RUNTIME_CODES or _RUNTIME.search(self.reason):
            return Cause.RUNTIME
        if not self.found:
            return Cause.LOST
        if self.held:
            return Cause.HELD
        # the kernel ends what takes too much memory like this
        if self.signal == _SIGKILL or self.code == _SIGNAL_CODE + _SIGKILL:
            return Cause.MEMORY
        return Cause.REMOVED if self.reason else Cause.FAILED


@dataclass(frozen=True)
class Needs:
    """What a job asks for.

    Args:
        memory: MB.
        runtime: hours.
    """

    memory: float
    runtime: float

    def after(self, cause: Cause, most: Needs) -> Needs:
        """Return what it asks for when it is tried again: twice of what it lacked, up to a limit."""
        if cause is Cause.MEMORY:
            return Needs(max(self.memory, min(2 * self.memory, most.memory)), self.runtime)
        if cause is Cause.RUNTIME:
            return Needs(self.memory, max(self.runtime, min(2 * self.runtime, most.runtime)))
        return self


def is_common(failed: int, done: int) -> bool:
    """Whether jobs that failed with one error tell that the others would as well.

    Among thousands of jobs a few fail with an error that passes.

    Args:
        failed: number of jobs that failed with it.
        done: number of jobs that are done.
    """
    return failed >= max(SAME_ERROR_IN_JOBS, _COMMON * (failed + done))


def is_about_proxy(error: str) -> bool:
    """Whether the words of an error say that a proxy, or a certificate in it, expired."""
    return bool(_PROXY.search(error))


def back_off(attempt: int, first: float = BACK_OFF) -> float:
    """Return the seconds to wait before an attempt.

    Args:
        attempt: 1 for the first retry.
        first: seconds before the first retry.
    """
    return float(min(first * 2 ** (attempt - 1), MAX_BACK_OFF))


def is_final(error: str) -> bool:
    """Whether every job would fail with an error, however often it is tried."""
    return CHANGED in error


def error_of_log(log: Path | None) -> str:
    """Return the last error in the log of a job, empty if there is none."""
    if log is None or not log.is_file():
        return ""
    error = ""
    for match in _LAST_LINE.finditer(log.read_text(encoding="utf-8", errors="replace")):
        error = match["sentence"] or match[0]
    return error.strip()


def was_killed(log: Path | None) -> bool:
    """Whether the log of a job says that its task was killed, which the kernel does with what takes too much memory."""
    if log is None or not log.is_file():
        return False
    codes = _TASK_CODE.findall(log.read_text(encoding="utf-8", errors="replace"))
    return bool(codes) and int(codes[-1]) == _SIGNAL_CODE + _SIGKILL


def kind_of(error: str) -> str:
    """Return an error without what differs from job to job, to tell whether two jobs fail with the same one."""
    return _VARYING.sub("…", error)
