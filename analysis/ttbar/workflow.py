"""Workflow of the tt̄ lepton+jets analysis."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.objects.btag import btagging
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection
from pocket.objects.matching import delta_r_table
from pocket.objects.nanoaod import met
from pocket.workflows import BaseProcessorABC

TTBAR = "TTToSemiLeptonic"
CHARM, BOTTOM, TOP, W = 4, 5, 6, 24
LEPTON_FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdgId")


class TopPairProcessor(BaseProcessorABC):
    """One lepton of either flavour, jets away from it, and the b-tagged ones of them."""

    def process_extra_after_skim(self) -> None:
        """Classify tt̄ by the flavour of the jets beside it."""
        if self._sample == TTBAR:
            cuts = self.params.additional_jets
            self.events["additional_flavour"] = additional_flavour(self.events.GenJet, self.events.GenPart, cuts)

    def apply_object_preselection(self, variation: str) -> None:
        """Select leptons, jets and b-tagged jets, and the missing transverse momentum."""
        muons = lepton_selection(self.events, "Muon", self.params)
        electrons = lepton_selection(self.events, "Electron", self.params)
        leptons = ak.concatenate([_kinematics(muons), _kinematics(electrons)], axis=1)
        self.events["MuonGood"], self.events["ElectronGood"] = muons, electrons
        self.events["LeptonGood"] = leptons[ak.argsort(leptons.pt, axis=1, ascending=False, stable=True)]
        jets, _ = jet_selection(self.events, "Jet", self.params, self._year, "LeptonGood")
        self.events["JetGood"] = jets
        self.events["BJetGood"] = btagging(jets, self.params.btagging.working_point[self._year], "M")
        self.events["MET"] = met(self.events)

    def count_objects(self, variation: str) -> None:
        """Count what was selected."""
        for name in ("MuonGood", "ElectronGood", "LeptonGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])


def additional_flavour(gen_jets: ak.Array, particles: ak.Array, cuts: Any) -> ak.Array:
    """Find the heaviest flavour of the generated jets that do not come from the decays of the tops.

    Args:
        gen_jets: NanoAOD's GenJet.
        particles: NanoAOD's GenPart.
        cuts: acceptance of the jets (``pt`` in GeV, ``eta``), and the distance to a quark of a top or W decay up to
            which a jet is taken for that quark's (``match_dr``).

    Returns:
        One per event: 5 if there is an additional b jet, else 4 if there is an additional c jet, else 0.
    """
    heavy = gen_jets[(gen_jets.hadronFlavour >= CHARM) & (gen_jets.pt > cuts.pt) & (abs(gen_jets.eta) < cuts.eta)]
    mother = particles.genPartIdxMother
    decayed = abs(particles.pdgId[ak.mask(mother, mother >= 0)])
    code = abs(particles.pdgId)
    from_decay = ((code == CHARM) | (code == BOTTOM)) & ((decayed == TOP) | (decayed == W))
    quarks = particles[ak.fill_none(from_decay, False)]
    additional = ak.all(delta_r_table(heavy, quarks) > cuts.match_dr, axis=2)
    return ak.fill_none(ak.max(heavy.hadronFlavour[additional], axis=1), 0)


def _kinematics(leptons: ak.Array) -> ak.Array:
    fields = {field: leptons[field] for field in LEPTON_FIELDS}
    return ak.zip(fields, with_name="PtEtaPhiMCandidate", behavior=leptons.behavior)
