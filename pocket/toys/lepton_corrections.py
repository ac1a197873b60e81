"""Scale factors of the toys' leptons, in the file layouts of the muon and the electron group.

If data and simulation differ (muon ID and trigger), they are the truth; otherwise they are 1. The uncertainties are
invented, a few per mille that grow with |eta| and away from 40 GeV.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from correctionlib import schemav2

from pocket.base.typing import Floats
from pocket.toys.config import ElectronIdTruth, Truth
from pocket.toys.correction_nodes import binning, category, centres, correction
from pocket.toys.truth import electron_id_efficiency, muon_id_efficiency, trigger_efficiency

#: function of eta and pt (GeV) that returns the scale factors of leptons
ScaleFactor = Callable[[Floats, Floats], Floats]

MUON_ID = "NUM_TightID_DEN_TrackerMuons"
MUON_ISO = "NUM_TightRelIso_DEN_TightIDandIPCut"
MUON_TRIGGER = "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight"
ELECTRON = "UL-Electron-ID-SF"
#: name of the year in the electrons' correction
ERA = "toys"

_ABSETA = (0.0, 0.9, 1.2, 2.1, 2.4)
_PT = (15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, np.inf)
#: edges of pt in GeV, with fine bins in the turn-on of the trigger
_TRIGGER_PT = (26.0, 26.5, 27.0, 27.5, 28.0, 28.5, 29.0, 30.0, 32.0, 35.0, 40.0, 50.0, 60.0, np.inf)
_ETA = (-2.5, -2.0, -1.566, -1.444, -0.8, 0.0, 0.8, 1.444, 1.566, 2.0, 2.5)
_ELECTRON_PT = (10.0, 20.0, 35.0, 50.0, 100.0, np.inf)
#: working point of electrons → range of pt, factor on the uncertainty
_ELECTRONS = {
    "RecoBelow20": ((10.0, 20.0), 2.0),
    "RecoAbove20": ((20.0, 45.0, 75.0, np.inf), 0.5),
    "wp80iso": (_ELECTRON_PT, 1.5),
    "wp90iso": (_ELECTRON_PT, 1.0),
}


def muon_corrections(truth: Truth) -> list[schemav2.Correction]:
    """Return ID, isolation and trigger of muons, with inputs abseta, pt, scale_factors (nominal, systup, systdown)."""

    def identification(eta: Floats, pt: Floats) -> Floats:
        return muon_id_efficiency(pt, eta, truth, True) / muon_id_efficiency(pt, eta, truth, False)

    def trigger(eta: Floats, pt: Floats) -> Floats:
        return trigger_efficiency(pt, eta, truth, True) / trigger_efficiency(pt, eta, truth, False)

    shifts = {"nominal": 0, "systup": 1, "systdown": -1}
    inputs = [
        schemav2.Variable(name="abseta", type="real", description="|eta| of the muon"),
        schemav2.Variable(name="pt", type="real", description="pt of the muon in GeV"),
        schemav2.Variable(name="scale_factors", type="string", description=", ".join(shifts)),
    ]
    contents = ((MUON_ID, _PT, identification), (MUON_ISO, _PT, _same), (MUON_TRIGGER, _TRIGGER_PT, trigger))
    corrections = []
    for name, pt, factor in contents:
        kinds = {kind: _binning("abseta", _ABSETA, pt, factor, shift) for kind, shift in shifts.items()}
        corrections.append(correction(name, "Data over simulation.", inputs, category("scale_factors", kinds)))
    return corrections


def electron_corrections(truth: ElectronIdTruth | None = None) -> list[schemav2.Correction]:
    """Return reconstruction and ID of electrons as one correction; without ``truth``, data and simulation don't differ.

    Its inputs are year, ValType (sf, sfup, sfdown), WorkingPoint, eta (of the supercluster) and pt.
    """

    def identification(eta: Floats, pt: Floats) -> Floats:
        if truth is None:
            return _same(eta, pt)
        return electron_id_efficiency(pt, eta, truth, True) / electron_id_efficiency(pt, eta, truth, False)

    shifts = {"sf": 0, "sfup": 1, "sfdown": -1}
    kinds = {}
    for kind, shift in shifts.items():
        binnings = {
            name: _binning("eta", _ETA, pt, _same if name.startswith("Reco") else identification, shift * size)
            for name, (pt, size) in _ELECTRONS.items()
        }
        kinds[kind] = category("WorkingPoint", binnings)
    inputs = [
        schemav2.Variable(name="year", type="string", description=ERA),
        schemav2.Variable(name="ValType", type="string", description=", ".join(shifts)),
        schemav2.Variable(name="WorkingPoint", type="string", description=", ".join(_ELECTRONS)),
        schemav2.Variable(name="eta", type="real", description="eta of the supercluster"),
        schemav2.Variable(name="pt", type="real", description="pt of the electron in GeV"),
    ]
    data = category("year", {ERA: category("ValType", kinds)})
    return [correction(ELECTRON, "Data over simulation.", inputs, data)]


def _same(eta: Floats, pt: Floats) -> Floats:
    return np.ones_like(eta)


def _uncertainty(eta: Floats, pt: Floats) -> Floats:
    return np.asarray(0.002 * (1 + np.abs(eta) / 2.5 + np.abs(np.log(pt / 40.0)) / 1.5))


def _binning(
    variable: str, eta: Sequence[float], pt: Sequence[float], factor: ScaleFactor, shift: float
) -> schemav2.MultiBinning:
    """Return the scale factors at the bins' centres, shifted by a number of uncertainties."""
    grid = np.meshgrid(centres(eta), centres(pt), indexing="ij")
    return binning({variable: eta, "pt": pt}, factor(*grid) + shift * _uncertainty(*grid))
