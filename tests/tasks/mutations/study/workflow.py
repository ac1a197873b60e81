"""Objects of the study."""

from __future__ import annotations

import awkward as ak

from pocket.plan.workflow import BaseProcessorABC

#: GeV
SOFTEST = 10.0


class StudyProcessor(BaseProcessorABC):
    """Selects loosely identified muons."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select them."""
        muons = self.events.Muon
        self.events["MuonGood"] = muons[muons.looseId & (muons.pt > SOFTEST)]

    def count_objects(self, variation: str) -> None:
        """Count them."""
        self.events["nMuonGood"] = ak.num(self.events.MuonGood)
