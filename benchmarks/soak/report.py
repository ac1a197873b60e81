"""Complaints about a soak, and the table of what was struck, named and tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.soak.faults import KINDS
from tasks.batch.htcondor import BRANCHES
from tasks.batch.queues import branches_of

#: attributes of jobs that are asked for in the history
ASKED = ("ClusterId", "ProcId", BRANCHES, "NumJobStarts")
_NOT_NAMED = "(nothing)"


@dataclass(frozen=True)
class Attempts:
    """What there was of the jobs of a branch.

    Args:
        jobs: number of jobs of HTCondor.
        starts: how often HTCondor began one of them.
        causes: what Pocketlaw named as the causes of failures.
        fault: kind of the planned fault that struck, empty without.
    """

    jobs: int = 0
    starts: int = 0
    causes: tuple[str, ...] = ()
    fault: str = ""

    @property
    def is_explained(self) -> bool:
        """Whether it ran no more often than the fault, and what Pocketlaw named, explain."""
        by_itself = bool(self.fault) and not KINDS[self.fault][1]
        # The fault may be noted by nobody, if whoever watched was killed.
        retries = max(len(self.causes), bool(self.fault) and not by_itself)
        return self.jobs == 1 + retries and self.starts <= self.jobs + by_itself


def attempts(
    history: Sequence[Mapping[str, Any]],
    failures: Mapping[int, Sequence[tuple[str, str]]],
    struck: Mapping[int, str],
) -> dict[int, Attempts]:
    """Return what there was of each branch.

    Args:
        history: attributes of all jobs.
        failures: branch → cause and words of each failed attempt.
        struck: branch → kind of the fault that struck its job.
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
    """Return the table in Markdown, a row per fault, and one for each cause of retries without a fault of the plan."""
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
    """Return in sentences what isn't as it has to be with the jobs."""
    problems = []
    if len(found) != branches:
        problems.append(f"there were jobs of {len(found)} branches, but there are {branches}")
    for branch, each in found.items():
        if not each.is_explained:
            problems.append(f"branch {branch}: nothing explains {each}")
        # Nothing is noted of what ended while nobody watched, and was noticed by who was killed then.
        if each.fault and (expected := KINDS[each.fault][1]) and each.causes not in ((expected,), ()):
            problems.append(f"branch {branch}: {', '.join(each.causes)} was named, expected {expected}")
    problems += [
        f"branch {branch}: {kind} was planned, but didn't happen"
        for branch, kind in planned.items()
        if branch not in found or found[branch].fault != kind
    ]
    return problems
