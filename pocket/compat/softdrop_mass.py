"""PocketCoffea's calibrator of the soft-drop mass of large jets."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import collection
from pocket.base.typing import Floats
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import JetCorrections
from pocket.objects.nanoaod import rho
from pocket.parameters.access import parameter

#: Type of the jets that have such a mass, and of their subjets in Run 2 and in Run 3.
_JETS, _SUBJETS = "AK8PFPuppi", {2: "AK4PFchs", 3: "AK4PFPuppi"}
#: Area of a subjet, which only the correction of pileup would use.
_AREA = 0.5


class JetsSoftdropMassCalibrator(Calibrator):
    """Calibrator that makes the soft-drop mass that of the subjets, with their energy corrected as that of AK4 jets.

    It does so for the jets of ``jets_calibration.collection.{year}.AK8PFPuppi`` where ``apply_jec_msoftdrop_MC``, or
    ``_Data``, is true. Jets without subjets keep their mass. In PocketCoffea, it also undoes earlier calibrations of
    these jets.

    Args:
        params: parameters of the analysis.
        metadata: metadata of the dataset.
        do_variations: accepted; there are no variations yet.
        **kwargs: what PocketCoffea passes, too; not used.
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
        """Return (file, name) of the corrections of the energy of subjets."""
        return [(self._energy.path, name) for name in self._energy.names()] if self._jets else ()

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the jets with their new mass."""
        if not self._jets:
            return {}
        jets = collection(events, self._jets)
        subjets = jets.subjets
        subjets = subjets[~ak.is_none(subjets, axis=2)]
        mass = self._mass_of_sum(events, subjets)
        is_corrected = (ak.num(subjets, axis=2) > 0) & (jets.msoftdrop > 0) & (mass > 0)
        corrected = ak.where(is_corrected, mass, jets.msoftdrop)
        calibrated = copy.copy(jets)
        calibrated["msoftdrop"] = ak.values_astype(corrected, np.float32)
        return {self._jets: calibrated}

    def _mass_of_sum(self, events: Any, subjets: Any) -> ak.Array:
        """Return the mass of the sum of the corrected subjets of each jet, 0 without subjets."""
        per_event, per_jet = ak.num(subjets, axis=1), ak.num(subjets, axis=2)
        pt, eta, phi, mass, factor = (
            np.asarray(ak.flatten(subjets[name], axis=None), dtype=np.float64)
            for name in ("pt", "eta", "phi", "mass", "rawFactor")
        )
        of_event = np.asarray(ak.sum(per_jet, axis=1))
        inputs = {
            "JetEta": eta,
            "JetPhi": phi,
            "JetA": np.full_like(pt, _AREA),
            "Rho": np.repeat(np.asarray(rho(events), dtype=np.float64), of_event),
            "run": np.repeat(np.asarray(events["run"], dtype=np.float64), of_event),
        }
        raw = 1 - factor
        scale = raw * self._energy.scale_factor(inputs, pt * raw)
        pt, mass = pt * scale, mass * scale
        components = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
        energy = np.sqrt(sum(one**2 for one in components) + mass**2)

        def total(values: Floats) -> ak.Array:
            of_jets = ak.unflatten(values, ak.flatten(per_jet))
            return ak.unflatten(ak.sum(of_jets, axis=1), per_event)

        squared = total(energy) ** 2 - sum(total(one) ** 2 for one in components)
        return np.sqrt(ak.where(squared > 0, squared, 0.0))
