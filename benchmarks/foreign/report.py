"""Report of the trials: what loads, what is refused and why, and the comparison of the numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.foreign.differences import Explanations
from benchmarks.foreign.running import STAGES, Outcome
from benchmarks.peer.report import Agreement, agreement
from benchmarks.peer.running import read_side

#: Number of unexplained differences that are listed of one configuration.
LISTED = 8


@dataclass(frozen=True)
class Trial:
    """Outcomes of one configuration.

    Args:
        name: path of the configuration.
        upstream: outcome in PocketCoffea, ``None`` if it wasn't tried.
        ours: outcome here, ``None`` if it wasn't tried.
        luminosities: year → luminosity of PocketCoffea's parameters.
    """

    name: str
    upstream: Outcome | None = None
    ours: Outcome | None = None
    luminosities: Mapping[str, float] = field(default_factory=dict)

    def passed_upstream(self, stage: str) -> bool:
        """Tell whether a stage was passed in PocketCoffea, or not tried."""
        return self.upstream is None or self.upstream.passed(stage)

    def passed_here(self, stage: str) -> bool:
        """Tell whether a stage was passed here."""
        return self.ours is not None and self.ours.passed(stage)

    @cached_property
    def agreement(self) -> Agreement | None:
        """The comparison of the numbers, ``None`` if one side has none."""
        if not (self.upstream and self.ours and self.passed_upstream("process") and self.passed_here("process")):
            return None
        here = self.ours.details.get("luminosity", {})
        ratios = {
            dataset: self.luminosities[year] / value
            for dataset, (year, value) in here.items()
            if value and year in self.luminosities
        }
        explain = Explanations(ratios).explanation
        return agreement(read_side(self.ours.folder), read_side(self.upstream.folder), explain)

    def lines(self) -> str:
        """Return the description of the trial."""
        sides = (("PocketCoffea:", self.upstream), ("here:", self.ours))
        lines = [self.name, *(f"  {side:<14}{_outcome(outcome)}" for side, outcome in sides if outcome)]
        if (found := self.agreement) is not None:
            total, explained = sum(found.compared.values()), sum(found.explained.values())
            equal = total - explained - len(found.unexplained)
            lines.append(f"  numbers:      {equal} of {total} arrays equal, {explained} explained")
            lines += [f"    {count} × {name}" for name, count in found.explained.items()]
            lines += [f"    UNEXPLAINED {difference}" for difference in found.unexplained[:LISTED]]
            if len(found.unexplained) > LISTED:
                lines.append(f"    and {len(found.unexplained) - LISTED} more")
        return "\n".join(lines)


def _outcome(outcome: Outcome) -> str:
    passed = ", ".join(outcome.stages) or "nothing"
    return f"{passed}; then {outcome.error}" if outcome.error else passed


def text(trials: Sequence[Trial]) -> str:
    """Return the summary of all trials."""
    lines = [f"\n{len(trials)} configurations"]
    for stage in STAGES:
        there = [trial for trial in trials if trial.passed_upstream(stage)]
        # What PocketCoffea can't load isn't tried here.
        tried = [trial for trial in there if trial.ours is not None]
        here = [trial for trial in tried if trial.passed_here(stage)]
        lines.append(f"{stage:<8} PocketCoffea {len(there):>4}, tried here {len(tried):>4}, of which {len(here):>4}")
    compared = [trial.agreement for trial in trials if trial.agreement is not None]
    arrays = sum(sum(found.compared.values()) for found in compared)
    explained = sum(sum(found.explained.values()) for found in compared)
    unexplained = sum(len(found.unexplained) for found in compared)
    lines.append(f"numbers of {len(compared)}: {arrays} arrays, {explained} explained, {unexplained} unexplained")
    refused = [
        cause(trial.ours.error)
        for trial in trials
        if trial.ours and any(trial.passed_upstream(stage) and not trial.passed_here(stage) for stage in STAGES)
    ]
    lines += ["", "refused here, by cause:", *_counted(refused)]
    failed = [cause(trial.upstream.error) for trial in trials if trial.upstream and trial.upstream.error]
    lines += ["", "refused by PocketCoffea:", *_counted(failed)]
    return "\n".join(lines)


def cause(error: str) -> str:
    """Return an error without the paths in it, so that the same cause is counted once."""
    return re.sub(r"(/[\w.+=@-]+)+/", "…/", error)[:200]


def _counted(causes: Sequence[str]) -> list[str]:
    return [f"{number:>4} × {name}" for name, number in Counter(causes).most_common()]
