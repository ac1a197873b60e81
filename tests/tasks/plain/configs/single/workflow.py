"""The workflow of the selection of single muons, with the name of another file's."""

import awkward as ak
from pocket_coffea.workflows.base import BaseProcessorABC


class SingleMuonProcessor(BaseProcessorABC):
    """Takes the muons as they are."""

    def apply_object_preselection(self, variation):
        """Select nothing."""
        self.events["MuonGood"] = self.events.Muon

    def count_objects(self, variation):
        """Count the muons."""
        from helpers import count

        self.events["nMuonGood"] = count(ak, self.events.MuonGood)
