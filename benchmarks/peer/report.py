"""Report of a comparison, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.peer.comparison import Quantity, quantities
from benchmarks.peer.known_differences import explanation
from benchmarks.peer.running import Side

#: number of unexplained differences that a report lists one by one
LISTED = 10


@dataclass
class Agreement:
    """Agreement of the numbers of one flow.

    Args:
        compared: kind of quantity → number of compared arrays.
        largest: kind → largest relative difference of the equal arrays.
        explained: name of a known difference → number of arrays that it explains.
        unexplained: descriptions of the other differences.
    """

    compared: dict[str, int] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)
    explained: dict[str, int] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Speed:
    """Speed of one side.

    Args:
        start_up: seconds until the configuration was loaded, including imports.
        warm_up: seconds for the first events of each dataset, including compilation.
        rate: events per second of CPU time, including reading, in the fastest pass.
        wall_rate: events per second of wall time in the fastest pass.
    """

    start_up: float
    warm_up: float
    rate: float
    wall_rate: float


def agreement(ours: Side, theirs: Side, explain: Callable[[Quantity, Side], str | None] = explanation) -> Agreement:
    """Return the comparison of two outputs, with equal, explained and unexplained numbers.

    Args:
        ours: our output.
        theirs: PocketCoffea's.
        explain: returns the name of a known difference that explains a quantity, given PocketCoffea's output.
    """
    result = Agreement()
    for quantity in quantities(ours, theirs):
        kind, difference = quantity.kind, quantity.difference
        result.compared[kind] = result.compared.get(kind, 0) + 1
        if quantity.equal:
            result.largest[kind] = max(result.largest.get(kind, 0.0), difference)
        elif (name := explain(quantity, theirs)) is not None:
            result.explained[name] = result.explained.get(name, 0) + 1
        else:
            result.unexplained.append(f"{kind} of {' / '.join(quantity.place)}: relative difference {difference:.3g}")
    return result


def speed(timing: Mapping[str, Any], events: int) -> Speed:
    """Return the speed from the timing of a side.

    Args:
        timing: see :class:`benchmarks.peer.running.Side`.
        events: number of events in a pass.
    """
    fastest = {clock: min(single[clock] for single in timing["passes"]) for clock in ("cpu", "wall")}
    return Speed(timing["start_up"], timing["warm_up"], events / fastest["cpu"], events / fastest["wall"])


@dataclass(frozen=True)
class FlowReport:
    """All results of one flow."""

    flow: str
    events: int
    agreement: Agreement
    ours: Speed
    theirs: Speed

    @property
    def ratio(self) -> float:
        """Our events per second and core over PocketCoffea's."""
        return self.ours.rate / self.theirs.rate

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "ratio": self.ratio}


def text(reports: Sequence[FlowReport]) -> str:
    """Return the tables of numbers and of speed, and the differences."""
    lines = [f"{'flow':<14}{'arrays':>8}{'equal':>8}{'explained':>11}{'unexplained':>13}{'largest equal':>16}"]
    for report in reports:
        found = report.agreement
        total, explained, unexplained = (
            sum(found.compared.values()),
            sum(found.explained.values()),
            len(found.unexplained),
        )
        largest = max(found.largest.values(), default=0.0)
        equal = total - explained - unexplained
        lines.append(f"{report.flow:<14}{total:>8}{equal:>8}{explained:>11}{unexplained:>13}{largest:>16.1e}")
    lines += [
        "",
        f"{'flow':<14}{'events':>9}{'ours':>12}{'theirs':>12}{'ratio':>8}   events/s/core; start-up + warm-up",
    ]
    for report in reports:
        ours, theirs = report.ours, report.theirs
        lines.append(
            f"{report.flow:<14}{report.events:>9}{ours.rate:>12.0f}{theirs.rate:>12.0f}{report.ratio:>8.2f}   "
            f"{ours.start_up:.1f} + {ours.warm_up:.1f} s, theirs {theirs.start_up:.1f} + {theirs.warm_up:.1f} s"
        )
    for report in reports:
        for name, number in report.agreement.explained.items():
            lines.append(f"{report.flow}: {number} arrays differ, explained: {name}")
        for line in report.agreement.unexplained[:LISTED]:
            lines.append(f"{report.flow}: UNEXPLAINED {line}")
        if len(report.agreement.unexplained) > LISTED:
            lines.append(f"{report.flow}: and {len(report.agreement.unexplained) - LISTED} more")
    return "\n".join(lines)
