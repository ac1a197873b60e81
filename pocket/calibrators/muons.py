"""Momentum scale of muons, and its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocket.base.arrays.fields import branch, collection
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.parameters.access import parameter


class MuonScaleCalibrator(Calibrator):
    """Calibrator that varies the muon momentum by a relative uncertainty; the nominal momentum is that of the file.

    The uncertainty is ``muon_scale.<year>.uncertainty`` of the parameters. The missing momentum isn't changed.
    """

    name = "muon_scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Muon.pt",)
    inputs = ()
    _variations = tuple(f"muon_scale{side}" for side in DIRECTIONS)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the muon pt times 1 + uncertainty or 1 - uncertainty, nothing for any other variation."""
        if variation not in self.variations:
            return {}
        pt = branch(collection(events, "Muon"), "pt", "Muon")
        uncertainty = float(parameter(self.params, "muon_scale", self.year, "uncertainty"))
        return {"Muon.pt": pt * (1 + uncertainty if variation == "muon_scaleUp" else 1 - uncertainty)}
