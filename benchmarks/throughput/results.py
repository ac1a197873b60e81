"""Medians, spreads and ratios of alternating passes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.throughput.running import Pass


@dataclass(frozen=True)
class Measured:
    """A number measured several times.

    Args:
        median: the median.
        low: the smallest value.
        high: the largest value.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:
        """Return median and range of values."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class EngineResult:
    """Results of one engine.

    Args:
        rate: events per second of CPU time.
        wall_rate: events per second of wall time.
        speedup: our rate over the rate of this engine, round by round.
        peak: peak memory in MB.
    """

    rate: Measured
    wall_rate: Measured
    speedup: Measured
    peak: float

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> EngineResult:
        """Return the result from the data of :meth:`as_json`."""
        measured = {name: Measured(**content[name]) for name in ("rate", "wall_rate", "speedup")}
        return cls(**measured, peak=content["peak"])


def engine_results(passes: Mapping[str, Sequence[Pass]], events: int, reference: str) -> dict[str, EngineResult]:
    """Return the results of passes.

    Ratios are taken round by round, since a temporary disturbance of the machine affects a whole round.

    Args:
        passes: engine → its passes, the same number for all.
        events: number of events of a pass.
        reference: the engine whose rate is divided by the others.
    """
    return {
        name: EngineResult(
            Measured.of([events / one.cpu for one in own]),
            Measured.of([events / one.wall for one in own]),
            Measured.of([one.cpu / base.cpu for one, base in zip(own, passes[reference], strict=True)]),
            max(one.peak for one in own),
        )
        for name, own in passes.items()
    }


def command_times(passes: Mapping[str, Sequence[Pass]], name: str, reference: str) -> dict[str, Any]:
    """Return seconds of CPU and wall time of a command, and both over those of another one, round by round.

    Args:
        passes: command → its passes, the same number for all.
        name: the command.
        reference: the command whose times the others are divided by.
    """
    own, base = passes[name], passes[reference]
    return {
        **{time: vars(Measured.of([getattr(one, time) for one in own])) for time in ("cpu", "wall")},
        **{
            f"{time}_ratio": vars(
                Measured.of([getattr(one, time) / getattr(other, time) for one, other in zip(own, base, strict=True)])
            )
            for time in ("cpu", "wall")
        },
        "peak": max(one.peak for one in own),
    }
