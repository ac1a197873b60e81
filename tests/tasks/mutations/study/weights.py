"""Weights of the study."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocket.corrections.files import load_correction
from pocket.weights.base import WeightWrapper


class Generator(WeightWrapper):
    """Depends on the metadata of the dataset."""

    name = "generator"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return another weight for each generator."""
        return np.full(size, 1.0 + len(self.metadata["generator"]) / 10)


class Slope(WeightWrapper):
    """Looks up a correction in a file that parameters name, and adds a slope."""

    name = "slope"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight of each event."""
        vertices = np.asarray(events.PV.npvsGood, dtype=np.float64)
        correction = load_correction(self.params.slope.file, "vertices")
        return correction.evaluate(vertices, "nominal") + self.params.slope.size * vertices


class Unused(WeightWrapper):
    """No configuration names it."""

    name = "unused"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return one."""
        return np.ones(size)
