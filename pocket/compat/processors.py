"""The workflows that PocketCoffea ships, over its base class here."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.compat.workflow import BaseProcessorABC
from pocket.histograms.config import Axis
from pocket.objects.btag import btagging
from pocket.objects.jets import jet_selection
from pocket.objects.leptons import lepton_selection


class ttHbbBaseProcessor(BaseProcessorABC):
    """Workflow of the ttH(bb) analysis: good leptons, jets and b-tagged jets, their numbers, and HT."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select electrons, muons, jets away from them, and b-tagged jets."""
        electrons = self.events.Electron
        self.events["Electron"] = ak.with_field(electrons, electrons.eta + electrons.deltaEtaSC, "etaSC")
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        self.events["ElectronGood"] = lepton_selection(self.events, "Electron", self.params)
        leptons = ak.with_name(
            ak.concatenate((self.events.MuonGood, self.events.ElectronGood), axis=1), "PtEtaPhiMCandidate"
        )
        self.events["LeptonGood"] = leptons[ak.argsort(leptons.pt, ascending=False)]
        self.events["JetGood"], self.jetGoodMask = jet_selection(
            self.events, "Jet", self.params, self._year, leptons_collection="LeptonGood"
        )
        working_points = self.params.btagging.working_point[self._year]
        self.events["BJetGood"] = btagging(
            self.events.JetGood, working_points, wp=self.params.object_preselection.Jet.btag.wp
        )

    def count_objects(self, variation: str) -> None:
        """Count the selected objects."""
        for name in ("MuonGood", "ElectronGood", "JetGood", "BJetGood"):
            self.events[f"n{name}"] = ak.num(self.events[name])
        self.events["nLeptonGood"] = self.events.nMuonGood + self.events.nElectronGood

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Define HT, and in simulation the numbers of jets by flavour."""
        jets = self.events.JetGood
        self.events["JetGood_Ht"] = ak.sum(abs(jets.pt), axis=1)
        if self._isMC:
            self.events["nJetGoodCFlavour"] = ak.sum(jets.hadronFlavour == 4, axis=1)
            self.events["nJetGoodBFlavour"] = ak.sum(jets.hadronFlavour == 5, axis=1)


class genWeightsProcessor(BaseProcessorABC):
    """Workflow that selects nothing: the sums of generator weights are in every output."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""

    def count_objects(self, variation: str) -> None:
        """Count nothing."""


class semileptonicTriggerProcessor(ttHbbBaseProcessor):
    """Workflow of the trigger efficiencies, whose histograms of data have an axis of eras."""

    def define_custom_axes_extra(self) -> None:
        """Add the axis of ``workflow_options["eras"]``."""
        if not self._isMC:
            eras: list[Any] = sorted(set(self.workflow_options["eras"]))
            self.custom_axes += [Axis(coll="metadata", field="era", name="era", bins=eras, type="strcat", label="Era")]
