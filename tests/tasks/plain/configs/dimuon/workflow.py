"""The workflow of the dimuon selection."""

import awkward as ak
from pocket_coffea.lib.objects import get_dilepton, lepton_selection
from pocket_coffea.workflows.base import BaseProcessorABC


class DimuonProcessor(BaseProcessorABC):
    """Selects muons, and their pair."""

    def apply_object_preselection(self, variation):
        """Select the muons."""
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        self.events["ll"] = get_dilepton(None, self.events.MuonGood)

    def count_objects(self, variation):
        """Count them."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)
