"""Calibration of the muons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocket.calibrators.base import Calibrator


class Scale(Calibrator):
    """Scales the momenta of muons in simulation."""

    name = "scale"
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Muon.pt",)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the scaled momenta."""
        return {"Muon.pt": events.Muon.pt * 1.01}
