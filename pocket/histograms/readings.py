"""Parts of templates that a step of the chain reads, and thus depends on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pocket.histograms.one_sided import NOMINAL, stem_of


@dataclass(frozen=True)
class Reading:
    """Part of one histogram that is read: categories, samples or subsamples, and variations besides nominal.

    Variations are without ``Up`` and ``Down``; the name of a weight means all of its variations.
    """

    config: str
    variable: str
    categories: tuple[str, ...]
    samples: tuple[str, ...]
    variations: tuple[str, ...] = ()

    def reads_variation(self, name: str) -> bool:
        """Tell whether a variation in the templates, e.g. ``"pileupUp"``, is read."""
        if name == NOMINAL:
            return True
        stem = stem_of(name)
        return any(f"{stem}_".startswith(f"{read}_") for read in self.variations)

    def reads_weight(self, name: str) -> bool:
        """Tell whether variations of a weight may be read."""
        return any(f"{read}_".startswith(f"{name}_") or f"{name}_".startswith(f"{read}_") for read in self.variations)

    def __or__(self, other: Reading) -> Reading:
        """Return the union of two readings of the same histogram."""
        assert (self.config, self.variable) == (other.config, other.variable)
        return Reading(
            self.config,
            self.variable,
            _either(self.categories, other.categories),
            _either(self.samples, other.samples),
            _either(self.variations, other.variations),
        )


def joined(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return the readings, merged to one per histogram."""
    by_histogram: dict[tuple[str, str], Reading] = {}
    for reading in readings:
        key = reading.config, reading.variable
        by_histogram[key] = by_histogram[key] | reading if key in by_histogram else reading
    return tuple(by_histogram.values())


def of_config(readings: Iterable[Reading], config: str) -> tuple[Reading, ...]:
    """Return the readings of one configuration."""
    return tuple(reading for reading in readings if reading.config == config)


def _either(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*one, *other]))
