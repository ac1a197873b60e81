"""Complaints about a soak, and the table of faults, causes and retries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.soak.faults import KINDS
from tasks.batch.htcondor import BRANCHES
from tasks.batch.queues import branches_of

#: attributes of jobs that are read from the history
ASKED = ("ClusterId", "ProcId", BRANCHES, "NumJobStarts")
_NOT_NAMED = "(nothing)"


@dataclass(frozen=True)
class Attempts:
    """The jobs of a branch.

    Args:
        jobs: number of HTCondor jobs.
        starts: number of times that HTCondor started one of them.
        causes: causes of failures according to Pocketlaw.
        fault: kind of the planned fault that happened, empty if there was none.
    """

    jobs: int = 0
    starts: int = 0
    causes: tuple[str, ...] = ()
    fault: str = ""

    @property
    def is_explained(self) -> bool:
        """Whether the fault and Pocketlaw's causes explain the number of starts."""
        by_itself = bool(self.fault) and not KINDS[self.fault][1]
        # If the submitter was killed, the fault may be missing in its record.
        retries = max(len(self.causes), bool(self.fault) and not by_itself)
        return self.jobs == 1 + retries and self.starts <= self.jobs + by_itself


def attempts(
    history: Sequence[Mapping[str, Any]],
    failures: Mapping[int, Sequence[tuple[str, str]]],
    struck: Mapping[int, str],
) -> dict[int, Attempts]:
    """Return branch → its jobs.

    Args:
        history: attributes of all jobs.
        failures: branch → cause and message of each failed attempt.
        struck: branch → kind of the fault that happened to its job.
    """
    jobs, starts = Counter[int](), Counter[int]()
    for job in history:
        (branch,) = branches_of(job[BRANCHES])
        jobs[branch] += 1
        starts[branch] += job.get("NumJobStarts", 0)
    named = {branch: tuple(cause for cause, _ in found) for branch, found in failures.items()}
    return {
        branch: Attempts(jobs[branch], starts[branch], named.get(branch, ()), struck.get(branch, ""))
        for branch in sorted(jobs.keys() | named.keys() | struck.keys())
    }


def table(found: Mapping[int, Attempts], planned: Mapping[int, str]) -> str:
    """Return the Markdown table with a row per fault, and one per cause of retries without a planned fault."""
    lines = [
        "| What was done to a job, once | Jobs | What Pocketlaw named | Submitted again | Begun again by HTCondor |",
        "| --- | --- | --- | --- | --- |",
    ]
    groups: dict[str, list[Attempts]] = {kind: [] for kind in KINDS}
    for each in found.values():
        if each.fault:
            groups[each.fault].append(each)
        elif each.jobs > 1 or each.starts > 1:
            groups.setdefault("", []).append(each)
    counts = Counter(planned.values())
    for kind, group in groups.items():
        words, number = (KINDS[kind][0], str(counts[kind])) if kind else ("nothing, yet it failed", str(len(group)))
        causes = Counter(", ".join(each.causes) or _NOT_NAMED for each in group)
        named = "; ".join(f"{n} × {cause}" for cause, n in sorted(causes.items()))
        again = sum(each.jobs - 1 for each in group)
        begun = sum(max(each.starts - each.jobs, 0) for each in group)
        lines.append(f"| {words} | {number} | {named} | {again} | {begun} |")
    untouched = [each for each in found.values() if not each.fault and each.jobs == each.starts == 1]
    lines.append(f"| nothing | {len(untouched)} | {_NOT_NAMED} | 0 | 0 |")
    return "\n".join(lines)


def complaints(found: Mapping[int, Attempts], branches: int, planned: Mapping[int, str]) -> list[str]:
    """Return sentences about everything that is wrong with the jobs."""
    problems = []
    if len(found) != branches:
        problems.append(f"there were jobs of {len(found)} branches, but there are {branches}")
    for branch, each in found.items():
        if not each.is_explained:
            problems.append(f"branch {branch}: nothing explains {each}")
        # A failure has no record if only a submitter noticed it that was then killed.
        if each.fault and (expected := KINDS[each.fault][1]) and each.causes not in ((expected,), ()):
            problems.append(f"branch {branch}: {', '.join(each.causes)} was named, expected {expected}")
    problems += [
        f"branch {branch}: {kind} was planned, but didn't happen"
        for branch, kind in planned.items()
        if branch not in found or found[branch].fault != kind
    ]
    return problems
