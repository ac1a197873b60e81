"""PocketCoffea's calibrator of the soft-drop mass of large jets."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import collection
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import JetCorrections
from pocket.calibrators.softdrop_mass import mass_of_subjets
from pocket.parameters.access import parameter

#: Type of the jets that have such a mass, and of their subjets in Run 2 and in Run 3.
_JETS, _SUBJETS = "AK8PFPuppi", {2: "AK4PFchs", 3: "AK4PFPuppi"}


class JetsSoftdropMassCalibrator(Calibrator):
    """Calibrator that makes the soft-drop mass that of the subjets, with their energy corrected as that of AK4 jets.

    It does so for the jets of ``jets_calibration.collection.{year}.AK8PFPuppi`` where ``apply_jec_msoftdrop_MC``, or
    ``_Data``, is true. Jets without subjets keep their mass. In PocketCoffea, it also undoes earlier calibrations of
    these jets. There are no variations yet.
    """

    name = "msoftdrop_calibration"
    has_variations = True
    _variations = ()

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)
        section = ("jets_calibration",)
        applied = parameter(params, *section, "apply_jec_msoftdrop_MC" if self.isMC else "apply_jec_msoftdrop_Data")
        jets = parameter(params, *section, "collection", self.year).get(_JETS)
        self._jets = str(jets) if jets and applied.get(self.year, {}).get(_JETS, False) else ""
        self.calibrated_collections = (self._jets,) if self._jets else ()
        self.inputs = (self._jets, "SubJet") if self._jets else ()
        if self._jets:
            subjets = _SUBJETS[2 if self.year[:4] in ("2016", "2017", "2018") else 3]
            # PocketCoffea doesn't smear subjets.
            self._energy = replace(JetCorrections.from_params(params, subjets, metadata), resolution=None)

    def corrections(self) -> Sequence[tuple[str, str]]:
        return self._energy.corrections() if self._jets else ()

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the jets with their new mass."""
        if not self._jets:
            return {}
        calibrated = copy.copy(collection(events, self._jets))
        mass = mass_of_subjets(events, calibrated, self._energy)
        calibrated["msoftdrop"] = ak.values_astype(mass, np.float32)
        return {self._jets: calibrated}
