"""The plan of shape variations: calibrators, and those whose variations samples store in categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pocket.calibrators.base import Calibrator


@dataclass(frozen=True)
class ShapePlan:
    """Calibrators whose shape variations are stored.

    Args:
        calibrators: all calibrators of the configuration, in the order of their application.
        samples: sample, or ``{sample}__{subsample}`` → category → names of the varied calibrators.
    """

    calibrators: tuple[type[Calibrator], ...]
    samples: Mapping[str, Mapping[str, tuple[str, ...]]]

    def requested(self, samples: Sequence[str]) -> tuple[str, ...]:
        """Return the calibrators that are varied in any of some samples, in the order of their application."""
        asked = {name for sample in samples for names in self.samples[sample].values() for name in names}
        return tuple(calibrator.name for calibrator in self.calibrators if calibrator.name in asked)


def shape_variations(
    plan: ShapePlan, sample: str, available: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the shape variations of a sample or subsample in each category.

    Args:
        available: calibrator → names of its variations.

    Returns:
        Category → names of its shape variations, in the order of the calibrators.
    """
    return {
        category: tuple(variation for name in names for variation in available.get(name, ()))
        for category, names in plan.samples[sample].items()
    }
