"""Base class of calibrators that compute something once per chunk for all of their variations."""

from __future__ import annotations

from typing import Any

from pocket.calibrators.base import NOMINAL, Calibrator


class ChunkCalibrator(Calibrator):
    """Calibrator that computes something once per chunk, for the nominal calibration and its own variations."""

    _computed: Any = None

    def initialize(self, events: Any) -> None:
        """Forget what was computed for the previous chunk."""
        self._computed = None

    def compute(self, events: Any) -> Any:
        """Return what is the same in all of its variations."""
        raise NotImplementedError(f"calibrator {self.name!r} has no compute()")

    def computed(self, events: Any, variation: str) -> Any:
        """Return what :meth:`compute` returns, again only if an earlier calibrator varies the objects."""
        if variation != NOMINAL and variation not in self.variations:
            return self.compute(events)
        if self._computed is None:
            self._computed = self.compute(events)
        return self._computed
