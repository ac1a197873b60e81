"""Medians, spreads and ratios of passes in alternation."""

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
        low: the smallest.
        high: the largest.
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
    """What was measured of one engine.

    Args:
        rate: events per second of processor time.
        wall_rate: events per second of wall time.
        speedup: our rate over that of this engine, round by round.
        peak: largest memory in MB.
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
        """Return what :meth:`as_json` gave."""
        measured = {name: Measured(**content[name]) for name in ("rate", "wall_rate", "speedup")}
        return cls(**measured, peak=content["peak"])


def engine_results(passes: Mapping[str, Sequence[Pass]], events: int, reference: str) -> dict[str, EngineResult]:
    """Summarise passes.

    Ratios are taken round by round, since what disturbs a machine for a while disturbs a whole round.

    Args:
        passes: engine → its passes, the same number for all.
        events: number of events of a pass.
        reference: the engine whose rate is divided by that of each.
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
