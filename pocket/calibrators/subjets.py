"""Mass of large jets from their subjets, with the energy of these corrected as that of small jets.

JetMET gives no corrections of subjets; those of AK4 jets are the usual approximation, see
https://twiki.cern.ch/twiki/bin/view/CMS/JetWtagging.
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.calibrators.jet_corrections import JetCorrections
from pocket.objects.nanoaod import rho

#: Area of a subjet, which only the correction of pileup would use.
_AREA = 0.5


def mass_of_subjets(events: Any, jets: ak.Array, energy: JetCorrections) -> ak.Array:
    """Return the mass of the sum of the corrected subjets of each jet.

    Returns:
        Masses in GeV, shape (n events, n jets); the mass of the file for jets without subjets or without a mass.
    """
    subjets = jets.subjets
    subjets = subjets[~ak.is_none(subjets, axis=2)]
    mass = _mass_of_sum(events, subjets, energy)
    is_corrected = (ak.num(subjets, axis=2) > 0) & (jets.msoftdrop > 0) & (mass > 0)
    return ak.where(is_corrected, mass, jets.msoftdrop)


def _mass_of_sum(events: Any, subjets: Any, energy: JetCorrections) -> ak.Array:
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
    scale = raw * energy.scale_factor(inputs, pt * raw)
    pt, mass = pt * scale, mass * scale
    components = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    total_energy = np.sqrt(sum(one**2 for one in components) + mass**2)

    def total(values: Floats) -> ak.Array:
        of_jets = ak.unflatten(values, ak.flatten(per_jet))
        return ak.unflatten(ak.sum(of_jets, axis=1), per_event)

    squared = total(total_energy) ** 2 - sum(total(one) ** 2 for one in components)
    return np.sqrt(ak.where(squared > 0, squared, 0.0))
