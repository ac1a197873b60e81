"""Hand-written Z→μμ processor."""

import awkward as ak
import numpy as np
from coffea_base import Processor, double_precision


class Zmumu(Processor):
    """Processor of dimuon spectra."""

    triggers = ("IsoMu24",)
    skimmed = ("Muon", 2, 20.0)

    def select(self, events):
        """Return samples, categories, weights and values of the selected events."""
        cuts = self.parameters["dimuon"]
        muons = self.muons(events)
        two = ak.num(muons) >= 2
        events, muons = events[two], muons[two]
        pair = double_precision(muons[:, 0]) + double_precision(muons[:, 1])
        selected = (
            (pair.charge == 0)
            & (muons.pt[:, 0] > cuts["leading_pt"])
            & (pair.mass > cuts["mass_low"])
            & (pair.mass < cuts["mass_high"])
        )
        events, muons, pair = events[selected], muons[selected], pair[selected]
        everything = np.ones(len(events), dtype=bool)
        values = {
            "mll": pair.mass,
            "ptll": pair.pt,
            "MuonGood_pt": muons.pt,
            "MuonGood_eta": muons.eta,
            "MuonGood_pt_1": muons.pt[:, 0],
            "MuonGood_eta_1": muons.eta[:, 0],
            "MuonGood_pt_2": muons.pt[:, 1],
            "MuonGood_eta_2": muons.eta[:, 1],
            "nJetGood": ak.num(self.jets(events, muons)),
            "npvs": events.PV.npvsGood,
        }
        return {"DYJetsToMuMu": everything}, {"baseline": everything}, self.weights(events), values
