"""The plan of shape variations: calibrators, and those whose variations samples store in categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pocket.calibrators.base import Calibrator


@dataclass(frozen=True)
class ShapePlan:
    """All calibrators in the order of their application, and sample → category → names of the varied ones."""

    calibrators: tuple[type[Calibrator], ...]
    samples: Mapping[str, Mapping[str, tuple[str, ...]]]

    def requested(self, samples: Sequence[str]) -> tuple[str, ...]:
        """Return the calibrators that are varied in any of some samples, in the order of their application."""
        asked = {name for sample in samples for names in self.samples[sample].values() for name in names}
        return tuple(calibrator.name for calibrator in self.calibrators if calibrator.name in asked)


def shape_variations(
    plan: ShapePlan, sample: str, available: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return category → shape variations of a sample, in the order of the calibrators, which have those available."""
    return {
        category: tuple(variation for name in names for variation in available.get(name, ()))
        for category, names in plan.samples[sample].items()
    }
