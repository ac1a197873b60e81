"""Causes of failed jobs, and the changes that are made before a retry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tasks.core.loaded import CHANGED

#: seconds before the first retry of a job; each further retry waits twice as long
BACK_OFF = 30.0
MAX_BACK_OFF = 1800.0
#: number of failures with the same error, in one job or in several jobs, after which nothing is retried
SAME_ERROR_IN_JOB, SAME_ERROR_IN_JOBS = 2, 3
#: smallest share of failures with one error, among jobs that have ended, for which the other jobs are expected to fail
#: too
_COMMON = 0.2

#: hold codes of HTCondor for exhausted resources (https://htcondor.readthedocs.io, "HoldReasonCode"); 46 and 47 are the
#: allowed durations of a job and of its execution
_MEMORY_CODES, _RUNTIME_CODES = {34}, {46, 47}
#: codes of files that can't be transferred, whose reasons have paths and timeouts of their own
_TRANSFER_CODES = {12, 13}
_MEMORY = re.compile(r"memory|\boom\b|out.of.mem", re.IGNORECASE)
_RUNTIME = re.compile(r"wall ?-?time|run ?-?time|duration|time ?limit|timeout|exceeded .*time", re.IGNORECASE)
# The hold code doesn't identify a proxy: "CorruptedCredential" (4) may be a Kerberos ticket.
_PROXY = re.compile(
    r"(proxy|certificate)s?\b.{0,300}\b(expired?|lifetime)|expired (\w+ )?(proxy|certificate)", re.IGNORECASE
)
_SIGKILL = 9
#: offset that shells add to the number of a signal to form an exit code
_SIGNAL_CODE = 128

# Numbers, addresses and paths differ from job to job.
_VARYING = re.compile(r"0x[0-9a-fA-F]+|/\S+|\d+")
_LAST_LINE = re.compile(
    r"^(?:error: (?:error: )*(?P<sentence>.+)|[A-Za-z_][\w.]*(?:Error|Exception|Interrupt)(?:: .*)?)$", re.MULTILINE
)

# law's job script prints this line. The script itself exits with 60, whatever the code of the task.
_TASK_CODE = re.compile(r"^task exit code: (\d+)$", re.MULTILINE)


class Cause(Enum):
    """The reason why a job failed."""

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
    """A job that failed: HTCondor's hold code is 0 for none, the exit code ``None`` if the job didn't exit itself."""

    held: bool = False
    reason: str = ""
    hold_code: int = 0
    code: int | None = None
    signal: int = 0
    found: bool = True

    @property
    def cause(self) -> Cause:
        """The cause of the failure, as far as the batch system reports it."""
        if is_about_proxy(self.reason):
            return Cause.PROXY
        if self.held and self.hold_code in _TRANSFER_CODES:
            return Cause.HELD
        if self.hold_code in _MEMORY_CODES or _MEMORY.search(self.reason):
            return Cause.MEMORY
        if self.hold_code in _RUNTIME_CODES or _RUNTIME.search(self.reason):
            return Cause.RUNTIME
        if not self.found:
            return Cause.LOST
        if self.held:
            return Cause.HELD
        # The kernel kills a process that takes too much memory with this signal.
        if self.signal == _SIGKILL or self.code == _SIGNAL_CODE + _SIGKILL:
            return Cause.MEMORY
        return Cause.REMOVED if self.reason else Cause.FAILED

    @property
    def ending(self) -> str:
        """How the job ended, in words, as far as the batch system reports it."""
        if self.signal:
            return f"was ended by signal {self.signal}"
        return "failed" if self.code is None else f"failed with exit code {self.code}"


@dataclass(frozen=True)
class Needs:
    """The resources that a job requests: memory in MB, and running time in hours."""

    memory: float
    runtime: float

    def at_least(self, other: Needs) -> Needs:
        """Return the larger of each resource."""
        return Needs(max(self.memory, other.memory), max(self.runtime, other.runtime))

    def after(self, cause: Cause, most: Needs) -> Needs:
        """Return the resources to request in a retry: twice of what was missing, up to a limit."""
        if cause is Cause.MEMORY:
            return Needs(max(self.memory, min(2 * self.memory, most.memory)), self.runtime)
        if cause is Cause.RUNTIME:
            return Needs(self.memory, max(self.runtime, min(2 * self.runtime, most.runtime)))
        return self


def is_common(failed: int, done: int) -> bool:
    """Whether jobs with one error show that the others would fail, too: of thousands, a few fail anyway."""
    return failed >= max(SAME_ERROR_IN_JOBS, _COMMON * (failed + done))


def is_about_proxy(error: str) -> bool:
    """Whether an error message says that a proxy, or a certificate in it, expired."""
    return bool(_PROXY.search(error))


def back_off(attempt: int, first: float = BACK_OFF) -> float:
    """Return the seconds to wait before an attempt, 1 for the first retry."""
    return float(min(first * 2 ** (attempt - 1), MAX_BACK_OFF))


def is_final(error: str) -> bool:
    """Whether every job would fail with an error, however often it is retried."""
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
    """Whether the log of a job says that its task was killed, as the kernel does if a process takes too much memory."""
    if log is None or not log.is_file():
        return False
    codes = _TASK_CODE.findall(log.read_text(encoding="utf-8", errors="replace"))
    return bool(codes) and int(codes[-1]) == _SIGNAL_CODE + _SIGKILL


def kind_of(error: str) -> str:
    """Return an error message without the parts that differ from job to job, so that messages can be compared."""
    return _VARYING.sub("…", error)
