"""Momentum scale of muons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocket.base.arrays.fields import branch, collection
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.parameters.access import parameter


class MuonScaleCalibrator(Calibrator):
    """Varies the momentum scale of muons by one relative uncertainty; the nominal scale is that of the file.

    The uncertainty is ``muon_scale.<year>.uncertainty`` of the parameters. The missing momentum is left alone.
    """

    name = "muon_scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Muon.pt",)
    inputs = ()
    _variations = tuple(f"muon_scale{side}" for side in DIRECTIONS)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return pt of the muons times 1 + uncertainty or 1 - uncertainty, nothing without a shift."""
        if variation not in self.variations:
            return {}
        pt = branch(collection(events, "Muon"), "pt", "Muon")
        uncertainty = float(parameter(self.params, "muon_scale", self.year, "uncertainty"))
        return {"Muon.pt": pt * (1 + uncertainty if variation == "muon_scaleUp" else 1 - uncertainty)}
