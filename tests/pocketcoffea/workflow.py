"""A workflow as PocketCoffea's templates have it."""

import awkward as ak
from pocket_coffea.lib.deltaR_matching import object_matching  # noqa: F401  as many workflows import more than they use
from pocket_coffea.lib.objects import btagging, jet_selection, lepton_selection
from pocket_coffea.utils.configurator import Configurator
from pocket_coffea.workflows.base import BaseProcessorABC


class BasicProcessor(BaseProcessorABC):
    """Selects leptons, jets and b-tagged jets."""

    def __init__(self, cfg: Configurator):
        super().__init__(cfg)
        self.seen = {}

    def load_metadata_extra(self):
        """Check what a workflow may know of the dataset."""
        assert self._metadata["nano_version"] == self.nano_version
        assert not self._isSkim

    def apply_object_preselection(self, variation):
        """Select the objects."""
        self.events["Electron"] = ak.with_field(
            self.events.Electron, self.events.Electron.eta + self.events.Electron.deltaEtaSC, "etaSC"
        )
        self.events["ElectronGood"] = lepton_selection(self.events, "Electron", self.params)
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        leptons = ak.with_name(
            ak.concatenate((self.events.MuonGood, self.events.ElectronGood), axis=1), name="PtEtaPhiMCandidate"
        )
        self.events["LeptonGood"] = leptons[ak.argsort(leptons.pt, ascending=False)]
        self.events["JetGood"], self.jetGoodMask = jet_selection(
            self.events, "Jet", self.params, self._year, leptons_collection="LeptonGood"
        )
        self.events["BJetGood"] = btagging(
            self.events["JetGood"],
            self.params.btagging.working_point[self._year],
            wp=self.params.object_preselection.Jet["btag"]["wp"],
        )

    def count_objects(self, variation):
        """Count them."""
        self.events["nElectronGood"] = ak.num(self.events.ElectronGood)
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)
        self.events["nJetGood"] = ak.num(self.events.JetGood)
        self.events["nBJetGood"] = ak.num(self.events.BJetGood)
